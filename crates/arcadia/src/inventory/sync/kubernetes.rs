//! Kubernetes clusters. Left out: `updated_at`, the words of the status, and single nodes, which come and go.

use super::super::kinds;
use super::super::observation::{Observation, attrs, sorted};
use super::{Stop, Synced, Walk};
use digitalocean::KubernetesCluster;
use serde_json::{Value, json};

/// Every cluster.
#[derive(Debug, Clone, Copy)]
pub struct Kubernetes;

impl Synced for Kubernetes {
    const NAME: &'static str = "kubernetes";
    const STEP: &'static str = "sync_kubernetes";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let list = walk.client().kubernetes().list();
        walk.all(kinds::K8S_CLUSTER, list, observe).await
    }
}

fn observe(cluster: &KubernetesCluster) -> Observation {
    let pools = cluster.node_pools.iter();
    let pools: Vec<Value> = pools
        .map(|pool| json!({"id": pool.id, "name": pool.name, "size": pool.size, "count": pool.count}))
        .collect();
    let state = cluster.status.as_ref().and_then(|status| status.state.as_ref());
    let specific = json!({
        "version": cluster.version, "vpc_uuid": cluster.vpc_uuid, "ha": cluster.ha, "node_pools": pools,
    });
    Observation {
        provider_id: cluster.id.to_string(),
        name: cluster.name.clone(),
        region: Some(cluster.region.clone()),
        status: state.map(ToString::to_string),
        tags: sorted(cluster.tags.clone()),
        attrs: attrs(specific),
        created_at: cluster.created_at,
        ..Observation::default()
    }
}
