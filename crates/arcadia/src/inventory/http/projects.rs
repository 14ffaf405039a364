//! Projects over HTTP, and giving one to a tenant, which restates whose all is that it ever decided on.

use super::super::Witness;
use super::super::projects::{self as projects_of, GiveError, ProjectRow, TenantSaid};
use crate::cloud::Cloud;
use crate::error::{Error, FieldError};
use crate::fields::{Faults, Fields};
use crate::http::App;
use crate::http::body::JsonObject;
use crate::http::caller::PlatformAdmin;
use crate::http::id::Id;
use crate::http::query::{Listed, Query};
use crate::scope::{Caller, Scope};
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

const REASON_CHARS_MAX: usize = 500;
const TENANT_CHARS_MAX: usize = 200;

/// A project by itself.
#[derive(Debug, Clone, Serialize)]
pub struct ProjectShown {
    #[serde(flatten)]
    project: ProjectRow,
    /// All that was ever said of whose it is; for platform admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenants: Option<Vec<TenantSaid>>,
}

pub async fn list(
    State(app): State<App>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listed<ProjectRow>>, Error> {
    query.finish()?;
    let mut data = projects_of::list(&app.cloud.db).await?;
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
    read(&app.cloud, &caller.scope, id).await.map(Json)
}

pub async fn give(
    State(app): State<App>,
    admin: PlatformAdmin,
    Id(id): Id,
    query: Query,
    JsonObject(body): JsonObject,
) -> Result<Json<ProjectShown>, Error> {
    query.finish()?;
    let gift = Gift::read(body)?;
    let cloud = &app.cloud;
    let actor = format!("user:{}", admin.subject);
    let witness = Witness { actor, source: gift.reason, asked_at: cloud.clock.now(), run: None };
    let mut tx = cloud.db.begin().await?;
    projects_of::give(&mut tx, id, gift.tenant_id, gift.effective_from, &witness, &cloud.clock).await?;
    tx.commit().await?;
    read(cloud, &Scope::All, id).await.map(Json)
}

async fn read(cloud: &Cloud, scope: &Scope, id: Uuid) -> Result<ProjectShown, Error> {
    let found = projects_of::find(&cloud.db, id).await?;
    let visible = found.filter(|(project, _)| scope.covers(project.tenant_id.as_deref()));
    let (project, tenants) = visible.ok_or(Error::NotFound)?;
    Ok(ProjectShown { project, tenants: Some(tenants).filter(|_| scope.is_all()) })
}

/// What a body asks for.
struct Gift {
    /// `None`: it is taken away.
    tenant_id: Option<String>,
    effective_from: Option<Timestamp>,
    reason: String,
}

impl Gift {
    fn read(body: Map<String, Value>) -> Result<Gift, Error> {
        let faults = Faults::default();
        if !body.contains_key("tenant_id") {
            faults.add("tenant_id", "is required; null takes the project away");
        }
        let mut fields = Fields::of(body, &faults);
        let tenant_id = fields.text("tenant_id");
        let from = fields.text("effective_from");
        let reason = fields.text("reason");
        let reason = fields.require("reason", reason).unwrap_or_default();
        fields.finish();
        if tenant_id.as_ref().is_some_and(|tenant| !fits(tenant, TENANT_CHARS_MAX)) {
            faults.add("tenant_id", format!("must have 1 to {TENANT_CHARS_MAX} characters"));
        }
        let effective_from = from.and_then(|text| {
            let time = text.parse::<Timestamp>().ok().filter(|at| at.as_second() > 0);
            if time.is_none() {
                faults.add("effective_from", "must be a time such as 2026-04-01T00:00:00Z");
            }
            time
        });
        if !fits(&reason, REASON_CHARS_MAX) {
            faults.add("reason", format!("must have 1 to {REASON_CHARS_MAX} characters"));
        }
        let mut errors: Vec<FieldError> = faults.into_errors();
        errors.dedup_by(|later, first| later.field == first.field);
        if errors.is_empty() {
            Ok(Gift { tenant_id, effective_from, reason })
        } else {
            Err(Error::Invalid(errors))
        }
    }
}

fn fits(text: &str, chars_max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= chars_max
}

impl From<GiveError> for Error {
    fn from(error: GiveError) -> Error {
        match error {
            GiveError::NotFound => Error::NotFound,
            GiveError::Internal => Error::Refused { why: GiveError::Internal.to_string() },
            GiveError::Future => Error::invalid("effective_from", "lies in the future"),
            GiveError::Database(error) => error.into(),
        }
    }
}
