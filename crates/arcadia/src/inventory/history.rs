//! What happened to resources: an event for each change, and a copy of the row for each state it was in.

use super::store::{history as store, terms};
use super::{ResourceId, Witness};
use arcadia_saga::Clock;
use arcadia_sql::{Error, Tx, args};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// One event to be added.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    pub(super) resource: ResourceId,
    /// As the table's CHECK lists them.
    pub(super) kind: &'static str,
    pub(super) data: Value,
}

/// Adds events, all at `at`.
pub(super) async fn add_events(
    tx: &mut Tx,
    events: Vec<Happened>,
    witness: &Witness,
    at: Timestamp,
    clock: &Clock,
) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    // Sorted, so that the events of one moment keep their order.
    let mut ids: Vec<Uuid> = events.iter().map(|_| clock.new_id()).collect();
    ids.sort();
    let rows = events.into_iter().zip(ids);
    let rows: Vec<Value> = rows
        .map(|(event, id)| json!({"id": id, "resource_id": event.resource, "kind": event.kind, "data": event.data}))
        .collect();
    let args = args![Value::Array(rows), at, witness.actor.as_str(), witness.source.as_str()];
    tx.execute(&store::ADD_EVENTS, args).await.map(drop)
}

/// Keeps the present state of these rows: to be called once for all that a transaction changed in them.
pub(super) async fn keep_versions(
    tx: &mut Tx,
    mut changed: Vec<ResourceId>,
    at: Timestamp,
) -> Result<(), Error> {
    changed.sort();
    changed.dedup();
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = changed.into_iter().map(|id| id.0).collect();
    tx.execute(&store::CLOSE_VERSIONS, args![ids.clone(), at]).await?;
    tx.execute(&store::DROP_EMPTY_VERSIONS, args![ids.clone()]).await?;
    tx.execute(&store::OPEN_VERSIONS, args![ids.clone(), at]).await?;
    tx.execute(&terms::KEEP, args![ids.clone()]).await?;
    tx.execute(&terms::KEEP_NAMED, args![ids]).await.map(drop)
}
