//! Reading the inventory over HTTP, on both databases: random accounts and histories, of which every list, search, export
//! and history is held against the rows themselves. ARCADIA_SEED tells one of them again.

#![allow(clippy::unwrap_used, reason = "a test stops where its world breaks")]

#[macro_use]
#[allow(unused_imports, reason = "a kit for all stories")]
#[path = "../world/mod.rs"]
mod world;

#[allow(dead_code, reason = "a kit for all stories")]
#[path = "../inventory/account.rs"]
mod account;
#[path = "../http/api.rs"]
mod api;

mod command_line;
mod oracle;
mod past;
mod projects;
mod question;
mod random;
mod routes;
mod tenants;
mod whose;
mod word;
