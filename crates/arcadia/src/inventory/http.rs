//! The inventory over HTTP: lists, exports, one resource with whose it is and why, and what happened to it. A tenant
//! sees what is his now, or was at the time that he asks for.

mod export;
mod full;
pub mod projects;
pub mod runs;
mod said;

use super::reading::{self, Deleted, Filter, ListedRow, Name, Place, Sort, WORDS_MAX, words};
use super::{ResourceId, Witness, WordError};
use crate::error::Error;
use crate::http::App;
use crate::http::body::JsonObject;
use crate::http::id::Id;
use crate::http::query::{Listed, Query};
use crate::scope::{Caller, Scope};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use said::{Gift, Word};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// A resource as it is answered.
#[derive(Debug, Clone, Serialize)]
pub struct ResourceShown {
    pub id: ResourceId,
    pub kind: String,
    pub provider_id: String,
    pub name: String,
    pub region: Option<String>,
    pub status: Option<String>,
    pub size_slug: Option<String>,
    /// Tenants are told of projects that are theirs.
    pub project_id: Option<Uuid>,
    pub tenant_id: Option<String>,
    pub deployment_id: Option<Uuid>,
    /// Why it is this tenant's, or nobody's.
    pub owner_reason: String,
    pub owner_since: Option<Timestamp>,
    pub tags: Value,
    pub attrs: Value,
    pub monthly_cost_minor: Option<i64>,
    pub provider_created_at: Option<Timestamp>,
    pub first_seen_at: Timestamp,
    /// Missing as of a past time.
    pub last_seen_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
}

pub async fn list(State(app): State<App>, caller: Caller, mut query: Query) -> Result<Response, Error> {
    let (filter, sort) = asked(&mut query, &caller.scope, app.cloud.clock.now());
    let words = "csv or jsonl";
    if let Some(format) = query.parsed("format", words, export::Format::parse) {
        query.finish()?;
        return export::stream(app.cloud, caller.scope, filter, sort, format).await;
    }
    let limit = query.limit();
    let after = query.parsed("cursor", "a `next_cursor` of an earlier answer", decode);
    query.finish()?;
    let mut rows =
        reading::list(&app.cloud.db, &caller.scope, &filter, sort, after.as_ref(), limit + 1).await?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| has_more).map(|last| encode(&Place::from(last)));
    let data = rows.into_iter().map(|row| shown(row, &caller.scope)).collect();
    Ok(Json(Listed::<ResourceShown> { data, next_cursor }).into_response())
}

pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    mut query: Query,
) -> Result<Json<full::ResourceInFull>, Error> {
    let as_of = as_of(&mut query, app.cloud.clock.now());
    query.finish()?;
    full::read(&app.cloud, &caller.scope, ResourceId(id), as_of).await.map(Json)
}

pub async fn events(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    mut query: Query,
) -> Result<Json<Listed<full::EventShown>>, Error> {
    let limit = query.limit();
    let before = query.parsed("cursor", "a `next_cursor` of an earlier answer", full::decode_place);
    query.finish()?;
    full::events(&app.cloud, &caller.scope, ResourceId(id), before, limit).await.map(Json)
}

/// An operator says whose a resource is, or takes that back.
pub async fn say(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    query: Query,
    JsonObject(body): JsonObject,
) -> Result<Json<full::ResourceInFull>, Error> {
    query.finish()?;
    let (cloud, id) = (&app.cloud, ResourceId(id));
    full::visible(cloud, &caller.scope, id, None).await?;
    if !caller.scope.is_all() {
        return Err(Error::NotPlatformAdmin);
    }
    let word = Word::read(body)?;
    let witness = |reason| Witness {
        actor: caller.subject.clone(),
        source: reason,
        asked_at: cloud.clock.now(),
        run: None,
    };
    let mut tx = cloud.db.begin().await?;
    match word {
        Word::Gift(Gift { tenant_id, effective_from, reason }) => {
            super::assign(&mut tx, id, tenant_id, effective_from, &witness(reason), &cloud.clock).await?;
        }
        Word::Release { reason } => super::release(&mut tx, id, &witness(reason), &cloud.clock).await?,
    }
    tx.commit().await?;
    let said = full::read(cloud, &caller.scope, id, None).await?;
    tracing::info!(resource = %id.0, actor = caller.subject, tenant_id = said.tenant_id(), "resource said to be somebody's");
    Ok(Json(said))
}

impl From<WordError> for Error {
    fn from(error: WordError) -> Error {
        match error {
            WordError::NotFound => Error::NotFound,
            refused @ WordError::Gone => Error::Refused { why: refused.to_string() },
            WordError::Future => Error::invalid("effective_from", "may not lie in the future"),
            WordError::Database(error) => error.into(),
        }
    }
}

fn asked(query: &mut Query, scope: &Scope, now: Timestamp) -> (Filter, Sort) {
    let id = |text: &str| Uuid::try_parse(text).ok();
    let filter = Filter {
        kind: query.text("kind"),
        status: query.text("status"),
        tenant: query.text("tenant_id"),
        region: query.text("region"),
        project: query.parsed("project_id", "a UUID", id),
        deployment: query.parsed("deployment_id", "a UUID", id),
        tag: query.text("tag"),
        name: query.text("name").map(|name| match name.strip_suffix('*') {
            Some(beginning) => Name::Beginning(beginning.to_owned()),
            None => Name::Whole(name),
        }),
        words: query.text("text").map(|text| words(&text)).unwrap_or_default(),
        deleted: one_of(query, "deleted", &Deleted::ALL),
        as_of: as_of(query, now),
    };
    if filter.words.len() > WORDS_MAX {
        query.refuse("text", &format!("has more than {WORDS_MAX} words"));
    }
    if filter.tenant.as_deref().is_some_and(|tenant| !scope.covers(Some(tenant))) {
        query.refuse("tenant_id", "only a platform admin may name another tenant");
    }
    (filter, one_of(query, "sort", &Sort::ALL))
}

fn one_of<T: Copy + Default>(query: &mut Query, name: &str, all: &[(&str, T)]) -> T {
    let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
    let meaning = |text: &str| all.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    query.parsed(name, &format!("one of {}", words.join(", ")), meaning).unwrap_or_default()
}

fn as_of(query: &mut Query, now: Timestamp) -> Option<Timestamp> {
    let past = |text: &str| time(text).filter(|at| *at <= now);
    query.parsed("as_of", "a time such as 2026-04-01T00:00:00Z that is not in the future", past)
}

/// A time that both databases can hold.
fn time(text: &str) -> Option<Timestamp> {
    let (first, last) = full::EVER;
    text.parse::<Timestamp>().ok().filter(|at| (first..=last).contains(&at.as_second()))
}

fn shown(row: ListedRow, scope: &Scope) -> ResourceShown {
    let is_told = scope.is_all() || row.owner_reason == "project";
    ResourceShown {
        id: row.id,
        kind: row.kind,
        provider_id: row.provider_id,
        name: row.name,
        region: row.region,
        status: row.status,
        size_slug: row.size_slug,
        project_id: row.cloud_project_id.filter(|_| is_told),
        tenant_id: row.tenant_id,
        deployment_id: row.deployment_id,
        owner_reason: row.owner_reason,
        owner_since: row.owner_since,
        tags: row.tags,
        attrs: row.attrs,
        monthly_cost_minor: row.monthly_cost_minor,
        provider_created_at: row.provider_created_at,
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
        deleted_at: row.deleted_at,
    }
}

fn encode(place: &Place) -> String {
    let mut bytes = place.id.as_bytes().to_vec();
    bytes.extend(place.name.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(cursor: &str) -> Option<Place> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (id, name) = bytes.split_first_chunk::<16>()?;
    let name = String::from_utf8(name.to_vec()).ok().filter(|name| !name.contains('\0'))?;
    Some(Place { name, id: Uuid::from_bytes(*id) })
}
