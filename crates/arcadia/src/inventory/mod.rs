//! What the account holds: one row for each resource, and one way in for everything that saw one.
//! Everything here works in a transaction handed in; whoever opened it commits it.

mod id;
mod observation;
pub mod store;

pub use id::ResourceId;
pub use observation::Observation;

use arcadia_saga::Clock;
use arcadia_sql::{Error, Tx, args};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::HashMap;
use store::ResourceRow;

/// The only provider so far.
pub const PROVIDER: &str = "digitalocean";

/// The kind of a droplet's row.
pub const DROPLET: &str = "droplet";

/// The provider still lists for some seconds what it destroyed: an older look restores nothing.
const RESTORED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Who saw something or changed it, and through what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// `saga:<id>`, `sync` or a user.
    pub actor: String,
    /// The saga or sync run.
    pub source: String,
    /// When the provider was asked.
    pub asked_at: Timestamp,
}

/// What an observation meant for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Discovered,
    Updated,
    Restored,
    Unchanged,
    /// Deleted less than a minute before the provider was asked: the look may show what is gone.
    StillDeleted,
}

/// Writes what was seen of one kind. A row is rewritten, and an event added, only where something that matters
/// changed; the others only get their seen mark, in one statement. Answers in the order of `seen`.
///
/// # Errors
/// The database.
pub async fn upsert(
    tx: &mut Tx,
    kind: &str,
    seen: &[Observation],
    witness: &Witness,
    clock: &Clock,
) -> Result<Vec<(ResourceId, Change)>, Error> {
    let ids: Vec<String> = seen.iter().map(|one| one.provider_id.clone()).collect();
    let known: Vec<ResourceRow> = tx.fetch_all(&store::KNOWN, args![PROVIDER, kind, ids]).await?;
    let known: HashMap<String, ResourceRow> =
        known.into_iter().map(|row| (row.provider_id.clone(), row)).collect();
    let (mut answers, mut unchanged) = (Vec::with_capacity(seen.len()), Vec::new());
    for one in seen {
        let answer = match known.get(&one.provider_id) {
            None => (discover(tx, kind, one, witness, clock).await?, Change::Discovered),
            Some(row) => (row.id, update(tx, row, one, witness, clock).await?),
        };
        if answer.1 == Change::Unchanged {
            unchanged.push(answer.0.0);
        }
        answers.push(answer);
    }
    if !unchanged.is_empty() {
        tx.execute(&store::SEEN_AGAIN, args![unchanged, clock.now()]).await?;
    }
    Ok(answers)
}

async fn discover(
    tx: &mut Tx,
    kind: &str,
    one: &Observation,
    witness: &Witness,
    clock: &Clock,
) -> Result<ResourceId, Error> {
    let id = ResourceId(clock.new_id());
    let args = args![
        id,
        PROVIDER,
        kind,
        one.provider_id.as_str(),
        one.name.as_str(),
        one.region.clone(),
        one.status.clone(),
        one.size_slug.clone(),
        json!(one.tags),
        Value::Object(one.attrs.clone()),
        one.monthly_cost_minor,
        clock.now()
    ];
    tx.execute(&store::ADD, args).await?;
    add_event(tx, id, "discovered", json!({"name": one.name}), witness, clock).await?;
    Ok(id)
}

async fn update(
    tx: &mut Tx,
    row: &ResourceRow,
    one: &Observation,
    witness: &Witness,
    clock: &Clock,
) -> Result<Change, Error> {
    if row.deleted_at.is_some_and(|deleted_at| witness.asked_at < deleted_at + RESTORED_AFTER) {
        return Ok(Change::StillDeleted);
    }
    let fields = one.differences(row);
    if fields.is_empty() && row.deleted_at.is_none() {
        return Ok(Change::Unchanged);
    }
    let args = args![
        row.id,
        one.name.as_str(),
        one.region.clone(),
        one.status.clone(),
        one.size_slug.clone(),
        json!(one.tags),
        Value::Object(one.attrs.clone()),
        one.monthly_cost_minor,
        clock.now()
    ];
    tx.execute(&store::REWRITE, args).await?;
    let (change, kind) = match row.deleted_at {
        Some(_) => (Change::Restored, "restored"),
        None => (Change::Updated, "updated"),
    };
    add_event(tx, row.id, kind, json!({"fields": fields}), witness, clock).await?;
    Ok(change)
}

/// The row of a resource, a tombstone too.
///
/// # Errors
/// The database.
pub async fn find(tx: &mut Tx, kind: &str, provider_id: &str) -> Result<Option<ResourceRow>, Error> {
    tx.fetch_optional(&store::ONE, args![PROVIDER, kind, provider_id]).await
}

/// Makes the row a tombstone. A second time, or without a row, nothing is written.
///
/// # Errors
/// The database.
pub async fn mark_deleted(
    tx: &mut Tx,
    kind: &str,
    provider_id: &str,
    witness: &Witness,
    clock: &Clock,
) -> Result<(), Error> {
    let args = args![PROVIDER, kind, provider_id, clock.now()];
    match tx.fetch_optional::<(ResourceId,)>(&store::BURY, args).await? {
        Some((id,)) => add_event(tx, id, "deleted", json!({}), witness, clock).await,
        None => Ok(()),
    }
}

/// Says to whom a resource belongs; `None` to nobody. Nothing is written when it is so already.
///
/// # Errors
/// The database.
pub async fn attribute(
    tx: &mut Tx,
    id: ResourceId,
    owner: Owner,
    witness: &Witness,
    clock: &Clock,
) -> Result<(), Error> {
    let Owner { tenant_id, deployment_id } = owner;
    let args = args![id, tenant_id.clone(), deployment_id];
    if tx.execute(&store::ATTRIBUTE, args).await? == 0 {
        return Ok(());
    }
    let data = json!({"tenant_id": tenant_id, "deployment_id": deployment_id});
    add_event(tx, id, "attributed", data, witness, clock).await
}

/// To whom a resource belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    pub tenant_id: Option<String>,
    pub deployment_id: Option<uuid::Uuid>,
}

async fn add_event(
    tx: &mut Tx,
    id: ResourceId,
    kind: &str,
    data: Value,
    witness: &Witness,
    clock: &Clock,
) -> Result<(), Error> {
    let (actor, source) = (witness.actor.as_str(), witness.source.as_str());
    let args = args![clock.new_id(), id, clock.now(), kind, actor, source, data];
    tx.execute(&store::ADD_EVENT, args).await.map(|_| ())
}
