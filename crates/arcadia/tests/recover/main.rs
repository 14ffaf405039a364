//! A database that is behind the provider: restored from an older copy, or swapped under a living process. The real
//! binary, both databases, and the simulator's own log as the judge.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

#[path = "../processes/both.rs"]
#[macro_use]
mod both;
#[path = "../processes/child.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod child;
#[path = "../processes/customer.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod customer;
#[path = "../processes/witness.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod witness;

mod called_back;
mod destroying;
mod lost_commits;
mod operator;
mod restored;
mod site;
mod unmarked;
