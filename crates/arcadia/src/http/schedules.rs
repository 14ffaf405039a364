//! The calendar as operators see and steer it: every schedule with its last and next run, run now, paused, resumed.

use super::App;
use super::body::JsonObject;
use super::query::{Listed, Query};
use crate::error::Error;
use crate::fields::{Faults, Fields};
use crate::scope::Caller;
use arcadia_saga::{By, ScheduleState, StartError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

const REASON_BYTES_MAX: usize = 2_000;

pub async fn list(
    State(app): State<App>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listed<ScheduleState>>, Error> {
    admin(&caller, query)?;
    Ok(Json(Listed { data: app.cloud.sagas.schedules().await?, next_cursor: None }))
}

pub async fn run(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    query: Query,
    JsonObject(body): JsonObject,
) -> Result<(StatusCode, Json<Value>), Error> {
    admin(&caller, query)?;
    let reason = reason(body)?;
    app.cloud.standstill.refuse_starts()?;
    let by = By { actor: &caller.subject, reason: &reason };
    let saga = app.cloud.sagas.run_schedule(&name, by).await.map_err(unknown)?;
    tracing::info!(schedule = name, actor = caller.subject, "run by hand");
    Ok((StatusCode::ACCEPTED, Json(json!({"name": name, "saga_id": saga}))))
}

pub async fn pause(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    query: Query,
    JsonObject(body): JsonObject,
) -> Result<Json<ScheduleState>, Error> {
    admin(&caller, query)?;
    let reason = reason(body)?;
    let by = By { actor: &caller.subject, reason: &reason };
    app.cloud.sagas.pause_schedule(&name, by).await.map_err(unknown)?;
    show(&app, &name).await
}

pub async fn resume(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    query: Query,
    JsonObject(body): JsonObject,
) -> Result<Json<ScheduleState>, Error> {
    admin(&caller, query)?;
    let reason = reason(body)?;
    let by = By { actor: &caller.subject, reason: &reason };
    app.cloud.sagas.resume_schedule(&name, by).await.map_err(unknown)?;
    show(&app, &name).await
}

async fn show(app: &App, name: &str) -> Result<Json<ScheduleState>, Error> {
    let all = app.cloud.sagas.schedules().await?;
    all.into_iter().find(|schedule| schedule.name == name).map(Json).ok_or(Error::NotFound)
}

fn admin(caller: &Caller, query: Query) -> Result<(), Error> {
    query.finish()?;
    if caller.scope.is_all() { Ok(()) } else { Err(Error::NotPlatformAdmin) }
}

/// A schedule that no build knows does not exist.
fn unknown(error: StartError) -> Error {
    match error {
        StartError::Plan(_) => Error::NotFound,
        other => other.into(),
    }
}

/// Why, where somebody says so.
fn reason(body: Map<String, Value>) -> Result<String, Error> {
    let faults = Faults::default();
    let mut fields = Fields::of(body, &faults);
    let reason = fields.text("reason").unwrap_or_default();
    fields.finish();
    if reason.len() > REASON_BYTES_MAX {
        faults.add("reason", format!("is longer than {REASON_BYTES_MAX} bytes"));
    }
    match faults.into_errors() {
        errors if errors.is_empty() => Ok(reason),
        errors => Err(Error::Invalid(errors)),
    }
}
