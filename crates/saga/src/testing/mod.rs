//! The engine's test kit: every hazard at every place of a saga, on both databases, judged by the world.
//!
//! A [`Trial`] first runs a saga undisturbed, forward and back, and counts what it passes: durable writes, provider
//! calls, steps, compensations, pauses. Then it runs it again once for every hazard at every one of these places,
//! each time in a fresh world:
//!
//! | hazard | at |
//! | --- | --- |
//! | fails before or after its effect: certain, in doubt, by a panic; once or for good | every step |
//! | the process dies before or after | every write, call, step, compensation |
//! | a second runner takes over while the first stands still, and then wakes | the same places |
//! | a cancel arrives | the same places, and every pause |
//! | a call is cut before it is sent or before it is answered | every call |
//! | runs twice | every step and compensation |
//! | fails once or for good | every compensation |
//!
//! Where a task did nothing between the end of one write or step and the beginning of the next, the two are one
//! place, which is visited once, as the beginning.
//!
//! After each case the [`World`] says whether all is there or nothing; the kit itself checks that the saga rests, that
//! ledger, status, epochs and events are what the database accepted, that a failed saga names exactly what stands, and
//! that no lock, owner, timer or lease is left behind. "Back" means that the pivot fails, or where there is none the
//! last step, in doubt and after its effect.
//!
//! What a world must do: pass the [`Tripwire`] with every provider call, ask [`Run::may_call`](crate::Run::may_call)
//! behind it, read the time from the scene's clock, and judge by what is really there, not by what the steps say.
//!
//! ```
//! use arcadia_saga::testing::{Cut, Scene, Tripwire, Trial, World};
//! use arcadia_saga::{Halt, Outcome, Registry, Run, Saga, SagaId, Sagas, StartError, StartSaga};
//! use arcadia_saga::{Status, Step, StepResult, Undo, Undoing};
//! use arcadia_sql::Engine;
//! use std::collections::BTreeSet;
//! use std::sync::{Arc, Mutex};
//! use std::time::Duration;
//!
//! /// A provider where things have names: making one twice is making it once.
//! struct Provider {
//!     names: Mutex<BTreeSet<String>>,
//!     tripwire: Tripwire,
//! }
//!
//! struct Trouble(Halt);
//!
//! impl From<Cut> for Trouble {
//!     fn from(cut: Cut) -> Trouble {
//!         Trouble(Halt::unknown(cut.to_string()))
//!     }
//! }
//!
//! impl Provider {
//!     async fn call(&self, run: &Run<Provider>, change: impl Fn(&mut BTreeSet<String>)) -> Outcome<()> {
//!         let call = async {
//!             let late = |_| Trouble(Halt::wait(Duration::from_secs(1), "the lease to be renewed"));
//!             run.may_call(Duration::from_secs(6)).map_err(late)?;
//!             change(&mut self.names.lock().unwrap());
//!             Ok(())
//!         };
//!         self.tripwire.call(call).await.map_err(|Trouble(halt)| halt)
//!     }
//! }
//!
//! struct Make;
//!
//! impl Step<Provider> for Make {
//!     const NAME: &'static str = "make";
//!     type Needs = ();
//!     type Gives = ();
//!     type Prior = ();
//!
//!     async fn execute(&self, run: &Run<Provider>, (): ()) -> Outcome<()> {
//!         run.cloud.call(run, |names| drop(names.insert(run.mark().step))).await
//!     }
//!
//!     async fn compensate(&self, run: &Run<Provider>, _: Undoing<(), (), ()>) -> Undo {
//!         run.cloud.call(run, |names| drop(names.remove(&run.mark().step))).await
//!     }
//! }
//!
//! struct TwoThings(Arc<Provider>);
//!
//! impl World for TwoThings {
//!     type Cloud = Provider;
//!
//!     fn cloud(&self) -> Arc<Provider> {
//!         Arc::clone(&self.0)
//!     }
//!
//!     fn registry(&self) -> Registry<Provider> {
//!         Registry::new().step(Make)
//!     }
//!
//!     async fn start(&self, sagas: &Sagas) -> Result<SagaId, StartError> {
//!         let steps = vec!["make".to_owned(), "make".to_owned()];
//!         let start = StartSaga { kind: "two_things".to_owned(), steps, ..StartSaga::default() };
//!         Ok(sagas.start(start).await?.id())
//!     }
//!
//!     async fn verdict(&self, saga: &Saga, _: &[StepResult]) -> Result<(), String> {
//!         let stands = arcadia_saga::testing::standing(saga);
//!         let stands = |idx: &usize| saga.status == Status::Completed || stands.contains(idx);
//!         let wanted: BTreeSet<_> = (0..2).filter(stands).map(|idx| saga.mark(idx).step).collect();
//!         let found = self.0.names.lock().unwrap().clone();
//!         if found == wanted { Ok(()) } else { Err(format!("{found:?} is there, not {wanted:?}")) }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let trial = Trial::of(|scene: Scene| async move {
//!     TwoThings(Arc::new(Provider { names: Mutex::default(), tripwire: scene.tripwire }))
//! });
//! let report = trial.on(Engine::Sqlite).await; // `run` takes both databases
//! report.assert_holds();
//! # });
//! ```
//!
//! A failing trial names its simplest case; [`CASE_VARIABLE`] with that name runs it alone.
//! [`simulation`] is the other half: several nodes at random, where a trial goes through one saga's places in order.

mod check;
mod drive;
mod ground;
mod hazard;
mod history;
mod plan;
mod report;
pub mod simulation;
mod stage;
mod staged;
#[cfg(test)]
mod tests;
mod trial;
mod watch;

pub use report::{CASE_VARIABLE, Report, Violation};
pub use stage::{Cut, Tripwire};
pub use trial::Trial;

use crate::{Clock, Registry, Saga, SagaId, Sagas, StartError, StepResult};
use arcadia_sql::{Db, ManualNow};
use std::sync::Arc;
use std::time::Duration;

/// What a fresh world is made with.
#[derive(Debug, Clone)]
pub struct Scene {
    /// An empty, migrated database.
    pub db: Db,
    /// The clock of the engine and of the steps.
    pub clock: Clock,
    /// The same clock, to be read by a simulator. Only the kit moves it.
    pub now: ManualNow,
    /// To be passed with every provider call.
    pub tripwire: Tripwire,
}

/// The world that one saga changes, and the judge of what became of it.
pub trait World: Send + Sync + 'static {
    /// What the steps are handed.
    type Cloud: Send + Sync + 'static;

    /// What every step is handed; all nodes share it, as they share the provider.
    fn cloud(&self) -> Arc<Self::Cloud>;

    /// The steps and plans.
    fn registry(&self) -> Registry<Self::Cloud>;

    /// Starts the one saga, with whatever it belongs to.
    fn start(&self, sagas: &Sagas) -> impl Future<Output = Result<SagaId, StartError>> + Send;

    /// The kit has moved the clock on, so that a simulator can move along.
    fn moved(&self, by: Duration) {
        let _ = by;
    }

    /// Nothing is due: whoever the saga waits for may act, such as a person with an approval. True when somebody did.
    fn paused(&self, sagas: &Sagas, saga: SagaId) -> impl Future<Output = bool> + Send {
        let _ = (sagas, saga);
        std::future::ready(false)
    }

    /// Whether all is there for a saga that completed, nothing for one that was rolled back, and for one that
    /// failed exactly what [`standing`] names.
    ///
    /// # Errors
    /// What is missing or left over, in words.
    fn verdict(&self, saga: &Saga, steps: &[StepResult]) -> impl Future<Output = Result<(), String>> + Send;
}

/// The steps that a failed saga says still stand.
#[must_use]
pub fn standing(saga: &Saga) -> Vec<usize> {
    check::standing(saga)
}
