//! Stories of the provisioning sagas: what remains at the provider and in our rows when all goes well, and when
//! anything at all does not.

#![allow(clippy::unwrap_used, reason = "a story stops where its world breaks")]

#[macro_use]
mod world;

#[path = "sagas/deployment.rs"]
mod deployment;
#[path = "sagas/in_doubt.rs"]
mod in_doubt;

#[path = "sagas/boot.rs"]
mod boot;

#[path = "sagas/cancel.rs"]
mod cancel;

#[path = "sagas/dns.rs"]
mod dns;

#[path = "sagas/droplets.rs"]
mod droplets;

#[path = "sagas/retention.rs"]
mod retention;

#[path = "sagas/twice.rs"]
mod twice;
