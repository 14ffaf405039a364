//! The journal on SQLite: a thread with a connection of its own, one statement per row.

use super::entry::{Change, Entry, EventEntry, Inserted, Updated};
use super::{BATCH_MAX, Job, same};
use crate::rows::{StepRow, Written};
use crate::store;
use arcadia_sql::{Db, Error, SqliteSession, SqliteTx, args};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;
use uuid::Uuid;

/// Whoever got an answer comes back with the next transition sooner than a thread that sleeps is woken.
const LINGER: Duration = Duration::from_micros(40);

pub(super) fn spawn(db: &Db, mut jobs: mpsc::Receiver<Job>, ended: DropGuard) -> Result<(), Error> {
    let Some(mut session) = db.sqlite_session()? else { return Ok(()) };
    let write = move || {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while wait_for_some(&mut jobs, &mut batch) {
            write_batch(&mut session, std::mem::take(&mut batch));
        }
        drop(ended);
    };
    let spawned = std::thread::Builder::new().name("journal".to_owned()).spawn(write);
    spawned.map(drop).map_err(|error| Error::Other { statement: "journal", source: Box::new(error) })
}

/// False when nobody will submit any more.
fn wait_for_some(jobs: &mut mpsc::Receiver<Job>, batch: &mut Vec<Job>) -> bool {
    let began = Instant::now();
    while jobs.is_empty() && began.elapsed() < LINGER {
        std::hint::spin_loop();
    }
    jobs.blocking_recv_many(batch, BATCH_MAX) > 0
}

fn write_batch(session: &mut SqliteSession, batch: Vec<Job>) {
    let written = session.transaction(|tx| batch.iter().map(|job| write(tx, &job.entry)).collect());
    match written {
        Ok(answers) => {
            let answers: Vec<Option<Written>> = answers;
            for (job, answer) in batch.into_iter().zip(answers) {
                // A flight that was dropped meanwhile waits for no answer.
                let _ = job.answer.send(Ok(answer));
            }
        }
        Err(error) if error.is_retryable() => {
            for job in batch {
                let _ = job.answer.send(Err(same(&error)));
            }
        }
        // One of them is poisoned: it must not take the others with it.
        Err(_) => {
            for job in batch {
                let answer = session.transaction(|tx| write(tx, &job.entry));
                let _ = job.answer.send(answer);
            }
        }
    }
}

pub(super) fn write(tx: &mut SqliteTx<'_>, entry: &Entry) -> Result<Option<Written>, Error> {
    let written = match &entry.change {
        Change::Insert(inserted) => insert(tx, entry.id, inserted)?,
        Change::Update(updated) => update(tx, entry.id, updated)?,
    };
    if written.is_some() {
        for step in &entry.steps {
            write_step(tx, entry.id, step)?;
        }
        for event in &entry.events {
            write_event(tx, entry.id, event)?;
        }
        if entry.frees_locks {
            tx.execute(&store::FREE_LOCKS, args![entry.id])?;
        }
    }
    Ok(written)
}

fn insert(tx: &mut SqliteTx<'_>, id: Uuid, row: &Inserted) -> Result<Option<Written>, Error> {
    let args = args![
        id,
        row.kind.as_str(),
        row.steps.as_str(),
        row.inputs.as_str(),
        row.tenant_id.as_deref(),
        row.deployment_id,
        row.triggered_by.as_str(),
        row.queue.as_str(),
        row.priority,
        row.next_step.as_str(),
        row.intended,
        row.owner,
        row.at
    ];
    let inserted = tx.execute(&store::INSERT_CLAIMED, args)? == 1;
    Ok(inserted.then_some(Written { nudge: 0, cancel_requested: false }))
}

fn update(tx: &mut SqliteTx<'_>, id: Uuid, row: &Updated) -> Result<Option<Written>, Error> {
    let args = args![
        id,
        row.owner,
        row.epoch,
        row.seq,
        row.status.as_str(),
        row.context.as_deref(),
        row.error.as_deref(),
        row.attention.as_deref(),
        row.clean.as_deref(),
        row.current_step_idx,
        row.next_step.as_str(),
        row.step_state.as_str(),
        row.step_attempts,
        row.step_waits,
        row.step_started_at,
        row.step_prior.as_deref(),
        row.step_memo.as_deref(),
        row.doubt_until,
        row.waiting_for.as_deref(),
        row.crashes,
        row.finished_at,
        row.updated_at,
        row.released,
        row.wake_in_ms,
        row.nudge,
        row.refused_by_cancel
    ];
    let found = tx.fetch_numbers::<2>(&store::WRITE_SAGA, args)?;
    Ok(found.map(|[nudge, cancel]| Written { nudge, cancel_requested: cancel != 0 }))
}

fn write_step(tx: &mut SqliteTx<'_>, id: Uuid, step: &StepRow) -> Result<(), Error> {
    if step.compensation_finished_at.is_some() {
        return write_undone(tx, id, step);
    }
    let args = args![
        id,
        step.step_idx,
        step.step_name.as_str(),
        step.status.as_str(),
        step.in_doubt,
        step.prior.clone(),
        step.output.clone(),
        step.error.clone(),
        step.attempts,
        step.compensation_attempts,
        step.runner,
        step.epoch,
        step.started_at,
        step.finished_at,
        step.compensation_started_at,
        step.compensation_finished_at
    ];
    tx.execute(&store::WRITE_STEP, args).map(drop)
}

fn write_undone(tx: &mut SqliteTx<'_>, id: Uuid, step: &StepRow) -> Result<(), Error> {
    let args = args![
        id,
        step.step_idx,
        step.status.as_str(),
        step.error.clone(),
        step.compensation_attempts,
        step.runner,
        step.epoch,
        step.compensation_started_at,
        step.compensation_finished_at
    ];
    tx.execute(&store::WRITE_UNDONE, args).map(drop)
}

fn write_event(tx: &mut SqliteTx<'_>, id: Uuid, event: &EventEntry) -> Result<(), Error> {
    let EventEntry { seq, number, at, kind, step_idx, actor, data } = event;
    let args = args![id, *seq, *number, *at, *kind, *step_idx, actor.as_str(), data.clone()];
    tx.execute(&store::WRITE_EVENT, args).map(drop)
}
