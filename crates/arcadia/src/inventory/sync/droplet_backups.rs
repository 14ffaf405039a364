//! The provider's backups of droplets, which the listing of snapshots does not have: each droplet that has any is asked
//! for its own. One that is destroyed meanwhile fails the run, as its backups are then unknown, not gone.

use super::super::kinds;
use super::super::observation::{Observation, Parent, attrs, sorted};
use super::super::upsert::Marks;
use super::{Stop, Synced, Walk};
use digitalocean::{Droplet, DropletId, DropletImage};
use serde_json::json;

/// Every backup.
#[derive(Debug, Clone, Copy)]
pub struct DropletBackups;

impl Synced for DropletBackups {
    const NAME: &'static str = "droplet_backups";
    const STEP: &'static str = "sync_droplet_backups";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let client = walk.client();
        let (mut droplets, mut backed_up) = (client.droplets().list(), Vec::new());
        while let Some(page) = walk.page(&mut droplets).await? {
            backed_up.extend(page.iter().filter(|droplet| has_backups(droplet)).map(|droplet| droplet.id));
        }
        // The droplets only led to the backups: they are no part of what was listed.
        (walk.tally.received, walk.tally.expected) = (0, None);
        for droplet in backed_up {
            let list = client.droplets().backups(droplet);
            walk.some(kinds::DROPLET_BACKUP, list, Marks::Seen, |backup| observe(droplet, backup)).await?;
        }
        walk.strikes(kinds::DROPLET_BACKUP);
        Ok(())
    }
}

fn has_backups(droplet: &Droplet) -> bool {
    !droplet.backup_ids.is_empty() || droplet.features.iter().any(|feature| feature == "backups")
}

fn observe(droplet: DropletId, backup: &DropletImage) -> Observation {
    let regions = sorted(backup.regions.clone());
    let specific = json!({
        "droplet_id": droplet.0,
        "regions": regions,
        "min_disk_gib": backup.min_disk_size,
        "size_gigabytes": backup.size_gigabytes.map(|size| size.normalize().to_string()),
    });
    Observation {
        provider_id: backup.id.to_string(),
        name: backup.name.clone(),
        region: regions.into_iter().next(),
        attrs: attrs(specific),
        created_at: backup.created_at,
        parent: Some(Parent::new(kinds::DROPLET, droplet)),
        ..Observation::default()
    }
}
