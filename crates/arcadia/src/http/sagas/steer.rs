//! What platform admins do to sagas: order one, and settle by hand what did not go well by itself. Each verb says
//! who and why in the saga's history; the engine decides whether it fits.

use super::super::body::JsonObject;
use super::super::id::Id;
use super::super::query::Query;
use super::super::verb::{fitting, read, reason, reason_if_any};
use super::super::{App, key};
use super::{SagaShown, answered, visible};
use crate::error::Error;
use crate::sagas::order::{self, Order};
use crate::scope::Caller;
use arcadia_saga::{By, Saga, SagaId, VerbError};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

const SIGNAL_BYTES_MAX: usize = 255;

type Answer = Result<(StatusCode, Json<SagaShown>), Error>;

pub async fn start(
    State(app): State<App>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
    JsonObject(body): JsonObject,
) -> Result<Response, Error> {
    query.finish()?;
    if !caller.scope.is_all() {
        return Err(Error::NotPlatformAdmin);
    }
    let key = key::of_request(&headers, &caller.scope, &body)?;
    app.cloud.standstill.refuse_starts()?;
    let order = Order::read(body, &app.cloud.sagas)?;
    let id = order::start(&app.cloud, &caller, order, key).await?;
    let saga = app.cloud.sagas.get(id).await?;
    let location = format!("/api/v1/sagas/{id}");
    let shown = answered(&app, saga, &caller.scope).await?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], shown).into_response())
}

/// The one verb that tenants have, for their own sagas. A reason may be given, and need not.
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
    body: Option<JsonObject>,
) -> Answer {
    query.finish()?;
    let saga = visible(&app.cloud.sagas, &caller.scope, SagaId(id)).await?.id;
    let reason = read(body.map(|JsonObject(body)| body).unwrap_or_default(), reason_if_any)?;
    let said = Said { app: &app, caller: &caller, saga };
    said.done(app.cloud.sagas.cancel(saga, said.by(&reason)).await, "cancel", StatusCode::ACCEPTED).await
}

pub async fn retry(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
    JsonObject(body): JsonObject,
) -> Answer {
    let said = Said::to(&app, &caller, id, query).await?;
    let reason = read(body, reason)?;
    said.done(app.cloud.sagas.retry(said.saga, said.by(&reason)).await, "retry", StatusCode::ACCEPTED).await
}

pub async fn skip(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
    JsonObject(body): JsonObject,
) -> Answer {
    let said = Said::to(&app, &caller, id, query).await?;
    let (step_idx, reason) = read(body, |fields, faults| {
        let step_idx = fields.integer("step_idx");
        fields.require("step_idx", step_idx).zip(reason(fields, faults))
    })?;
    said.done(app.cloud.sagas.skip(said.saga, step_idx, said.by(&reason)).await, "skip", StatusCode::OK).await
}

pub async fn resolve(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
    JsonObject(body): JsonObject,
) -> Answer {
    let said = Said::to(&app, &caller, id, query).await?;
    let reason = read(body, reason)?;
    said.done(app.cloud.sagas.resolve(said.saga, said.by(&reason)).await, "resolve", StatusCode::OK).await
}

pub async fn abandon(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
    JsonObject(body): JsonObject,
) -> Answer {
    let said = Said::to(&app, &caller, id, query).await?;
    let reason = read(body, reason)?;
    said.done(app.cloud.sagas.abandon(said.saga, said.by(&reason)).await, "abandon", StatusCode::OK).await
}

pub async fn signal(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
    JsonObject(body): JsonObject,
) -> Answer {
    let said = Said::to(&app, &caller, id, query).await?;
    let (name, data, reason) = read(body, |fields, faults| {
        let name = fields.text("name");
        let name = fields.require("name", name);
        let name = name.and_then(|name| fitting(faults, "name", name, SIGNAL_BYTES_MAX));
        let data = fields.any("data").unwrap_or_else(|| json!({}));
        Some((name?, data, reason_if_any(fields, faults)?))
    })?;
    let signalled = app.cloud.sagas.signal(said.saga, &name, data, said.by(&reason)).await;
    said.done(signalled, "signal", StatusCode::ACCEPTED).await
}

/// A verb on its way to a saga that its speaker may steer.
struct Said<'a> {
    app: &'a App,
    caller: &'a Caller,
    saga: SagaId,
}

impl<'a> Said<'a> {
    /// Another tenant's saga does not exist for a tenant; his own he may only look at and cancel.
    async fn to(app: &'a App, caller: &'a Caller, id: uuid::Uuid, query: Query) -> Result<Said<'a>, Error> {
        query.finish()?;
        let saga = visible(&app.cloud.sagas, &caller.scope, SagaId(id)).await?.id;
        if caller.scope.is_all() { Ok(Said { app, caller, saga }) } else { Err(Error::NotPlatformAdmin) }
    }

    fn by<'r>(&'r self, reason: &'r str) -> By<'r> {
        By { actor: &self.caller.subject, reason }
    }

    async fn done(&self, steered: Result<Saga, VerbError>, verb: &str, status: StatusCode) -> Answer {
        let saga = steered?;
        tracing::info!(saga = %saga.id, actor = %self.caller.subject, verb, "steered by hand");
        Ok((status, answered(self.app, saga, &self.caller.scope).await?))
    }
}
