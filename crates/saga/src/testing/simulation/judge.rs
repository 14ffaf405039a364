//! The end of a run: every saga at rest, and the shelf as their ledger says.

use super::super::check::{self, Snapshot, ensure};
use super::super::ground::Ground;
use super::super::standing;
use super::conductor::Conductor;
use super::steps::dial;
use crate::{Saga, SagaId, Status, VerbError};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A saga that was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: SagaId,
    pub(super) steps: Vec<String>,
    /// Whoever asked for it heard that it is started.
    pub(super) acknowledged: Arc<AtomicBool>,
}

/// Its process died three times at one step: it waits for a person, as it must.
fn is_parked(saga: &Saga) -> bool {
    let crashed = saga.attention.as_ref().is_some_and(|attention| attention["reason"] == "crashed");
    crashed && saga.owner.is_none() && saga.wake_at.is_none()
}

async fn read(conductor: &Conductor<'_>, asked: &Asked) -> Result<Option<Saga>, String> {
    match conductor.sagas.get(asked.id).await {
        Ok(saga) => Ok(Some(saga)),
        Err(VerbError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) async fn all_at_rest(conductor: &Conductor<'_>) -> Result<bool, String> {
    for asked in &conductor.asked {
        if let Some(saga) = read(conductor, asked).await?
            && !saga.status.is_terminal()
            && !is_parked(&saga)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Which sagas did not come to rest, and where they stand.
pub(super) async fn restless(conductor: &Conductor<'_>) -> Result<String, String> {
    let mut words = Vec::new();
    for asked in &conductor.asked {
        if let Some(saga) = read(conductor, asked).await?
            && !saga.status.is_terminal()
        {
            let Saga { id, status, current_step_idx, owner, wake_at, epoch, .. } = &saga;
            let (status, last) = (status.as_str(), conductor.history.last(id.0));
            words.push(format!(
                "saga {id} is {status} at {current_step_idx}, epoch {epoch}, owner {owner:?}, wakes {wake_at:?}, \
                 attention {:?}; {last:?}",
                saga.attention
            ));
        }
    }
    Ok(format!("not at rest: {}", words.join("; ")))
}

pub(super) async fn verdict(conductor: &Conductor<'_>, ground: &Ground) -> Result<(), String> {
    let (mut may_live, mut keeps_locks) = (BTreeSet::new(), false);
    for asked in &conductor.asked {
        let Some(saga) = read(conductor, asked).await? else {
            let heard = asked.acknowledged.load(Ordering::SeqCst);
            ensure(!heard, || format!("saga {} was acknowledged and is gone", asked.id))?;
            continue;
        };
        let id = saga.id;
        keeps_locks |= saga.status != Status::Completed && saga.status != Status::RolledBack;
        if is_parked(&saga) {
            may_live.extend((0..saga.steps.len()).map(|idx| saga.mark(idx).step));
            continue;
        }
        let now = Snapshot::of(&conductor.sagas, id).await?;
        let cancelled = conductor.cancelled.contains(&id);
        let accepted =
            check::what_was_accepted_is_there(ground.ledger.as_ref(), &conductor.history, &now).await;
        let world = on_the_shelf(conductor, &saga, &mut may_live);
        let history = check::no_event_lost(&conductor.history, &now, cancelled);
        check::all([check::at_rest(&saga), check::consistent(&now), accepted, history, world])
            .map_err(|why| format!("saga {id} {:?}: {why}", asked.steps))?;
    }
    let strange: Vec<String> =
        conductor.shelf.living().into_iter().filter(|mark| !may_live.contains(mark)).collect();
    ensure(strange.is_empty(), || format!("things live that no saga answers for: {strange:?}"))?;
    let locks = conductor.sagas.locks().await.map_err(|error| error.to_string())?;
    ensure(keeps_locks || locks.is_empty(), || format!("locks are left behind: {locks:?}"))
}

/// All of a completed saga is there, nothing of one that was rolled back, of a failed one at most what it names.
fn on_the_shelf(
    conductor: &Conductor<'_>,
    saga: &Saga,
    may_live: &mut BTreeSet<String>,
) -> Result<(), String> {
    let (living, left) = (conductor.shelf.living(), standing(saga));
    let mut found = Vec::new();
    for (idx, step) in saga.steps.iter().enumerate() {
        let mark = saga.mark(idx).step;
        let stands = match step.as_str() {
            "make" => living.contains(&mark),
            "turn" | "seal" => dial(&conductor.shelf, &mark) != "unset",
            _ => continue,
        };
        let right = match saga.status {
            Status::Completed => stands,
            Status::RolledBack => !stands,
            _ => !stands || left.contains(&idx),
        };
        if stands && right {
            may_live.insert(mark);
        }
        found.push(ensure(right, || {
            let word = if stands { "stands" } else { "is missing" };
            format!("{step} {idx} of a saga that is {} {word}", saga.status.as_str())
        }));
    }
    let clean =
        saga.clean.as_ref().is_none_or(|clean| *clean == Value::Bool(true) || clean["not_seen"].is_string());
    found.push(ensure(clean, || format!("the last look saw {:?}", saga.clean)));
    check::all(found)
}
