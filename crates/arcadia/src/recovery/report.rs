//! The report of `arcadia recover`: every difference, also those that prove nothing, and whether claims are held.

use super::compare::{Sight, compare};
use super::destroyers::{Destroyer, destroyers};
use super::store::LiveDroplet;
use super::{Difference, Disagreement, Error, Hold, Proposal, ThingId, holds, open_hold, records, store};
use crate::cloud::Cloud;
use arcadia_sql::args;
use digitalocean::{Droplet, DropletId};
use rust_decimal::Decimal;
use serde::Serialize;

/// See the file's head.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub held: Option<Hold>,
    pub differences: Vec<Difference>,
    /// Each of them looks before its steps after a release.
    pub unfinished_sagas: i64,
    /// Those of them that destroy something after a release.
    pub would_destroy: Vec<Destroyer>,
}

impl Report {
    /// Compares provider and ledger.
    ///
    /// # Errors
    /// Either of them.
    pub async fn make(cloud: &Cloud) -> Result<Report, Error> {
        let (mut differences, sight) = compare(cloud).await?;
        differences.extend(of_inventory(cloud, &sight).await?);
        differences.extend(records::differing(cloud, &sight).await?);
        let known = holds::known(&cloud.db).await?;
        for difference in &mut differences {
            difference.known = known.contains(&difference.thing);
        }
        Ok(Report {
            held: open_hold(&cloud.db).await?,
            differences,
            unfinished_sagas: cloud.sagas.unfinished().await?,
            would_destroy: destroyers(&cloud.db).await?,
        })
    }

    /// Whether it shows lost commits of which no person knows yet.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.differences.iter().any(|it| it.disagreement.proves_loss() && !it.known)
    }
}

/// What the inventory has and the provider has not, or has in another size. Adopted droplets bear no tag of ours: each
/// that the listing lacks is asked for by its id.
async fn of_inventory(cloud: &Cloud, sight: &Sight) -> Result<Vec<Difference>, Error> {
    let client = cloud.digitalocean.with_timeout(cloud.call_timeout);
    let mut differences = Vec::new();
    for row in cloud.db.fetch_all::<LiveDroplet>(&store::LIVE_DROPLETS, args![]).await? {
        let Some(id) = row.provider_id.parse().ok().map(DropletId) else { continue };
        if let Some(droplet) = sight.droplets.get(&id) {
            differences.extend(resized(row, droplet));
            continue;
        }
        match client.droplets().get(id).await {
            Ok(droplet) => differences.extend(resized(row, &droplet)),
            Err(error) if error.is_not_found() => differences.push(gone_droplet(row)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(differences)
}

fn resized(row: LiveDroplet, droplet: &Droplet) -> Option<Difference> {
    let known = row.size_slug.filter(|known| *known != droplet.size_slug)?;
    Some(Difference {
        // Another kind than the droplet itself: who knows of its size does not know of its loss.
        thing: ThingId { kind: "size".to_owned(), id: row.provider_id },
        name: row.name,
        created_at: Some(droplet.created_at),
        marks: Vec::new(),
        monthly_cost_usd: droplet.size.as_ref().map(|size| size.price_monthly.to_string()),
        disagreement: Disagreement::Differs,
        ledger: format!("the inventory has it as `{known}`, the provider as `{}`", droplet.size_slug),
        proposal: Proposal::Leave,
        advice: "the next sync enters the size that it has; order another resize if it should be otherwise"
            .to_owned(),
        known: false,
    })
}

fn gone_droplet(row: LiveDroplet) -> Difference {
    let owner = row.deployment_id.map_or_else(String::new, |id| format!(" of deployment {id}"));
    Difference {
        thing: ThingId { kind: "droplet".to_owned(), id: row.provider_id },
        name: row.name,
        created_at: Some(row.first_seen_at),
        marks: Vec::new(),
        monthly_cost_usd: row.monthly_cost_minor.map(|cents| Decimal::new(cents, 2).to_string()),
        disagreement: Disagreement::Gone,
        ledger: format!("the inventory has it as a living droplet{owner}"),
        proposal: Proposal::Leave,
        advice: "nothing is left to destroy; its deployment serves nobody".to_owned(),
        known: false,
    }
}
