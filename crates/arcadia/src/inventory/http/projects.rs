//! Projects over HTTP: the mirror of the provider's, and whose they are.

use super::super::Witness;
use super::super::projects::{self, GiveError, ProjectRow, TenantSaid};
use crate::error::Error;
use crate::fields::{Faults, Fields};
use crate::http::App;
use crate::http::body::JsonObject;
use crate::http::id::Id;
use crate::http::query::{Listed, Query};
use crate::http::verb::reason_if_any;
use crate::scope::Caller;
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

const TENANT_BYTES_MAX: usize = 255;

/// A project by itself.
#[derive(Debug, Clone, Serialize)]
pub struct ProjectShown {
    #[serde(flatten)]
    project: ProjectRow,
    /// All that was ever said of whose it is; for platform admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenants: Option<Vec<TenantSaid>>,
}

/// A tenant sees his own, a platform admin all.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listed<ProjectRow>>, Error> {
    query.finish()?;
    let mut data = projects::list(&app.cloud.db).await?;
    data.retain(|project| caller.scope.covers(project.tenant_id.as_deref()));
    Ok(Json(Listed { data, next_cursor: None }))
}

pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Json<ProjectShown>, Error> {
    query.finish()?;
    let found = projects::find(&app.cloud.db, id).await?;
    let visible = found.filter(|(project, _)| caller.scope.covers(project.tenant_id.as_deref()));
    let (project, tenants) = visible.ok_or(Error::NotFound)?;
    Ok(Json(ProjectShown { project, tenants: Some(tenants).filter(|_| caller.scope.is_all()) }))
}

/// Gives a project to a tenant, or takes it away: `{"tenant_id": "acme" | null, "effective_from"?, "reason"?}`.
pub async fn give(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
    JsonObject(body): JsonObject,
) -> Result<Json<ProjectRow>, Error> {
    query.finish()?;
    if !caller.scope.is_all() {
        return Err(Error::NotPlatformAdmin);
    }
    let gift = Gift::read(body)?;
    let cloud = &app.cloud;
    let witness = Witness {
        actor: caller.subject.clone(),
        source: gift.reason,
        asked_at: cloud.clock.now(),
        run: None,
    };
    let mut tx = cloud.db.begin().await?;
    let given =
        projects::give(&mut tx, id, gift.tenant_id, gift.effective_from, &witness, &cloud.clock).await?;
    tx.commit().await?;
    tracing::info!(project = %id, actor = caller.subject, tenant_id = given.tenant_id, "project given");
    Ok(Json(given))
}

/// What such a request asks for.
struct Gift {
    tenant_id: Option<String>,
    effective_from: Option<Timestamp>,
    reason: String,
}

impl Gift {
    /// `tenant_id` must be there, also where it is null: an empty body gives nothing away.
    fn read(mut body: Map<String, Value>) -> Result<Gift, Error> {
        let faults = Faults::default();
        let is_nobodys = body.get("tenant_id").is_some_and(Value::is_null);
        if is_nobodys {
            body.remove("tenant_id");
        }
        let mut fields = Fields::of(body, &faults);
        let tenant_id = fields.text("tenant_id");
        if !is_nobodys {
            fields.require("tenant_id", tenant_id.as_ref());
        }
        let effective_from = fields.text("effective_from");
        let reason = reason_if_any(&mut fields, &faults).unwrap_or_default();
        fields.finish();
        if tenant_id.as_ref().is_some_and(|it| it.trim().is_empty() || it.len() > TENANT_BYTES_MAX) {
            faults.add("tenant_id", format!("must have 1 to {TENANT_BYTES_MAX} bytes"));
        }
        let parsed = effective_from.map(|text| text.parse::<Timestamp>());
        if matches!(parsed, Some(Err(_))) {
            faults.add("effective_from", "must be a time such as 2026-03-01T00:00:00Z");
        }
        match faults.into_errors() {
            errors if errors.is_empty() => {
                Ok(Gift { tenant_id, effective_from: parsed.and_then(Result::ok), reason })
            }
            errors => Err(Error::Invalid(errors)),
        }
    }
}

impl From<GiveError> for Error {
    fn from(error: GiveError) -> Error {
        match error {
            GiveError::NotFound => Error::NotFound,
            refused @ GiveError::Internal => Error::Refused { why: refused.to_string() },
            GiveError::Future => Error::invalid("effective_from", "may not lie in the future"),
            GiveError::Database(error) => error.into(),
        }
    }
}
