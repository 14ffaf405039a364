//! Sagas to look at and to cancel. A tenant sees his own; what went in and came out is for platform admins, and a
//! droplet's user data for nobody.

pub mod steer;

use super::App;
use super::id::Id;
use super::query::{Listed, Query};
use crate::error::Error;
use crate::scope::{Caller, Scope};
use arcadia_saga::{Event, Filter, Saga, SagaId, Sagas, Status, StepResult, StepStatus};
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// A saga as it stands beside what it changes.
#[derive(Debug, Clone, Serialize)]
pub struct SagaProgress {
    pub id: SagaId,
    pub kind: String,
    pub status: Status,
    pub current_step_idx: i64,
    pub waiting_for: Option<String>,
    pub error: Option<Value>,
    /// Missing in lists.
    pub steps: Option<Vec<StepProgress>>,
}

/// One step of it.
#[derive(Debug, Clone, Serialize)]
pub struct StepProgress {
    pub idx: i64,
    pub name: String,
    pub status: StepStatus,
    pub attempts: i64,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub error: Option<Value>,
    #[serde(flatten)]
    pub inside: Option<StepInside>,
}

/// For platform admins.
#[derive(Debug, Clone, Serialize)]
pub struct StepInside {
    pub in_doubt: bool,
    pub prior: Option<Value>,
    pub output: Option<Value>,
    pub compensation_attempts: i64,
    pub compensation_started_at: Option<Timestamp>,
    pub compensation_finished_at: Option<Timestamp>,
}

/// A saga by itself.
#[derive(Debug, Clone, Serialize)]
pub struct SagaShown {
    #[serde(flatten)]
    pub progress: SagaProgress,
    pub tenant_id: Option<String>,
    pub deployment_id: Option<Uuid>,
    pub triggered_by: String,
    pub cancel_requested: bool,
    /// Why a person is needed, if one is.
    pub attention: Option<Value>,
    pub clean: Option<Value>,
    /// Who settled it by hand, with which verb and why.
    pub resolved: Option<Value>,
    pub wake_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    #[serde(flatten)]
    pub inside: Option<SagaInside>,
}

/// For platform admins.
#[derive(Debug, Clone, Serialize)]
pub struct SagaInside {
    pub inputs: Value,
    pub outputs: Value,
}

pub async fn list(
    State(app): State<App>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<Listed<SagaShown>>, Error> {
    let page = query.page();
    let filter = Filter {
        status: query.parsed("status", &format!("one of {}", statuses()), Status::parse),
        kind: query.text("kind"),
        deployment_id: query.parsed("deployment_id", "a UUID", |text| Uuid::try_parse(text).ok()),
        tenant_id: caller.scope.tenant().map(str::to_owned),
        triggered_by: query.text("triggered_by"),
        before: page.before.map(SagaId),
        from: None,
        until: None,
        needs_attention: query
            .parsed("needs_attention", "true or false", |text| text.parse().ok())
            .unwrap_or_default(),
        limit: page.to_read(),
    };
    let stuck = query.parsed("stuck", "true or false", |text| text.parse::<bool>().ok()).unwrap_or_default();
    query.finish()?;
    if stuck && !caller.scope.is_all() {
        return Err(Error::NotPlatformAdmin);
    }
    if stuck {
        // An alarm, not a listing: it has one page, and the other filters do not apply.
        let sagas = app.cloud.sagas.stuck(page.to_read()).await?;
        let data = sagas.into_iter().map(|saga| shown(saga, None, &caller.scope)).collect();
        return Ok(Json(Listed { data, next_cursor: None }));
    }
    let sagas = page.of(app.cloud.sagas.list(&filter).await?, |saga| saga.id.0);
    let data = sagas.data.into_iter().map(|saga| shown(saga, None, &caller.scope)).collect();
    Ok(Json(Listed { data, next_cursor: sagas.next_cursor }))
}

pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Json<SagaShown>, Error> {
    query.finish()?;
    let saga = visible(&app.cloud.sagas, &caller.scope, SagaId(id)).await?;
    answered(&app, saga, &caller.scope).await
}

pub async fn events(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Json<Listed<Event>>, Error> {
    query.finish()?;
    let saga = visible(&app.cloud.sagas, &caller.scope, SagaId(id)).await?;
    let mut data = app.cloud.sagas.events(saga.id).await?;
    for event in &mut data {
        if !caller.scope.is_all() {
            without_what_went_out(&mut event.data);
        }
        mask(&mut event.data);
    }
    Ok(Json(Listed { data, next_cursor: None }))
}

/// A saga with its steps.
async fn answered(app: &App, saga: Saga, scope: &Scope) -> Result<Json<SagaShown>, Error> {
    let steps = app.cloud.sagas.list_step_results(saga.id).await?;
    Ok(Json(shown(saga, Some(steps), scope)))
}

/// The saga, where it exists and may be seen; the two cases cannot be told apart.
async fn visible(sagas: &Sagas, scope: &Scope, id: SagaId) -> Result<Saga, Error> {
    let saga = sagas.get(id).await?;
    if scope.covers(saga.tenant_id.as_deref()) { Ok(saga) } else { Err(Error::NotFound) }
}

/// A saga with its steps, as it is shown with what it changes: without what went in and came out.
#[must_use]
pub fn progress(saga: Saga, steps: Option<Vec<StepResult>>) -> SagaProgress {
    let steps =
        steps.map(|steps| steps.into_iter().map(|step| step_shown(step, &Scope::Tenant(String::new()))));
    SagaProgress {
        id: saga.id,
        kind: saga.kind,
        status: saga.status,
        current_step_idx: saga.current_step_idx,
        waiting_for: saga.waiting_for,
        error: saga.error.map(masked),
        steps: steps.map(Iterator::collect),
    }
}

fn shown(saga: Saga, steps: Option<Vec<StepResult>>, scope: &Scope) -> SagaShown {
    let inside = scope.is_all().then(|| SagaInside {
        inputs: masked(Value::Object(saga.inputs.clone())),
        outputs: masked(Value::Object(saga.context.clone())),
    });
    // What still stands holds steps' outputs.
    let attention = saga.attention.clone().map(|attention| match scope {
        Scope::All => masked(attention),
        Scope::Tenant(_) => json!({"reason": attention.get("reason")}),
    });
    let clean = saga.clean.clone().map(|clean| match scope {
        Scope::All => masked(clean),
        Scope::Tenant(_) => Value::Bool(clean == Value::Bool(true)),
    });
    let mut resolved = saga.resolved.clone().map(masked);
    if let (Scope::Tenant(_), Some(resolved)) = (scope, &mut resolved) {
        without_what_went_out(resolved);
    }
    SagaShown {
        tenant_id: saga.tenant_id.clone(),
        deployment_id: saga.deployment_id,
        triggered_by: saga.triggered_by.clone(),
        cancel_requested: saga.cancel_requested,
        attention,
        clean,
        resolved,
        wake_at: saga.wake_at,
        created_at: saga.inserted_at,
        started_at: saga.started_at,
        finished_at: saga.finished_at,
        updated_at: saga.updated_at,
        inside,
        progress: SagaProgress {
            steps: steps.map(|steps| steps.into_iter().map(|step| step_shown(step, scope)).collect()),
            ..progress(saga, None)
        },
    }
}

fn step_shown(step: StepResult, scope: &Scope) -> StepProgress {
    let inside = scope.is_all().then(|| StepInside {
        in_doubt: step.in_doubt,
        prior: step.prior.map(masked),
        output: step.output.map(masked),
        compensation_attempts: step.compensation_attempts,
        compensation_started_at: step.compensation_started_at,
        compensation_finished_at: step.compensation_finished_at,
    });
    StepProgress {
        idx: step.idx,
        name: step.name,
        status: step.status,
        attempts: step.attempts,
        started_at: step.started_at,
        finished_at: step.finished_at,
        error: step.error.map(masked),
        inside,
    }
}

fn statuses() -> String {
    Status::ALL.map(Status::as_str).join(", ")
}

/// The value without user data.
pub(crate) fn masked(mut value: Value) -> Value {
    mask(&mut value);
    value
}

/// Operators' verbs note what stood, with what the steps gave, and what a signal said.
fn without_what_went_out(noted: &mut Value) {
    if let Some(noted) = noted.as_object_mut() {
        noted.retain(|key, _| !["was", "standing", "data"].contains(&key.as_str()));
    }
}

/// User data often holds passwords.
fn mask(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if key.ends_with("user_data") && !value.is_null() {
                    *value = Value::String("***".to_owned());
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(mask),
        _ => {}
    }
}
