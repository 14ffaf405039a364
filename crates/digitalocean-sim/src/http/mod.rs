//! The API's HTTP face. Every route leads through the gate (token, scope, limits, faults) to a face on the model.

mod account;
mod actions;
mod billing;
mod call;
mod control;
mod databases;
mod domains;
mod droplets;
mod errors;
mod finance;
mod firewalls;
mod gate;
mod images;
mod keys;
mod kubernetes;
pub(crate) mod limits;
mod load_balancers;
mod paging;
mod projects;
mod reserved_ips;
mod routes;
pub(crate) mod scopes;
mod snapshots;
mod tags;
mod volumes;
mod vpcs;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::routing::on;
use tower_http::normalize_path::NormalizePath;

use crate::simulator::Simulator;
use call::{Answer, Call};
use gate::Route;
pub use routes::routes;

pub(crate) fn router(simulator: Simulator) -> Router {
    let mut api = Router::new();
    for (method, pattern, scope, face) in routes::ROUTES.iter().copied() {
        let route = Route { pattern, scope, face };
        let handler = move |State(simulator): State<Simulator>, params: RawPathParams, request: Request| {
            let params = params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            gate::answer(simulator, route, params, request)
        };
        api = api.route(pattern, on(method, handler));
    }
    let absent = |State(simulator): State<Simulator>, request: Request| {
        gate::answer(simulator, Route { pattern: "", scope: "", face: not_found }, Vec::new(), request)
    };
    let api = api.fallback(absent).method_not_allowed_fallback(absent).with_state(simulator.clone());
    // Trailing slashes are cut off before routing, which a layer inside the router would come too late for.
    control::router(simulator).fallback_service(NormalizePath::trim_trailing_slash(api))
}

fn not_found(_: &mut crate::model::Account, _: &Call) -> Result<Answer, crate::model::refusal::Refusal> {
    Err(crate::model::refusal::Refusal::NotFound)
}
