//! A claimed saga in memory, and the transitions that it can make. Pure: nothing here waits or writes.

mod back;

pub(crate) use back::{Hour, LAST_LOOK, LAST_LOOK_AFTER, RollbackEnd, TurnBack};

use crate::record::{Status, StepStatus};
use crate::rows::{SagaRow, StepRow, object};
use crate::{Failure, Policy, SagaId, Wait};
use arcadia_sql::Error;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// Why a person should look at a step that may not turn back and does not get on.
const STUCK: &str = "stuck";

/// What is written together: the saga's row as the flight now has it, and these.
#[derive(Debug, Default)]
pub(crate) struct Transition {
    /// Give the saga back and wake it after this long (real time).
    pub(crate) park: Option<Duration>,
    /// Give the saga back without a wake-up: it ended, or a person is needed.
    pub(crate) release: bool,
    pub(crate) frees_locks: bool,
    /// A pivot's intent is not written while a cancel is requested.
    pub(crate) refused_by_cancel: bool,
    pub(crate) steps: Vec<StepRow>,
    pub(crate) events: Vec<NewEvent>,
}

#[derive(Debug)]
pub(crate) struct NewEvent {
    pub(crate) kind: &'static str,
    pub(crate) step_idx: Option<i64>,
    pub(crate) data: Value,
}

pub(crate) struct Flight {
    pub(crate) row: SagaRow,
    pub(crate) steps: Vec<String>,
    pub(crate) inputs: Arc<Map<String, Value>>,
    pub(crate) context: Arc<Map<String, Value>>,
    /// The row has another one.
    pub(crate) context_is_new: bool,
    pub(crate) error_is_new: bool,
    /// The ledger, where it is known: of a saga that began here, and of one that goes back.
    pub(crate) ledger: Vec<StepRow>,
    pub(crate) knows_ledger: bool,
    pub(crate) pivot: Option<i64>,
    pub(crate) cancel: Arc<AtomicBool>,
    pub(crate) runner: Uuid,
    /// The intent of the next call is durable, and no earlier call can still be under way.
    pub(crate) intent_is_ours: bool,
}

impl Flight {
    pub(crate) fn new(
        mut row: SagaRow,
        runner: Uuid,
        pivot: impl Fn(&[String]) -> Option<usize>,
    ) -> Result<Flight, Error> {
        let steps = row.step_names()?;
        let pivot = pivot(&steps).and_then(|idx| i64::try_from(idx).ok());
        Ok(Flight {
            inputs: Arc::new(object("inputs", std::mem::take(&mut row.inputs))?),
            context: Arc::new(object("context", std::mem::take(&mut row.context))?),
            cancel: Arc::new(AtomicBool::new(row.cancel_requested)),
            context_is_new: false,
            error_is_new: false,
            intent_is_ours: false,
            ledger: Vec::new(),
            knows_ledger: false,
            steps,
            pivot,
            runner,
            row,
        })
    }

    pub(crate) fn id(&self) -> SagaId {
        SagaId(self.row.id)
    }

    pub(crate) fn idx(&self) -> i64 {
        self.row.current_step_idx
    }

    pub(crate) fn step_name(&self) -> &str {
        let idx = usize::try_from(self.idx()).ok();
        idx.and_then(|idx| self.steps.get(idx)).map_or("", String::as_str)
    }

    pub(crate) fn is_compensating(&self) -> bool {
        self.row.status == Status::Compensating.as_str()
    }

    pub(crate) fn is_terminal(&self) -> bool {
        Status::parse(&self.row.status).is_some_and(Status::is_terminal)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.row.step_state == "ready"
    }

    pub(crate) fn at_pivot(&self) -> bool {
        self.pivot == Some(self.idx())
    }

    pub(crate) fn past_pivot(&self) -> bool {
        self.pivot.is_some_and(|pivot| self.idx() > pivot)
    }

    pub(crate) fn has_attempts(&self, policy: &Policy) -> bool {
        self.row.step_attempts < i64::from(policy.attempts)
    }

    /// Whether the step at the cursor may have been done already, even if its intent is not in the ledger.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.row.rewound || self.row.doubt_until.is_some()
    }

    /// Behind the point of no return, or at it when it may have been passed.
    pub(crate) fn only_forward(&self) -> bool {
        self.past_pivot() || (self.at_pivot() && self.is_in_doubt())
    }

    /// A cancel counts until the pivot's intent is written. After a release none is taken at the pivot any more; one
    /// that was taken before kept the ledger that is lost from passing it.
    pub(crate) fn wants_cancel(&self) -> bool {
        let may_have_begun = !self.is_ready() || self.row.doubt_until.is_some();
        let committed = self.past_pivot() || (self.at_pivot() && may_have_begun);
        self.cancel.load(Ordering::Relaxed) && !self.is_compensating() && !committed
    }

    fn set_status(&mut self, status: Status) {
        self.row.status = status.as_str().to_owned();
    }

    fn set_state(&mut self, state: &str) {
        self.row.step_state = state.to_owned();
    }

    fn stand_at(&mut self, idx: i64) {
        self.row.current_step_idx = idx;
        self.set_state("ready");
        self.row.step_attempts = 0;
        self.row.step_waits = 0;
        self.row.step_started_at = None;
        self.row.step_prior = None;
        self.row.step_memo = None;
        self.row.doubt_until = None;
        self.row.waiting_for = None;
        self.row.crashes = 0;
        self.intent_is_ours = false;
    }

    /// A look at what will be changed, before the intent.
    pub(crate) fn look_first(&mut self, now: Timestamp) {
        self.row.step_started_at.get_or_insert(now);
        self.doubt_what_was_lost(now);
    }

    /// The ledger lost commits: the step may have been done by what it forgot.
    fn doubt_what_was_lost(&mut self, now: Timestamp) {
        if self.row.rewound {
            self.row.doubt_until.get_or_insert(now);
        }
    }

    /// The intent of an attempt. The same write may carry the end of the step before. Attempts, waits and time of
    /// a look are not the step's.
    pub(crate) fn intend(&mut self, now: Timestamp, prior: Option<Value>) {
        if self.is_ready() {
            (self.row.step_attempts, self.row.step_waits, self.row.step_started_at) = (0, 0, None);
        }
        self.set_state("running");
        self.row.step_attempts += 1;
        self.row.step_started_at.get_or_insert(now);
        self.doubt_what_was_lost(now);
        if prior.is_some() {
            self.row.step_prior = prior;
        }
        self.intent_is_ours = true;
    }

    /// The node that had this saga died, or its answer was lost: a call may be under way until then.
    pub(crate) fn doubt(&mut self, until: Timestamp) {
        self.row.doubt_until = Some(self.row.doubt_until.map_or(until, |known| known.max(until)));
        if let Some(memo) = self.row.step_memo.as_mut().and_then(Value::as_object_mut) {
            memo.remove("looks");
        }
    }

    /// It waits before its intent, not after.
    pub(crate) fn is_not_begun(&mut self) {
        self.set_state("ready");
    }

    pub(crate) fn not_begun_after_all(&mut self) {
        self.set_state("ready");
        self.row.step_attempts = 0;
        self.row.step_started_at = None;
        self.intent_is_ours = false;
    }

    pub(crate) fn park(&mut self, wait: Wait, clock_scaled: Duration) -> Transition {
        let mut events = Vec::new();
        if self.row.waiting_for.as_deref() != Some(wait.reason.as_str()) {
            let data = json!({"for": wait.reason, "delay_ms": millis(wait.delay)});
            events.push(NewEvent { kind: "wait", step_idx: Some(self.idx()), data });
        }
        self.set_state("waiting");
        self.row.step_waits += 1;
        self.row.crashes = 0;
        self.row.waiting_for = Some(wait.reason);
        if wait.memo.is_some() {
            self.row.step_memo = wait.memo;
        }
        Transition { park: Some(clock_scaled), events, ..Transition::default() }
    }

    /// Another one that may have killed its process is being tried on this node.
    pub(crate) fn waits_for_turn(&mut self, delay: Duration) -> Transition {
        if !self.is_ready() {
            self.set_state("running");
        }
        self.row.waiting_for = Some(
            "its turn: its process died more than once, and such sagas are tried one at a time".to_owned(),
        );
        Transition { park: Some(delay), ..Transition::default() }
    }

    /// A further attempt after `delay` (real time).
    pub(crate) fn retry(&mut self, failure: &Failure, delay: Duration, kind: &'static str) -> Transition {
        let data =
            json!({"message": failure.message, "attempt": self.row.step_attempts, "delay_ms": millis(delay)});
        let events = vec![NewEvent { kind, step_idx: Some(self.idx()), data }];
        self.set_state("waiting");
        self.row.waiting_for = Some(format!("another attempt after: {}", failure.message));
        self.row.crashes = 0;
        Transition { park: Some(delay), events, ..Transition::default() }
    }

    /// Tried as often as its policy hoped and not allowed to turn back: it goes on, but a person should know.
    pub(crate) fn is_stuck(&mut self, failure: &Failure) {
        let step = self.step_name();
        let advice = format!(
            "mend what the message says: `{step}` is tried again by itself, and at once by `retry`; \
            done by hand it is passed over by `skip`; `abandon` leaves everything as it stands"
        );
        self.row.attention =
            Some(json!({"reason": STUCK, "message": failure.message, "step": step, "advice": advice}));
    }

    pub(crate) fn needs_person(&mut self, reason: &str, message: &str) -> Transition {
        // For a step that waited its claim was the intent: its call may have been made, and is in doubt.
        if !self.is_ready() {
            self.set_state("running");
        }
        let data = json!({"reason": reason, "message": message, "step": self.step_name()});
        let events = vec![NewEvent { kind: "parked", step_idx: Some(self.idx()), data: data.clone() }];
        self.row.attention = Some(data);
        self.row.waiting_for = Some(format!("a person: {message}"));
        Transition { release: true, events, ..Transition::default() }
    }

    pub(crate) fn completed(&mut self, now: Timestamp, output: Map<String, Value>) -> Transition {
        let entry = self.entry(StepStatus::Completed, now, Some(Value::Object(output.clone())), None, false);
        self.context_is_new |= !output.is_empty();
        Arc::make_mut(&mut self.context).extend(output);
        if self.knows_ledger {
            self.ledger.push(entry.clone());
        }
        if self.row.attention.as_ref().is_some_and(|attention| attention["reason"] == STUCK) {
            self.row.attention = None;
        }
        let idx = self.idx() + 1;
        self.stand_at(idx);
        let mut transition = Transition { steps: vec![entry], ..Transition::default() };
        if usize::try_from(idx).is_ok_and(|idx| idx >= self.steps.len()) {
            self.set_status(Status::Completed);
            self.row.finished_at = Some(now);
            self.row.attention = None;
            (transition.release, transition.frees_locks) = (true, true);
        }
        transition
    }

    fn entry(
        &self,
        status: StepStatus,
        now: Timestamp,
        output: Option<Value>,
        error: Option<Value>,
        in_doubt: bool,
    ) -> StepRow {
        StepRow {
            step_idx: self.idx(),
            step_name: self.step_name().to_owned(),
            status: status.as_str().to_owned(),
            in_doubt,
            prior: self.row.step_prior.clone(),
            output,
            error,
            attempts: self.row.step_attempts,
            compensation_attempts: 0,
            runner: self.runner,
            epoch: self.row.epoch,
            started_at: self.row.step_started_at.unwrap_or(now),
            finished_at: now,
            compensation_started_at: None,
            compensation_finished_at: None,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
