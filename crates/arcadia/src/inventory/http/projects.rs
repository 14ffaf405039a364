//! Projects over HTTP: the mirror of the provider's, and whose they are.

use super::super::Witness;
use super::super::projects::{self, GiveError, ProjectRow, TenantSaid};
use super::said::Gift;
use crate::error::Error;
use crate::http::App;
use crate::http::body::JsonObject;
use crate::http::id::Id;
use crate::http::query::{Listed, Query};
use crate::scope::Caller;
use axum::Json;
use axum::extract::State;
use serde::Serialize;

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
