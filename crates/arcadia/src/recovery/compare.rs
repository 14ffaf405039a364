//! The comparison: everything at the provider that bears this installation's marks, held against the ledger.

use super::ledger::Ledger;
use super::marks::{self, Maker};
use super::store::SagaFacts;
use super::{Difference, Disagreement, Error, Proposal, ThingId, holds, store};
use crate::cloud::Cloud;
use crate::provisioning::droplets::{installation_tag, is_ours};
use crate::provisioning::snapshots::monthly_cost_usd;
use arcadia_sql::args;
use digitalocean::{Droplet, DropletId, Snapshot, SnapshotResource};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// The step that takes snapshots; a snapshot's name does not tell its place.
const SNAPSHOT_STEP: &str = "create_droplet_snapshot";

/// Something that bears our marks.
#[derive(Debug)]
struct Thing {
    id: ThingId,
    name: String,
    created_at: Option<Timestamp>,
    marks: Vec<String>,
    monthly_cost_usd: Option<String>,
    maker: Maker,
}

/// What the look at the provider showed.
#[derive(Debug)]
pub(super) struct Sight {
    things: Vec<Thing>,
    pub(super) droplets: HashMap<DropletId, Droplet>,
}

impl Sight {
    /// Looks at the provider.
    async fn of(cloud: &Cloud) -> Result<Sight, Error> {
        let client = cloud.digitalocean.with_timeout(cloud.call_timeout);
        let listed = client.droplets().list_tagged(&installation_tag(cloud)).await?;
        let ours_only = listed.into_iter().filter(|droplet| is_ours(cloud, droplet));
        let droplets: HashMap<DropletId, Droplet> = ours_only.map(|it| (it.id, it)).collect();
        let snapshots = client.snapshots().list_of(&SnapshotResource::Droplet).await?;
        let ours = ours(cloud, snapshots.items, &droplets).await?;
        let mut things: Vec<Thing> = droplets.values().filter_map(droplet).collect();
        things.sort_unstable_by_key(|thing| thing.created_at);
        things.extend(ours.into_iter().filter_map(snapshot));
        Ok(Sight { things, droplets })
    }
}

/// A snapshot bears no installation's mark: it is ours where its droplet is or was.
async fn ours(
    cloud: &Cloud,
    mut snapshots: Vec<Snapshot>,
    droplets: &HashMap<DropletId, Droplet>,
) -> Result<Vec<Snapshot>, Error> {
    let source = |snapshot: &Snapshot| marks::of_snapshot(&snapshot.name).map(|(droplet, _)| droplet);
    let unsure: HashSet<String> = snapshots
        .iter()
        .filter_map(source)
        .filter(|id| !droplets.contains_key(id))
        .map(|id| id.to_string())
        .collect();
    let mut known: HashSet<String> = HashSet::new();
    if !unsure.is_empty() {
        let asked: Vec<String> = unsure.into_iter().collect();
        let rows: Vec<(String,)> = cloud.db.fetch_all(&store::EVER_OURS, args![asked]).await?;
        known.extend(rows.into_iter().map(|(id,)| id));
    }
    snapshots.retain(|snapshot| {
        source(snapshot).is_some_and(|id| droplets.contains_key(&id) || known.contains(&id.to_string()))
    });
    Ok(snapshots)
}

fn droplet(droplet: &Droplet) -> Option<Thing> {
    Some(Thing {
        maker: marks::of_tags(&droplet.tags)?,
        id: ThingId { kind: "droplet".to_owned(), id: droplet.id.to_string() },
        created_at: Some(droplet.created_at),
        marks: marks::among(&droplet.tags),
        monthly_cost_usd: droplet.size.as_ref().map(|size| size.price_monthly.to_string()),
        name: droplet.name.clone(),
    })
}

fn snapshot(snapshot: Snapshot) -> Option<Thing> {
    let (_, saga) = marks::of_snapshot(&snapshot.name)?;
    Some(Thing {
        maker: Maker { saga, step_idx: None },
        created_at: snapshot.created_at,
        monthly_cost_usd: monthly_cost_usd(&snapshot),
        id: ThingId { kind: "snapshot".to_owned(), id: snapshot.id.0 },
        marks: vec![snapshot.name.clone()],
        name: snapshot.name,
    })
}

/// The differences, and what was seen.
pub(super) async fn compare(cloud: &Cloud) -> Result<(Vec<Difference>, Sight), Error> {
    // The provider before the ledger: see there.
    let sight = Sight::of(cloud).await?;
    let makers: HashSet<_> = sight.things.iter().map(|thing| thing.maker.saga).collect();
    let ledger = Ledger::of(&cloud.db, &makers).await?;
    let known = holds::known(&cloud.db).await?;
    let recorded = recorded(cloud, &ledger, &sight.things).await?;
    let unexplained = sight.things.iter().filter(|thing| !recorded.contains(&thing.id));
    let judged = unexplained.filter_map(|thing| judge(&ledger, thing));
    let differences = judged.map(|it| Difference { known: known.contains(&it.thing), ..it }).collect();
    Ok((differences, sight))
}

/// Of the things whose saga has no row those that the inventory has had all the same: such a saga was not lost, it was
/// forgotten after its end, since its row was there before the thing was.
async fn recorded(cloud: &Cloud, ledger: &Ledger, things: &[Thing]) -> Result<HashSet<ThingId>, Error> {
    let asked = things.iter().filter(|thing| ledger.saga(thing.maker.saga).is_none());
    let asked: Vec<String> = asked.map(|thing| thing.id.id.clone()).collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let rows: Vec<(String, String)> = cloud.db.fetch_all(&store::RECORDED, args![asked]).await?;
    Ok(rows.into_iter().map(|(kind, id)| ThingId { kind, id }).collect())
}

fn judge(ledger: &Ledger, thing: &Thing) -> Option<Difference> {
    let maker = thing.maker;
    let Some(saga) = ledger.saga(maker.saga) else {
        return Some(unknown_saga(thing));
    };
    let step_idx = maker
        .step_idx
        .or_else(|| (thing.id.kind == "snapshot").then(|| saga.idx_of(SNAPSHOT_STEP)).flatten());
    if let Some(idx) = step_idx
        && !ledger.was_begun(saga, idx)
    {
        return Some(never_begun(thing, saga, idx));
    }
    ledger.missing_deployment(saga).map(|deployment| Difference {
        disagreement: Disagreement::NoDeployment,
        ledger: format!(
            "saga {} ({}) is {}, its deployment {deployment} has no row",
            saga.id, saga.kind, saga.status
        ),
        proposal: Proposal::Leave,
        advice: "find out whom it serves".to_owned(),
        ..bare(thing)
    })
}

fn unknown_saga(thing: &Thing) -> Difference {
    let is_droplet = thing.id.kind == "droplet";
    let advice = match is_droplet {
        true => {
            "it may serve a tenant: enter its deployment anew and adopt it, or destroy it at the provider"
        }
        false => "keep it while its droplet is in question",
    };
    Difference {
        disagreement: Disagreement::UnknownSaga,
        ledger: format!("saga {} has no row", thing.maker.saga),
        proposal: if is_droplet { Proposal::Adopt } else { Proposal::Leave },
        advice: advice.to_owned(),
        ..bare(thing)
    }
}

fn never_begun(thing: &Thing, saga: &SagaFacts, idx: i64) -> Difference {
    let (proposal, advice) = if saga.has_ended() {
        (Proposal::DestroyByHand, "its saga has ended and will not look for it")
    } else {
        (Proposal::Adopt, "nothing to do: after the release its saga looks for it and adopts it")
    };
    Difference {
        disagreement: Disagreement::StepNeverBegun,
        ledger: format!(
            "saga {} ({}) is {}, and never began step {idx} ({})",
            saga.id,
            saga.kind,
            saga.status,
            saga.step_at(idx)
        ),
        proposal,
        advice: advice.to_owned(),
        ..bare(thing)
    }
}

/// What is told of a thing whatever is wrong with it.
fn bare(thing: &Thing) -> Difference {
    Difference {
        thing: thing.id.clone(),
        name: thing.name.clone(),
        created_at: thing.created_at,
        marks: thing.marks.clone(),
        monthly_cost_usd: thing.monthly_cost_usd.clone(),
        disagreement: Disagreement::UnknownSaga,
        ledger: String::new(),
        proposal: Proposal::Leave,
        advice: String::new(),
        known: false,
    }
}
