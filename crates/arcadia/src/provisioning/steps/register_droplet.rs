//! Enters the droplet into the inventory at once, with what it should be, instead of leaving it to the next sync.

use crate::cloud::Cloud;
use crate::inventory::{self, DROPLET, Observation};
use crate::{drift, provisioning::witness};
use arcadia_saga::{Outcome, Policy, Run, Step, Undo, Undoing, shape};
use serde_json::json;

shape! {
    /// A droplet that runs, and what it was asked to be.
    pub struct SeenDroplet {
        /// The provider's id.
        pub droplet_id: u64,
        /// How it looks.
        pub droplet_seen: Observation,
        /// The provider's slug.
        pub droplet_region: String,
        /// The provider's slug.
        pub droplet_size: String,
        /// The provider's slug, or a number.
        pub droplet_image: String,
    }
}

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub struct RegisterDroplet;

impl Step<Cloud> for RegisterDroplet {
    const NAME: &'static str = "register_droplet";
    type Needs = SeenDroplet;
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::database()
    }

    async fn execute(&self, run: &Run<Cloud>, seen: SeenDroplet) -> Outcome<()> {
        let spec = json!({
            "size_slug": seen.droplet_size, "region": seen.droplet_region, "image": seen.droplet_image,
        });
        let mut tx = run.tx().await?;
        let observed = [seen.droplet_seen];
        inventory::upsert(&mut tx, DROPLET, &observed, &witness(run), run.clock()).await?;
        if let Some(row) = inventory::find(&mut tx, DROPLET, &observed[0].provider_id).await? {
            drift::record_provisioned(&mut tx, row.id, spec, run.saga_id(), run.clock().now()).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn compensate(&self, run: &Run<Cloud>, undoing: Undoing<SeenDroplet, (), ()>) -> Undo {
        forget(run, undoing.needs.droplet_id, Link::Removed).await
    }
}

/// Whether a tombstone still says whom it belonged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// What it cost until now is still somebody's.
    Kept,
    Removed,
}

/// The droplet is gone or is about to go: no desired state, and a tombstone for its row.
pub(super) async fn forget(run: &Run<Cloud>, droplet_id: u64, link: Link) -> Outcome<()> {
    let (id, by) = (droplet_id.to_string(), witness(run));
    let mut tx = run.tx().await?;
    if let Some(row) = inventory::find(&mut tx, DROPLET, &id).await? {
        drift::forget_provisioned(&mut tx, row.id).await?;
        if link == Link::Removed {
            inventory::link(&mut tx, row.id, None, &by, run.clock()).await?;
        }
        inventory::mark_deleted(&mut tx, DROPLET, &id, &by, run.clock()).await?;
    }
    Ok(tx.commit().await?)
}
