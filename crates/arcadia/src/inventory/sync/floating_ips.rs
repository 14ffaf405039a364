//! Reserved IPs, formerly floating IPs, by their address. Left out: `locked`, and what the region offers.

use super::super::kinds;
use super::super::observation::{Observation, Parent, attrs};
use super::{Stop, Synced, Walk};
use digitalocean::ReservedIp;
use serde_json::json;

/// US cents a month for an address that nothing uses.
const UNASSIGNED_MONTH_MINOR: i64 = 500;

/// Every reserved IP.
#[derive(Debug, Clone, Copy)]
pub struct FloatingIps;

impl Synced for FloatingIps {
    const NAME: &'static str = "floating_ips";
    const STEP: &'static str = "sync_floating_ips";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().reserved_ips().list();
        walk.all(kinds::FLOATING_IP, list, observe).await
    }
}

fn observe(address: &ReservedIp) -> Observation {
    let droplet = address.droplet.as_ref().map(|droplet| droplet.id);
    let (status, cost) =
        if droplet.is_some() { ("assigned", 0) } else { ("unassigned", UNASSIGNED_MONTH_MINOR) };
    Observation {
        provider_id: address.ip.to_string(),
        name: address.ip.to_string(),
        region: address.region.as_ref().map(|region| region.slug.clone()),
        status: Some(status.to_owned()),
        attrs: attrs(json!({"droplet_id": droplet.map(|id| id.0)})),
        monthly_cost_minor: Some(cost),
        parent: droplet.map(|id| Parent::new(kinds::DROPLET, id)),
        ..Observation::default()
    }
}
