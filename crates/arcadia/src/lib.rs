//! The service behind the `arcadia` binary, domain by domain. A request goes from `http` to a domain's `http`,
//! its `mod` and its `store`; a saga goes from `sagas` to `provisioning/steps`.

pub mod catalogue;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod deployments;
pub mod drift;
pub mod error;
pub mod fields;
pub mod http;
pub mod installation;
pub mod inventory;
pub mod provisioning;
pub mod recovery;
pub mod retention;
pub mod sagas;
pub mod schedules;
pub mod scope;
pub mod stores;
pub mod tokens;
