//! Firewalls, for reading. For some time they still name droplets that are gone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Client, DropletId, Error, Key, Keyed, List, call::Call, wire::or_default};

text_id! {
    /// A firewall's UUID.
    FirewallId
}

open_enum! {
    /// How far a firewall's rules have reached its droplets.
    pub enum FirewallStatus { Waiting = "waiting", Succeeded = "succeeded", Failed = "failed" }
}

/// A firewall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    pub id: FirewallId,
    pub name: String,
    pub status: FirewallStatus,
    pub created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub pending_changes: Vec<PendingChange>,
    #[serde(default, deserialize_with = "or_default")]
    pub droplet_ids: Vec<DropletId>,
    /// Droplets with these are behind it; they do not tag the firewall itself.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub inbound_rules: Vec<InboundRule>,
    #[serde(default, deserialize_with = "or_default")]
    pub outbound_rules: Vec<OutboundRule>,
}

/// A droplet the firewall is being put before, or taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingChange {
    pub droplet_id: Option<DropletId>,
    #[serde(default, deserialize_with = "or_default")]
    pub removing: bool,
    pub status: Option<String>,
}

/// What may come in. `ports` is `22`, `8000-9000` or `0` for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundRule {
    pub protocol: String,
    #[serde(default, deserialize_with = "or_default")]
    pub ports: String,
    /// `allow` from the live API; absent in its specification.
    pub action: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub sources: FirewallTarget,
}

/// What may go out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundRule {
    pub protocol: String,
    #[serde(default, deserialize_with = "or_default")]
    pub ports: String,
    pub action: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub destinations: FirewallTarget,
}

/// The other side of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallTarget {
    #[serde(default, deserialize_with = "or_default")]
    pub addresses: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub droplet_ids: Vec<DropletId>,
    #[serde(default, deserialize_with = "or_default")]
    pub load_balancer_uids: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub kubernetes_ids: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
}

impl Keyed for Firewall {
    fn key(&self) -> Key {
        Key::Text(self.id.0.clone())
    }
}

/// `/v2/firewalls`, by [`Client::firewalls`].
#[derive(Debug, Clone)]
pub struct Firewalls(Client);

impl Client {
    pub fn firewalls(&self) -> Firewalls {
        Firewalls(self.clone())
    }
}

impl Firewalls {
    pub fn list(&self) -> List<Firewall> {
        List::new(self.0.clone(), "firewalls", Call::get("/v2/firewalls", &[]))
    }

    pub async fn get(&self, id: &FirewallId) -> Result<Firewall, Error> {
        self.0.fetch(Call::get("/v2/firewalls/{firewall_id}", &[id]), "firewall").await
    }
}
