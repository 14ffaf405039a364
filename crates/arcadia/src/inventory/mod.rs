//! What the account holds: one row for each resource, one way in for everything that saw one, and deletion only on proof.
//! Everything here works in a transaction handed in; whoever opened it commits it.

mod history;
pub mod http;
mod id;
pub mod kinds;
mod observation;
mod operator;
pub mod owner;
pub mod projects;
pub mod reading;
pub mod runs;
pub mod store;
pub mod sync;
pub mod timeline;
mod upsert;

pub use id::ResourceId;
pub use kinds::DROPLET;
pub use observation::{Observation, Parent};
pub use operator::{WordError, assign, release};
pub use store::ResourceRow;
pub use upsert::upsert;

use arcadia_saga::Clock;
use arcadia_sql::{Error, Tx, args};
use history::{Happened, add_events, keep_versions};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use timeline::Statement;
use upsert::SAGA_TAG;
use uuid::Uuid;

/// The only provider so far.
pub const PROVIDER: &str = "digitalocean";

/// The provider still lists for some seconds what it destroyed: an older look restores nothing, and proves no life.
const RESTORED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Who saw something or changed it, and through what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// `saga:<id>`, `sync` or a user.
    pub actor: String,
    /// `saga:<id>`, `sync:<run id>`, or an operator's reason.
    pub source: String,
    /// When the provider was asked.
    pub asked_at: Timestamp,
    /// The sync run, if it was one.
    pub run: Option<Uuid>,
}

impl Witness {
    /// Now, and not before the provider was asked, whatever happens to the clock.
    fn seen_at(&self, clock: &Clock) -> Timestamp {
        clock.now().max(self.asked_at)
    }
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
    match find(tx, kind, provider_id).await? {
        Some(row) => bury(tx, vec![row.id], witness, clock).await.map(drop),
        None => Ok(()),
    }
}

/// Makes tombstones, and settles what lived through them. Answers how many were no tombstones yet.
async fn bury(tx: &mut Tx, ids: Vec<ResourceId>, witness: &Witness, clock: &Clock) -> Result<usize, Error> {
    let at = witness.seen_at(clock);
    let ids: Vec<Uuid> = ids.into_iter().map(|id| id.0).collect();
    let buried: Vec<(ResourceId,)> = tx.fetch_all(&store::BURY, args![ids, at]).await?;
    let mut changed: Vec<ResourceId> = buried.into_iter().map(|(id,)| id).collect();
    let happened = |id: &ResourceId| Happened { resource: *id, kind: "deleted", data: json!({}) };
    add_events(tx, changed.iter().map(happened).collect(), witness, at, clock).await?;
    let count = changed.len();
    changed.extend(owner::settle(tx, changed.clone(), witness, at, clock).await?);
    keep_versions(tx, changed, at).await?;
    Ok(count)
}

/// Says that a resource serves a deployment, or none: its owner is settled anew.
///
/// # Errors
/// The database.
pub async fn link(
    tx: &mut Tx,
    id: ResourceId,
    deployment_id: Option<Uuid>,
    witness: &Witness,
    clock: &Clock,
) -> Result<(), Error> {
    if tx.execute(&store::owners::LINK, args![id, deployment_id]).await? == 0 {
        return Ok(());
    }
    let at = witness.seen_at(clock);
    let mut changed = owner::settle(tx, vec![id], witness, at, clock).await?;
    changed.push(id);
    keep_versions(tx, changed, at).await
}

/// Whose a resource was and is: the owners one after the other, in valid time.
///
/// # Errors
/// The database.
pub async fn owners(tx: &mut Tx, id: ResourceId) -> Result<Vec<Statement>, Error> {
    Ok(owner::timelines(tx, vec![id.0]).await?.remove(&id).unwrap_or_default())
}
