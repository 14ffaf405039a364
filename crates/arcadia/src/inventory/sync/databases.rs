//! Managed databases, without anything that opens them. Their price is not in the listing.

use super::super::kinds;
use super::super::observation::{Observation, attrs, sorted};
use super::{Stop, Synced, Walk};
use digitalocean::Database;
use serde_json::json;

/// Every database cluster.
#[derive(Debug, Clone, Copy)]
pub struct Databases;

impl Synced for Databases {
    const NAME: &'static str = "databases";
    const STEP: &'static str = "sync_databases";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().databases().list();
        walk.all(kinds::MANAGED_DB, list, observe).await
    }
}

fn observe(database: &Database) -> Observation {
    let specific = json!({
        "engine": database.engine,
        "version": database.version,
        "num_nodes": database.num_nodes,
        "storage_size_mib": database.storage_size_mib,
        "private_network_uuid": database.private_network_uuid,
    });
    Observation {
        provider_id: database.id.to_string(),
        name: database.name.clone(),
        region: Some(database.region.clone()),
        status: database.status.as_ref().map(ToString::to_string),
        size_slug: Some(database.size.clone()),
        tags: sorted(database.tags.clone()),
        attrs: attrs(specific),
        created_at: database.created_at,
        ..Observation::default()
    }
}
