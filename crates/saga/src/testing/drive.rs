//! One case: a fresh world and database, a saga, one thing that goes wrong, and what must hold afterwards.

use super::check::{self, Snapshot};
use super::ground::Ground;
use super::hazard::{Act, Base, Case, Hazard, How, Kind, Misstep, On, Point, Side, Times};
use super::history::History;
use super::plan::Road;
use super::stage::{Snare, Stage, Tripwire};
use super::staged::{Script, Staged};
use super::watch::Watched;
use super::{Scene, World};
use crate::ledger::Ledger;
use crate::step::AnyStep;
use crate::{Clock, Registry, Runner, SagaId, Sagas, Settings, VerbError};
use arcadia_sql::{Db, ManualNow};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Everything that comes due within this much simulated time must be enough for any saga to end.
const HORIZON: SignedDuration = SignedDuration::from_hours(48);
const ROUNDS_MAX: usize = 2_000;
/// A dropped transaction of the dead may hold the saga's row a moment longer, and a claim passes over locked rows.
const HIDDEN_ROUNDS_MAX: usize = 50;
const PAST_THE_LEASE: Duration = Duration::from_secs(11);
const SEED: u64 = 7;

/// What may stand between the kit and the database: nothing, or a broken double of the kit's own tests.
pub(crate) type Between = Arc<dyn Fn(Arc<dyn Ledger>, &Db) -> Arc<dyn Ledger> + Send + Sync>;

/// What a run passed, as the plan of all cases needs it.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) road: Road,
    pub(crate) counts: BTreeMap<Kind, usize>,
    /// The counts when the saga turned back.
    pub(crate) turned: BTreeMap<Kind, usize>,
    pub(crate) undone: Vec<usize>,
    /// Places that are others by another name.
    pub(crate) doubles: BTreeSet<Point>,
}

pub(crate) struct Play<W: World> {
    pub(crate) case: Case,
    pub(crate) now: ManualNow,
    pub(crate) world: W,
    pub(crate) sagas: Sagas,
    pub(crate) road: Road,
    pub(crate) history: Arc<History>,
    pub(crate) script: Arc<Script>,
    pub(crate) ledger: Arc<dyn Ledger>,
    registry: Arc<Registry<W::Cloud>>,
    stage: Arc<Stage>,
    queue: String,
    until: Timestamp,
}

type Round<'r> = Pin<Box<dyn Future<Output = Result<usize, arcadia_sql::Error>> + Send + 'r>>;

impl<W: World> Play<W> {
    pub(crate) async fn set<F, Fut>(
        case: Case,
        fresh: &F,
        ground: &Ground,
        between: &Between,
    ) -> Result<(Play<W>, SagaId), String>
    where
        F: Fn(Scene) -> Fut,
        Fut: Future<Output = W>,
    {
        let (db, now) = ((*ground.db).clone(), ground.now.clone());
        let (stage, script, history) =
            (Arc::<Stage>::default(), Arc::<Script>::default(), Arc::<History>::default());
        let (clock, tripwire) = (Clock::manual(now.clone(), SEED), Tripwire::on(&stage));
        let world = fresh(Scene { db: db.clone(), clock: clock.clone(), now: now.clone(), tripwire }).await;
        let (on, with) = (Arc::clone(&stage), Arc::clone(&script));
        let registry = Arc::new(world.registry().wrapped(move |inner| -> Arc<dyn AnyStep<W::Cloud>> {
            Arc::new(Staged { inner, stage: Arc::clone(&on), script: Arc::clone(&with) })
        }));
        let sagas = Sagas::new(db.clone(), clock, &registry);
        let ledger = between(Arc::clone(&ground.ledger), &db);
        let id = world.start(&sagas).await.map_err(|error| format!("the saga did not start: {error}"))?;
        let saga = sagas.get(id).await.map_err(|error| error.to_string())?;
        let until = now.get() + HORIZON;
        let road = Road::of(&registry, &saga.steps);
        let play = Play {
            case,
            now,
            world,
            sagas,
            road,
            history,
            script,
            ledger,
            registry,
            stage,
            queue: saga.queue,
            until,
        };
        play.prepare();
        Ok((play, id))
    }

    /// Puts what is to go wrong in its place.
    fn prepare(&self) {
        if self.case.base == Base::Back
            && let Some((idx, misstep)) = self.road.turns_back()
        {
            // A pivot that is in doubt is tried for ever: refused for good, its saga would never end.
            let times = if self.road.pivot.is_some() { Times::Once } else { Times::ForGood };
            self.script.plan(On::Step, idx, misstep, times.count());
        }
        match self.case.hazard {
            Some(Hazard::At(Act::Cut, point)) => self.stage.arm(point, Snare::Cut),
            Some(Hazard::At(_, point)) => self.stage.arm(point, Snare::Hold),
            Some(Hazard::Step { on, idx, misstep, times }) => {
                self.script.plan(on, idx, misstep, times.count());
            }
            None => {}
        }
    }

    /// Plays the case to its end and answers what it passed.
    pub(crate) async fn play(self, id: SagaId) -> Result<Passed, String> {
        let node = self.runner();
        let held = self.until_held(&node, id).await?;
        let act = match self.case.hazard {
            Some(Hazard::At(act, _)) => Some(act),
            _ => None,
        };
        match (act, held) {
            (Some(Act::Dies), Some(round)) => {
                drop(round);
                self.let_tasks_end().await;
                let now = Snapshot::of(&self.sagas, id).await?;
                let (ledger, history) = (self.ledger.as_ref(), &self.history);
                let kept = check::what_was_accepted_is_there(ledger, history, &now).await;
                self.advance(PAST_THE_LEASE);
                self.settle(&self.runner(), id).await?;
                let judged = self.judge(id, false).await;
                return match kept {
                    Ok(()) => judged,
                    Err(lost) => check::all([Err(lost), judged.map(drop)]).and(Err(String::new())),
                };
            }
            (Some(Act::Zombie), Some(round)) => self.another_takes_over(round, id).await?,
            (Some(Act::Cancel), Some(mut round)) => {
                let cancelled = beside(&mut round, self.cancel(id)).await?;
                self.stage.release();
                round.await.map_err(|error| error.to_string())?;
                check::is_awake(&self, id, cancelled).await?;
                self.settle(&node, id).await?;
                return self.judge(id, cancelled).await;
            }
            (Some(Act::Cancel), None) if self.cancelled_at_pause(id).await? => {
                check::is_awake(&self, id, true).await?;
                self.settle(&node, id).await?;
                return self.judge(id, true).await;
            }
            (Some(Act::Dies | Act::Zombie), None) => {
                return Err("the case's point was not reached".to_owned());
            }
            _ => {}
        }
        self.judge(id, false).await
    }

    async fn judge(self, id: SagaId, cancelled: bool) -> Result<Passed, String> {
        let counts = self.stage.passed();
        // One more life, so that the last one's lease is over and its node forgotten.
        self.advance(PAST_THE_LEASE);
        self.settle(&self.runner(), id).await?;
        check::whole(&self, id, cancelled).await?;
        Ok(Passed {
            road: self.road,
            counts,
            turned: self.stage.turned(),
            undone: self.script.undone().into_iter().collect(),
            doubles: self.stage.one_with_the_next(),
        })
    }

    fn runner(&self) -> Runner<W::Cloud> {
        let ledger = Watched {
            inner: Arc::clone(&self.ledger),
            stage: Arc::clone(&self.stage),
            history: Arc::clone(&self.history),
        };
        let (sagas, registry) = (self.sagas.clone(), Arc::clone(&self.registry));
        Runner::new(sagas, registry, self.world.cloud(), Settings::default())
            .through(Arc::new(ledger))
            .only(&self.queue)
    }

    /// Drives until the saga rests for good, or until somebody stands at the case's point.
    async fn until_held<'r>(
        &self,
        node: &'r Runner<W::Cloud>,
        id: SagaId,
    ) -> Result<Option<Round<'r>>, String> {
        let mut hidden = 0;
        for _ in 0..ROUNDS_MAX {
            let mut round: Round<'r> = Box::pin(node.round());
            let driven = tokio::select! {
                biased;
                driven = &mut round => driven,
                () = self.stage.reached() => return Ok(Some(round)),
            };
            let driven = driven.map_err(|error| error.to_string())?;
            let due = node.next_due().await.map_err(|error| error.to_string())?;
            // What rests for good is looked at once more: it may have been left behind without a timer.
            if driven > 0 && due.is_none_or(|(due, now)| due <= now) {
                continue;
            }
            if due.is_none() && hidden < HIDDEN_ROUNDS_MAX && !self.rests(id).await? {
                hidden += 1;
                continue;
            }
            hidden = 0;
            check::nothing_sleeps_through_a_cancel(self, id).await?;
            let pause = self.stage.pauses();
            let point = Point { kind: Kind::Pause, number: pause, side: Side::Before };
            if self.stage.springs(point).is_some() {
                return Ok(None);
            }
            if self.world.paused(&self.sagas, id).await {
                continue;
            }
            let Some((due, _)) = due.filter(|(due, _)| *due <= self.until) else { return Ok(None) };
            self.advance(Duration::try_from(due.duration_since(self.now.get())).unwrap_or_default());
        }
        Err(format!("the saga did not rest within {ROUNDS_MAX} rounds"))
    }

    /// At its end, or parked for a person.
    async fn rests(&self, id: SagaId) -> Result<bool, String> {
        let saga = self.sagas.get(id).await.map_err(|error| error.to_string())?;
        Ok(saga.status.is_terminal() || saga.attention.is_some())
    }

    async fn settle(&self, node: &Runner<W::Cloud>, id: SagaId) -> Result<(), String> {
        match self.until_held(node, id).await? {
            None => Ok(()),
            Some(_) => Err("a point was reached twice".to_owned()),
        }
    }

    /// The first runner stands still; another finishes; the first wakes and must not change a byte.
    async fn another_takes_over(&self, mut zombie: Round<'_>, id: SagaId) -> Result<(), String> {
        let finish = async {
            self.advance(PAST_THE_LEASE);
            self.settle(&self.runner(), id).await?;
            Ok((Snapshot::of(&self.sagas, id).await?, check::verdict(self, id).await))
        };
        let (before, verdict) = beside(&mut zombie, finish).await?;
        self.stage.release();
        zombie.await.map_err(|error| format!("the zombie's round failed: {error}"))?;
        let after = Snapshot::of(&self.sagas, id).await?;
        if before != after {
            return Err(format!("the zombie wrote: {}", before.difference(&after)));
        }
        verdict
    }

    fn advance(&self, by: Duration) {
        self.now.advance(by);
        self.world.moved(by);
    }

    /// True when it was accepted.
    async fn cancel(&self, id: SagaId) -> Result<bool, String> {
        match self.sagas.cancel(id, "user:kit").await {
            Ok(saga) => Ok(saga.cancel_requested),
            Err(VerbError::Refused { .. }) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn cancelled_at_pause(&self, id: SagaId) -> Result<bool, String> {
        let at_pause = matches!(self.case.hazard, Some(Hazard::At(_, point)) if point.kind == Kind::Pause);
        if at_pause { self.cancel(id).await } else { Err("the case's point was not reached".to_owned()) }
    }

    /// What a dropped round spawned ends when it is polled next.
    async fn let_tasks_end(&self) {
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
    }
}

/// Does something while somebody stands still. The rest of his node goes on meanwhile: it may be in the middle of a
/// write, and on SQLite hold the turn to write.
async fn beside<T>(
    round: &mut Round<'_>,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    tokio::select! {
        biased;
        done = work => done,
        ended = round => Err(format!("a round ended in which somebody stands still: {ended:?}")),
    }
}

impl Road {
    /// How [`Base::Back`] turns the saga back, if it can be.
    pub(crate) fn turns_back(&self) -> Option<(usize, Misstep)> {
        match self.pivot {
            Some(0) => None,
            Some(pivot) => Some((pivot, Misstep::Fails { how: How::Certain, side: Side::Before })),
            None => {
                let last = self.classes.len().checked_sub(1)?;
                Some((last, Misstep::Fails { how: How::InDoubt, side: Side::After }))
            }
        }
    }
}
