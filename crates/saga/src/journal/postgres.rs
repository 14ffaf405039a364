//! The journal on PostgreSQL: a batch is one statement, one round trip, one implicit transaction.

use super::entry::{Change, Entry};
use super::{BATCH_MAX, Job, same};
use crate::rows::{Written, WrittenTo};
use crate::store;
use arcadia_sql::{Args, Error, PostgresSession, Value};
use std::collections::HashMap;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Each costs the time-out of a lock; beyond so many it is no longer single rows that somebody holds.
const HELD_ROWS_MAX: usize = 3;

pub(super) async fn write_all(mut session: PostgresSession, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while jobs.recv_many(&mut batch, BATCH_MAX).await > 0 {
        write_batch(&mut session, std::mem::take(&mut batch)).await;
    }
}

async fn write_batch(session: &mut PostgresSession, mut batch: Vec<Job>) {
    // Rows are locked in id order, so that no two writers wait for each other in a circle.
    batch.sort_unstable_by_key(|job| job.entry.id);
    // Of a lost lease and of its heir: the batch's ledger rows, events and locks are fenced by saga, not by entry.
    if batch.windows(2).any(|pair| pair[0].entry.id == pair[1].entry.id) {
        return write_each(session, batch).await;
    }
    match write(session, batch.iter().map(|job| &job.entry)).await {
        Ok(written) => {
            for job in batch {
                let answer = written.get(&job.entry.id).cloned();
                // A flight that was dropped meanwhile waits for no answer.
                let _ = job.answer.send(Ok(answer));
            }
        }
        Err(error) if error.is_connection_lost() || (error.is_busy() && batch.len() == 1) => {
            for job in batch {
                let _ = job.answer.send(Err(same(&error)));
            }
        }
        // One of them is poisoned, or somebody holds its row: it must not take the others with it.
        Err(_) => write_each(session, batch).await,
    }
}

async fn write_each(session: &mut PostgresSession, batch: Vec<Job>) {
    let (mut busy, mut away) = (0, None);
    for job in batch {
        if let Some(error) = &away {
            let _ = job.answer.send(Err(same(error)));
            continue;
        }
        let answer = write(session, std::iter::once(&job.entry)).await;
        if let Err(error) = &answer {
            busy += usize::from(error.is_busy());
            away = (error.is_connection_lost() || busy >= HELD_ROWS_MAX).then(|| same(error));
        }
        let _ = job.answer.send(answer.map(|written| written.get(&job.entry.id).cloned()));
    }
}

pub(super) async fn write<'e>(
    session: &mut PostgresSession,
    entries: impl Iterator<Item = &'e Entry> + Clone,
) -> Result<HashMap<Uuid, Written>, Error> {
    let rows = session.fetch_all::<WrittenTo>(&store::WRITE_BATCH, columns(entries)).await?;
    let written = rows.into_iter().map(|row| {
        let WrittenTo { id, nudge, cancel_requested } = row;
        (id, Written { nudge, cancel_requested })
    });
    Ok(written.collect())
}

/// The batch by columns, in the order of the statement's arguments.
fn columns<'e>(entries: impl Iterator<Item = &'e Entry> + Clone) -> Args {
    let inserts: Vec<_> = entries
        .clone()
        .filter_map(|entry| match &entry.change {
            Change::Insert(row) => Some((entry.id, row)),
            Change::Update(_) => None,
        })
        .collect();
    let updates: Vec<_> = entries
        .clone()
        .filter_map(|entry| match &entry.change {
            Change::Update(row) => Some((entry.id, row)),
            Change::Insert(_) => None,
        })
        .collect();
    let steps: Vec<_> =
        entries.clone().flat_map(|entry| entry.steps.iter().map(|step| (entry.id, step))).collect();
    let events: Vec<_> =
        entries.clone().flat_map(|entry| entry.events.iter().map(|event| (entry.id, event))).collect();
    let freed = entries.filter(|entry| entry.frees_locks).map(|entry| Some(entry.id)).collect();

    macro_rules! column {
        ($rows:ident, $kind:ident, |$id:pat_param, $row:pat_param| $value:expr) => {
            Value::$kind($rows.iter().map(|($id, $row)| $value).collect())
        };
    }
    let json = |value: &Option<serde_json::Value>| value.as_ref().map(serde_json::Value::to_string);
    Args::from(vec![
        column!(inserts, Uuids, |id, _| Some(*id)),
        column!(inserts, Texts, |_, row| Some(row.kind.clone())),
        column!(inserts, Texts, |_, row| Some(row.steps.clone())),
        column!(inserts, Texts, |_, row| Some(row.inputs.clone())),
        column!(inserts, Texts, |_, row| row.tenant_id.clone()),
        column!(inserts, Uuids, |_, row| row.deployment_id),
        column!(inserts, Texts, |_, row| Some(row.triggered_by.clone())),
        column!(inserts, Texts, |_, row| Some(row.queue.clone())),
        column!(inserts, Ints, |_, row| Some(row.priority)),
        column!(inserts, Texts, |_, row| Some(row.next_step.clone())),
        column!(inserts, Ints, |_, row| Some(i64::from(row.intended))),
        column!(inserts, Uuids, |_, row| Some(row.owner)),
        column!(inserts, Times, |_, row| Some(row.at)),
        column!(updates, Uuids, |id, _| Some(*id)),
        column!(updates, Uuids, |_, row| Some(row.owner)),
        column!(updates, Ints, |_, row| Some(row.epoch)),
        column!(updates, Ints, |_, row| Some(row.seq)),
        column!(updates, Texts, |_, row| Some(row.status.clone())),
        column!(updates, Texts, |_, row| row.context.clone()),
        column!(updates, Texts, |_, row| row.error.clone()),
        column!(updates, Texts, |_, row| row.attention.clone()),
        column!(updates, Texts, |_, row| row.clean.clone()),
        column!(updates, Ints, |_, row| Some(row.current_step_idx)),
        column!(updates, Texts, |_, row| Some(row.next_step.clone())),
        column!(updates, Texts, |_, row| Some(row.step_state.clone())),
        column!(updates, Ints, |_, row| Some(row.step_attempts)),
        column!(updates, Ints, |_, row| Some(row.step_waits)),
        column!(updates, Times, |_, row| row.step_started_at),
        column!(updates, Texts, |_, row| row.step_prior.clone()),
        column!(updates, Texts, |_, row| row.step_memo.clone()),
        column!(updates, Times, |_, row| row.doubt_until),
        column!(updates, Texts, |_, row| row.waiting_for.clone()),
        column!(updates, Ints, |_, row| Some(row.crashes)),
        column!(updates, Times, |_, row| row.finished_at),
        column!(updates, Times, |_, row| Some(row.updated_at)),
        column!(updates, Ints, |_, row| Some(i64::from(row.released))),
        column!(updates, Ints, |_, row| row.wake_in_ms),
        column!(updates, Ints, |_, row| Some(row.nudge)),
        column!(updates, Ints, |_, row| Some(i64::from(row.refused_by_cancel))),
        column!(steps, Uuids, |id, _| Some(*id)),
        column!(steps, Ints, |_, row| Some(row.step_idx)),
        column!(steps, Texts, |_, row| Some(row.step_name.clone())),
        column!(steps, Texts, |_, row| Some(row.status.clone())),
        column!(steps, Ints, |_, row| Some(i64::from(row.in_doubt))),
        column!(steps, Texts, |_, row| json(&row.prior)),
        column!(steps, Texts, |_, row| json(&row.output)),
        column!(steps, Texts, |_, row| json(&row.error)),
        column!(steps, Ints, |_, row| Some(row.attempts)),
        column!(steps, Ints, |_, row| Some(row.compensation_attempts)),
        column!(steps, Uuids, |_, row| Some(row.runner)),
        column!(steps, Ints, |_, row| Some(row.epoch)),
        column!(steps, Times, |_, row| Some(row.started_at)),
        column!(steps, Times, |_, row| Some(row.finished_at)),
        column!(steps, Times, |_, row| row.compensation_started_at),
        column!(steps, Times, |_, row| row.compensation_finished_at),
        column!(events, Uuids, |id, _| Some(*id)),
        column!(events, Ints, |_, row| Some(row.seq)),
        column!(events, Ints, |_, row| Some(row.number)),
        column!(events, Times, |_, row| Some(row.at)),
        column!(events, Texts, |_, row| Some(row.kind.to_owned())),
        column!(events, Ints, |_, row| row.step_idx),
        column!(events, Texts, |_, row| Some(row.actor.clone())),
        column!(events, Texts, |_, row| Some(row.data.to_string())),
        Value::Uuids(freed),
    ])
}

#[cfg(test)]
mod tests;
