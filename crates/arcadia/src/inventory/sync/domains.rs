//! DNS zones. Left out: the zone file, which changes with every record.

use super::super::kinds;
use super::super::observation::{Observation, attrs};
use super::{Stop, Synced, Walk};
use digitalocean::Domain;
use serde_json::json;

/// Every zone.
#[derive(Debug, Clone, Copy)]
pub struct Domains;

impl Synced for Domains {
    const NAME: &'static str = "domains";
    const STEP: &'static str = "sync_domains";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().domains().list();
        walk.all(kinds::DNS_ZONE, list, observe).await
    }
}

fn observe(domain: &Domain) -> Observation {
    Observation {
        provider_id: domain.name.clone(),
        name: domain.name.clone(),
        attrs: attrs(json!({"ttl_s": domain.ttl})),
        monthly_cost_minor: Some(0),
        ..Observation::default()
    }
}
