//! The client against a server that speaks raw HTTP/1.1 and can misbehave in every way a network can.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod budgets;
mod examples;
mod hooks;
mod inventory;
mod listings;
mod operations;
mod retries;
mod secrets;
mod server;
