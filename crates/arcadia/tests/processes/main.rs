//! The real binary as processes of its own, killed, stopped and doubled beside a simulated provider. What is judged
//! is the account, the database and a record that the database itself kept of every claim and ledger write.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

#[macro_use]
mod both;
mod child;
mod customer;
mod killed;
mod moments;
mod site;
mod stopped;
mod verdict;
mod witness;
mod workers;
