//! Who goes next, and what becomes of it: all that is random in a run, and the clock.

use super::super::ground::Ground;
use super::super::history::History;
use super::judge::{self, Asked};
use super::nodes::{Process, Slot, port};
use super::shelf::{Node, Shelf};
use super::turns::{Fate, Kind, NETWORK, Turns};
use super::{Run, steps};
use crate::{Clock, Registry, Runner, SagaId, Sagas, Settings, StartError, StartSaga};
use arcadia_sql::ManualNow;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const NODES_MAX: usize = 3;
const SAGAS_MAX: usize = 6;
/// Polls in which everybody who was woken comes to the next turn that they ask for.
const POLLS: usize = 24;
/// Enough for every saga to come to rest once nothing goes wrong any more.
const CALM_EVENTS_MAX: usize = 20_000;
/// So often the clock moves with nothing due before a saga counts as forgotten: well past any lease.
const WITHOUT_DUE_MAX: usize = 20;
const TRACE_MAX: usize = 400;

pub(super) struct Conductor<'g> {
    seed: u64,
    ground: &'g Ground,
    random: fastrand::Rng,
    now: ManualNow,
    clock: Clock,
    registry: Arc<Registry<Node>>,
    turns: Arc<Turns>,
    pub(super) history: Arc<History>,
    pub(super) shelf: Arc<Shelf>,
    /// For reading, and for requests in a transaction of their own.
    pub(super) sagas: Sagas,
    slots: Vec<Slot>,
    pub(super) asked: Vec<Asked>,
    pub(super) cancelled: BTreeSet<SagaId>,
    /// How many turns in a hundred go wrong.
    ill: u32,
    /// What idle nodes did.
    chores: usize,
    hash: u64,
    events: usize,
    trace: VecDeque<String>,
}

impl<'g> Conductor<'g> {
    pub(super) fn new(seed: u64, ground: &'g Ground) -> Conductor<'g> {
        let mut random = fastrand::Rng::with_seed(seed);
        let (now, turns, history) = (ground.now.clone(), Arc::<Turns>::default(), Arc::<History>::default());
        let (clock, registry) = (Clock::manual(now.clone(), random.u64(..)), Arc::new(steps::registry()));
        let shelf = Shelf::new(seed, now.clone(), Arc::clone(&turns), Arc::clone(&history));
        let slots = (0..random.usize(1..=NODES_MAX)).map(|_| Slot { process: None, frozen_until: now.get() });
        Conductor {
            seed,
            ground,
            slots: slots.collect(),
            ill: *random.choice(&[0, 4, 12, 30]).unwrap_or(&12),
            sagas: Sagas::new((*ground.db).clone(), clock.clone(), &registry),
            random,
            now,
            clock,
            registry,
            turns,
            history,
            shelf: Arc::new(shelf),
            asked: Vec::new(),
            cancelled: BTreeSet::new(),
            chores: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            events: 0,
            trace: VecDeque::new(),
        }
    }

    pub(super) async fn perform(mut self) -> Run {
        let violation = self.violation().await.err();
        // Whoever still runs must be gone before the next seed begins.
        self.slots.clear();
        self.let_everybody_come().await;
        Run {
            seed: self.seed,
            hash: self.hash,
            events: self.events,
            sagas: self.asked.len(),
            violation,
            trace: self.trace.into(),
        }
    }

    async fn violation(&mut self) -> Result<(), String> {
        for node in 0..self.slots.len() {
            self.boot(node);
        }
        for _ in 0..self.random.usize(60..400) {
            self.let_everybody_come().await;
            self.invariants()?;
            self.stir().await?;
        }
        self.calm().await?;
        judge::verdict(self, self.ground).await
    }

    fn invariants(&self) -> Result<(), String> {
        match self.history.violations().into_iter().next().or_else(|| self.shelf.violation()) {
            Some(violation) => Err(violation),
            None => Ok(()),
        }
    }

    /// One event of the bad times.
    async fn stir(&mut self) -> Result<(), String> {
        let node = self.random.usize(0..self.slots.len());
        match self.random.u32(0..100) {
            0..=4 if self.asked.len() < SAGAS_MAX => self.start(node).await?,
            5..=6 if !self.asked.is_empty() => self.cancel().await?,
            7 if self.ill > 0 => self.kill(node),
            8..=9 if self.ill > 0 => self.freeze(node),
            10..=11 => self.boot(node),
            12 => self.hang_up(node),
            13..=22 => self.advance_up_to(10..2_000),
            23 => self.advance_up_to(2_000..15_000),
            _ => self.next_turn(true).await,
        }
        Ok(())
    }

    /// Nothing goes wrong any more: everything comes to rest.
    async fn calm(&mut self) -> Result<(), String> {
        self.note("calm".to_owned());
        (self.ill, self.chores) = (0, 0);
        for slot in &mut self.slots {
            slot.frozen_until = Timestamp::MIN;
        }
        for node in 1..self.slots.len() {
            if self.random.bool() {
                self.kill(node);
            }
        }
        self.boot(0);
        let mut without_due = 0;
        for _ in 0..CALM_EVENTS_MAX {
            self.let_everybody_come().await;
            self.invariants()?;
            let idle = self.turns.with_asks(|asks| asks.iter().all(|ask| ask.kind == Kind::Idle));
            // Every node has renewed and looked since the clock moved last.
            if idle && self.chores >= 2 * self.slots.len() {
                self.chores = 0;
                if judge::all_at_rest(self).await? {
                    return Ok(());
                }
                without_due = if self.move_to_next_due().await? { 0 } else { without_due + 1 };
                if without_due > WITHOUT_DUE_MAX {
                    break;
                }
            } else {
                self.next_turn(false).await;
            }
        }
        Err(judge::restless(self).await?)
    }

    /// False when nothing will ever be due by itself.
    async fn move_to_next_due(&mut self) -> Result<bool, String> {
        let mut known = self.registry.step_names();
        known.push(String::new());
        let due = self.ground.ledger.next_due(known, "provisioning".to_owned()).await;
        let due = due.map_err(|error| error.to_string())?;
        let until = due.map(|(due, now)| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        self.advance(until.unwrap_or(Duration::from_secs(3)).min(Duration::from_secs(8)));
        Ok(until.is_some())
    }

    /// Gives somebody the turn and waits until it is over.
    async fn next_turn(&mut self, at_random: bool) {
        let now = self.now.get();
        let slots = &self.slots;
        let random = &mut self.random;
        let ask = self.turns.with_asks(|asks| {
            let awake = |node: usize| slots.get(node).is_none_or(|slot| slot.frozen_until <= now);
            let may: Vec<usize> = (0..asks.len()).filter(|at| awake(asks[*at].node)).collect();
            let busy: Vec<usize> = may.iter().copied().filter(|at| asks[*at].kind != Kind::Idle).collect();
            // Idle nodes look around now and then; calls and records that wait go first in good times.
            let from = if at_random || busy.is_empty() { &may } else { &busy };
            let at = if at_random { random.choice(from).copied() } else { from.first().copied() };
            at.map(|at| asks.remove(at))
        });
        let Some(ask) = ask else {
            self.advance(Duration::from_millis(500));
            return;
        };
        let fate = self.fate(ask.kind, at_random);
        let node = if ask.node == NETWORK { "net".to_owned() } else { ask.node.to_string() };
        self.note(format!("{node}: {} {fate:?}", ask.what));
        let dies = matches!(fate, Fate::DiesBefore | Fate::DiesAfter).then_some(ask.node);
        if ask.grant(fate) {
            self.turns.over().await;
        }
        if let Some(node) = dies {
            self.let_everybody_come().await;
            self.kill(node);
        }
    }

    fn fate(&mut self, kind: Kind, at_random: bool) -> Fate {
        if kind == Kind::Idle {
            // In good times every node renews and looks in turn.
            self.chores += 1;
            let renews = if at_random { self.random.bool() } else { self.chores <= self.slots.len() };
            return if renews { Fate::Renew } else { Fate::Look };
        }
        if self.random.u32(0..100) >= self.ill {
            return Fate::Goes;
        }
        let fates: &[Fate] = match kind {
            Kind::Database => &[
                Fate::FailsBefore,
                Fate::LosesAnswer,
                Fate::AnswersLate,
                Fate::AnswersLate,
                Fate::DiesBefore,
                Fate::DiesAfter,
            ],
            Kind::Record => &[
                Fate::FailsBefore,
                Fate::LosesAnswer,
                Fate::ArrivesLate,
                Fate::AnswersLate,
                Fate::DiesBefore,
                Fate::DiesAfter,
            ],
            Kind::Provider => &[
                Fate::Refused,
                Fate::FailsBefore,
                Fate::LosesAnswer,
                Fate::AnswersLate,
                Fate::DiesBefore,
                Fate::DiesAfter,
            ],
            Kind::Network | Kind::Idle => &[Fate::Goes],
        };
        self.random.choice(fates).copied().unwrap_or(Fate::Goes)
    }

    fn boot(&mut self, node: usize) {
        if self.slots[node].process.is_some() {
            return;
        }
        self.note(format!("{node}: boots"));
        let sagas = Sagas::new((*self.ground.db).clone(), self.clock.clone(), &self.registry);
        let cloud = Arc::new(Node { number: node, shelf: Arc::clone(&self.shelf) });
        let ledger = port(node, &self.ground.ledger, &self.turns, &self.history);
        let runner = Runner::new(sagas.clone(), Arc::clone(&self.registry), cloud, Settings::default());
        let process = Process::boot(node, runner.through(ledger), sagas, &self.turns);
        self.slots[node] = Slot { process: Some(process), frozen_until: self.now.get() };
    }

    fn kill(&mut self, node: usize) {
        if let Some(slot) = self.slots.get_mut(node)
            && slot.process.take().is_some()
        {
            self.note(format!("{node}: killed"));
        }
    }

    fn hang_up(&mut self, node: usize) {
        if let Some(process) = &mut self.slots[node].process
            && process.hang_up()
        {
            self.note(format!("{node}: a caller hangs up"));
        }
    }

    fn freeze(&mut self, node: usize) {
        let length = SignedDuration::from_millis(self.random.i64(500..30_000));
        self.slots[node].frozen_until = self.now.get() + length;
        self.note(format!("{node}: frozen for {} ms", length.as_millis()));
    }

    fn advance_up_to(&mut self, range_ms: std::ops::Range<u64>) {
        let by = Duration::from_millis(self.random.u64(range_ms));
        self.advance(by);
    }

    fn advance(&mut self, by: Duration) {
        self.note(format!("clock: {} ms", by.as_millis()));
        self.now.advance(by);
    }

    /// On a node, where it begins in place, or in a transaction with locks.
    async fn start(&mut self, node: usize) -> Result<(), String> {
        let id = self.sagas.new_id();
        let steps = self.random_steps();
        let mut start = StartSaga {
            id: Some(id),
            kind: "simulated".to_owned(),
            steps: steps.clone(),
            triggered_by: "system:simulation".to_owned(),
            ..StartSaga::default()
        };
        let acknowledged = Arc::new(AtomicBool::new(false));
        self.note(format!("{node}: start {id} {steps:?}"));
        match &mut self.slots[node].process {
            Some(process) if self.random.bool() => {
                process.start(node, start, Arc::clone(&acknowledged), &self.turns);
            }
            _ => {
                start.locks = vec![format!("thing:{}", self.random.u32(0..3))];
                match self.sagas.start(start).await {
                    Ok(_) => acknowledged.store(true, Ordering::SeqCst),
                    Err(StartError::Conflict { .. }) => {}
                    Err(error) => return Err(format!("a saga could not be started: {error}")),
                }
            }
        }
        self.asked.push(Asked { id, steps, acknowledged });
        Ok(())
    }

    fn random_steps(&mut self) -> Vec<String> {
        let mut steps = Vec::new();
        for _ in 0..self.random.usize(1..=4) {
            steps.push(
                (*self.random.choice(&["make", "make", "dwell", "turn"]).unwrap_or(&"make")).to_owned(),
            );
        }
        if self.random.u32(0..3) == 0 {
            let at = self.random.usize(0..=steps.len());
            steps.insert(at, "seal".to_owned());
        }
        steps
    }

    async fn cancel(&mut self) -> Result<(), String> {
        let at = self.random.usize(0..self.asked.len());
        let id = self.asked[at].id;
        let answer = self.sagas.cancel(id, "user:simulation").await;
        let accepted = answer.is_ok_and(|saga| saga.cancel_requested);
        self.note(format!("cancel {id}: {accepted}"));
        if accepted {
            self.cancelled.insert(id);
        }
        Ok(())
    }

    async fn let_everybody_come(&self) {
        for _ in 0..POLLS {
            tokio::task::yield_now().await;
        }
    }

    fn note(&mut self, what: String) {
        self.events += 1;
        for byte in what.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        if self.trace.len() == TRACE_MAX {
            self.trace.pop_front();
        }
        let at = self.now.get().duration_since(Timestamp::UNIX_EPOCH).as_millis() % 100_000_000;
        self.trace.push_back(format!("{at} {what}"));
    }
}
