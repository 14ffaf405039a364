//! Snapshots by name: the name holds the saga's id, and is the only mark that a snapshot can bear.

use super::{OrHalt as _, provider};
use crate::cloud::Cloud;
use arcadia_saga::{Outcome, Run, SagaId};
use digitalocean::{ActionStatus, ActionType, DropletId, Snapshot, SnapshotId, SnapshotResource};
use rust_decimal::Decimal;

/// What a gibibyte of snapshot costs a month, in cents.
const GIB_MONTH_CENTS: i64 = 6;

/// What keeping it costs, in US dollars.
pub(crate) fn monthly_cost_usd(snapshot: &Snapshot) -> Option<String> {
    let rate = Decimal::new(GIB_MONTH_CENTS, 2);
    snapshot.size_gigabytes.map(|size| (size * rate).round_dp(2).to_string())
}

/// The name of what a saga's snapshot of a droplet is called.
pub(crate) fn name(droplet: DropletId, saga: SagaId) -> String {
    format!("arcadia-snap-{droplet}-{saga}")
}

/// Those whose name passes, oldest first.
pub(crate) async fn named(run: &Run<Cloud>, wanted: impl Fn(&str) -> bool) -> Outcome<Vec<Snapshot>> {
    let listed = provider(run).snapshots().list_of(&SnapshotResource::Droplet).await.or_halt(run)?;
    let mut found = listed.items;
    found.retain(|snapshot| wanted(&snapshot.name));
    found.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    Ok(found)
}

/// Deletes it; one that is gone already is as good.
pub(crate) async fn delete(run: &Run<Cloud>, id: &SnapshotId) -> Outcome<()> {
    match provider(run).snapshots().delete(id).await {
        Err(error) if !error.is_not_found() => Err(error).or_halt(run),
        _ => Ok(()),
    }
}

/// Whether the droplet is being photographed: the snapshot is listed only afterwards. A droplet that is gone is not.
pub(crate) async fn is_being_taken(run: &Run<Cloud>, droplet: DropletId) -> Outcome<bool> {
    match provider(run).droplets().actions(droplet).await {
        Ok(actions) => {
            let is_at_it = |kind: &ActionType, status: &ActionStatus| {
                *kind == ActionType::Snapshot && *status == ActionStatus::InProgress
            };
            Ok(actions.iter().any(|action| is_at_it(&action.kind, &action.status)))
        }
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error).or_halt(run),
    }
}
