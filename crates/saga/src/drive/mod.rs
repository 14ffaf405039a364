//! Drives one claimed saga to its next pause or its end: write the intent, call the step, write the outcome.

mod back;
mod forward;

use crate::alarm::Alarm;
use crate::flight::{Flight, LAST_LOOK, NewEvent, Transition, TurnBack};
use crate::journal::{Journal, Refused};
use crate::lease::Lease;
use crate::record::Status;
use crate::sagas::Ends;
use crate::{Clock, Failure, Halt, Outcome, Policy, Registry, Run, Wait};
use arcadia_sql::Db;
use futures_util::FutureExt as _;
use serde_json::{Map, json};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

/// A saga whose process died this often at one step may be what killed it, or have stood beside it: from now on no two
/// such sagas are tried at once on a node, so that the next death tells.
const CRASHES_SUSPECT: i64 = 2;
/// What is counted of a suspect that has its turn: whoever dies in it is not tried again by itself. Far from what deaths
/// before a turn add up to.
const CRASHES_IN_TURN: i64 = 1_000;
/// Until a suspect asks for its turn again. Meanwhile no node has it, so that nobody's death counts against it.
const NEXT_TURN_AFTER: Duration = Duration::from_secs(1);

pub(crate) struct Driver<C> {
    pub(crate) registry: Arc<Registry<C>>,
    pub(crate) cloud: Arc<C>,
    pub(crate) journal: Journal,
    /// For the steps.
    pub(crate) db: Db,
    pub(crate) lease: Arc<Lease>,
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) ends: Ends,
    /// One place: for what may have killed its process.
    pub(crate) crashers_turn: Arc<Semaphore>,
    /// Cancelled: no step is begun any more.
    pub(crate) shutdown: CancellationToken,
    /// How long a provider call can go on after its answer is no longer awaited.
    pub(crate) call_timeout: Duration,
}

enum Next {
    Again,
    Pause,
}

impl<C: Send + Sync + 'static> Driver<C> {
    /// A saga that begins on this node: its row says what was written when it was inserted.
    pub(crate) async fn drive_from(&self, mut flight: Flight) {
        flight.intent_is_ours = !flight.is_ready();
        flight.knows_ledger = true;
        self.go_on(flight, Ok(Next::Again), None).await;
    }

    /// `taken_over`: the node that had the saga died, so a call of its may be under way.
    pub(crate) async fn drive(&self, mut flight: Flight, taken_over: bool) {
        let is_suspect = (CRASHES_SUSPECT..=CRASHES_IN_TURN).contains(&flight.row.crashes);
        let turn = if is_suspect && !flight.is_terminal() && !flight.wants_cancel() {
            let Ok(turn) = self.crashers_turn.try_acquire() else {
                let waited = self.wait_for_turn(&mut flight).await;
                return self.go_on(flight, waited, None).await;
            };
            (flight.row.crashes, flight.row.waiting_for) = (CRASHES_IN_TURN, None);
            Some(turn)
        } else {
            None
        };
        // A saga that was given back in the middle of an attempt is in doubt all the same.
        let in_doubt = taken_over || flight.row.step_state == "running" || flight.row.crashes > 0;
        let began = if in_doubt { self.take_over(&mut flight).await } else { self.wake(&mut flight).await };
        self.go_on(flight, began, turn).await;
    }

    async fn wait_for_turn(&self, flight: &mut Flight) -> Result<Next, Refused> {
        let transition = flight.waits_for_turn(self.clock().scaled(NEXT_TURN_AFTER));
        self.write(flight, &transition).await?;
        Ok(Next::Pause)
    }

    async fn go_on(
        &self,
        mut flight: Flight,
        mut next: Result<Next, Refused>,
        mut turn: Option<SemaphorePermit<'_>>,
    ) {
        let (id, epoch) = (flight.row.id, flight.row.epoch);
        loop {
            // It came further.
            if flight.row.crashes == 0 {
                drop(turn.take());
            }
            match next {
                Ok(Next::Again) => next = self.advance(&mut flight).await,
                Ok(Next::Pause) => return,
                Err(Refused::Lost) => {
                    tracing::warn!(saga = %id, "no longer ours; dropped");
                    return;
                }
                Err(Refused::Cancelled) => {
                    flight.cancel.store(true, Ordering::Relaxed);
                    flight.not_begun_after_all();
                    next = Ok(Next::Again);
                }
                Err(Refused::Database(error)) => {
                    tracing::error!(saga = %id, %error, "the ledger refuses this saga; parked");
                    self.journal.park_poisoned(&self.lease, id, epoch, "poisoned", &error).await;
                    return;
                }
            }
        }
    }

    /// Claimed because it was due. For a step that waited the claim itself is the intent.
    async fn wake(&self, flight: &mut Flight) -> Result<Next, Refused> {
        flight.intent_is_ours = !flight.is_ready();
        if flight.is_compensating() {
            self.load_ledger(flight).await?;
        }
        Ok(Next::Again)
    }

    async fn take_over(&self, flight: &mut Flight) -> Result<Next, Refused> {
        if flight.is_compensating() {
            self.load_ledger(flight).await?;
        }
        if flight.is_terminal() {
            return Ok(Next::Again);
        }
        // A cancel makes no more of the calls that it died in.
        if flight.row.crashes > CRASHES_IN_TURN && !flight.wants_cancel() {
            let message = match flight.idx() {
                LAST_LOOK => "its process died three times in its last look (step -1)",
                _ => "its process died three times at this step",
            };
            let transition = flight.needs_person("crashed", message);
            self.write(flight, &transition).await?;
            return Ok(Next::Pause);
        }
        if flight.is_ready() {
            return Ok(Next::Again);
        }
        let now = self.clock().now();
        flight.doubt(later(now, self.call_timeout));
        flight.intend(now, None);
        let data = json!({"attempt": flight.row.step_attempts});
        let events = vec![NewEvent { kind: "resumed_in_doubt", step_idx: Some(flight.idx()), data }];
        self.write(flight, &Transition { events, ..Transition::default() }).await?;
        Ok(Next::Again)
    }

    /// Read when the saga turns back or comes here on its way back; not before.
    pub(super) async fn load_ledger(&self, flight: &mut Flight) -> Result<(), Refused> {
        if !flight.knows_ledger {
            flight.ledger = self.journal.steps(flight.row.id).await?;
            flight.knows_ledger = true;
        }
        Ok(())
    }

    fn clock(&self) -> &Clock {
        &self.journal.clock
    }

    async fn write(&self, flight: &mut Flight, transition: &Transition) -> Result<(), Refused> {
        self.journal.write(&self.lease, flight, transition).await?;
        if let Some(status) = Status::parse(&flight.row.status).filter(|status| status.is_terminal()) {
            self.ends.tell(flight.id(), status);
        }
        if let Some(wait) = transition.park {
            self.alarm.set(self.clock().monotonic() + wait);
        }
        Ok(())
    }

    async fn advance(&self, flight: &mut Flight) -> Result<Next, Refused> {
        if flight.is_terminal() {
            return Ok(Next::Pause);
        }
        if flight.is_compensating() && flight.is_ready() {
            return self.resume_undoing(flight).await;
        }
        if flight.is_compensating() {
            return if flight.idx() == LAST_LOOK {
                self.last_look(flight).await
            } else {
                self.undo(flight).await
            };
        }
        if flight.wants_cancel() {
            // The rows that a start wrote are the first step's to undo, even if it never ran.
            let begun = !flight.is_ready() || flight.idx() == 0 || flight.is_in_doubt();
            let why = TurnBack {
                reason: "cancelled".to_owned(),
                message: "a cancel was asked for".to_owned(),
                includes_step: begun,
                begun,
            };
            return self.turn_back(flight, why).await;
        }
        let Some(step) = self.registry.find(flight.step_name()) else {
            let message = format!("this build knows no step `{}`", flight.step_name());
            return self.park(flight, "unknown_step", &message).await;
        };
        if flight.is_ready() {
            self.begin(flight, step.as_ref()).await
        } else {
            self.execute(flight, step.as_ref()).await
        }
    }

    async fn park(&self, flight: &mut Flight, reason: &str, message: &str) -> Result<Next, Refused> {
        let transition = flight.needs_person(reason, message);
        self.write(flight, &transition).await?;
        Ok(Next::Pause)
    }

    /// The attempt after this one is counted when it is parked, since the claim is its intent.
    fn retry(&self, flight: &mut Flight, policy: &Policy, failure: &Failure) -> Transition {
        let delay = self.clock().scaled(self.backoff(policy, flight.row.step_attempts));
        let transition = flight.retry(failure, delay, "retry");
        flight.row.step_attempts += 1;
        transition
    }

    fn pause(&self, flight: &mut Flight, wait: Wait) -> Transition {
        let real = self.clock().scaled(wait.delay);
        flight.park(wait, real)
    }

    /// Doubles with each attempt; half of it is jitter.
    fn backoff(&self, policy: &Policy, attempt: i64) -> Duration {
        let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(16);
        let full = policy.backoff.saturating_mul(1 << doublings).min(policy.backoff_max);
        let half_ms = u64::try_from(full.as_millis() / 2).unwrap_or(u64::MAX);
        full / 2 + Duration::from_millis(self.clock().random_below(half_ms + 1))
    }

    fn run_of(&self, flight: &Flight) -> Run<C> {
        let row = &flight.row;
        Run {
            cloud: Arc::clone(&self.cloud),
            saga: flight.id(),
            kind: row.kind.clone(),
            idx: usize::try_from(flight.idx()).unwrap_or(flight.steps.len()),
            deployment_id: row.deployment_id,
            tenant_id: row.tenant_id.clone(),
            triggered_by: row.triggered_by.clone(),
            inputs: Arc::clone(&flight.inputs),
            context: Arc::clone(&flight.context),
            prior: row.step_prior.clone(),
            memo: row.step_memo.clone(),
            attempt: u32::try_from(row.step_attempts).unwrap_or(u32::MAX),
            waits: u32::try_from(row.step_waits).unwrap_or(u32::MAX),
            started_at: row.step_started_at.unwrap_or(row.updated_at),
            doubt_until: row.doubt_until,
            put: Mutex::new(Map::new()),
            cancel: Arc::clone(&flight.cancel),
            clock: self.clock().clone(),
            db: self.db.clone(),
            lease: Arc::clone(&self.lease),
            epoch: row.epoch,
        }
    }
}

const PANIC: &str = "panicked: ";

/// Runs a step's future; a panic and a time-out are failures in doubt. What it says is for a person, and is to reach the
/// ledger whatever a provider put into it.
async fn guarded<T>(policy: &Policy, step: impl Future<Output = Outcome<T>> + Send) -> Outcome<T> {
    caught(policy, step).await.map_err(Halt::storable)
}

async fn caught<T>(policy: &Policy, step: impl Future<Output = Outcome<T>> + Send) -> Outcome<T> {
    match tokio::time::timeout(policy.timeout, AssertUnwindSafe(step).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words");
            Err(Halt::unknown(format!("{PANIC}{words}")))
        }
        Err(_) => Err(Halt::unknown(format!("took longer than {} s", policy.timeout.as_secs()))),
    }
}

fn later(now: jiff::Timestamp, real: Duration) -> jiff::Timestamp {
    now.checked_add(real).unwrap_or(jiff::Timestamp::MAX)
}

fn pause_if(transition: &Transition) -> Next {
    if transition.release || transition.park.is_some() { Next::Pause } else { Next::Again }
}
