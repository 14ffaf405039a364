//! The rows of the engine's tables as they are read, and what may be stored in them.

use crate::record::{Event, Saga, Status, StepResult, StepStatus};
use crate::{SagaId, StartSaga};
use arcadia_sql::{Error, row};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

row! {
    /// A row of `saga_runs`.
    #[derive(Debug, Clone)]
    pub(crate) struct SagaRow {
        pub(crate) id: Uuid,
        pub(crate) kind: String,
        pub(crate) status: String,
        pub(crate) steps: Value,
        pub(crate) inputs: Value,
        pub(crate) context: Value,
        pub(crate) tenant_id: Option<String>,
        pub(crate) deployment_id: Option<Uuid>,
        pub(crate) triggered_by: String,
        pub(crate) cancel_requested: bool,
        pub(crate) error: Option<Value>,
        pub(crate) attention: Option<Value>,
        pub(crate) clean: Option<Value>,
        pub(crate) resolved: Option<Value>,
        pub(crate) queue: String,
        pub(crate) current_step_idx: i64,
        pub(crate) step_state: String,
        pub(crate) step_attempts: i64,
        pub(crate) step_waits: i64,
        pub(crate) step_started_at: Option<Timestamp>,
        pub(crate) step_prior: Option<Value>,
        pub(crate) step_memo: Option<Value>,
        pub(crate) doubt_until: Option<Timestamp>,
        pub(crate) rewound: bool,
        pub(crate) waiting_for: Option<String>,
        pub(crate) wake_at: Option<Timestamp>,
        pub(crate) owner: Option<Uuid>,
        pub(crate) epoch: i64,
        pub(crate) seq: i64,
        pub(crate) nudge: i64,
        pub(crate) crashes: i64,
        pub(crate) inserted_at: Timestamp,
        pub(crate) started_at: Option<Timestamp>,
        pub(crate) finished_at: Option<Timestamp>,
        pub(crate) updated_at: Timestamp,
    }
}

row! {
    /// A row of `saga_step_results`.
    #[derive(Debug, Clone)]
    pub(crate) struct StepRow {
        pub(crate) step_idx: i64,
        pub(crate) step_name: String,
        pub(crate) status: String,
        pub(crate) in_doubt: bool,
        pub(crate) prior: Option<Value>,
        pub(crate) output: Option<Value>,
        pub(crate) error: Option<Value>,
        pub(crate) attempts: i64,
        pub(crate) compensation_attempts: i64,
        pub(crate) runner: Uuid,
        pub(crate) epoch: i64,
        pub(crate) started_at: Timestamp,
        pub(crate) finished_at: Timestamp,
        pub(crate) compensation_started_at: Option<Timestamp>,
        pub(crate) compensation_finished_at: Option<Timestamp>,
    }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct EventRow {
        pub(crate) seq: i64,
        pub(crate) number: i64,
        pub(crate) at: Timestamp,
        pub(crate) kind: String,
        pub(crate) step_idx: Option<i64>,
        pub(crate) actor: String,
        pub(crate) data: Value,
    }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct Standing {
        pub(crate) owner: Option<Uuid>,
        pub(crate) epoch: i64,
        pub(crate) seq: i64,
        pub(crate) nudge: i64,
        pub(crate) cancel_requested: bool,
    }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct SignalRow {
        pub(crate) data: Value,
        pub(crate) actor: String,
        pub(crate) expired: bool,
    }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct KeyHolder {
        pub(crate) body_hash: String,
        pub(crate) saga_id: Uuid,
    }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct WrittenTo {
        pub(crate) id: Uuid,
        pub(crate) nudge: i64,
        pub(crate) cancel_requested: bool,
    }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct Written {
        pub(crate) nudge: i64,
        pub(crate) cancel_requested: bool,
    }
}

impl SagaRow {
    /// The row of a saga that begins on this node, as the journal will insert it.
    pub(crate) fn begun(id: SagaId, start: StartSaga, runner: Uuid, at: Timestamp) -> SagaRow {
        SagaRow {
            id: id.0,
            status: Status::Running.as_str().to_owned(),
            steps: json!(start.steps),
            queue: start.queue_name(),
            kind: start.kind,
            inputs: Value::Object(start.inputs),
            context: json!({}),
            tenant_id: start.tenant_id,
            deployment_id: start.deployment_id,
            triggered_by: start.triggered_by,
            cancel_requested: false,
            error: None,
            attention: None,
            clean: None,
            resolved: None,
            current_step_idx: 0,
            step_state: "ready".to_owned(),
            step_attempts: 0,
            step_waits: 0,
            step_started_at: None,
            step_prior: None,
            step_memo: None,
            doubt_until: None,
            rewound: false,
            waiting_for: None,
            wake_at: None,
            owner: Some(runner),
            epoch: 1,
            seq: 1,
            nudge: 0,
            crashes: 0,
            inserted_at: at,
            started_at: Some(at),
            finished_at: None,
            updated_at: at,
        }
    }

    pub(crate) fn step_names(&self) -> Result<Vec<String>, Error> {
        serde_json::from_value(self.steps.clone()).map_err(|error| decode("steps", &error))
    }

    /// What an unfinished saga that says nothing of its own waits for.
    fn blocker(&self, status: Status) -> Option<&'static str> {
        match (status.is_terminal(), self.owner.is_some(), self.wake_at.is_some()) {
            (true, ..) => None,
            (_, true, _) => Some("its step to end"),
            (_, _, true) => Some("a free runner"),
            _ => Some("somebody to make it runnable"),
        }
    }

    pub(crate) fn into_saga(self) -> Result<Saga, Error> {
        let status = Status::parse(&self.status).ok_or_else(|| decode("status", &self.status))?;
        let waiting_for = self.waiting_for.clone().or_else(|| self.blocker(status).map(str::to_owned));
        Ok(Saga {
            id: SagaId(self.id),
            status,
            current_step_idx: self.current_step_idx,
            steps: self.step_names()?,
            inputs: object("inputs", self.inputs)?,
            context: object("context", self.context)?,
            kind: self.kind,
            tenant_id: self.tenant_id,
            deployment_id: self.deployment_id,
            triggered_by: self.triggered_by,
            cancel_requested: self.cancel_requested,
            error: self.error,
            attention: self.attention,
            clean: self.clean,
            resolved: self.resolved,
            queue: self.queue,
            waiting_for,
            wake_at: self.wake_at,
            owner: self.owner,
            epoch: self.epoch,
            inserted_at: self.inserted_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            updated_at: self.updated_at,
        })
    }
}

impl StepRow {
    pub(crate) fn into_result(self) -> Result<StepResult, Error> {
        let status = StepStatus::parse(&self.status).ok_or_else(|| decode("status", &self.status))?;
        Ok(StepResult {
            idx: self.step_idx,
            name: self.step_name,
            status,
            attempts: self.attempts,
            compensation_attempts: self.compensation_attempts,
            in_doubt: self.in_doubt,
            prior: self.prior,
            output: self.output,
            error: self.error,
            runner: Some(self.runner),
            epoch: Some(self.epoch),
            started_at: Some(self.started_at),
            finished_at: Some(self.finished_at),
            compensation_started_at: self.compensation_started_at,
            compensation_finished_at: self.compensation_finished_at,
        })
    }
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Event {
        let EventRow { seq, number, at, kind, step_idx, actor, data } = row;
        Event { seq, number, at, kind, step_idx, actor, data }
    }
}

pub(crate) fn object(column: &str, value: Value) -> Result<Map<String, Value>, Error> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(decode(column, &other)),
    }
}

/// The most that one step may give or a saga may start with, in bytes of JSON.
const JSON_BYTES_MAX: usize = 256 * 1024;

/// Whether both databases take it: PostgreSQL refuses NUL characters, and rows must stay small.
pub(crate) fn check_storable(map: &Map<String, Value>) -> Result<(), String> {
    let text = serde_json::to_string(map).map_err(|error| format!("cannot be written as JSON: {error}"))?;
    if text.len() > JSON_BYTES_MAX {
        return Err(format!("have {} bytes as JSON; at most {JSON_BYTES_MAX}", text.len()));
    }
    if map.values().any(has_nul) || map.keys().any(|key| key.contains('\0')) {
        return Err("contain a NUL character".to_owned());
    }
    Ok(())
}

/// Words for a person, as both databases store them.
pub(crate) fn storable(words: String) -> String {
    if words.contains('\0') { words.replace('\0', "\u{2400}") } else { words }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn decode(column: &str, found: &dyn std::fmt::Display) -> Error {
    Error::Decode { column: column.to_owned(), wanted: "a value of the engine", found: found.to_string() }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct DueSchedule {
        pub(crate) name: String,
        pub(crate) next_tick: Timestamp,
    }
}
