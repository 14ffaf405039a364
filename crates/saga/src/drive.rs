//! Drives one claimed saga to its next pause or its end: write the intent, call the step, write the outcome.

use crate::alarm::Alarm;
use crate::flight::{Flight, LAST_LOOK, NewEvent, Transition, TurnBack};
use crate::journal::{Journal, Refused};
use crate::lease::Lease;
use crate::record::Status;
use crate::sagas::Ends;
use crate::step::AnyStep;
use crate::store::check_storable;
use crate::{Clock, Failure, Halt, Outcome, Policy, Registry, Run, Wait};
use arcadia_sql::Db;
use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A saga that crashed its process this often at one step is not tried again by itself.
const CRASHES_MAX: i64 = 3;

pub(crate) struct Driver<C> {
    pub(crate) registry: Arc<Registry<C>>,
    pub(crate) cloud: Arc<C>,
    pub(crate) journal: Journal,
    /// For the steps.
    pub(crate) db: Db,
    pub(crate) lease: Arc<Lease>,
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) ends: Ends,
    pub(crate) stopping: Arc<AtomicBool>,
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
        self.go_on(flight, Ok(Next::Again)).await;
    }

    /// `taken_over`: the node that had the saga died, so a call of its may be under way.
    pub(crate) async fn drive(&self, mut flight: Flight, taken_over: bool) {
        let began = if taken_over { self.take_over(&mut flight).await } else { self.wake(&mut flight).await };
        self.go_on(flight, began).await;
    }

    async fn go_on(&self, mut flight: Flight, mut next: Result<Next, Refused>) {
        let (id, epoch) = (flight.row.id, flight.row.epoch);
        loop {
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
                    let attention = json!({"reason": "poisoned", "message": error.to_string()});
                    self.journal.park_poisoned(&self.lease, id, epoch, attention).await;
                    return;
                }
            }
        }
    }

    /// Claimed because it was due. For a step that waited the claim itself is the intent.
    async fn wake(&self, flight: &mut Flight) -> Result<Next, Refused> {
        flight.intent_is_ours = !flight.is_ready();
        self.load_ledger(flight).await?;
        Ok(Next::Again)
    }

    async fn take_over(&self, flight: &mut Flight) -> Result<Next, Refused> {
        self.load_ledger(flight).await?;
        if flight.is_ready() || flight.is_terminal() {
            return Ok(Next::Again);
        }
        if flight.row.crashes >= CRASHES_MAX {
            let message = format!("its process died {CRASHES_MAX} times at this step");
            let transition = flight.needs_person("crashed", &message);
            self.write(flight, &transition).await?;
            return Ok(Next::Pause);
        }
        let now = self.clock().now();
        flight.doubt(later(now, self.call_timeout));
        flight.intend(now, None);
        let data = json!({"attempt": flight.row.step_attempts});
        let events = vec![NewEvent { kind: "resumed_in_doubt", step_idx: Some(flight.idx()), data }];
        self.write(flight, &Transition { events, ..Transition::default() }).await?;
        Ok(Next::Again)
    }

    async fn load_ledger(&self, flight: &mut Flight) -> Result<(), Refused> {
        if flight.is_compensating() || flight.cancel.load(Ordering::Relaxed) {
            flight.ledger = self.journal.steps(&self.lease, flight.row.id).await?;
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
        if flight.is_compensating() {
            return if flight.idx() == LAST_LOOK {
                self.last_look(flight).await
            } else {
                self.undo(flight).await
            };
        }
        if flight.wants_cancel() {
            // The rows that a start wrote are the first step's to undo, even if it never ran.
            let begun = !flight.is_ready() || flight.idx() == 0;
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

    /// Looks at what will be changed, then makes the intent durable.
    async fn begin(&self, flight: &mut Flight, step: &dyn AnyStep<C>) -> Result<Next, Refused> {
        if self.stopping.load(Ordering::Relaxed) {
            let transition = Transition { park: Some(Duration::ZERO), ..Transition::default() };
            self.write(flight, &transition).await?;
            return Ok(Next::Pause);
        }
        let prior = if step.prepares() {
            let run = self.run_of(flight);
            match guarded(&step.policy(), step.prepare(&run)).await {
                Ok(prior) => prior,
                Err(halt) => return self.not_prepared(flight, step, halt).await,
            }
        } else {
            None
        };
        flight.intend(self.clock().now(), prior);
        let refused_by_cancel = flight.at_pivot();
        self.write(flight, &Transition { refused_by_cancel, ..Transition::default() }).await?;
        Ok(Next::Again)
    }

    /// Nothing was changed yet, so even a failure in doubt is certain for the saga.
    async fn not_prepared(
        &self,
        flight: &mut Flight,
        step: &dyn AnyStep<C>,
        halt: Halt,
    ) -> Result<Next, Refused> {
        let mut transition = match halt {
            Halt::Lost => return Err(Refused::Lost),
            Halt::Undecodable(message) => return self.park(flight, "undecodable", &message).await,
            Halt::Wait(wait) => self.pause(flight, wait),
            Halt::Unknown(failure) | Halt::Failed(failure) if flight.past_pivot() => {
                self.retry(flight, &step.policy(), &failure)
            }
            Halt::Unknown(failure) if flight.row.step_waits + 1 < i64::from(step.policy().attempts) => {
                let delay = self.backoff(&step.policy(), flight.row.step_waits + 1);
                self.pause(flight, Wait { delay, reason: failure.message, memo: None })
            }
            Halt::Unknown(failure) | Halt::Failed(failure) => {
                flight.intend(self.clock().now(), None);
                return self.fail(flight, failure, false).await;
            }
        };
        "ready".clone_into(&mut flight.row.step_state);
        transition.steps.clear();
        self.write(flight, &transition).await?;
        Ok(Next::Pause)
    }

    async fn execute(&self, flight: &mut Flight, step: &dyn AnyStep<C>) -> Result<Next, Refused> {
        debug_assert!(flight.intent_is_ours, "a step is called only after its intent is durable");
        let run = self.run_of(flight);
        let outcome = guarded(&step.policy(), step.execute(&run)).await;
        let outcome = outcome.and_then(|mut gave| {
            gave.append(&mut run.put.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            check_output(gave)
        });
        let policy = step.policy();
        match outcome {
            Ok(gave) => self.completed(flight, gave).await,
            Err(Halt::Lost) => Err(Refused::Lost),
            Err(Halt::Undecodable(message)) => self.park(flight, "undecodable", &message).await,
            Err(Halt::Wait(wait)) => {
                let transition = self.pause(flight, wait);
                self.write(flight, &transition).await?;
                Ok(Next::Pause)
            }
            Err(Halt::Failed(failure)) if flight.past_pivot() => {
                self.try_again(flight, &policy, &failure).await
            }
            // Certain for this attempt; an earlier one may still be in doubt.
            Err(Halt::Failed(failure)) => {
                let in_doubt = flight.row.doubt_until.is_some();
                self.fail(flight, failure, in_doubt).await
            }
            Err(Halt::Unknown(failure)) => {
                flight.doubt(later(self.clock().now(), self.call_timeout));
                let forward_only = flight.past_pivot() || flight.at_pivot();
                let attempts_left = flight.row.step_attempts < i64::from(policy.attempts);
                if forward_only || (attempts_left && !failure.message.starts_with(PANIC)) {
                    self.try_again(flight, &policy, &failure).await
                } else {
                    self.fail(flight, failure, true).await
                }
            }
        }
    }

    async fn completed(&self, flight: &mut Flight, gave: Map<String, Value>) -> Result<Next, Refused> {
        let now = self.clock().now();
        let transition = flight.completed(now, gave);
        let following = (!flight.is_terminal()).then(|| self.registry.find(flight.step_name())).flatten();
        let goes_on =
            following.is_some_and(|step| !step.prepares()) && !flight.at_pivot() && !flight.wants_cancel();
        if goes_on && !self.stopping.load(Ordering::Relaxed) {
            flight.intend(now, None);
        }
        self.write(flight, &transition).await?;
        if flight.wants_cancel() && !flight.is_terminal() {
            // The intent went out with the same write, but the call did not.
            flight.not_begun_after_all();
        }
        Ok(if flight.is_terminal() { Next::Pause } else { Next::Again })
    }

    async fn fail(&self, flight: &mut Flight, failure: Failure, in_doubt: bool) -> Result<Next, Refused> {
        let reason = format!("step_failed:{}", flight.step_name());
        let why = TurnBack { reason, message: failure.message, includes_step: in_doubt, begun: true };
        self.turn_back(flight, why).await
    }

    async fn turn_back(&self, flight: &mut Flight, why: TurnBack) -> Result<Next, Refused> {
        if flight.ledger.is_empty() {
            flight.ledger = self.journal.steps(&self.lease, flight.row.id).await?;
        }
        let look = self.last_look_in(flight, why.includes_step);
        let transition = flight.turn_back(self.clock().now(), why, look);
        self.write(flight, &transition).await?;
        Ok(pause_if(&transition))
    }

    /// Real time until the last look, or nothing when no step so far leaves marks.
    fn last_look_in(&self, flight: &Flight, includes_step: bool) -> Duration {
        let done = flight.ledger.iter().map(|row| row.step_name.as_str());
        let here = includes_step.then(|| flight.step_name());
        let marks = |name: &str| self.registry.find(name).is_some_and(|step| step.leaves_marks());
        let leaves_marks = self.registry.has_last_look() && done.chain(here).any(marks);
        self.clock().scaled(Flight::last_look_delay(leaves_marks))
    }

    async fn undo(&self, flight: &mut Flight) -> Result<Next, Refused> {
        debug_assert!(flight.intent_is_ours, "a compensation is called only after its intent is durable");
        let Some(step) = self.registry.find(flight.step_name()) else {
            let message = format!("this build knows no step `{}`", flight.step_name());
            return self.park(flight, "unknown_step", &message).await;
        };
        let (policy, look) = (step.policy(), self.last_look_in(flight, false));
        let entry = flight.ledger.iter().find(|row| row.step_idx == flight.idx());
        let (prior, gave) = entry.map_or((None, None), |row| (row.prior.clone(), row.output.clone()));
        let run = self.run_of(flight);
        let undone = guarded(&policy, step.compensate(&run, prior, gave)).await;
        let now = self.clock().now();
        let transition = match undone {
            Ok(()) => flight.undone(now, None, look),
            Err(Halt::Lost) => return Err(Refused::Lost),
            Err(Halt::Undecodable(message)) => return self.park(flight, "undecodable", &message).await,
            Err(Halt::Wait(wait)) => self.pause(flight, wait),
            Err(Halt::Failed(failure) | Halt::Unknown(failure)) => {
                if flight.row.step_attempts < i64::from(policy.compensation_attempts) {
                    self.retry(flight, &policy, &failure)
                } else {
                    flight.undone(now, Some(&failure), look)
                }
            }
        };
        self.write(flight, &transition).await?;
        Ok(pause_if(&transition))
    }

    /// The last act of a rollback: is anything left that bears the saga's mark?
    async fn last_look(&self, flight: &mut Flight) -> Result<Next, Refused> {
        let Some(step) = self.registry.find_last_look() else {
            return self.park(flight, "unknown_step", "this build has no last look").await;
        };
        let (run, policy) = (self.run_of(flight), step.policy());
        let seen = guarded(&policy, step.execute(&run)).await;
        let mut transition = Transition::default();
        match seen {
            Ok(answer) => {
                let left = answer.get("left").cloned().unwrap_or_default();
                let is_clean = left.as_array().is_none_or(Vec::is_empty);
                flight.row.clean = Some(if is_clean { Value::Bool(true) } else { left });
                flight.rolled_back(self.clock().now(), &mut transition);
            }
            Err(Halt::Lost) => return Err(Refused::Lost),
            Err(Halt::Undecodable(message)) => return self.park(flight, "undecodable", &message).await,
            Err(Halt::Wait(wait)) => transition = self.pause(flight, wait),
            Err(Halt::Failed(failure) | Halt::Unknown(failure)) => {
                flight.row.step_attempts += 1;
                if flight.row.step_attempts < i64::from(policy.compensation_attempts) {
                    transition = self.retry(flight, &policy, &failure);
                } else {
                    flight.row.clean = Some(json!({"not_seen": failure.message}));
                    flight.rolled_back(self.clock().now(), &mut transition);
                }
            }
        }
        self.write(flight, &transition).await?;
        Ok(Next::Pause)
    }

    async fn park(&self, flight: &mut Flight, reason: &str, message: &str) -> Result<Next, Refused> {
        let transition = flight.needs_person(reason, message);
        self.write(flight, &transition).await?;
        Ok(Next::Pause)
    }

    async fn try_again(
        &self,
        flight: &mut Flight,
        policy: &Policy,
        failure: &Failure,
    ) -> Result<Next, Refused> {
        let transition = self.retry(flight, policy, failure);
        if flight.row.step_attempts >= i64::from(policy.attempts) {
            let data = json!({"reason": "stuck", "message": failure.message, "step": flight.step_name()});
            flight.row.attention = Some(data);
        }
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

/// Runs a step's future; a panic and a time-out are failures in doubt.
async fn guarded<T>(policy: &Policy, step: impl Future<Output = Outcome<T>> + Send) -> Outcome<T> {
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

/// An output that a database would refuse must not reach the ledger: the step is undone instead.
fn check_output(gave: Map<String, Value>) -> Outcome<Map<String, Value>> {
    match check_storable(&gave) {
        Ok(()) => Ok(gave),
        Err(why) => Err(Halt::unknown(format!("the output {why}"))),
    }
}

fn later(now: jiff::Timestamp, real: Duration) -> jiff::Timestamp {
    now.checked_add(real).unwrap_or(jiff::Timestamp::MAX)
}

fn pause_if(transition: &Transition) -> Next {
    if transition.release || transition.park.is_some() { Next::Pause } else { Next::Again }
}
