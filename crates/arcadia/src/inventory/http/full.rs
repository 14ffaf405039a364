//! One resource with all that is known of it: whose it is, why and since when, what it lives through, who made it and as
//! what, and its events. A tenant is told of the times that were his.

use super::super::store::owners::{self as owners, StatementRow};
use super::super::store::projects::ProjectRow;
use super::super::store::reading::{self as store, DesiredRow, EventRow, ParentRow};
use super::super::timeline::{Statement, timeline};
use super::super::{ResourceId, projects};
use super::{ListedRow, ResourceShown, shown};
use crate::cloud::Cloud;
use crate::error::Error;
use crate::http::query::Listed;
use crate::http::sagas::{SagaProgress, masked, progress};
use crate::scope::Scope;
use arcadia_saga::{SagaId, VerbError};
use arcadia_sql::args;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// One resource.
#[derive(Debug, Clone, Serialize)]
pub struct ResourceInFull {
    #[serde(flatten)]
    resource: ResourceShown,
    /// Whose it was and is, in valid time, the latest last.
    owners: Vec<OwnerShown>,
    parent: Option<ParentShown>,
    project: Option<ProjectNamed>,
    /// The saga that made it.
    saga: Option<SagaProgress>,
    /// What it should be, if we made it; for platform admins.
    desired: Option<DesiredShown>,
}

#[derive(Debug, Clone, Serialize)]
struct OwnerShown {
    from: Timestamp,
    until: Option<Timestamp>,
    #[serde(flatten)]
    owner: super::super::timeline::Ownership,
}

#[derive(Debug, Clone, Serialize)]
struct ParentShown {
    id: ResourceId,
    kind: String,
    provider_id: String,
    name: String,
    deleted_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize)]
struct ProjectNamed {
    id: Uuid,
    name: String,
    tenant_id: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct DesiredShown {
    spec: Value,
    spec_version: i64,
    saga_id: Uuid,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Something that happened to a resource.
#[derive(Debug, Clone, Serialize)]
pub struct EventShown {
    pub id: Uuid,
    pub at: Timestamp,
    pub kind: String,
    /// For platform admins.
    pub actor: Option<String>,
    /// The sync run or saga; an operator's reason is for platform admins.
    pub source: Option<String>,
    pub data: Value,
}

impl ResourceInFull {
    pub(super) fn tenant_id(&self) -> Option<&str> {
        self.resource.tenant_id.as_deref()
    }
}

pub(super) async fn read(
    cloud: &Cloud,
    scope: &Scope,
    id: ResourceId,
    as_of: Option<Timestamp>,
) -> Result<ResourceInFull, Error> {
    let row = visible(cloud, scope, id, as_of).await?;
    let parent: Option<ParentRow> = cloud.db.fetch_optional(&store::PARENT_OF, args![id]).await?;
    let parent = parent.filter(|parent| scope.covers(parent.tenant_id.as_deref()));
    let project = match row.cloud_project_id {
        Some(project) => projects::find(&cloud.db, project).await?.map(|(project, _)| project),
        None => None,
    };
    let project = project.filter(|project| scope.covers(project.tenant_id.as_deref()));
    let desired: Option<DesiredRow> = cloud.db.fetch_optional(&store::DESIRED, args![id]).await?;
    let made_by = desired.as_ref().map(|desired| desired.saga_id).or_else(|| saga_of(&row));
    Ok(ResourceInFull {
        owners: spans(cloud, scope, id).await?,
        parent: parent.map(parent_shown),
        project: project.map(project_named),
        saga: saga(cloud, scope, made_by).await?,
        desired: desired.filter(|_| scope.is_all()).map(desired_shown),
        resource: shown(row, scope),
    })
}

/// What happened to a resource while it was the caller's, newest first.
pub(super) async fn events(
    cloud: &Cloud,
    scope: &Scope,
    id: ResourceId,
    before: Option<(Timestamp, Uuid)>,
    limit: u32,
) -> Result<Listed<EventShown>, Error> {
    visible(cloud, scope, id, None).await?;
    let (begin, end) = (second(EVER.0), second(EVER.1));
    let times: Vec<(Timestamp, Timestamp)> = match scope {
        Scope::All => vec![(begin, end)],
        Scope::Tenant(_) => {
            let spans = spans(cloud, scope, id).await?.into_iter().rev();
            spans.map(|span| (span.from, span.until.unwrap_or(end))).collect()
        }
    };
    let (before_at, before_id) = before.unwrap_or((end, Uuid::max()));
    let mut found: Vec<EventRow> = Vec::new();
    for (from, until) in times {
        let left = i64::from(limit) + 1 - i64::try_from(found.len()).unwrap_or(i64::MAX);
        if left <= 0 {
            break;
        }
        let args = args![id, from, until, before_at, before_id, left];
        found.extend(cloud.db.fetch_all::<EventRow>(&store::EVENTS, args).await?);
    }
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| has_more).map(|last| encode_place(last.at, last.id));
    let data = found.into_iter().filter(|event| is_of(event, scope)).map(|event| event_shown(event, scope));
    Ok(Listed { data: data.collect(), next_cursor })
}

/// The years 1 to 9000, in seconds: both databases can hold them.
pub(super) const EVER: (i64, i64) = (-62_135_596_800, 221_845_392_000);

fn second(at: i64) -> Timestamp {
    // Within what a timestamp can be.
    Timestamp::from_second(at).unwrap_or_default()
}

/// What somebody once took back may have given it to another tenant at a time that is this one's now.
fn is_of(event: &EventRow, scope: &Scope) -> bool {
    event.kind != "attributed" || scope.covers(event.data["tenant_id"].as_str())
}

/// The two cases, that it is not there and that it is another's, cannot be told apart.
pub(super) async fn visible(
    cloud: &Cloud,
    scope: &Scope,
    id: ResourceId,
    as_of: Option<Timestamp>,
) -> Result<ListedRow, Error> {
    let row = match as_of {
        None => cloud.db.fetch_optional(&store::SHOWN, args![id, scope.tenant().map(str::to_owned)]).await?,
        Some(at) => {
            let args = args![id, scope.tenant().map(str::to_owned), at];
            cloud.db.fetch_optional(&store::SHOWN_AS_OF, args).await?
        }
    };
    row.ok_or(Error::NotFound)
}

async fn spans(cloud: &Cloud, scope: &Scope, id: ResourceId) -> Result<Vec<OwnerShown>, Error> {
    let rows: Vec<StatementRow> = cloud.db.fetch_all(&owners::STATEMENTS_OF, args![vec![id.0]]).await?;
    let all: Vec<Statement> = timeline(rows.into_iter().map(Statement::from));
    let ends: Vec<Option<Timestamp>> =
        all.iter().skip(1).map(|next| Some(next.from_at)).chain([None]).collect();
    let spans = all.into_iter().zip(ends);
    let own = spans.filter(|(span, _)| scope.covers(span.owner.tenant_id.as_deref()));
    Ok(own.map(|(span, until)| owner_shown(span, until, scope)).collect())
}

fn owner_shown(span: Statement, until: Option<Timestamp>, scope: &Scope) -> OwnerShown {
    let mut owner = span.owner;
    owner.project_id = owner.project_id.filter(|_| scope.is_all());
    OwnerShown { from: span.from_at, until, owner }
}

/// Nothing once the saga was pruned, or where it is not the caller's.
async fn saga(cloud: &Cloud, scope: &Scope, id: Option<Uuid>) -> Result<Option<SagaProgress>, Error> {
    let Some(id) = id else { return Ok(None) };
    match cloud.sagas.get(SagaId(id)).await {
        Ok(saga) if scope.covers(saga.tenant_id.as_deref()) => Ok(Some(progress(saga, None))),
        Ok(_) | Err(VerbError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What our sagas make bears their mark.
fn saga_of(row: &ListedRow) -> Option<Uuid> {
    let mut tags = row.tags.as_array()?.iter().filter_map(Value::as_str);
    let mark = tags.find_map(|tag| tag.strip_prefix(super::super::SAGA_TAG))?;
    mark.parse::<SagaId>().ok().map(|saga| saga.0)
}

fn parent_shown(row: ParentRow) -> ParentShown {
    let ParentRow { id, kind, provider_id, name, deleted_at, .. } = row;
    ParentShown { id, kind, provider_id, name, deleted_at }
}

fn project_named(row: ProjectRow) -> ProjectNamed {
    ProjectNamed { id: row.id, name: row.name, tenant_id: row.tenant_id }
}

fn desired_shown(row: DesiredRow) -> DesiredShown {
    let DesiredRow { spec, spec_version, saga_id, created_at, updated_at } = row;
    DesiredShown { spec: masked(spec), spec_version, saga_id, created_at, updated_at }
}

fn event_shown(event: EventRow, scope: &Scope) -> EventShown {
    let EventRow { id, at, kind, actor, source, mut data } = event;
    if scope.is_all() {
        return EventShown { id, at, kind, actor: Some(actor), source: Some(source), data: masked(data) };
    }
    if kind == "attributed"
        && let Some(data) = data.as_object_mut()
    {
        // Whose it was before, where it lies, and why an operator said so are not the tenant's.
        data.retain(|key, _| ["tenant_id", "deployment_id", "reason", "since"].contains(&key.as_str()));
    }
    let is_told = source.starts_with("sync:") || source.starts_with("saga:");
    EventShown { id, at, kind, actor: None, source: Some(source).filter(|_| is_told), data: masked(data) }
}

fn encode_place(at: Timestamp, id: Uuid) -> String {
    let mut bytes = at.as_microsecond().to_be_bytes().to_vec();
    bytes.extend(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn decode_place(cursor: &str) -> Option<(Timestamp, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (at, id) = bytes.split_first_chunk::<8>()?;
    let at = Timestamp::from_microsecond(i64::from_be_bytes(*at)).ok()?;
    let at = Some(at).filter(|at| (EVER.0..=EVER.1).contains(&at.as_second()))?;
    Some((at, Uuid::from_slice(id).ok()?))
}
