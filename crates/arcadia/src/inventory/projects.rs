//! Projects: the mirror of the provider's, what lies in them, and whose they are. Giving a project to a tenant restates
//! the owners of all that it ever decided on.

use super::history::keep_versions;
use super::owner::{self, Moves, Restated};
use super::store::projects::{self as store, Decided, Mover};
use super::timeline::{Ownership, Reason, restate};
use super::{PROVIDER, RESTORED_AFTER, ResourceId, Witness, kinds};
use arcadia_saga::Clock;
use arcadia_sql::{Error, Tx, args};
use digitalocean::Project;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

pub use store::{ProjectRow, TenantSaid};

/// So many resources are changed by one statement.
const BATCH: i64 = 500;

/// Writes what was seen of a project. Answers its id and whether it was known before; nothing for a tombstone that is
/// too fresh to be believed alive.
pub(super) async fn see(
    tx: &mut Tx,
    project: &Project,
    is_internal: bool,
    witness: &Witness,
    clock: &Clock,
) -> Result<Option<(Uuid, bool)>, Error> {
    let at = witness.seen_at(clock);
    let args = args![
        clock.new_id(),
        PROVIDER,
        project.id.as_str(),
        project.name.as_str(),
        project.purpose.as_str(),
        project.is_default,
        is_internal,
        project.created_at,
        at,
        witness.asked_at - RESTORED_AFTER
    ];
    let seen: Option<(Uuid, Timestamp)> = tx.fetch_optional(&store::SEE, args).await?;
    Ok(seen.map(|(id, first_seen_at)| (id, first_seen_at < witness.asked_at)))
}

/// The internal project, if it is known.
pub(super) async fn internal(tx: &mut Tx) -> Result<Option<ProjectRow>, Error> {
    tx.fetch_optional(&store::INTERNAL, args![PROVIDER]).await
}

/// These lie in the project now: `members` are (kind, the provider's id).
pub(super) async fn take_members(
    tx: &mut Tx,
    project: Uuid,
    members: &[(String, String)],
    witness: &Witness,
    clock: &Clock,
) -> Result<(), Error> {
    let members = Value::Array(members.iter().map(|member| json!(member)).collect());
    let movers: Vec<Mover> = tx.fetch_all(&store::MOVED_HERE, args![PROVIDER, project, members]).await?;
    // What no project is known to hold follows its parent instead, where it has one.
    let held = |mover: &Mover| kinds::in_projects(&mover.kind) || mover.parent_id.is_none();
    move_all(tx, project, movers.into_iter().filter(held).collect(), witness, clock).await
}

/// What was known before the walk began and lies in no project, lies in the internal one.
pub(super) async fn take_strays(
    tx: &mut Tx,
    internal: Uuid,
    witness: &Witness,
    clock: &Clock,
) -> Result<(), Error> {
    loop {
        let strays: Vec<Mover> = tx.fetch_all(&store::STRAYS, args![witness.asked_at, BATCH]).await?;
        if strays.is_empty() {
            break;
        }
        move_all(tx, internal, strays, witness, clock).await?;
    }
    // Time has told of some whether what they were with is gone.
    let left: Vec<(ResourceId,)> = tx.fetch_all(&super::store::owners::LEFT_BEHIND, args![]).await?;
    let (left, at) = (left.into_iter().map(|(id,)| id).collect(), witness.seen_at(clock));
    let changed = owner::settle(tx, left, witness, at, clock).await?;
    keep_versions(tx, changed, at).await
}

async fn move_all(
    tx: &mut Tx,
    project: Uuid,
    movers: Vec<Mover>,
    witness: &Witness,
    clock: &Clock,
) -> Result<(), Error> {
    if movers.is_empty() {
        return Ok(());
    }
    let at = witness.seen_at(clock);
    let ids: Vec<ResourceId> = movers.iter().map(|mover| mover.id).collect();
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    tx.execute(&store::MOVE, args![uuids, project]).await?;
    let moves: Moves = movers.into_iter().map(|mover| (mover.id, mover.cloud_project_id)).collect();
    let mut changed = owner::settle_moved(tx, ids.clone(), &moves, witness, at, clock).await?;
    changed.extend(ids);
    keep_versions(tx, changed, at).await
}

/// Why a project was not given to a tenant.
#[derive(Debug, thiserror::Error)]
pub enum GiveError {
    #[error("there is no such project")]
    NotFound,
    #[error("the internal project belongs to no tenant")]
    Internal,
    #[error("`effective_from` lies in the future")]
    Future,
    #[error(transparent)]
    Database(#[from] Error),
}

/// Gives a project to a tenant, or takes it away. A project that had none is the tenant's since its resources were first
/// known there; otherwise the change counts from now, or from `effective_from`.
///
/// # Errors
/// See [`GiveError`]; nothing was written then.
pub async fn give(
    tx: &mut Tx,
    project: Uuid,
    tenant_id: Option<String>,
    effective_from: Option<Timestamp>,
    witness: &Witness,
    clock: &Clock,
) -> Result<ProjectRow, GiveError> {
    owner::alone(tx).await?;
    let row: Option<ProjectRow> = tx.fetch_optional(&store::ONE_TO_CHANGE, args![project]).await?;
    let row = row.ok_or(GiveError::NotFound)?;
    let at = witness.seen_at(clock);
    if row.is_internal {
        return Err(GiveError::Internal);
    }
    if effective_from.is_some_and(|from| from > at) {
        return Err(GiveError::Future);
    }
    if row.tenant_id == tenant_id && effective_from.is_none() {
        return Ok(row);
    }
    let from_at = effective_from.or_else(|| row.tenant_id.is_some().then_some(at));
    let said =
        args![project, tenant_id.clone(), from_at, at, witness.actor.as_str(), witness.source.as_str()];
    tx.execute(&store::SAY_TENANT, said).await?;
    tx.execute(&store::SET_TENANT, args![project, tenant_id.clone()]).await?;
    let gift = Gift { project, tenant_id, from_at, at };
    let mut after = Uuid::nil();
    loop {
        let ids: Vec<(Uuid,)> = tx.fetch_all(&store::DECIDED_BY, args![project, after, BATCH]).await?;
        let ids: Vec<Uuid> = ids.into_iter().map(|(id,)| id).collect();
        let Some(last) = ids.last() else { break };
        after = *last;
        let batch: Vec<Decided> = tx.fetch_all(&super::store::owners::TO_SAY, args![ids]).await?;
        gift.hand_over(tx, batch, witness, clock).await?;
    }
    Ok(ProjectRow { tenant_id: gift.tenant_id, ..row })
}

/// A project that changes hands.
struct Gift {
    project: Uuid,
    tenant_id: Option<String>,
    /// `None`: wherever nobody had it.
    from_at: Option<Timestamp>,
    at: Timestamp,
}

impl Gift {
    /// What an owner of that time is to be instead, where the project decided.
    fn instead_of(&self, owner: &Ownership) -> Option<Ownership> {
        let decided_here = owner.project_id == Some(self.project);
        let counts = self.from_at.is_some() || owner.tenant_id.is_none();
        let reason = match owner.reason {
            Reason::Parent => Reason::Parent,
            _ if self.tenant_id.is_some() => Reason::Project,
            _ => Reason::Unallocated,
        };
        (decided_here && counts).then(|| Ownership {
            tenant_id: self.tenant_id.clone(),
            reason,
            ..owner.clone()
        })
    }

    async fn hand_over(
        &self,
        tx: &mut Tx,
        batch: Vec<Decided>,
        witness: &Witness,
        clock: &Clock,
    ) -> Result<(), Error> {
        let ids = batch.iter().map(|row| row.id.0).collect();
        let mut timelines = owner::timelines(tx, ids).await?;
        let mut restated = Restated::at(self.at);
        for row in batch {
            let before = timelines.remove(&row.id).unwrap_or_default();
            let new = restate(&before, self.from_at, |owner| self.instead_of(owner));
            restated.add(&row, before, new, witness);
        }
        let changed = restated.write(tx, witness, clock).await?;
        keep_versions(tx, changed, self.at).await
    }
}

/// Every project, those that are gone last.
///
/// # Errors
/// The database.
pub async fn list(db: &arcadia_sql::Db) -> Result<Vec<ProjectRow>, Error> {
    db.fetch_all(&store::ALL, args![PROVIDER]).await
}

/// One project with all that was ever said of whose it is.
///
/// # Errors
/// The database.
pub async fn find(db: &arcadia_sql::Db, id: Uuid) -> Result<Option<(ProjectRow, Vec<TenantSaid>)>, Error> {
    let Some(row) = db.fetch_optional(&store::ONE, args![id]).await? else { return Ok(None) };
    Ok(Some((row, db.fetch_all(&store::TENANTS, args![id]).await?)))
}
