//! DigitalOcean's API v2 as a simulator: a model of one account with its own clock, and an HTTP face on it.
//! Start with [`Simulator`].
#![doc = include_str!("../README.md")]

mod clock;
mod connection;
mod faults;
mod http;
mod model;
mod options;
mod requests;
mod scenario;
mod simulator;

pub use clock::{Time, TimeMode};
pub use faults::{Fault, FaultId, FaultKind, FaultReport, Limit, Stage};
pub use http::routes;
pub use model::Marked;
pub use model::finance::ImportedInvoice;
pub use model::log::{Change, ChangeKind, Kind, Origin};
pub use model::mutate::Mutation;
pub use options::{ClockMode, Options, Profile, RateLimits, Span, Timings};
pub use requests::RequestRecord;
pub use scenario::SCENARIOS;
pub use simulator::{Impossible, Simulator};
