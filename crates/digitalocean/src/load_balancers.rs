//! Load balancers, for reading: what an inventory needs of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Client, DropletId, Error, Key, Keyed, List, Region, call::Call, wire::or_default};

text_id! {
    /// A load balancer's UUID.
    LoadBalancerId
}

open_enum! {
    /// A load balancer's state; `new` lasts minutes.
    pub enum LoadBalancerStatus { New = "new", Active = "active", Errored = "errored" }
}

/// A load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancer {
    pub id: LoadBalancerId,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    pub project_id: Option<String>,
    /// Empty while new.
    #[serde(default, deserialize_with = "or_default")]
    pub ip: String,
    pub ipv6: Option<String>,
    /// How many nodes it has, which sets its price.
    pub size_unit: Option<u32>,
    pub status: LoadBalancerStatus,
    pub created_at: Option<Timestamp>,
    pub vpc_uuid: Option<String>,
    /// Absent for a global one.
    pub region: Option<Region>,
    #[serde(default, deserialize_with = "or_default")]
    pub droplet_ids: Vec<DropletId>,
    /// Droplets with it are behind the balancer; empty for none.
    #[serde(default, deserialize_with = "or_default")]
    pub tag: String,
    /// `REGIONAL`, `REGIONAL_NETWORK` or `GLOBAL`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

impl Keyed for LoadBalancer {
    fn key(&self) -> Key {
        Key::Text(self.id.0.clone())
    }
}

/// `/v2/load_balancers`, by [`Client::load_balancers`].
#[derive(Debug, Clone)]
pub struct LoadBalancers(Client);

impl Client {
    pub fn load_balancers(&self) -> LoadBalancers {
        LoadBalancers(self.clone())
    }
}

impl LoadBalancers {
    pub fn list(&self) -> List<LoadBalancer> {
        List::new(self.0.clone(), "load_balancers", Call::get("/v2/load_balancers", &[]))
    }

    pub async fn get(&self, id: &LoadBalancerId) -> Result<LoadBalancer, Error> {
        self.0.fetch(Call::get("/v2/load_balancers/{lb_id}", &[id]), "load_balancer").await
    }
}
