//! Sync runs over HTTP, and from them how well each sync does.

use super::super::runs::{RunRow, health as health_of, list as list_of};
use super::super::sync::NAMES;
use crate::error::Error;
use crate::http::App;
use crate::http::caller::PlatformAdmin;
use crate::http::query::{Listed, Query};
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;

/// How one sync does.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// The sync's name.
    pub kind: String,
    pub last: Option<RunRow>,
    pub last_complete: Option<RunRow>,
    /// How old what it knows is, in seconds.
    pub age_s: Option<i64>,
    /// Runs that failed since the last complete one, counted up to a hundred.
    pub failures: i64,
    /// Whether the last complete run missed so much that nothing was struck.
    pub suspicious: bool,
}

pub async fn list(
    State(app): State<App>,
    _admin: PlatformAdmin,
    mut query: Query,
) -> Result<Json<Listed<RunRow>>, Error> {
    let page = query.page();
    let kind = query.parsed("kind", &format!("one of {}", NAMES.join(", ")), |text| {
        NAMES.contains(&text).then(|| text.to_owned())
    });
    query.finish()?;
    let rows = list_of(&app.cloud.db, kind, page.before, page.to_read()).await?;
    Ok(Json(page.of(rows, |run| run.id)))
}

pub async fn health(
    State(app): State<App>,
    _admin: PlatformAdmin,
    query: Query,
) -> Result<Json<Listed<Health>>, Error> {
    query.finish()?;
    let now = app.cloud.clock.now();
    let mut data = Vec::with_capacity(NAMES.len());
    for kind in NAMES {
        let (last, last_complete, failures) = health_of(&app.cloud.db, kind).await?;
        data.push(Health {
            kind: kind.to_owned(),
            age_s: last_complete.as_ref().map(|run| age_s(run, now)),
            suspicious: last_complete.as_ref().is_some_and(|run| run.suspicious),
            last,
            last_complete,
            failures,
        });
    }
    Ok(Json(Listed { data, next_cursor: None }))
}

fn age_s(run: &RunRow, now: Timestamp) -> i64 {
    now.duration_since(run.started_at).as_secs().max(0)
}
