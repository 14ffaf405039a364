//! The calendar as operators see and steer it: every schedule with its last and next run, run now, paused, resumed.

use super::App;
use super::body::JsonObject;
use super::query::{Listed, Query};
use super::verb::{read, reason_if_any};
use crate::error::Error;
use crate::scope::Caller;
use arcadia_saga::{By, ScheduleState, StartError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

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
    let said = Said::read(&caller, query, body)?;
    app.cloud.standstill.refuse_starts()?;
    let saga = app.cloud.sagas.run_schedule(&name, said.by()).await.map_err(unknown)?;
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
    let said = Said::read(&caller, query, body)?;
    app.cloud.sagas.pause_schedule(&name, said.by()).await.map_err(unknown)?;
    show(&app, &name).await
}

pub async fn resume(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    query: Query,
    JsonObject(body): JsonObject,
) -> Result<Json<ScheduleState>, Error> {
    let said = Said::read(&caller, query, body)?;
    app.cloud.sagas.resume_schedule(&name, said.by()).await.map_err(unknown)?;
    show(&app, &name).await
}

/// Who steers the calendar, and why, where he says so.
struct Said<'c> {
    caller: &'c Caller,
    reason: String,
}

impl<'c> Said<'c> {
    fn read(caller: &'c Caller, query: Query, body: Map<String, Value>) -> Result<Said<'c>, Error> {
        admin(caller, query)?;
        Ok(Said { caller, reason: read(body, reason_if_any)? })
    }

    fn by(&self) -> By<'_> {
        By { actor: &self.caller.subject, reason: &self.reason }
    }
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
