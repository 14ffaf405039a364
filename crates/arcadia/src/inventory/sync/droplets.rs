//! Droplets, GPU droplets too. Left out as it changes by itself: `locked`, `next_backup_window`, the lists of snapshots,
//! backups and volumes (they are resources of their own), what the size and region now offer, and the image's own fields.

use super::super::observation::{Observation, attrs, minor, sorted};
use super::super::{kinds, upsert::Marks};
use super::{Stop, Synced, Walk};
use digitalocean::Droplet;
use serde_json::json;

/// All of every droplet; what is missing is struck.
#[derive(Debug, Clone, Copy)]
pub struct Droplets;

impl Synced for Droplets {
    const NAME: &'static str = "droplets";
    const STEP: &'static str = "sync_droplets";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().droplets().list();
        walk.all(kinds::DROPLET, list, |droplet| Observation::from(droplet)).await
    }
}

/// The frequent look, which writes what changed and nothing else, and strikes nothing.
#[derive(Debug, Clone, Copy)]
pub struct DropletStatuses;

impl Synced for DropletStatuses {
    const NAME: &'static str = "droplet_statuses";
    const STEP: &'static str = "sync_droplet_statuses";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().droplets().list();
        walk.some(kinds::DROPLET, list, Marks::None, |droplet| Observation::from(droplet)).await
    }
}

impl From<&Droplet> for Observation {
    fn from(droplet: &Droplet) -> Observation {
        let image = droplet.image.as_ref();
        let specific = json!({
            "memory_mib": droplet.memory,
            "vcpus": droplet.vcpus,
            "disk_gib": droplet.disk,
            "image": image.and_then(|image| image.slug.clone()),
            "image_id": image.map(|image| image.id.0),
            "public_ipv4": droplet.public_ipv4(),
            "private_ipv4": droplet.private_ipv4(),
            "vpc_uuid": droplet.vpc_uuid,
            "features": sorted(droplet.features.clone()),
        });
        Observation {
            provider_id: droplet.id.to_string(),
            name: droplet.name.clone(),
            region: Some(droplet.region.slug.clone()),
            status: Some(droplet.status.to_string()),
            size_slug: Some(droplet.size_slug.clone()),
            tags: sorted(droplet.tags.clone()),
            attrs: attrs(specific),
            monthly_cost_minor: droplet.size.as_ref().and_then(|size| minor(size.price_monthly)),
            created_at: Some(droplet.created_at),
            parent: None,
        }
    }
}
