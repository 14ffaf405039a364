//! The simulator over real HTTP on a free port, with time moved by hand.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod billing;
mod control;
mod domains;
mod droplets;
mod faults;
mod histories;
mod inventory;
mod limits;
mod nonsense;
mod paging;
mod panel;
mod site;
