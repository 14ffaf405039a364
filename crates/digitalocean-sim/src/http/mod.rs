//! Every route on one page. Each leads through the gate (token, limits, faults) to a face on the model.

mod account;
mod actions;
mod call;
mod control;
mod domains;
mod droplets;
mod errors;
mod gate;
mod images;
mod keys;
pub(crate) mod limits;
mod paging;
mod snapshots;
mod tags;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::routing::{MethodFilter, on};
use tower_http::normalize_path::NormalizePath;

use crate::simulator::Simulator;
use call::{Answer, Call, Face};
use gate::Route;

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;
const PUT: MethodFilter = MethodFilter::PUT;
const PATCH: MethodFilter = MethodFilter::PATCH;
const DELETE: MethodFilter = MethodFilter::DELETE;

/// HEAD is answered wherever GET is.
const ROUTES: &[(MethodFilter, &str, Face)] = &[
    (GET, "/v2/account", account::show),
    (GET, "/v2/account/keys", keys::list),
    (POST, "/v2/account/keys", keys::create),
    (GET, "/v2/account/keys/{key}", keys::show),
    (PUT, "/v2/account/keys/{key}", keys::rename),
    (DELETE, "/v2/account/keys/{key}", keys::delete),
    (GET, "/v2/regions", account::regions),
    (GET, "/v2/sizes", account::sizes),
    (GET, "/v2/images", images::list),
    (GET, "/v2/images/{image}", images::show),
    (PUT, "/v2/images/{image}", images::rename),
    (DELETE, "/v2/images/{image}", images::delete),
    (GET, "/v2/images/{image}/actions", actions::list_of_image),
    (POST, "/v2/images/{image}/actions", actions::act_on_image),
    (GET, "/v2/images/{image}/actions/{action}", actions::show_of_image),
    (GET, "/v2/snapshots", snapshots::list),
    (GET, "/v2/snapshots/{id}", snapshots::show),
    (DELETE, "/v2/snapshots/{id}", snapshots::delete),
    (GET, "/v2/droplets", droplets::list),
    (POST, "/v2/droplets", droplets::create),
    (DELETE, "/v2/droplets", droplets::destroy_tagged),
    (POST, "/v2/droplets/actions", actions::act_on_tagged),
    (GET, "/v2/droplets/backups/policies", droplets::backup_policies),
    (GET, "/v2/droplets/backups/supported_policies", droplets::supported_backup_policies),
    (GET, "/v2/droplets/{id}", droplets::show),
    (DELETE, "/v2/droplets/{id}", droplets::destroy),
    (GET, "/v2/droplets/{id}/snapshots", snapshots::of_droplet),
    (GET, "/v2/droplets/{id}/backups", snapshots::backups_of_droplet),
    (GET, "/v2/droplets/{id}/backups/policy", droplets::backup_policy),
    (GET, "/v2/droplets/{id}/actions", actions::list_of_droplet),
    (POST, "/v2/droplets/{id}/actions", actions::act_on_droplet),
    (GET, "/v2/droplets/{id}/actions/{action}", actions::show_of_droplet),
    (GET, "/v2/actions", actions::list),
    (GET, "/v2/actions/{action}", actions::show),
    (GET, "/v2/domains", domains::list),
    (POST, "/v2/domains", domains::create),
    (GET, "/v2/domains/{name}", domains::show),
    (DELETE, "/v2/domains/{name}", domains::delete),
    (GET, "/v2/domains/{name}/records", domains::list_records),
    (POST, "/v2/domains/{name}/records", domains::create_record),
    (GET, "/v2/domains/{name}/records/{id}", domains::show_record),
    (PUT, "/v2/domains/{name}/records/{id}", domains::update_record),
    (PATCH, "/v2/domains/{name}/records/{id}", domains::update_record),
    (DELETE, "/v2/domains/{name}/records/{id}", domains::delete_record),
    (GET, "/v2/tags", tags::list),
    (POST, "/v2/tags", tags::create),
    (GET, "/v2/tags/{name}", tags::show),
    (DELETE, "/v2/tags/{name}", tags::delete),
    (POST, "/v2/tags/{name}/resources", tags::tag),
    (DELETE, "/v2/tags/{name}/resources", tags::untag),
];

pub(crate) fn router(simulator: Simulator) -> Router {
    let mut api = Router::new();
    for (method, pattern, face) in ROUTES.iter().copied() {
        let route = Route { pattern, face };
        let handler = move |State(simulator): State<Simulator>, params: RawPathParams, request: Request| {
            let params = params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            gate::answer(simulator, route, params, request)
        };
        api = api.route(pattern, on(method, handler));
    }
    let absent = |State(simulator): State<Simulator>, request: Request| {
        gate::answer(simulator, Route { pattern: "", face: not_found }, Vec::new(), request)
    };
    let api = api.fallback(absent).method_not_allowed_fallback(absent).with_state(simulator.clone());
    // Trailing slashes are cut off before routing, which a layer inside the router would come too late for.
    control::router(simulator).fallback_service(NormalizePath::trim_trailing_slash(api))
}

fn not_found(_: &mut crate::model::Account, _: &Call) -> Result<Answer, crate::model::refusal::Refusal> {
    Err(crate::model::refusal::Refusal::NotFound)
}
