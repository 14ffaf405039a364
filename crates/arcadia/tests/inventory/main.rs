//! The inventory on both databases, beside a simulated account that is the oracle: what it holds, what changed in it, and
//! what is never taken for gone.

#![allow(clippy::unwrap_used, reason = "a test stops where its world breaks")]

#[macro_use]
#[allow(unused_imports, reason = "a kit for all stories")]
#[path = "../world/mod.rs"]
mod world;

mod account;
mod april;
mod attribution;
mod heirs;
mod history;
mod life;
mod listings;
mod many;
mod races;
mod sync_command;
mod upsert;
mod volatile;
mod week;
