//! Snapshots of droplets and volumes, told apart by `attrs.resource_type`. They live through what they were taken of, also
//! when that is gone.

use super::super::kinds;
use super::super::observation::{Observation, Parent, attrs, minor, sorted};
use super::{Stop, Synced, Walk};
use digitalocean::{Snapshot, SnapshotResource};
use rust_decimal::Decimal;
use serde_json::json;

/// Every snapshot; backups are not among them.
#[derive(Debug, Clone, Copy)]
pub struct Snapshots;

impl Synced for Snapshots {
    const NAME: &'static str = "snapshots";
    const STEP: &'static str = "sync_snapshots";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().snapshots().list();
        walk.all(kinds::SNAPSHOT, list, observe).await
    }
}

/// Six US cents for a gigabyte and month.
pub(super) fn monthly_cost(size_gigabytes: Option<Decimal>) -> Option<i64> {
    minor(size_gigabytes? * Decimal::new(6, 2))
}

fn observe(snapshot: &Snapshot) -> Observation {
    let of = match &snapshot.resource_type {
        SnapshotResource::Volume => kinds::VOLUME,
        SnapshotResource::Droplet | SnapshotResource::Other(_) => kinds::DROPLET,
    };
    let regions = sorted(snapshot.regions.clone());
    let specific = json!({
        "resource_type": snapshot.resource_type,
        "resource_id": snapshot.resource_id,
        "regions": regions,
        "min_disk_gib": snapshot.min_disk_size,
        "size_gigabytes": snapshot.size_gigabytes.map(|size| size.normalize().to_string()),
    });
    Observation {
        provider_id: snapshot.id.to_string(),
        name: snapshot.name.clone(),
        region: regions.into_iter().next(),
        tags: sorted(snapshot.tags.clone()),
        attrs: attrs(specific),
        monthly_cost_minor: monthly_cost(snapshot.size_gigabytes),
        created_at: snapshot.created_at,
        parent: Some(Parent::new(of, &snapshot.resource_id)),
        ..Observation::default()
    }
}
