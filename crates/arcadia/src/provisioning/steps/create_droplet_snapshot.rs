//! Takes a snapshot of a droplet. The answer to the request names an action, the action does not name the
//! snapshot, and the snapshot is listed late: its own name is what ties them together.

use super::wait_droplet_active::KnownDroplet;
use crate::cloud::Cloud;
use crate::provisioning::{OrHalt as _, POLL_EVERY, after_effect, provider, snapshots};
use arcadia_saga::{Halt, Outcome, Policy, Run, Step, Undo, Undoing, shape};
use digitalocean::{ActionId, ActionStatus, DropletId, SnapshotId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// How often the listing is read after the action completed.
const LISTINGS_MAX: u32 = 12;
/// How long an action may take.
const ACTION_MAX: Duration = Duration::from_secs(60 * 60);

shape! {
    /// A snapshot that exists.
    pub struct TakenSnapshot {
        /// The provider's id.
        pub snapshot_id: String,
        /// Deterministic.
        pub snapshot_name: String,
    }
}

/// What the step tells its next run.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
struct Memo {
    /// The request was accepted.
    #[serde(default)]
    action_id: Option<u64>,
    /// The action completed, and so many listings did not show the snapshot.
    #[serde(default)]
    listings: Option<u32>,
}

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub struct CreateDropletSnapshot;

impl Step<Cloud> for CreateDropletSnapshot {
    const NAME: &'static str = "create_droplet_snapshot";
    const LEAVES_MARKS: bool = true;
    type Needs = KnownDroplet;
    type Gives = TakenSnapshot;
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::provider()
    }

    async fn execute(&self, run: &Run<Cloud>, needs: KnownDroplet) -> Outcome<TakenSnapshot> {
        let droplet = DropletId(needs.droplet_id);
        let name = snapshots::name(droplet, run.saga_id());
        match run.memo::<Memo>()?.unwrap_or_default() {
            Memo { listings: Some(listings), action_id } => find(run, name, action_id, listings).await,
            Memo { action_id: Some(action), .. } => follow(run, droplet, name, action).await,
            Memo { .. } => begin(run, droplet, name).await,
        }
    }

    async fn compensate(&self, run: &Run<Cloud>, undoing: Undoing<KnownDroplet, (), TakenSnapshot>) -> Undo {
        let droplet = DropletId(undoing.needs.droplet_id);
        let name = snapshots::name(droplet, run.saga_id());
        if let Some(taken) = undoing.gave {
            keep_the_last_of(run, droplet).await?;
            snapshots::delete(run, &SnapshotId(taken.snapshot_id)).await?;
            return delete_named(run, droplet, &name).await.map(|_| ());
        }
        if delete_named(run, droplet, &name).await? {
            return Ok(());
        }
        wait_for_camera(run, droplet).await?;
        match run.memo::<Memo>()?.unwrap_or_default() {
            Memo { action_id: Some(action), listings } => {
                wait_for_listing(run, droplet, action, listings.unwrap_or(0)).await
            }
            Memo { .. } => run.seen_nothing(),
        }
    }
}

/// Looks for what an attempt in doubt made, then asks for it.
async fn begin(run: &Run<Cloud>, droplet: DropletId, name: String) -> Outcome<TakenSnapshot> {
    if run.in_doubt() {
        if let Some(taken) = look(run, &name).await? {
            return Ok(taken);
        }
        wait_for_camera(run, droplet).await?;
        run.seen_nothing()?;
    }
    let action = provider(run).droplets().snapshot(droplet, name).await.or_halt(run)?;
    Err(taking(action.id))
}

fn taking(action: ActionId) -> Halt {
    Halt::wait_with(POLL_EVERY, "the snapshot to be taken", json!({"action_id": action.0}))
}

async fn follow(run: &Run<Cloud>, droplet: DropletId, name: String, action: u64) -> Outcome<TakenSnapshot> {
    let id = ActionId(action);
    let is_late = run.clock().now() >= run.clock().after(run.started_at(), ACTION_MAX);
    let action_now = provider(run).droplets().action(droplet, id).await;
    match action_now.or_halt(run).map_err(after_effect)?.status {
        ActionStatus::Completed => find(run, name, Some(action), 0).await,
        ActionStatus::Errored => match look(run, &name).await? {
            Some(taken) => Ok(taken),
            None => {
                Err(Halt::failed(format!("the provider could not take the snapshot (action {id} errored)")))
            }
        },
        _ if is_late => Err(Halt::unknown(format!("the snapshot is not taken after an hour (action {id})"))),
        _ => Err(taking(id)),
    }
}

async fn find(
    run: &Run<Cloud>,
    name: String,
    action_id: Option<u64>,
    listings: u32,
) -> Outcome<TakenSnapshot> {
    if let Some(taken) = look(run, &name).await? {
        return Ok(taken);
    }
    if listings >= LISTINGS_MAX {
        return Err(Halt::unknown(format!("the snapshot `{name}` was taken but is not listed")));
    }
    Err(listing(action_id, listings))
}

fn listing(action_id: Option<u64>, listings: u32) -> Halt {
    let memo = json!({"action_id": action_id, "listings": listings + 1});
    Halt::wait_with(POLL_EVERY, "the snapshot to be listed", memo)
}

async fn look(run: &Run<Cloud>, name: &str) -> Outcome<Option<TakenSnapshot>> {
    let found = snapshots::named(run, |listed| listed == name).await.map_err(after_effect)?;
    let taken = |snapshot_id| TakenSnapshot { snapshot_id, snapshot_name: name.to_owned() };
    Ok(found.into_iter().next().map(|snapshot| taken(snapshot.id.0)))
}

/// Where the droplet is gone, its snapshot may be all that is left of it: somebody else destroyed it, or this very saga
/// did in commits that its ledger lost.
async fn keep_the_last_of(run: &Run<Cloud>, droplet: DropletId) -> Undo {
    match provider(run).droplets().get(droplet).await {
        Err(error) if error.is_not_found() => Err(Halt::failed(format!(
            "droplet {droplet} is gone: its snapshot may be all that is left of it, and is left alone"
        ))),
        answer => answer.or_halt(run).map(|_| ()),
    }
}

/// Whether there was anything to delete.
async fn delete_named(run: &Run<Cloud>, droplet: DropletId, name: &str) -> Outcome<bool> {
    let found = snapshots::named(run, |listed| listed == name).await?;
    if !found.is_empty() {
        keep_the_last_of(run, droplet).await?;
    }
    for snapshot in &found {
        snapshots::delete(run, &snapshot.id).await?;
    }
    Ok(!found.is_empty())
}

/// The request was accepted: unless its action failed, the snapshot will be listed, and has to go then.
async fn wait_for_listing(run: &Run<Cloud>, droplet: DropletId, action: u64, listings: u32) -> Undo {
    let errored = match provider(run).droplets().action(droplet, ActionId(action)).await {
        Ok(action) => action.status == ActionStatus::Errored,
        Err(error) if error.is_not_found() => false,
        Err(error) => return Err(error).or_halt(run),
    };
    if errored || listings >= LISTINGS_MAX { Ok(()) } else { Err(listing(Some(action), listings)) }
}

/// A snapshot whose request was answered to nobody may still be on its way.
async fn wait_for_camera(run: &Run<Cloud>, droplet: DropletId) -> Outcome<()> {
    let in_time = run.clock().now() < run.clock().after(run.started_at(), ACTION_MAX);
    if in_time && snapshots::is_being_taken(run, droplet).await? {
        return Err(Halt::wait(POLL_EVERY, format!("the snapshot of droplet {droplet} under way to end")));
    }
    Ok(())
}
