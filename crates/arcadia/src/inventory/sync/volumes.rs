//! Block storage volumes. A volume lives through the droplet that it is attached to. Left out: what its region offers.

use super::super::kinds;
use super::super::observation::{Observation, Parent, attrs, sorted};
use super::{Stop, Synced, Walk};
use digitalocean::Volume;
use serde_json::json;

/// US cents for a GiB and month.
const GIB_MONTH_MINOR: i64 = 10;

/// Every volume.
#[derive(Debug, Clone, Copy)]
pub struct Volumes;

impl Synced for Volumes {
    const NAME: &'static str = "volumes";
    const STEP: &'static str = "sync_volumes";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().volumes().list();
        walk.all(kinds::VOLUME, list, observe).await
    }
}

fn observe(volume: &Volume) -> Observation {
    let droplet = volume.droplet_ids.first();
    let specific = json!({
        "size_gib": volume.size_gigabytes,
        "description": volume.description,
        "filesystem_type": volume.filesystem_type,
        "filesystem_label": volume.filesystem_label,
        "droplet_ids": sorted(volume.droplet_ids.iter().map(|id| id.0).collect()),
    });
    Observation {
        provider_id: volume.id.to_string(),
        name: volume.name.clone(),
        region: volume.region.as_ref().map(|region| region.slug.clone()),
        status: Some(if droplet.is_some() { "attached" } else { "detached" }.to_owned()),
        tags: sorted(volume.tags.clone()),
        attrs: attrs(specific),
        monthly_cost_minor: i64::try_from(volume.size_gigabytes).ok().map(|gib| gib * GIB_MONTH_MINOR),
        created_at: volume.created_at,
        parent: droplet.map(|id| Parent::new(kinds::DROPLET, id)),
        ..Observation::default()
    }
}
