//! The control interface under `/_sim`: look at the account, move time, inject faults, change things out of band.
//! It needs no token, counts against no limit and is struck by no fault.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::TimeMode;
use crate::faults::Fault;
use crate::model::mutate::Mutation;
use crate::simulator::{Impossible, Simulator};

pub(crate) fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/_sim/account", get(account))
        .route("/_sim/marked", get(marked))
        .route("/_sim/log", get(log))
        .route("/_sim/requests", get(requests))
        .route("/_sim/time", get(time).post(set_time))
        .route("/_sim/faults", get(faults).post(inject).delete(clear))
        .route("/_sim/faults/{id}", delete(clear_one))
        .route("/_sim/faults/{id}/release", post(release))
        .route("/_sim/mutate", post(mutate))
        .route("/_sim/tokens", post(token))
        .route("/_sim/finance", get(finance))
        .route("/_sim/scenario", post(scenario))
        .with_state(simulator)
}

/// A request of the control interface that is answered with 422 and the reason in plain words.
struct Refused(String);

impl From<Impossible> for Refused {
    fn from(impossible: Impossible) -> Refused {
        Refused(impossible.0)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "message": self.0 }))).into_response()
    }
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused(error.to_string()))
}

async fn account(State(simulator): State<Simulator>) -> Json<Value> {
    Json(simulator.account())
}

async fn marked(State(simulator): State<Simulator>) -> Json<Value> {
    Json(json!({ "marked": simulator.marked() }))
}

/// Only what came after the given sequence number, and at most so many.
#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

impl Part {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }
}

async fn log(State(simulator): State<Simulator>, Query(part): Query<Part>) -> Json<Value> {
    let changes = simulator.log();
    let wanted = changes.iter().filter(|change| change.seq > part.after).take(part.limit());
    Json(json!({ "total": changes.len(), "changes": wanted.collect::<Vec<_>>() }))
}

#[derive(Serialize)]
struct Requests<T> {
    total: u64,
    requests: Vec<T>,
}

async fn requests(State(simulator): State<Simulator>, Query(part): Query<Part>) -> Json<Value> {
    let world = simulator.world();
    let requests: Vec<_> = world.requests.since(part.after).take(part.limit()).collect();
    Json(json!(Requests { total: world.requests.total(), requests }))
}

async fn time(State(simulator): State<Simulator>) -> Json<Value> {
    Json(json!(simulator.time()))
}

/// Ten years: what is billed by the hour and backed up by the week has all to be lived through.
const ADVANCE_MS_MAX: u64 = 10 * 366 * 24 * 3_600_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeChange {
    mode: Option<TimeMode>,
    speed: Option<f64>,
    advance_ms: Option<u64>,
}

async fn set_time(State(simulator): State<Simulator>, body: Bytes) -> Result<Json<Value>, Refused> {
    let change: TimeChange = parse(&body)?;
    if change.speed.is_some_and(|speed| !speed.is_finite() || speed <= 0.0) {
        return Err(Refused("`speed` must be greater than zero".to_owned()));
    }
    if change.advance_ms.is_some_and(|advance_ms| advance_ms > ADVANCE_MS_MAX) {
        return Err(Refused(format!("`advance_ms` may be {ADVANCE_MS_MAX} at most, which is ten years")));
    }
    if let Some(mode) = change.mode {
        simulator.set_mode(mode);
    }
    if let Some(speed) = change.speed {
        simulator.set_speed(speed);
    }
    if let Some(advance_ms) = change.advance_ms {
        simulator.advance(Duration::from_millis(advance_ms));
    }
    Ok(time(State(simulator)).await)
}

async fn faults(State(simulator): State<Simulator>) -> Json<Value> {
    Json(json!({ "faults": simulator.faults() }))
}

async fn inject(
    State(simulator): State<Simulator>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let fault = Fault::parse(&parse(&body)?).map_err(Refused)?;
    let id = simulator.inject(fault);
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

async fn clear(State(simulator): State<Simulator>) -> StatusCode {
    simulator.clear_faults();
    StatusCode::NO_CONTENT
}

async fn clear_one(State(simulator): State<Simulator>, Path(id): Path<u64>) -> StatusCode {
    if simulator.clear_fault(id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn release(State(simulator): State<Simulator>, Path(id): Path<u64>) -> Response {
    match simulator.release(id) {
        Some(released) => Json(json!({ "released": released })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn mutate(State(simulator): State<Simulator>, body: Bytes) -> Result<Json<Value>, Refused> {
    let mutation: Mutation = parse(&body)?;
    Ok(Json(json!({ "id": simulator.mutate(&mutation)? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenChange {
    token: String,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    revoked: bool,
}

async fn token(State(simulator): State<Simulator>, body: Bytes) -> Result<StatusCode, Refused> {
    let change: TokenChange = parse(&body)?;
    let scopes: Option<Vec<&str>> =
        change.scopes.as_ref().map(|scopes| scopes.iter().map(String::as_str).collect());
    simulator.limit_token(&change.token, scopes.as_deref());
    if change.revoked {
        simulator.revoke_token(&change.token);
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn finance(State(simulator): State<Simulator>) -> Json<Value> {
    Json(json!({ "invoices": simulator.imported_invoices() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioChoice {
    name: String,
    seed: Option<u64>,
}

async fn scenario(State(simulator): State<Simulator>, body: Bytes) -> Result<Json<Value>, Refused> {
    let choice: ScenarioChoice = parse(&body)?;
    simulator.load_scenario(&choice.name, choice.seed)?;
    Ok(Json(simulator.account()))
}
