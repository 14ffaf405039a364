//! Deployments over HTTP.

use super::create::{self, Made};
use super::store::{ListedRow, SagaSummary};
use super::wanted::{Draft, Wanted};
use super::{Deployment, DeploymentId, Filter, State};
use crate::cloud::Cloud;
use crate::error::Error;
use crate::http::body::JsonObject;
use crate::http::id::Id;
use crate::http::query::{Listed, Query};
use crate::http::sagas::{SagaProgress, progress};
use crate::http::{App, key};
use crate::scope::{Caller, Scope};
use arcadia_saga::{SagaId, Status, VerbError};
use axum::Json;
use axum::extract::State as Handed;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use serde_json::{Value, json};

/// A deployment as it is answered.
#[derive(Debug, Clone, Serialize)]
pub struct DeploymentShown {
    pub id: DeploymentId,
    pub tenant_id: String,
    pub slug: String,
    pub display_name: String,
    pub hostname: String,
    pub region: String,
    pub plan: PlanShown,
    pub state: State,
    pub droplet_id: Option<i64>,
    pub ip: Option<String>,
    pub saga: Option<SagaProgress>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A plan without its secrets.
#[derive(Debug, Clone, Serialize)]
pub struct PlanShown {
    pub size: String,
    pub image: String,
    pub tags: Vec<String>,
    /// `***` where there is some.
    pub user_data: Option<&'static str>,
    pub backups: bool,
}

/// The answer to a creation.
#[derive(Debug, Clone, Serialize)]
struct Created {
    #[serde(flatten)]
    deployment: DeploymentShown,
    saga_id: Option<SagaId>,
}

pub async fn list(
    Handed(app): Handed<App>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<Listed<DeploymentShown>>, Error> {
    let page = query.page();
    let words = State::ALL.map(State::as_str).join(", ");
    let state = query.parsed("state", &format!("one of {words}"), State::parse);
    let scope = match (query.text("tenant_id"), caller.scope) {
        (Some(tenant), Scope::All) => Scope::Tenant(tenant),
        (Some(tenant), scope) if scope.tenant() != Some(&tenant) => {
            query.refuse("tenant_id", "only a platform admin may name another tenant");
            scope
        }
        (_, scope) => scope,
    };
    query.finish()?;
    let filter = Filter { scope, state, before: page.before.map(DeploymentId), limit: page.to_read() };
    let rows = page.of(super::list(&app.cloud.db, &filter).await?, |row| row.deployment.id.0);
    let data = rows.data.into_iter().map(listed).collect::<Result<_, _>>()?;
    Ok(Json(Listed { data, next_cursor: rows.next_cursor }))
}

pub async fn show(
    Handed(app): Handed<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Json<DeploymentShown>, Error> {
    query.finish()?;
    Ok(Json(read(&app.cloud, &caller.scope, DeploymentId(id)).await?))
}

pub async fn create(
    Handed(app): Handed<App>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
    JsonObject(body): JsonObject,
) -> Result<Response, Error> {
    query.finish()?;
    let key = key::of_request(&headers, &caller.scope, &body)?;
    let draft = Draft::read(body, &caller.scope);
    if let Some(key) = &key
        && let Some(made) = create::made_before(&app.cloud, key).await?
    {
        return answer(&app.cloud, &caller.scope, made).await;
    }
    let wanted = accept(&app.cloud, &caller.scope, draft).await?;
    if wanted.dry_run {
        return Ok(Json(dry_run(&app.cloud, &wanted)?).into_response());
    }
    if wanted.provision {
        app.cloud.standstill.refuse_starts()?;
    }
    let made = match create::create(&app.cloud, &caller, wanted, key.as_ref()).await {
        Err(Error::Busy { saga: Some(saga) }) => {
            return Err(Error::Busy { saga: visible(&app.cloud, &caller.scope, saga).await? });
        }
        made => made?,
    };
    answer(&app.cloud, &caller.scope, made).await
}

async fn accept(cloud: &Cloud, scope: &Scope, draft: Draft) -> Result<Wanted, Error> {
    match cloud.catalogue.offer(|offer| draft.is_known_to(offer)).await {
        Ok(offer) => draft.accept(&offer, scope, &cloud.tenant_zones),
        Err(unavailable) => Err(draft.into_faults().unwrap_or(unavailable.into())),
    }
}

/// The saga that is in the way, where the caller may know of it.
async fn visible(cloud: &Cloud, scope: &Scope, id: SagaId) -> Result<Option<SagaId>, Error> {
    match cloud.sagas.get(id).await {
        Ok(saga) => Ok(scope.covers(saga.tenant_id.as_deref()).then_some(id)),
        Err(VerbError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn answer(cloud: &Cloud, scope: &Scope, made: Made) -> Result<Response, Error> {
    let deployment = read(cloud, scope, made.id).await?;
    let status = if made.is_provisioned { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    let location = format!("/api/v1/deployments/{}", made.id);
    let saga_id = deployment.saga.as_ref().map(|saga| saga.id);
    Ok((status, [(header::LOCATION, location)], Json(Created { deployment, saga_id })).into_response())
}

async fn read(cloud: &Cloud, scope: &Scope, id: DeploymentId) -> Result<DeploymentShown, Error> {
    let mut deployment = super::find(&cloud.db, scope, id).await?;
    let saga = match deployment.saga_id {
        Some(id) => saga_of(cloud, id).await?,
        None => None,
    };
    // What an ended saga did to the deployment was written before its end: seen from here on, not from above.
    if saga.as_ref().is_some_and(|saga| saga.status.is_terminal()) {
        deployment = super::find(&cloud.db, scope, id).await?;
    }
    Ok(shown(deployment, saga))
}

/// Nothing once the saga was pruned.
async fn saga_of(cloud: &Cloud, id: SagaId) -> Result<Option<SagaProgress>, Error> {
    let saga = match cloud.sagas.get(id).await {
        Err(VerbError::NotFound(_)) => return Ok(None),
        saga => saga?,
    };
    let steps = cloud.sagas.list_step_results(id).await?;
    Ok(Some(progress(saga, Some(steps))))
}

/// What a creation would do: its steps, the calls that change something, and what it costs.
fn dry_run(cloud: &Cloud, wanted: &Wanted) -> Result<Value, Error> {
    let steps = match wanted.provision {
        true => cloud.sagas.plan_steps(create::PLAN).map_err(|error| Error::Internal(error.into()))?,
        false => Vec::new(),
    };
    let calls = match wanted.provision {
        true => vec![
            json!({"method": "POST", "path": "/v2/droplets"}),
            json!({"method": "POST", "path": format!("/v2/domains/{}/records", wanted.zone)}),
        ],
        false => Vec::new(),
    };
    let droplet = if wanted.provision { wanted.size.price_monthly } else { Decimal::ZERO };
    let backups = if wanted.plan.backups { droplet * BACKUPS_SHARE } else { Decimal::ZERO };
    let minor = |amount: Decimal| (amount * Decimal::ONE_HUNDRED).round().to_i64();
    Ok(json!({
        "dry_run": true,
        "tenant_id": wanted.tenant_id,
        "slug": wanted.slug,
        "hostname": wanted.hostname,
        "zone": wanted.zone,
        "steps": steps,
        "calls": calls,
        "monthly_price": {
            "currency": "USD",
            "amount_minor": minor(droplet + backups),
            "droplet_minor": minor(droplet),
            "backups_minor": minor(backups),
        },
    }))
}

/// Weekly backups cost a fifth of the droplet.
const BACKUPS_SHARE: Decimal = Decimal::from_parts(20, 0, 0, false, 2);

fn shown(deployment: Deployment, saga: Option<SagaProgress>) -> DeploymentShown {
    let plan = deployment.plan;
    DeploymentShown {
        id: deployment.id,
        tenant_id: deployment.tenant_id,
        slug: deployment.slug,
        display_name: deployment.display_name,
        hostname: deployment.hostname,
        region: deployment.region,
        plan: PlanShown {
            size: plan.size,
            image: plan.image,
            tags: plan.tags,
            user_data: plan.user_data.map(|_| "***"),
            backups: plan.backups,
        },
        state: deployment.state,
        droplet_id: deployment.droplet_id,
        ip: deployment.ip,
        saga,
        created_at: deployment.created_at,
        updated_at: deployment.updated_at,
    }
}

fn listed(row: ListedRow) -> Result<DeploymentShown, Error> {
    let deployment = row.deployment.into_deployment()?;
    let saga = deployment.saga_id.zip(row.saga).map(|(id, saga)| summary(id, saga)).transpose()?;
    Ok(shown(deployment, saga))
}

fn summary(id: SagaId, saga: SagaSummary) -> Result<SagaProgress, Error> {
    let status = Status::parse(&saga.saga_status)
        .ok_or_else(|| Error::Internal(format!("saga {id} is `{}`", saga.saga_status).into()))?;
    Ok(SagaProgress {
        id,
        kind: saga.saga_kind,
        status,
        current_step_idx: saga.saga_step_idx,
        waiting_for: saga.saga_waiting_for,
        error: saga.saga_error,
        steps: None,
    })
}
