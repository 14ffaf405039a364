//! The client and the simulator as a pair, on one clock: paging while the account changes, the rate limits under load,
//! every fault with the certainty of its error, and no token anywhere.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod certainty;
mod limits;
mod log;
mod pages;
mod site;
mod storm;
mod time;
