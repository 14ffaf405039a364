//! What must hold after a case, whatever went wrong: the world agrees with the saga, the ledger with what was
//! accepted, and nothing is left behind.

use super::World;
use super::drive::Play;
use super::hazard::{Act, Base, Hazard, How, Misstep, On, Times};
use super::history::History;
use crate::ledger::Ledger;
use crate::schedule::JOB;
use crate::{Event, Saga, SagaId, Sagas, Status, StepResult, StepStatus};
use arcadia_sql::Error;
use serde_json::Value;

/// A saga as the database has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) saga: Saga,
    pub(crate) steps: Vec<StepResult>,
    pub(crate) events: Vec<Event>,
}

impl Snapshot {
    pub(crate) async fn of(sagas: &Sagas, id: SagaId) -> Result<Snapshot, String> {
        let words = |error: crate::VerbError| error.to_string();
        Ok(Snapshot {
            saga: sagas.get(id).await.map_err(words)?,
            steps: sagas.list_step_results(id).await.map_err(words)?,
            events: sagas.events(id).await.map_err(|error| error.to_string())?,
        })
    }

    pub(crate) fn difference(&self, after: &Snapshot) -> String {
        let place = |saga: &Saga| {
            let (status, idx, epoch) = (saga.status.as_str(), saga.current_step_idx, saga.epoch);
            format!("{status} at {idx}, epoch {epoch}, written {}", saga.updated_at)
        };
        if self.saga != after.saga {
            return format!("the saga was {} and is {}", place(&self.saga), place(&after.saga));
        }
        let steps = self.steps.iter().zip(&after.steps).find(|(before, after)| before != after);
        match steps {
            Some((before, after)) => format!("a step was {before:?} and is {after:?}"),
            None => format!("there were {} events and are {}", self.events.len(), after.events.len()),
        }
    }
}

pub(crate) async fn verdict<W: World>(play: &Play<W>, id: SagaId) -> Result<(), String> {
    let now = Snapshot::of(&play.sagas, id).await?;
    let verdict = play.world.verdict(&now.saga, &now.steps).await;
    verdict.map_err(|why| format!("the world of a saga that is {}: {why}", now.saga.status.as_str()))
}

/// Everything, at the end of a case; all that does not hold, in one sentence each.
pub(crate) async fn whole<W: World>(play: &Play<W>, id: SagaId, cancelled: bool) -> Result<(), String> {
    let now = Snapshot::of(&play.sagas, id).await?;
    let left = nothing_left(play, &now.saga).await.map_err(|error| error.to_string())?;
    let found = [
        play.history.violations().first().map_or(Ok(()), |violation| Err(violation.clone())),
        at_rest(&now.saga),
        expected(play, &now, cancelled),
        consistent(&now),
        what_was_accepted_is_there(play.ledger.as_ref(), &play.history, &now).await,
        no_event_lost(&play.history, &now, cancelled),
        left,
        verdict(play, id).await,
    ];
    all(found)
}

/// The reasons of all that do not hold.
pub(crate) fn all(found: impl IntoIterator<Item = Result<(), String>>) -> Result<(), String> {
    let why: Vec<String> = found.into_iter().filter_map(Result::err).collect();
    ensure(why.is_empty(), || why.join("; "))
}

pub(crate) fn at_rest(saga: &Saga) -> Result<(), String> {
    ensure(saga.status.is_terminal(), || {
        format!("the saga is still {} (attention: {:?})", saga.status.as_str(), saga.attention)
    })?;
    ensure(saga.owner.is_none(), || "the saga still has an owner".to_owned())?;
    ensure(saga.wake_at.is_none(), || "a timer is left behind".to_owned())?;
    ensure(saga.finished_at.is_some(), || "the saga has no end".to_owned())?;
    let (at, all) = (saga.current_step_idx, i64::try_from(saga.steps.len()).unwrap_or(i64::MAX));
    let end = if saga.status == Status::Completed { all } else { -1 };
    ensure(at == end, || format!("a saga that is {} stands at {at}", saga.status.as_str()))
}

/// Background work that gave up is `failed` though nothing stands: nobody has to repair it.
fn end_of(saga: &Saga) -> Status {
    let gave_up = saga.kind == JOB && saga.status == Status::Failed && saga.attention.is_none();
    if gave_up { Status::RolledBack } else { saga.status }
}

/// Which end each hazard may have.
fn expected<W: World>(play: &Play<W>, now: &Snapshot, cancelled: bool) -> Result<(), String> {
    use Status::{Completed, Failed, RolledBack};
    let undone = if play.case.base == Base::Back { RolledBack } else { Completed };
    // The pivot's refusal may be lost with its node: then the pivot is in doubt and settled forward.
    let turns_at_pivot = play.case.base == Base::Back && play.road.pivot.is_some();
    let may: &[Status] = match play.case.hazard {
        Some(Hazard::At(Act::Dies | Act::Zombie, _)) if turns_at_pivot => &[RolledBack, Completed],
        None | Some(Hazard::At(Act::Dies | Act::Zombie, _)) => &[undone],
        Some(Hazard::At(Act::Cancel, _)) if !cancelled => &[undone],
        Some(Hazard::Step { misstep: Misstep::Twice, .. }) => &[undone],
        Some(Hazard::Step { on: On::Undo, times: Times::ForGood, .. }) => &[Failed],
        Some(Hazard::Step { on: On::Undo, idx, .. }) => {
            let attempts = play.road.attempts.get(idx).map_or(1, |(_, undo)| *undo);
            if attempts > 1 { &[RolledBack] } else { &[Failed] }
        }
        Some(Hazard::Step { on: On::Step, idx, misstep: Misstep::Fails { how, .. }, times }) => {
            let pivot = play.road.pivot;
            let forward_only =
                pivot.is_some_and(|pivot| idx > pivot || (idx == pivot && how != How::Certain));
            let tries = play.road.attempts.get(idx).map_or(1, |(tries, _)| *tries);
            let again = play.road.tries_refusals_again.get(idx).copied().unwrap_or_default();
            match (how, times) {
                _ if forward_only => &[Completed],
                (How::Certain, Times::Once) if again && tries > 1 => &[Completed],
                (How::InDoubt, Times::Once) if tries > 1 => &[Completed],
                _ => &[RolledBack],
            }
        }
        Some(Hazard::At(Act::Cut | Act::Cancel, _)) if play.case.base == Base::Back => &[RolledBack],
        // Accepted while the last step ran, a cancel may come too late.
        Some(Hazard::At(Act::Cut | Act::Cancel, _)) => &[Completed, RolledBack],
    };
    let is = end_of(&now.saga);
    ensure(may.contains(&is), || format!("the saga is {}, not {may:?}: {:?}", is.as_str(), now.saga.error))
}

/// The ledger, the saga's status and its error say the same.
pub(crate) fn consistent(now: &Snapshot) -> Result<(), String> {
    let Snapshot { saga, steps, .. } = now;
    for step in steps {
        let epoch = step.epoch.unwrap_or_default();
        let name = format!("step {} ({}) of a saga that is {}", step.idx, step.name, saga.status.as_str());
        ensure(epoch <= saga.epoch, || format!("{name}: epoch {epoch} is later than the saga's"))?;
        let order = step.started_at.zip(step.finished_at).is_none_or(|(from, to)| from <= to);
        ensure(order, || format!("{name}: it ended before it began"))?;
        let right = match end_of(saga) {
            Status::Completed => step.status == StepStatus::Completed && step.output.is_some(),
            Status::RolledBack => match step.status {
                StepStatus::Pending | StepStatus::Compensated => true,
                StepStatus::Failed => !step.in_doubt,
                _ => false,
            },
            _ => match step.status {
                StepStatus::Pending | StepStatus::Compensated | StepStatus::CompensationFailed => true,
                StepStatus::Failed => !step.in_doubt,
                _ => false,
            },
        };
        ensure(right, || format!("{name}: it is {}", step.status.as_str()))?;
    }
    let begun = steps.iter().map(|step| step.status != StepStatus::Pending);
    ensure(begun.is_sorted_by(|a, b| a >= b), || "a step began after one that did not".to_owned())?;
    if saga.status == Status::Completed {
        let epochs = steps.iter().map(|step| step.epoch);
        ensure(epochs.is_sorted(), || "a later step has an earlier epoch".to_owned())?;
        return ensure(saga.attention.is_none(), || format!("attention: {:?}", saga.attention));
    }
    let error = saga.error.as_ref().map(|error| (&error["reason"], &error["compensate_from_idx"]));
    let whole = error.is_some_and(|(reason, from)| reason.is_string() && from.is_i64());
    ensure(whole, || format!("the error does not say what happened: {:?}", saga.error))?;
    names_what_stands(saga, steps)
}

fn names_what_stands(saga: &Saga, steps: &[StepResult]) -> Result<(), String> {
    let stands = steps.iter().filter(|step| step.status == StepStatus::CompensationFailed);
    let stands: Vec<i64> = stands.map(|step| step.idx).collect();
    let named = saga.attention.as_ref().and_then(|attention| attention["standing"].as_array());
    let named = named.map(|list| list.iter().filter_map(|one| one["step_idx"].as_i64()).collect());
    let named: Vec<i64> = named.unwrap_or_default();
    ensure((end_of(saga) == Status::Failed) != stands.is_empty(), || {
        format!("a saga that is {} has steps {stands:?} standing", saga.status.as_str())
    })?;
    ensure(stands == named, || format!("steps {stands:?} stand, attention names {named:?}"))
}

/// What the database said it took, it has.
pub(crate) async fn what_was_accepted_is_there(
    ledger: &dyn Ledger,
    history: &History,
    now: &Snapshot,
) -> Result<(), String> {
    let (id, words) = (now.saga.id.0, |error: Error| error.to_string());
    let standing = ledger.standing(id).await.map_err(words)?.ok_or("the saga is gone")?;
    if let Some(last) = history.last(id) {
        ensure((standing.epoch, standing.seq) == (last.epoch, last.seq), || {
            let (epoch, seq) = (standing.epoch, standing.seq);
            format!("accepted up to {last:?}, but the row is at epoch {epoch} seq {seq}")
        })?;
        ensure(now.saga.status.as_str() == last.status, || {
            format!("accepted as {}, but the row is {}", last.status, now.saga.status.as_str())
        })?;
    }
    let (rows, accepted) = (ledger.steps(id).await.map_err(words)?, history.steps(id));
    ensure(rows.len() == accepted.len(), || {
        format!("{} rows were accepted, the ledger has {}", accepted.len(), rows.len())
    })?;
    for (row, accepted) in rows.iter().zip(&accepted) {
        let same = row.status == accepted.status
            && (row.epoch, row.runner) == (accepted.epoch, accepted.runner)
            && (row.attempts, row.in_doubt) == (accepted.attempts, accepted.in_doubt)
            && row.output == accepted.output
            && row.prior == accepted.prior;
        ensure(same, || format!("{accepted:?} was accepted, the ledger has {row:?}"))?;
    }
    Ok(())
}

pub(crate) fn no_event_lost(history: &History, now: &Snapshot, cancelled: bool) -> Result<(), String> {
    let mut accepted = history.events(now.saga.id.0);
    let of_runners = now.events.iter().filter(|event| event.actor.starts_with("runner:"));
    let mut found: Vec<_> = of_runners.map(|event| (event.seq, event.number, event.kind.clone())).collect();
    accepted.sort();
    found.sort();
    ensure(accepted == found, || format!("events {accepted:?} were accepted, there are {found:?}"))?;
    let count = |kind: &str| now.events.iter().filter(|event| event.kind == kind).count();
    let turned = usize::from(now.saga.status != Status::Completed);
    ensure(count("compensating") == turned, || "the turn is not in the history".to_owned())?;
    ensure(count("cancel") == usize::from(cancelled), || "the cancel is not in the history".to_owned())
}

async fn nothing_left<W: World>(play: &Play<W>, saga: &Saga) -> Result<Result<(), String>, Error> {
    let (unfinished, locks) = (play.sagas.unfinished().await?, play.sagas.locks().await?);
    let live = play.sagas.live_runners().await?;
    let all = || {
        ensure(unfinished == 0, || format!("{unfinished} sagas are unfinished"))?;
        let keeps = end_of(saga) == Status::Failed;
        ensure(locks.is_empty() || keeps, || format!("locks are left behind: {locks:?}"))?;
        ensure(live == 0, || format!("{live} leases are left behind"))
    };
    Ok(all())
}

/// After an accepted cancel nobody waits for anything else.
pub(crate) async fn nothing_sleeps_through_a_cancel<W: World>(
    play: &Play<W>,
    id: SagaId,
) -> Result<(), String> {
    let saga = play.sagas.get(id).await.map_err(|error| error.to_string())?;
    let sleeps = saga.status == Status::Running && saga.wake_at.is_some_and(|at| at > play.now.get());
    ensure(!(saga.cancel_requested && sleeps), || {
        format!("a cancel was asked for, but the saga sleeps on: {:?}", saga.waiting_for)
    })
}

/// A cancel that was accepted wakes the saga, or the saga has an owner that will see it.
pub(crate) async fn is_awake<W: World>(play: &Play<W>, id: SagaId, cancelled: bool) -> Result<(), String> {
    if cancelled { nothing_sleeps_through_a_cancel(play, id).await } else { Ok(()) }
}

pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// The steps that a failed saga says still stand, for worlds that check exactly that.
pub(crate) fn standing(saga: &Saga) -> Vec<usize> {
    let list = saga.attention.as_ref().and_then(|attention| attention["standing"].as_array());
    let idx = |one: &Value| usize::try_from(one["step_idx"].as_i64()?).ok();
    list.map(|list| list.iter().filter_map(idx).collect()).unwrap_or_default()
}
