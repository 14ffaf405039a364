//! Kubernetes clusters, for reading. Their nodes are droplets too, and not ours to touch.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Client, Error, Key, Keyed, List, call::Call, wire::or_default};

text_id! {
    /// A cluster's UUID.
    KubernetesId
}

open_enum! {
    /// A cluster's state.
    pub enum KubernetesState {
        Running = "running",
        Provisioning = "provisioning",
        Degraded = "degraded",
        Error = "error",
        Deleted = "deleted",
        Upgrading = "upgrading",
        Deleting = "deleting",
    }
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesCluster {
    pub id: KubernetesId,
    pub name: String,
    pub region: String,
    pub version: String,
    pub vpc_uuid: Option<String>,
    /// The automatic `k8s` and `k8s:<id>` included.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub node_pools: Vec<NodePool>,
    pub status: Option<KubernetesStatus>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// A highly available control plane costs extra.
    #[serde(default, deserialize_with = "or_default")]
    pub ha: bool,
}

/// A cluster's state, with words about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesStatus {
    pub state: Option<KubernetesState>,
    pub message: Option<String>,
}

/// Nodes of one size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePool {
    pub id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    pub size: String,
    #[serde(default, deserialize_with = "or_default")]
    pub count: u32,
    #[serde(default, deserialize_with = "or_default")]
    pub nodes: Vec<Node>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub id: Option<String>,
    pub name: Option<String>,
    /// The droplet's id as text; empty until there is one.
    pub droplet_id: Option<String>,
}

impl Keyed for KubernetesCluster {
    fn key(&self) -> Key {
        Key::Text(self.id.0.clone())
    }
}

/// `/v2/kubernetes`, by [`Client::kubernetes`].
#[derive(Debug, Clone)]
pub struct Kubernetes(Client);

impl Client {
    pub fn kubernetes(&self) -> Kubernetes {
        Kubernetes(self.clone())
    }
}

impl Kubernetes {
    pub fn list(&self) -> List<KubernetesCluster> {
        List::new(self.0.clone(), "kubernetes_clusters", Call::get("/v2/kubernetes/clusters", &[]))
    }

    pub async fn get(&self, id: &KubernetesId) -> Result<KubernetesCluster, Error> {
        self.0.fetch(Call::get("/v2/kubernetes/clusters/{cluster_id}", &[id]), "kubernetes_cluster").await
    }
}
