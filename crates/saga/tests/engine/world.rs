//! A world that sagas change: things on a shelf, found by their mark, and a script of what goes wrong.

use arcadia_saga::{
    By, Class, Clock, Halt, Outcome, Policy, Registry, Run, Runner, Saga, SagaId, Sagas, Settings, StartSaga,
    Step, StepResult, Undo, Undoing, shape,
};
use arcadia_sql::{ManualNow, Options, args, statements, testing::TestDb};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

statements! {
    ASKING = sqlite "SELECT 0" postgres "
        SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
            AND state <> 'idle'";
}

/// What happens at one call, instead of success.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    FailBefore,
    /// The same, in words that no database stores as they are.
    FailWithNul,
    UnknownBefore,
    UnknownAfter,
    PanicAfter,
    UndecodableAfter,
    /// Succeeds, with an output that cannot be stored.
    NulOutput,
    Wait(u64),
    /// Stands still, before the effect, until the gate is opened.
    Block,
    /// The same, and then answers nonsense.
    BlockUndecodable,
    /// Succeeds, after it asked its node to shut down.
    ShutDown,
}

/// What the steps change: the oracle of every test.
#[derive(Debug, Default)]
pub struct Shelf {
    pub things: Mutex<BTreeMap<String, u32>>,
    pub undo_calls: Mutex<Vec<String>>,
    pub troubles: Mutex<BTreeMap<String, VecDeque<Trouble>>>,
    pub reached: Notify,
    pub gate: Notify,
    pub shutdown: CancellationToken,
}

impl Shelf {
    /// The next calls at `place` (`make:1`, `undo:0`) meet these.
    pub fn trouble(&self, place: &str, troubles: impl IntoIterator<Item = Trouble>) {
        self.troubles.lock().unwrap().entry(place.to_owned()).or_default().extend(troubles);
    }

    fn next(&self, place: &str) -> Option<Trouble> {
        self.troubles.lock().unwrap().get_mut(place).and_then(VecDeque::pop_front)
    }

    pub fn things(&self) -> Vec<String> {
        self.things.lock().unwrap().keys().cloned().collect()
    }

    /// The trouble of the next call at `place`, before its effect.
    pub async fn meet(&self, place: &str) -> Outcome<()> {
        let trouble = self.next(place);
        self.before(place, trouble.as_ref()).await
    }

    async fn before(&self, place: &str, trouble: Option<&Trouble>) -> Outcome<()> {
        match trouble {
            Some(Trouble::FailBefore) => Err(Halt::failed(format!("{place} was refused"))),
            Some(Trouble::FailWithNul) => Err(Halt::failed(format!("{place} was refused: \0"))),
            Some(Trouble::UnknownBefore) => Err(Halt::unknown(format!("{place} was cut"))),
            Some(Trouble::Wait(ms)) => {
                Err(Halt::wait(Duration::from_millis(*ms), format!("{place} to be ready")))
            }
            Some(Trouble::Block | Trouble::BlockUndecodable) => {
                self.reached.notify_one();
                self.gate.notified().await;
                Ok(())
            }
            Some(Trouble::ShutDown) => {
                self.shutdown.cancel();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn after(place: &str, trouble: Option<Trouble>) -> Outcome<()> {
        match trouble {
            Some(Trouble::UnknownAfter) => Err(Halt::unknown(format!("{place} was cut"))),
            Some(Trouble::PanicAfter) => panic!("{place} panicked"),
            Some(Trouble::UndecodableAfter | Trouble::BlockUndecodable) => {
                Err(Halt::Undecodable(format!("{place} answered nonsense")))
            }
            _ => Ok(()),
        }
    }
}

shape! { pub struct Made { pub thing: String } }

/// Puts one thing on the shelf under the step's mark.
pub struct Make {
    pub attempts: u32,
}

impl Step<Shelf> for Make {
    const NAME: &'static str = "make";
    type Needs = ();
    type Gives = Made;
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy { attempts: self.attempts, compensation_attempts: 3, ..Policy::default() }
    }

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<Made> {
        let (place, mark) = (format!("make:{}", run.idx()), run.mark().step);
        let trouble = run.cloud.next(&place);
        run.cloud.before(&place, trouble.as_ref()).await?;
        let thing = if trouble == Some(Trouble::NulOutput) { "\0".to_owned() } else { mark.clone() };
        if run.in_doubt() && run.cloud.things().contains(&mark) {
            return Ok(Made { thing });
        }
        *run.cloud.things.lock().unwrap().entry(mark).or_default() += 1;
        Shelf::after(&place, trouble)?;
        Ok(Made { thing })
    }

    async fn compensate(&self, run: &Run<Shelf>, undoing: Undoing<(), (), Made>) -> Undo {
        let place = format!("undo:{}", run.idx());
        let trouble = run.cloud.next(&place);
        run.cloud.undo_calls.lock().unwrap().push(place.clone());
        run.cloud.before(&place, trouble.as_ref()).await?;
        let found = run.cloud.things.lock().unwrap().remove(&run.mark().step);
        if found.is_none() && undoing.gave.is_none() {
            run.seen_nothing()?;
        }
        Shelf::after(&place, trouble)
    }
}

/// The point of no return.
pub struct Commit;

impl Step<Shelf> for Commit {
    const NAME: &'static str = "commit";
    const CLASS: Class = Class::Pivot;
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        let (place, key) = (format!("commit:{}", run.idx()), format!("committed-{}", run.saga_id()));
        let trouble = run.cloud.next(&place);
        run.cloud.before(&place, trouble.as_ref()).await?;
        run.cloud.things.lock().unwrap().insert(key, 1);
        Shelf::after(&place, trouble)
    }
}

/// Destroys for good.
pub struct Burn;

impl Step<Shelf> for Burn {
    const NAME: &'static str = "burn";
    const CLASS: Class = Class::Irreversible;
    type Needs = Made;
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<Shelf>, needs: Made) -> Outcome<()> {
        run.cloud.things.lock().unwrap().remove(&needs.thing);
        Ok(())
    }
}

/// Leaves something that a last look has to look for.
pub struct Mark;

impl Step<Shelf> for Mark {
    const NAME: &'static str = "mark";
    const LEAVES_MARKS: bool = true;
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, _: &Run<Shelf>, (): ()) -> Outcome<()> {
        Ok(())
    }
}

pub struct World {
    pub db: TestDb,
    pub now: ManualNow,
    pub sagas: Sagas,
    pub shelf: Arc<Shelf>,
    pub registry: Arc<Registry<Shelf>>,
}

pub fn manual() -> ManualNow {
    ManualNow::new("2026-11-20T12:00:00Z".parse().unwrap())
}

pub fn options() -> Options {
    Options { manual_now: Some(manual()), ..Options::default() }
}

impl World {
    pub fn new(db: TestDb) -> World {
        let now = db.manual_now().expect("the test's database has a manual clock").clone();
        let registry = Registry::new().step(Make { attempts: 3 }).step(Commit).step(Burn);
        let registry = Arc::new(registry);
        let sagas = Sagas::new((*db).clone(), Clock::manual(now.clone(), 7), &registry);
        World { db, now, sagas, shelf: Arc::default(), registry }
    }

    pub fn runner(&self) -> Runner<Shelf> {
        let settings = Settings::default();
        Runner::new(self.sagas.clone(), Arc::clone(&self.registry), Arc::clone(&self.shelf), settings)
    }

    pub async fn start(&self, steps: &[&str], inputs: Value) -> SagaId {
        self.sagas.start(asked(steps, inputs)).await.unwrap().id()
    }

    /// Runs everything that comes due within a simulated day.
    pub async fn settle(&self) {
        let until = self.now.get() + jiff::SignedDuration::from_hours(24);
        self.runner().settle(until, |_| ()).await.unwrap();
    }

    /// A cancel that comes while the call is under way at which the saga is blocked.
    pub async fn cancel_in_the_call(&self, id: SagaId, by: By<'_>) {
        let runner = self.runner();
        let (driven, ()) = tokio::join!(runner.round(), async {
            self.shelf.reached.notified().await;
            self.sagas.cancel(id, by).await.unwrap();
            self.shelf.gate.notify_one();
        });
        driven.unwrap();
    }

    /// A node that dies in the call at which its saga is blocked.
    pub async fn die_in_the_call(&self) {
        let dying = self.runner();
        let round = tokio::spawn(async move { dying.round().await });
        self.shelf.reached.notified().await;
        self.dies(round).await;
    }

    /// A process that is gone asks nothing more of the database: what the one of that round was asking is over when this
    /// returns.
    pub async fn dies<T>(&self, round: tokio::task::JoinHandle<T>) {
        round.abort();
        let _ = round.await;
        while self.db.fetch_one::<i64>(&ASKING, args![]).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    }

    pub async fn saga(&self, id: SagaId) -> Saga {
        self.sagas.get(id).await.unwrap()
    }

    pub async fn steps(&self, id: SagaId) -> Vec<StepResult> {
        self.sagas.list_step_results(id).await.unwrap()
    }

    pub async fn step_statuses(&self, id: SagaId) -> Vec<&'static str> {
        self.steps(id).await.iter().map(|step| step.status.as_str()).collect()
    }

    pub async fn event_kinds(&self, id: SagaId) -> Vec<String> {
        self.sagas.events(id).await.unwrap().into_iter().map(|event| event.kind).collect()
    }

    pub fn at(&self) -> Timestamp {
        self.now.get()
    }
}

pub fn asked(steps: &[&str], inputs: Value) -> StartSaga {
    let Value::Object(inputs) = inputs else { panic!("inputs are an object") };
    StartSaga {
        kind: "test".to_owned(),
        steps: steps.iter().map(|&step| step.to_owned()).collect(),
        inputs,
        triggered_by: "system:test".to_owned(),
        ..StartSaga::default()
    }
}

pub fn no_inputs() -> Value {
    json!(Map::new())
}
