//! The HTTP API as its users see it, over real HTTP, on both databases, beside a simulated provider.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

#[macro_use]
#[allow(unused_imports, reason = "a kit for all stories")]
#[path = "../world/mod.rs"]
mod world;

mod api;
mod bodies;
mod deployments;
mod health;
mod keys;
mod problems;
mod sagas;
mod schedules;
mod steering;
mod tokens;
