//! A claimed saga in memory, and the transitions that it can make. Pure: nothing here waits or writes.

use crate::record::{Status, StepStatus};
use crate::rows::{SagaRow, StepRow, object};
use crate::schedule::JOB;
use crate::{Failure, Policy, SagaId, Wait};
use arcadia_sql::Error;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The place behind the first step, where a rollback ends with a last look.
pub(crate) const LAST_LOOK: i64 = -1;
/// How long after the last deletion the last look comes: the provider still lists what it destroyed.
const LAST_LOOK_AFTER: Duration = Duration::from_secs(15);

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

    /// A cancel counts until the pivot's intent is written.
    pub(crate) fn wants_cancel(&self) -> bool {
        let committed = self.past_pivot() || (self.at_pivot() && !self.is_ready());
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

    /// The intent of an attempt. The same write may carry the end of the step before.
    pub(crate) fn intend(&mut self, now: Timestamp, prior: Option<Value>) {
        self.set_state("running");
        self.row.step_attempts += 1;
        self.row.step_started_at.get_or_insert(now);
        if self.row.rewound {
            self.row.doubt_until.get_or_insert(now);
        }
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

    pub(crate) fn needs_person(&mut self, reason: &str, message: &str) -> Transition {
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

    /// The saga turns back. The first failure's words are kept for ever.
    pub(crate) fn turn_back(&mut self, now: Timestamp, why: TurnBack, clock_scaled: Duration) -> Transition {
        let (idx, name) = (self.idx(), self.step_name().to_owned());
        let from = if why.includes_step { idx } else { idx - 1 };
        let error = json!({
            "reason": why.reason, "message": why.message, "step": name, "step_idx": idx,
            "in_doubt": why.includes_step, "compensate_from_idx": from,
        });
        let mut transition = Transition {
            events: vec![NewEvent { kind: "compensating", step_idx: Some(idx), data: error.clone() }],
            ..Transition::default()
        };
        if why.begun {
            let entry = self.entry(StepStatus::Failed, now, None, Some(error.clone()), why.includes_step);
            self.ledger.retain(|row| row.step_idx != idx);
            self.ledger.push(entry.clone());
            transition.steps.push(entry);
        }
        self.error_is_new |= self.row.error.is_none();
        self.row.error.get_or_insert(error);
        self.set_status(Status::Compensating);
        let (doubt, memo) = (self.row.doubt_until, self.row.step_memo.take());
        self.undo_next(now, from, &mut transition, clock_scaled);
        if why.includes_step && self.idx() == idx {
            (self.row.doubt_until, self.row.step_memo) = (doubt, memo);
        }
        transition
    }

    /// The compensation at the cursor ended, well or not.
    pub(crate) fn undone(
        &mut self,
        now: Timestamp,
        failed: Option<&Failure>,
        clock_scaled: Duration,
    ) -> Transition {
        let idx = self.idx();
        let mut transition = Transition::default();
        let (attempts, started) = (self.row.step_attempts, self.row.step_started_at);
        let (runner, epoch) = (self.runner, self.row.epoch);
        if let Some(entry) = self.ledger.iter_mut().find(|row| row.step_idx == idx) {
            let status =
                if failed.is_some() { StepStatus::CompensationFailed } else { StepStatus::Compensated };
            status.as_str().clone_into(&mut entry.status);
            entry.compensation_attempts = attempts;
            entry.compensation_started_at = started;
            entry.compensation_finished_at = Some(now);
            (entry.runner, entry.epoch) = (runner, epoch);
            if let Some(failure) = failed {
                entry.error = Some(json!({"compensation": failure.message, "step": entry.error}));
            }
            transition.steps.push(entry.clone());
        }
        if let Some(failure) = failed {
            let data = json!({"message": failure.message, "attempts": attempts});
            transition.events.push(NewEvent { kind: "compensation_failed", step_idx: Some(idx), data });
        }
        self.undo_next(now, idx - 1, &mut transition, clock_scaled);
        transition
    }

    pub(crate) fn resume_undoing(&mut self, now: Timestamp, clock_scaled: Duration) -> Transition {
        let mut transition = Transition::default();
        self.undo_next(now, self.idx(), &mut transition, clock_scaled);
        transition
    }

    /// Stands at the next thing to undo at or below `from`, or ends the rollback.
    fn undo_next(&mut self, now: Timestamp, from: i64, transition: &mut Transition, last_look_in: Duration) {
        let next = self.ledger.iter().filter(|row| row.step_idx <= from).filter(|row| is_standing(row));
        let next = next.max_by_key(|row| row.step_idx).map(|row| (row.step_idx, row.prior.clone()));
        match next {
            Some((idx, prior)) => {
                self.stand_at(idx);
                self.intend(now, prior);
            }
            None if last_look_in > Duration::ZERO => {
                self.stand_at(LAST_LOOK);
                self.set_state("waiting");
                self.row.waiting_for = Some("a last look for anything left over".to_owned());
                transition.park = Some(last_look_in);
            }
            None => self.rolled_back(now, transition),
        }
    }

    /// The end of a rollback: everything undone, or a person is needed.
    pub(crate) fn rolled_back(&mut self, now: Timestamp, transition: &mut Transition) {
        let failed: Vec<_> = self
            .ledger
            .iter()
            .filter(|row| row.status == StepStatus::CompensationFailed.as_str())
            .map(|row| json!({"step_idx": row.step_idx, "step": row.step_name, "output": row.output, "error": row.error}))
            .collect();
        self.stand_at(LAST_LOOK);
        self.row.finished_at = Some(now);
        transition.release = true;
        let is_clean = self.row.clean.as_ref().is_none_or(|clean| clean == &Value::Bool(true));
        if failed.is_empty() {
            // Background work has nothing to undo: it gave up, and its schedule shows that.
            self.set_status(if self.row.kind == JOB { Status::Failed } else { Status::RolledBack });
            transition.frees_locks = true;
            if !is_clean {
                self.row.attention = Some(json!({"reason": "left_over", "left": self.row.clean}));
            }
        } else {
            self.set_status(Status::Failed);
            self.row.attention =
                Some(json!({"reason": "compensation_failed", "standing": failed, "left": self.row.clean}));
        }
    }

    /// How long until the last look, or nothing when no step leaves marks.
    pub(crate) fn last_look_delay(leaves_marks: bool) -> Duration {
        if leaves_marks { LAST_LOOK_AFTER } else { Duration::ZERO }
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

/// Why and from where a saga turns back.
pub(crate) struct TurnBack {
    pub(crate) reason: String,
    pub(crate) message: String,
    /// The step at the cursor may have happened: it is undone too.
    pub(crate) includes_step: bool,
    /// It was at least attempted: the ledger says so.
    pub(crate) begun: bool,
}

/// It happened or may have happened, and is not undone yet.
fn is_standing(row: &StepRow) -> bool {
    row.status == StepStatus::Completed.as_str()
        || (row.status == StepStatus::Failed.as_str() && row.in_doubt)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
