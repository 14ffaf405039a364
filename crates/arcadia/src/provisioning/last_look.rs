//! The last act of a rollback: does anything at the provider still bear the saga's mark?

use super::{OrHalt as _, provider, snapshots};
use crate::cloud::Cloud;
use arcadia_saga::{Halt, Outcome, Policy, Run, Step, VerbError, shape};
use serde_json::{Value, json};
use std::time::Duration;

/// What is being destroyed is listed for some seconds more: it is looked again up to a minute.
const LOOK_EVERY: Duration = Duration::from_secs(15);
const LOOKS_MAX: u32 = 4;

shape! {
    /// What is left over.
    pub struct LeftOver {
        /// Each with kind, id, name and monthly cost; empty means clean.
        pub left: Vec<Value>,
    }
}

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastLook;

impl Step<Cloud> for LastLook {
    const NAME: &'static str = "last_look";
    type Needs = ();
    type Gives = LeftOver;
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::provider()
    }

    async fn execute(&self, run: &Run<Cloud>, (): ()) -> Outcome<LeftOver> {
        let steps = match run.cloud.sagas.get(run.saga_id()).await {
            Ok(saga) => saga.steps,
            Err(VerbError::Database(error)) => return Err(error.into()),
            Err(error) => return Err(Halt::unknown(error.to_string())),
        };
        let mut left = droplets_left(run).await?;
        if steps.iter().any(|step| step == "create_droplet_snapshot") {
            left.extend(snapshots_left(run).await?);
        }
        if left.is_empty() || run.waits() >= LOOKS_MAX {
            return Ok(LeftOver { left });
        }
        Err(Halt::wait(LOOK_EVERY, "what was destroyed to disappear from the provider's listings"))
    }
}

async fn droplets_left(run: &Run<Cloud>) -> Outcome<Vec<Value>> {
    let listed = provider(run).droplets().list_tagged(&run.mark().saga).await.or_halt(run)?;
    let entry = |droplet: &digitalocean::Droplet| {
        let price = droplet.size.as_ref().map(|size| size.price_monthly.to_string());
        json!({"kind": "droplet", "id": droplet.id, "name": droplet.name, "monthly_cost_usd": price})
    };
    Ok(listed.iter().map(entry).collect())
}

async fn snapshots_left(run: &Run<Cloud>) -> Outcome<Vec<Value>> {
    let ending = format!("-{}", run.saga_id());
    let ours = |name: &str| name.starts_with("arcadia-snap-") && name.ends_with(&ending);
    let entry = |snapshot: digitalocean::Snapshot| {
        let price = snapshots::monthly_cost_usd(&snapshot);
        json!({"kind": "snapshot", "id": snapshot.id, "name": snapshot.name, "monthly_cost_usd": price})
    };
    Ok(snapshots::named(run, ours).await?.into_iter().map(entry).collect())
}
