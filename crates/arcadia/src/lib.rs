//! The service behind the `arcadia` binary, domain by domain. A request goes from `http` to a domain's `http`,
//! its `mod` and its `store`; a saga goes from `sagas` to `provisioning/steps`.

pub mod cloud;
pub mod deployments;
pub mod provisioning;
pub mod sagas;
