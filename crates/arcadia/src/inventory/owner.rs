//! Whose a resource is: decided from what is known of it, written with the reason and since when, and handed on to what
//! lives through it.

mod restated;

pub(super) use restated::{Restated, restate_heirs};

use super::history::{Happened, add_events};
use super::store::owners::{self as store, Facts, StatementRow};
use super::timeline::{Ownership, Reason, Statement, timeline};
use super::{RESTORED_AFTER, ResourceId, Witness, kinds};
use arcadia_saga::Clock;
use arcadia_sql::{Error, Tx, args};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// Owners are handed on to children of children; longer chains there are none.
const GENERATIONS_MAX: usize = 8;

/// A resource whose owner is another now.
struct Changed {
    known: Facts,
    decided: Decided,
}

/// What was decided of one resource.
#[derive(Debug, Clone, PartialEq)]
struct Decided {
    owner: Ownership,
    cloud_project_id: Option<Uuid>,
}

/// To be called before anything else by whoever sees the account or speaks for an operator: what one decides follows from
/// parents and projects that another may be about to change.
pub(super) async fn alone(tx: &mut Tx) -> Result<(), Error> {
    tx.execute(&store::ALONE, args![]).await.map(drop)
}

/// To be called before what decides is read: a word that is being said of them is waited for, not written over.
pub(super) async fn hold(tx: &mut Tx, ids: &[Uuid]) -> Result<(), Error> {
    tx.fetch_all::<(Uuid,)>(&store::HOLD, args![ids.to_vec()]).await.map(drop)
}

/// Decides anew whose these are, and after them what lives through those. Answers the changed ones, whose versions are
/// still to be kept.
pub(super) async fn settle(
    tx: &mut Tx,
    ids: Vec<ResourceId>,
    witness: &Witness,
    at: Timestamp,
    clock: &Clock,
) -> Result<Vec<ResourceId>, Error> {
    settle_moved(tx, ids, &Moves::new(), witness, at, clock).await
}

/// In which project each lay that lies in another one now.
pub(super) type Moves = HashMap<ResourceId, Option<Uuid>>;

/// The same after moves between projects, which are told with what they mean for the owner.
pub(super) async fn settle_moved(
    tx: &mut Tx,
    ids: Vec<ResourceId>,
    moves: &Moves,
    witness: &Witness,
    at: Timestamp,
    clock: &Clock,
) -> Result<Vec<ResourceId>, Error> {
    let mut all_changed = Vec::new();
    let mut ids: Vec<Uuid> = ids.into_iter().map(|id| id.0).collect();
    for _ in 0..GENERATIONS_MAX {
        if ids.is_empty() {
            break;
        }
        hold(tx, &ids).await?;
        let facts: Vec<Facts> = tx.fetch_all(&store::FACTS, args![ids.clone()]).await?;
        let mut changed = Vec::new();
        for known in facts {
            let decided = decide(&known);
            if differs(&known, &decided) || moves.contains_key(&known.id) {
                changed.push(Changed { known, decided });
            }
        }
        all_changed.extend(changed.iter().map(|it| it.known.id));
        write(tx, changed, moves, witness, at, clock).await?;
        // Children of what was settled, changed or not: a parent that has just become known changes theirs.
        let children: Vec<(Uuid,)> = tx.fetch_all(&store::CHILDREN, args![ids]).await?;
        ids = children.into_iter().map(|(id,)| id).collect();
    }
    Ok(all_changed)
}

/// Decides whose it is as if no operator had ever said so.
pub(super) async fn open(
    tx: &mut Tx,
    id: ResourceId,
    witness: &Witness,
    at: Timestamp,
    clock: &Clock,
) -> Result<(), Error> {
    let facts: Vec<Facts> = tx.fetch_all(&store::FACTS, args![vec![id.0]]).await?;
    let changed = facts.into_iter().map(|known| {
        let unsaid = Facts { owner_reason: Reason::None.as_str().to_owned(), ..known.clone() };
        Changed { decided: decide(&unsaid), known }
    });
    write(tx, changed.collect(), &Moves::new(), witness, at, clock).await
}

/// The order of the reasons: operator, deployment, parent, project with a tenant.
fn decide(known: &Facts) -> Decided {
    let inherits = known.parent_row.is_some() && still_has_its_parent(known);
    let is_member = kinds::in_projects(&known.kind);
    let cloud_project_id = if inherits && !is_member {
        known.parent_project.or(known.cloud_project_id)
    } else {
        known.cloud_project_id
    };
    let deployment_id = known.deployment_id;
    let own = |reason, tenant_id: &Option<String>, project_id| Ownership {
        tenant_id: tenant_id.clone(),
        deployment_id: deployment_id.filter(|_| reason == Reason::Deployment),
        project_id,
        reason,
    };
    let project_id = known.cloud_project_id;
    let owner = if known.owner_reason == Reason::Operator.as_str() {
        own(Reason::Operator, &known.tenant_id, None)
    } else if deployment_id.is_some() && known.deployment_tenant.is_some() {
        own(Reason::Deployment, &known.deployment_tenant, None)
    } else if inherits {
        own(Reason::Parent, &known.parent_tenant, known.parent_owner_project)
    } else {
        match (known.project_is_internal, &known.project_tenant) {
            (None, _) => own(Reason::None, &None, None),
            (Some(true), _) => own(Reason::Internal, &None, project_id),
            (Some(false), tenant @ Some(_)) => own(Reason::Project, tenant, project_id),
            (Some(false), None) => own(Reason::Unallocated, &None, project_id),
        }
    };
    Decided { owner, cloud_project_id }
}

/// What is seen without its parent stays with it if that is gone, or may be. A parent that was seen later was merely left;
/// one that is gone may have been listed a while yet.
fn still_has_its_parent(known: &Facts) -> bool {
    let Some(left_at) = known.parent_left_at else { return true };
    let listed_yet = if known.parent_deleted_at.is_some() { RESTORED_AFTER } else { SignedDuration::ZERO };
    known.parent_seen_at.is_none_or(|seen_at| seen_at <= left_at + listed_yet)
}

fn differs(known: &Facts, decided: &Decided) -> bool {
    known.tenant_id != decided.owner.tenant_id
        || known.owner_reason != decided.owner.reason.as_str()
        || known.owner_project_id != decided.owner.project_id
        || known.cloud_project_id != decided.cloud_project_id
}

async fn write(
    tx: &mut Tx,
    changed: Vec<Changed>,
    moves: &Moves,
    witness: &Witness,
    at: Timestamp,
    clock: &Clock,
) -> Result<(), Error> {
    let (mut owned, mut stated, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for Changed { known, decided } in changed {
        let same_tenant = known.tenant_id == decided.owner.tenant_id && known.tenant_id.is_some();
        let since = known.owner_since.filter(|_| same_tenant).unwrap_or(at);
        let lay_in = moves.get(&known.id).copied().unwrap_or(known.cloud_project_id);
        let event = attributed(&known, lay_in, &decided, since);
        stated.push((known.id, Statement { from_at: at, owner: decided.owner.clone() }));
        owned.push(row(known.id, &decided.owner, Some(since), decided.cloud_project_id));
        events.push(Happened { resource: known.id, kind: "attributed", data: event });
    }
    write_rows(tx, owned).await?;
    state(tx, stated, witness, at).await?;
    add_events(tx, events, witness, at, clock).await
}

fn attributed(known: &Facts, lay_in: Option<Uuid>, decided: &Decided, since: Timestamp) -> Value {
    let owner = &decided.owner;
    json!({
        "tenant_id": owner.tenant_id, "deployment_id": owner.deployment_id, "reason": owner.reason, "since": since,
        "cloud_project_id": decided.cloud_project_id,
        "before": {"tenant_id": known.tenant_id, "reason": known.owner_reason, "cloud_project_id": lay_in},
    })
}

/// One row of the batch that [`write_rows`] writes.
pub(super) fn row(
    id: ResourceId,
    owner: &Ownership,
    since: Option<Timestamp>,
    cloud_project_id: Option<Uuid>,
) -> Value {
    json!({
        "id": id, "tenant_id": owner.tenant_id, "reason": owner.reason, "project_id": owner.project_id,
        "since_us": since.map(Timestamp::as_microsecond), "cloud_project_id": cloud_project_id,
    })
}

/// Writes who owns what now.
pub(super) async fn write_rows(tx: &mut Tx, rows: Vec<Value>) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    tx.execute(&store::OWN, args![Value::Array(rows)]).await.map(drop)
}

/// Records owners in valid time; several of one resource stand together, in their order.
pub(super) async fn state(
    tx: &mut Tx,
    stated: Vec<(ResourceId, Statement)>,
    witness: &Witness,
    at: Timestamp,
) -> Result<(), Error> {
    if stated.is_empty() {
        return Ok(());
    }
    let mut numbers: HashMap<ResourceId, i64> = HashMap::new();
    let mut rows = Vec::with_capacity(stated.len());
    for (id, Statement { from_at, owner }) in stated {
        let number = numbers.entry(id).or_default();
        *number += 1;
        rows.push(json!({
            "id": id, "number": number, "from_us": from_at.as_microsecond(), "tenant_id": owner.tenant_id,
            "deployment_id": owner.deployment_id, "project_id": owner.project_id, "reason": owner.reason,
        }));
    }
    let args = args![Value::Array(rows), at, witness.actor.as_str(), witness.source.as_str()];
    tx.execute(&store::STATE, args).await.map(drop)
}

/// The owners of each of these, one after the other.
pub(super) async fn timelines(
    tx: &mut Tx,
    ids: Vec<Uuid>,
) -> Result<HashMap<ResourceId, Vec<Statement>>, Error> {
    let rows: Vec<StatementRow> = tx.fetch_all(&store::STATEMENTS_OF, args![ids]).await?;
    let mut recorded: HashMap<ResourceId, Vec<Statement>> = HashMap::new();
    for row in rows {
        recorded.entry(row.resource_id).or_default().push(row.into());
    }
    Ok(recorded.into_iter().map(|(id, statements)| (id, timeline(statements))).collect())
}

#[cfg(test)]
mod tests;
