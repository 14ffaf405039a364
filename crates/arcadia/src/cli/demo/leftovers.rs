//! What bears our marks in the simulated account but belongs to no deployment: what a rollback forgot.

use super::visitor::Visitor;
use digitalocean_sim::{Marked, Simulator};
use serde_json::Value;

/// Asks the simulator what there is, and the service whose it is.
pub(super) async fn find(simulator: &Simulator, visitor: &Visitor) -> anyhow::Result<Vec<Value>> {
    let mut left = Vec::new();
    for thing in simulator.marked() {
        if !is_owned(&thing, visitor).await? {
            left.push(serde_json::to_value(&thing)?);
        }
    }
    Ok(left)
}

/// A saga under way answers for what it made; one that ended does so only through its deployment.
async fn is_owned(thing: &Marked, visitor: &Visitor) -> anyhow::Result<bool> {
    let Some(saga) = thing.tags.iter().find_map(|tag| tag.strip_prefix("arcadia-saga-")) else {
        return Ok(false);
    };
    match visitor.saga(saga).await? {
        None => Ok(false),
        Some((status, _)) if !status.is_terminal() => Ok(true),
        Some((_, None)) => Ok(false),
        Some((_, Some(id))) => {
            let deployment = visitor.deployment(&id).await?;
            let is_its_droplet = deployment.droplet_id.is_some_and(|droplet| droplet.to_string() == thing.id);
            Ok(is_its_droplet && deployment.state == "active")
        }
    }
}
