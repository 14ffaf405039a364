//! The engine's test kit: every hazard at every place of a saga, on both databases, judged by the world.
//!
//! (documentation below)

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
