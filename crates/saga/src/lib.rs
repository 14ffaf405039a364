//! Durable sagas: ordered lists of steps that either all happen or are all undone, through any crash.
//!
//! Declare steps ([`Step`]), put them into a [`Registry`], start sagas through [`Sagas`], run them with a
//! [`Runner`]. Every step's intent is durable before its effect can begin; every write of a runner is fenced.

#![warn(missing_docs)]

mod acknowledged;
mod alarm;
mod clock;
mod drive;
mod flight;
mod hints;
mod hold;
mod id;
mod journal;
mod lease;
mod ledger;
mod plan;
mod record;
mod rows;
mod run;
mod runner;
mod sagas;
mod schedule;
mod shape;
mod step;
pub mod steps;
mod store;
pub mod testing;

pub use clock::Clock;
pub use hold::ClaimsHeld;
pub use id::{Mark, SagaId};
#[doc(hidden)]
pub use journal::bare_limit;
pub use plan::{Plan, PlanError, Queue, Registry};
pub use record::{Event, Saga, Status, StepResult, StepStatus};
pub use run::{Run, Signal};
pub use runner::{JournalStopped, Runner, Settings};
pub use sagas::{By, Filter, Idempotency, Past, Sagas, StartError, StartSaga, Started, VerbError};
pub use schedule::{CatchUp, Schedule, ScheduleState};
pub use shape::{Field, Shape};
pub use step::{Class, Failure, Halt, Outcome, Policy, Step, Undo, Undoing, Wait};
pub use store::STATEMENTS;

/// The README's example runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
