//! The transitions of the way back: what stands is undone from the top, then comes a last look.

use super::{Flight, NewEvent, Transition};
use crate::Failure;
use crate::record::{Status, StepStatus};
use crate::rows::StepRow;
use crate::schedule::JOB;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// The place behind the first step, where a rollback ends with a last look.
pub(crate) const LAST_LOOK: i64 = -1;
/// How long after the last deletion the last look comes: the provider still lists what it destroyed.
pub(crate) const LAST_LOOK_AFTER: Duration = Duration::from_secs(15);

/// What the way back has to know of time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hour {
    pub(crate) now: Timestamp,
    /// By then a call that was made just now is over.
    pub(crate) calls_end: Timestamp,
    /// Real time until the last look; nothing when no step left marks.
    pub(crate) last_look_in: Duration,
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

impl Flight {
    /// What a rollback could be of besides, had it come that far: up to the point of no return.
    pub(crate) fn steps_ahead(&self) -> impl Iterator<Item = (i64, &str)> {
        let (here, pivot) = (self.idx(), self.pivot.unwrap_or(i64::MAX));
        let all = (0_i64..).zip(self.steps.iter().map(String::as_str));
        all.filter(move |(idx, _)| *idx > here && *idx < pivot)
    }

    /// The saga turns back. The first failure's words are kept for ever. `lost`: steps ahead that may have been done by
    /// what the ledger forgot.
    pub(crate) fn turn_back(&mut self, hour: Hour, why: TurnBack, lost: &[i64]) -> Transition {
        let now = hour.now;
        let (idx, name) = (self.idx(), self.step_name().to_owned());
        let here = if why.includes_step { idx } else { idx - 1 };
        let from = lost.iter().copied().max().unwrap_or(here);
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
        for entry in lost.iter().map(|idx| self.lost_entry(*idx, now)).collect::<Vec<_>>() {
            self.ledger.push(entry.clone());
            transition.steps.push(entry);
        }
        self.error_is_new |= self.row.error.is_none();
        self.row.error.get_or_insert(error);
        self.set_status(Status::Compensating);
        // Whatever a person was needed for, the way back is taken by itself.
        self.row.attention = None;
        let (doubt, memo) = (self.row.doubt_until, self.row.step_memo.take());
        self.undo_next(hour, from, &mut transition);
        if why.includes_step && self.idx() == idx {
            (self.row.doubt_until, self.row.step_memo) = (doubt, memo);
            self.doubt_what_was_lost(now);
        }
        transition
    }

    /// Of a step that never began by what the ledger still knows.
    fn lost_entry(&self, idx: i64, now: Timestamp) -> StepRow {
        let name = usize::try_from(idx).ok().and_then(|idx| self.steps.get(idx)).cloned();
        let error = json!({"reason": "ledger_lost_commits", "message": "it may have been done by what the ledger lost"});
        StepRow {
            step_idx: idx,
            step_name: name.unwrap_or_default(),
            prior: None,
            attempts: 0,
            started_at: now,
            ..self.entry(StepStatus::Failed, now, None, Some(error), true)
        }
    }

    /// The compensation at the cursor ended, well or not.
    pub(crate) fn undone(&mut self, hour: Hour, failed: Option<&Failure>) -> Transition {
        let (idx, now) = (self.idx(), hour.now);
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
                entry.error = Some(json!({"compensation": failure.message, "step": of_the_step(entry)}));
            }
            transition.steps.push(entry.clone());
        }
        if let Some(failure) = failed {
            let data = json!({"message": failure.message, "attempts": attempts});
            transition.events.push(NewEvent { kind: "compensation_failed", step_idx: Some(idx), data });
        }
        self.undo_next(hour, idx - 1, &mut transition);
        transition
    }

    pub(crate) fn resume_undoing(&mut self, hour: Hour) -> Transition {
        let mut transition = Transition::default();
        self.undo_next(hour, self.idx(), &mut transition);
        transition
    }

    /// Stands at the next thing to undo at or below `from`, or ends the rollback.
    fn undo_next(&mut self, hour: Hour, from: i64, transition: &mut Transition) {
        let next = self.ledger.iter().filter(|row| row.step_idx <= from).filter(|row| is_standing(row));
        match next.max_by_key(|row| row.step_idx).cloned() {
            Some(row) => {
                self.stand_at(row.step_idx);
                self.intend(hour.now, row.prior);
                // After an undo in vain: what was looked for may show only now, and its last call be under way.
                if row.in_doubt || row.compensation_finished_at.is_some() {
                    self.doubt(hour.calls_end);
                }
            }
            None if hour.last_look_in > Duration::ZERO => {
                self.stand_at(LAST_LOOK);
                self.set_state("waiting");
                self.row.step_attempts = 1;
                self.row.step_started_at = Some(hour.now);
                self.row.waiting_for = Some("a last look for anything left over".to_owned());
                transition.park = Some(hour.last_look_in);
            }
            None => self.rolled_back(hour.now, transition),
        }
    }

    /// The end of a rollback: everything undone, or a person is needed.
    pub(crate) fn rolled_back(&mut self, now: Timestamp, transition: &mut Transition) {
        let end = RollbackEnd::of(&self.row.kind, &self.ledger, self.row.clean.as_ref());
        self.stand_at(LAST_LOOK);
        self.row.finished_at = Some(now);
        self.set_status(end.status);
        self.row.attention = end.attention;
        transition.release = true;
        transition.frees_locks = end.is_undone;
    }

    /// How long until the last look, or nothing when no step leaves marks.
    pub(crate) fn last_look_delay(leaves_marks: bool) -> Duration {
        if leaves_marks { LAST_LOOK_AFTER } else { Duration::ZERO }
    }
}

/// How a rollback ends.
pub(crate) struct RollbackEnd {
    pub(crate) status: Status,
    /// Why a person is needed.
    pub(crate) attention: Option<Value>,
    /// Nothing stands that was to be undone.
    pub(crate) is_undone: bool,
}

impl RollbackEnd {
    /// `left`: what a last look found, or why there was none.
    pub(crate) fn of(kind: &str, ledger: &[StepRow], left: Option<&Value>) -> RollbackEnd {
        let failed = ledger.iter().filter(|row| row.status == StepStatus::CompensationFailed.as_str());
        let standing: Vec<Value> = failed
            .map(|row| {
                json!({"step_idx": row.step_idx, "step": row.step_name, "output": row.output, "error": row.error})
            })
            .collect();
        if !standing.is_empty() {
            let attention = json!({"reason": "compensation_failed", "standing": standing, "left": left});
            return RollbackEnd { status: Status::Failed, attention: Some(attention), is_undone: false };
        }
        // Background work has nothing to undo: it gave up, and its schedule shows that.
        let status = if kind == JOB { Status::Failed } else { Status::RolledBack };
        let left = left.filter(|left| **left != Value::Bool(true));
        let attention = left.map(|left| json!({"reason": "left_over", "left": left}));
        RollbackEnd { status, attention, is_undone: true }
    }
}

/// The step's own error: of the undos that failed the last one is told.
fn of_the_step(entry: &StepRow) -> Option<Value> {
    let error = entry.error.as_ref()?;
    if error.get("compensation").is_some() { error.get("step").cloned() } else { Some(error.clone()) }
}

/// It happened or may have happened, and is not undone yet.
fn is_standing(row: &StepRow) -> bool {
    row.status == StepStatus::Completed.as_str()
        || (row.status == StepStatus::Failed.as_str() && row.in_doubt)
}
