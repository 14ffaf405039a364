//! What a runner hands to the journal: one transition, already in the form that the statements bind.

use crate::flight::{Flight, Transition};
use crate::rows::StepRow;
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// One durable point of one saga. A batch holds one of each saga, since its runner waits for the answer; two only where a
/// lease was lost meanwhile.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    pub(crate) change: Change,
    pub(crate) steps: Vec<StepRow>,
    pub(crate) events: Vec<EventEntry>,
    pub(crate) frees_locks: bool,
}

#[derive(Debug)]
pub(crate) enum Change {
    Insert(Box<Inserted>),
    Update(Box<Updated>),
}

/// A saga that begins on the node that was asked for it: inserted already claimed.
#[derive(Debug)]
pub(crate) struct Inserted {
    pub(crate) kind: String,
    pub(crate) steps: String,
    pub(crate) inputs: String,
    pub(crate) tenant_id: Option<String>,
    pub(crate) deployment_id: Option<Uuid>,
    pub(crate) triggered_by: String,
    pub(crate) queue: String,
    pub(crate) priority: i64,
    pub(crate) next_step: String,
    /// Whether the first step's intent goes out with the row.
    pub(crate) intended: bool,
    pub(crate) owner: Uuid,
    pub(crate) at: Timestamp,
}

/// The mutable part of a saga's row, and the fence.
#[derive(Debug, Clone)]
pub(crate) struct Updated {
    pub(crate) owner: Uuid,
    pub(crate) epoch: i64,
    pub(crate) seq: i64,
    pub(crate) status: String,
    /// Only when it is another than the row has.
    pub(crate) context: Option<String>,
    /// Likewise: the first failure's words, written once.
    pub(crate) error: Option<String>,
    pub(crate) attention: Option<String>,
    pub(crate) clean: Option<String>,
    pub(crate) current_step_idx: i64,
    pub(crate) next_step: String,
    pub(crate) step_state: String,
    pub(crate) step_attempts: i64,
    pub(crate) step_waits: i64,
    pub(crate) step_started_at: Option<Timestamp>,
    pub(crate) step_prior: Option<String>,
    pub(crate) step_memo: Option<String>,
    pub(crate) doubt_until: Option<Timestamp>,
    pub(crate) waiting_for: Option<String>,
    pub(crate) crashes: i64,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) updated_at: Timestamp,
    pub(crate) released: bool,
    pub(crate) wake_in_ms: Option<i64>,
    pub(crate) nudge: i64,
    pub(crate) refused_by_cancel: bool,
}

#[derive(Debug)]
pub(crate) struct EventEntry {
    pub(crate) seq: i64,
    pub(crate) number: i64,
    pub(crate) at: Timestamp,
    pub(crate) kind: &'static str,
    pub(crate) step_idx: Option<i64>,
    pub(crate) actor: String,
    pub(crate) data: Value,
}

impl Entry {
    pub(crate) fn of(flight: &Flight, transition: &Transition, runner: Uuid, now: Timestamp) -> Entry {
        let events = (0_i64..).zip(&transition.events).map(|(number, event)| EventEntry {
            seq: flight.row.seq + 1,
            number,
            at: now,
            kind: event.kind,
            step_idx: event.step_idx,
            actor: format!("runner:{runner}"),
            data: event.data.clone(),
        });
        Entry {
            id: flight.row.id,
            change: Change::Update(Box::new(Updated::of(flight, transition, runner, now))),
            steps: transition.steps.clone(),
            events: events.collect(),
            frees_locks: transition.frees_locks,
        }
    }
}

impl Updated {
    fn of(flight: &Flight, transition: &Transition, runner: Uuid, now: Timestamp) -> Updated {
        let row = &flight.row;
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
        Updated {
            owner: runner,
            epoch: row.epoch,
            seq: row.seq,
            status: row.status.clone(),
            context: flight.context_is_new.then(|| to_text(&flight.context)),
            error: flight.error_is_new.then(|| text(&row.error)).flatten(),
            attention: text(&row.attention),
            clean: text(&row.clean),
            current_step_idx: row.current_step_idx,
            next_step: flight.step_name().to_owned(),
            step_state: row.step_state.clone(),
            step_attempts: row.step_attempts,
            step_waits: row.step_waits,
            step_started_at: row.step_started_at,
            step_prior: text(&row.step_prior),
            step_memo: text(&row.step_memo),
            doubt_until: row.doubt_until,
            waiting_for: row.waiting_for.clone(),
            crashes: row.crashes,
            finished_at: row.finished_at,
            updated_at: now,
            released: transition.release || transition.park.is_some(),
            wake_in_ms: transition.park.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
            nudge: row.nudge,
            refused_by_cancel: transition.refused_by_cancel,
        }
    }
}

fn to_text(map: &Map<String, Value>) -> String {
    serde_json::to_string(map).expect("a JSON object with text keys can always be written")
}
