//! Firewalls, with their rules and droplets in `attrs`. Left out: changes that are on their way to droplets. A firewall's
//! tags say which droplets are behind it; they do not tag the firewall.

use super::super::kinds;
use super::super::observation::{Observation, attrs, sorted};
use super::{Stop, Synced, Walk};
use digitalocean::{Firewall, FirewallStatus};
use serde_json::json;

/// Every firewall.
#[derive(Debug, Clone, Copy)]
pub struct Firewalls;

impl Synced for Firewalls {
    const NAME: &'static str = "firewalls";
    const STEP: &'static str = "sync_firewalls";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().firewalls().list();
        walk.all(kinds::FIREWALL, list, observe).await
    }
}

fn observe(firewall: &Firewall) -> Observation {
    let status = match &firewall.status {
        // Rules reach droplets again and again by themselves; only what failed matters.
        FirewallStatus::Waiting | FirewallStatus::Succeeded => "active".to_owned(),
        other => other.to_string(),
    };
    let specific = json!({
        "inbound_rules": firewall.inbound_rules,
        "outbound_rules": firewall.outbound_rules,
        "droplet_ids": sorted(firewall.droplet_ids.iter().map(|id| id.0).collect()),
        "droplet_tags": sorted(firewall.tags.clone()),
    });
    Observation {
        provider_id: firewall.id.to_string(),
        name: firewall.name.clone(),
        status: Some(status),
        attrs: attrs(specific),
        monthly_cost_minor: Some(0),
        created_at: firewall.created_at,
        ..Observation::default()
    }
}
