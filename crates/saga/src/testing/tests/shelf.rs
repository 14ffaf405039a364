//! A small world for the kit's own tests: things on a shelf under the mark of the step that made them, listed
//! late, and a sign that is turned and turned back.

use crate::testing::{Cut, Scene, Tripwire, World, standing};
use crate::{
    Class, Halt, Outcome, Policy, Registry, Run, Saga, SagaId, Sagas, Settings, StartError, StartSaga,
    Status, Step, StepResult, Undo, Undoing, shape,
};
use arcadia_sql::ManualNow;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How long a thing that was made is not listed.
const LISTED_AFTER: SignedDuration = SignedDuration::from_secs(5);

pub struct Shelf {
    tripwire: Tripwire,
    now: ManualNow,
    things: Mutex<BTreeMap<String, Vec<Timestamp>>>,
    sign: Mutex<String>,
}

/// The provider's or the connection's no.
enum Trouble {
    Cut,
    NoLease,
}

impl From<Cut> for Trouble {
    fn from(_: Cut) -> Trouble {
        Trouble::Cut
    }
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Halt {
        match trouble {
            Trouble::Cut => Halt::unknown("the connection broke"),
            Trouble::NoLease => Halt::Lost,
        }
    }
}

impl Shelf {
    fn things(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Timestamp>>> {
        self.things.lock().unwrap()
    }

    async fn call<T>(&self, run: &Run<Shelf>, answer: impl FnOnce(&Shelf) -> T) -> Result<T, Trouble> {
        let call = async {
            run.may_call(Settings::default().call_timeout).map_err(|_| Trouble::NoLease)?;
            Ok(answer(self))
        };
        self.tripwire.call(call).await
    }

    async fn is_listed(&self, run: &Run<Shelf>) -> Result<bool, Trouble> {
        let (mark, now) = (run.mark().step, self.now.get());
        self.call(run, |shelf| {
            let things = shelf.things();
            things.get(&mark).is_some_and(|made| made.iter().any(|at| now >= *at + LISTED_AFTER))
        })
        .await
    }
}

shape! { pub struct Made { pub thing: String } }

/// Makes a thing, then waits until it is listed.
pub struct Make;

impl Step<Shelf> for Make {
    const NAME: &'static str = "make";
    type Needs = ();
    type Gives = Made;
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy { attempts: 3, compensation_attempts: 3, ..Policy::default() }
    }

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<Made> {
        let mark = run.mark().step;
        if run.in_doubt() {
            if run.cloud.is_listed(run).await? {
                return Ok(Made { thing: mark });
            }
            run.seen_nothing()?;
        }
        let now = run.cloud.now.get();
        let make = |shelf: &Shelf| shelf.things().entry(mark.clone()).or_default().push(now);
        run.cloud.call(run, make).await?;
        Ok(Made { thing: mark })
    }

    async fn compensate(&self, run: &Run<Shelf>, undoing: Undoing<(), (), Made>) -> Undo {
        if undoing.gave.is_none() && !run.cloud.is_listed(run).await? {
            run.seen_nothing()?;
        }
        let mark = run.mark().step;
        run.cloud.call(run, |shelf| shelf.things().remove(&mark)).await?;
        Ok(())
    }
}

/// Polls until the thing is listed.
pub struct WaitListed;

impl Step<Shelf> for WaitListed {
    const NAME: &'static str = "wait_listed";
    type Needs = Made;
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy { attempts: 3, ..Policy::default() }
    }

    async fn execute(&self, run: &Run<Shelf>, needs: Made) -> Outcome<()> {
        let now = run.cloud.now.get();
        let look = |shelf: &Shelf| {
            let things = shelf.things();
            things.get(&needs.thing).is_some_and(|made| made.iter().any(|at| now >= *at + LISTED_AFTER))
        };
        match run.cloud.call(run, look).await? {
            true => Ok(()),
            false => Err(Halt::wait(Duration::from_secs(3), "the thing to be listed")),
        }
    }
}

/// Turns the sign; undone by what it saw before.
pub struct TurnSign;

impl Step<Shelf> for TurnSign {
    const NAME: &'static str = "turn_sign";
    type Needs = ();
    type Gives = ();
    type Prior = String;

    async fn prepare(&self, run: &Run<Shelf>, (): ()) -> Outcome<Option<String>> {
        Ok(Some(run.cloud.call(run, |shelf| shelf.sign.lock().unwrap().clone()).await?))
    }

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        let words = format!("open for {}", run.saga_id());
        run.cloud.call(run, |shelf| *shelf.sign.lock().unwrap() = words).await?;
        Ok(())
    }

    async fn compensate(&self, run: &Run<Shelf>, undoing: Undoing<(), String, ()>) -> Undo {
        let Some(prior) = undoing.prior else { return Err(Halt::failed("no prior")) };
        run.cloud.call(run, |shelf| *shelf.sign.lock().unwrap() = prior).await?;
        Ok(())
    }
}

/// The point of no return.
pub struct Seal;

impl Step<Shelf> for Seal {
    const NAME: &'static str = "seal";
    const CLASS: Class = Class::Pivot;
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        let (seal, now) = (format!("seal-{}", run.saga_id()), run.cloud.now.get());
        run.cloud.call(run, |shelf| shelf.things().insert(seal, vec![now])).await?;
        Ok(())
    }
}

/// The point of no return that is itself no way back, or a step behind it.
pub struct Burn;

impl Step<Shelf> for Burn {
    const NAME: &'static str = "burn";
    const CLASS: Class = Class::Irreversible;
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        let (ash, now) = (format!("ash-{}", run.saga_id()), run.cloud.now.get());
        run.cloud.call(run, |shelf| shelf.things().insert(ash, vec![now])).await?;
        Ok(())
    }
}

pub struct ShelfWorld {
    pub shelf: Arc<Shelf>,
    pub steps: Vec<&'static str>,
}

impl ShelfWorld {
    pub fn new(scene: Scene, steps: &[&'static str]) -> ShelfWorld {
        let Scene { now, tripwire, .. } = scene;
        let (things, sign) = (Mutex::default(), Mutex::new("closed".to_owned()));
        ShelfWorld { shelf: Arc::new(Shelf { tripwire, now, things, sign }), steps: steps.to_vec() }
    }

    /// How many things each step of a completed saga leaves, by the name under which they stand.
    fn wanted(&self, saga: &Saga, stands: impl Fn(usize) -> bool) -> BTreeMap<String, usize> {
        let steps = self.steps.iter().enumerate().filter(|(idx, _)| stands(*idx));
        let names = steps.filter_map(|(idx, name)| match *name {
            "make" => Some(saga.mark(idx).step),
            "seal" => Some(format!("seal-{}", saga.id)),
            "burn" => Some(format!("ash-{}", saga.id)),
            _ => None,
        });
        names.map(|name| (name, 1)).collect()
    }
}

impl World for ShelfWorld {
    type Cloud = Shelf;

    fn cloud(&self) -> Arc<Shelf> {
        Arc::clone(&self.shelf)
    }

    fn registry(&self) -> Registry<Shelf> {
        Registry::new().step(Make).step(WaitListed).step(TurnSign).step(Seal).step(Burn)
    }

    async fn start(&self, sagas: &Sagas) -> Result<SagaId, StartError> {
        let start = StartSaga {
            kind: "test".to_owned(),
            steps: self.steps.iter().map(|&step| step.to_owned()).collect(),
            inputs: json!({"message": "hello", "sleep_ms": 4_000}).as_object().cloned().unwrap_or_default(),
            triggered_by: "system:kit".to_owned(),
            locks: vec!["shelf".to_owned()],
            ..StartSaga::default()
        };
        Ok(sagas.start(start).await?.id())
    }

    async fn paused(&self, sagas: &Sagas, saga: SagaId) -> bool {
        self.steps.contains(&"approve")
            && sagas.signal(saga, "approve", Value::Null, "user:kit".into()).await.is_ok()
    }

    async fn verdict(&self, saga: &Saga, _steps: &[StepResult]) -> Result<(), String> {
        let left = standing(saga);
        let stands = |idx: usize| match saga.status {
            Status::Completed => true,
            _ => left.contains(&idx),
        };
        let things = self.shelf.things();
        let found = things.iter().map(|(name, made)| (name.clone(), made.len()));
        let (found, wanted): (BTreeMap<_, _>, _) = (found.collect(), self.wanted(saga, stands));
        if found != wanted {
            return Err(format!("on the shelf is {found:?}, not {wanted:?}"));
        }
        let turned = self.steps.iter().position(|step| *step == "turn_sign").is_some_and(stands);
        let sign = self.shelf.sign.lock().unwrap().clone();
        let wanted = if turned { format!("open for {}", saga.id) } else { "closed".to_owned() };
        if sign == wanted { Ok(()) } else { Err(format!("the sign says `{sign}`, not `{wanted}`")) }
    }
}
