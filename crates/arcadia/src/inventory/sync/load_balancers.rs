//! Load balancers.

use super::super::kinds;
use super::super::observation::{Observation, attrs, sorted};
use super::{Stop, Synced, Walk};
use digitalocean::LoadBalancer;
use serde_json::json;

/// US cents for a node and month.
const NODE_MONTH_MINOR: i64 = 1200;

/// Every load balancer.
#[derive(Debug, Clone, Copy)]
pub struct LoadBalancers;

impl Synced for LoadBalancers {
    const NAME: &'static str = "load_balancers";
    const STEP: &'static str = "sync_load_balancers";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().load_balancers().list();
        walk.all(kinds::LOAD_BALANCER, list, observe).await
    }
}

fn observe(balancer: &LoadBalancer) -> Observation {
    let specific = json!({
        "ip": balancer.ip,
        "ipv6": balancer.ipv6,
        "type": balancer.kind,
        "size_unit": balancer.size_unit,
        "vpc_uuid": balancer.vpc_uuid,
        "droplet_ids": sorted(balancer.droplet_ids.iter().map(|id| id.0).collect()),
        "droplet_tag": balancer.tag,
    });
    Observation {
        provider_id: balancer.id.to_string(),
        name: balancer.name.clone(),
        region: balancer.region.as_ref().map(|region| region.slug.clone()),
        status: Some(balancer.status.to_string()),
        attrs: attrs(specific),
        monthly_cost_minor: Some(i64::from(balancer.size_unit.unwrap_or(1)) * NODE_MONTH_MINOR),
        created_at: balancer.created_at,
        ..Observation::default()
    }
}
