//! What the database accepted from whom, in order: the measure for what it must hold in the end.

use crate::journal::{Change, Entry};
use crate::ledger::Claim;
use crate::rows::{SagaRow, StepRow, Written};
use arcadia_sql::Error;
use std::collections::BTreeMap;
use std::sync::Mutex;
use uuid::Uuid;

use super::stage::lock;

/// What one saga's row must say after its last accepted write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Accepted {
    pub(crate) epoch: i64,
    pub(crate) seq: i64,
    pub(crate) status: String,
    /// The runner that has it; `None` when it was given back.
    pub(crate) owner: Option<Uuid>,
    pub(crate) idx: i64,
    /// Whether the intent of a call at `idx` is durable.
    pub(crate) intended: bool,
}

/// An event's place and kind.
pub(crate) type EventKey = (i64, i64, String);

#[derive(Debug, Default)]
struct SagaHistory {
    last: Option<Accepted>,
    steps: BTreeMap<i64, StepRow>,
    events: Vec<EventKey>,
}

#[derive(Debug, Default)]
struct Pages {
    sagas: BTreeMap<Uuid, SagaHistory>,
    violations: Vec<String>,
}

#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Pages>);

/// What is to be remembered of an entry once it is accepted.
pub(crate) struct Note {
    id: Uuid,
    accepted: Accepted,
    steps: Vec<StepRow>,
    events: Vec<EventKey>,
}

impl Note {
    pub(crate) fn of(entry: &Entry) -> Note {
        let accepted = match &entry.change {
            Change::Insert(row) => Accepted {
                epoch: 1,
                seq: 1,
                status: "running".to_owned(),
                owner: Some(row.owner),
                idx: 0,
                intended: row.intended,
            },
            Change::Update(row) => Accepted {
                epoch: row.epoch,
                seq: row.seq + 1,
                status: row.status.clone(),
                owner: (!row.released).then_some(row.owner),
                idx: row.current_step_idx,
                intended: row.step_state != "ready",
            },
        };
        let events = entry.events.iter().map(|event| (event.seq, event.number, event.kind.to_owned()));
        Note { id: entry.id, accepted, steps: entry.steps.clone(), events: events.collect() }
    }
}

/// What a trace says of it.
impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Accepted { epoch, seq, status, idx, intended, .. } = &self.accepted;
        write!(f, "record {} epoch {epoch} seq {seq}: {status} at {idx}, intended {intended}", self.id)
    }
}

impl History {
    pub(crate) fn answered(&self, claim: &Claim, rows: &Result<Vec<SagaRow>, Error>) {
        if let Ok(rows) = rows {
            self.claimed(claim, rows);
        }
    }

    pub(crate) fn wrote(&self, note: Note, answer: &Result<Option<Written>, Error>) {
        if !matches!(answer, Ok(Some(_))) {
            return;
        }
        let mut pages = lock(&self.0);
        let Note { id, accepted, steps, events } = note;
        let saga = pages.sagas.entry(id).or_default();
        let stale = saga.last.clone().filter(|last| accepted.epoch < last.epoch || accepted.seq <= last.seq);
        saga.last = Some(accepted.clone());
        for step in steps {
            saga.steps.insert(step.step_idx, step);
        }
        saga.events.extend(events);
        if let Some(last) = stale {
            pages.violations.push(format!(
                "saga {id}: a write of epoch {} seq {} was accepted after epoch {} seq {}",
                accepted.epoch, accepted.seq, last.epoch, last.seq
            ));
        }
    }

    pub(crate) fn claimed(&self, claim: &Claim, rows: &[SagaRow]) {
        let mut pages = lock(&self.0);
        for row in rows {
            let claimed = Accepted {
                epoch: row.epoch,
                seq: row.seq,
                status: row.status.clone(),
                owner: row.owner,
                idx: row.current_step_idx,
                intended: row.step_state != "ready",
            };
            let last = pages.sagas.entry(row.id).or_default().last.replace(claimed);
            if last.is_some_and(|last| row.epoch <= last.epoch) || row.epoch < 1 {
                let words = format!("saga {}: a claim did not bump the epoch {}", row.id, row.epoch);
                pages.violations.push(words);
            }
            if row.owner != Some(claim.runner) {
                let words = format!("saga {}: claimed by {} but owned by another", row.id, claim.runner);
                pages.violations.push(words);
            }
        }
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        lock(&self.0).violations.clone()
    }

    pub(crate) fn last(&self, id: Uuid) -> Option<Accepted> {
        lock(&self.0).sagas.get(&id)?.last.clone()
    }

    pub(crate) fn steps(&self, id: Uuid) -> Vec<StepRow> {
        let pages = lock(&self.0);
        pages.sagas.get(&id).map(|saga| saga.steps.values().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn events(&self, id: Uuid) -> Vec<EventKey> {
        lock(&self.0).sagas.get(&id).map(|saga| saga.events.clone()).unwrap_or_default()
    }
}
