//! Reserved IPs, formerly floating IPs. They cost money while nothing uses them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::{Client, DropletId, Error, Key, Keyed, List, Region, call::Call, wire::or_default};

/// A reserved IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedIp {
    pub ip: Ipv4Addr,
    pub region: Option<Region>,
    /// The API sends the whole droplet; what it is attached to is all that is kept.
    pub droplet: Option<ReservedFor>,
    #[serde(default, deserialize_with = "or_default")]
    pub locked: bool,
    pub project_id: Option<String>,
}

/// The droplet that has the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedFor {
    pub id: DropletId,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
}

impl Keyed for ReservedIp {
    fn key(&self) -> Key {
        Key::Number(u64::from(u32::from(self.ip)))
    }
}

/// `/v2/reserved_ips`, by [`Client::reserved_ips`].
#[derive(Debug, Clone)]
pub struct ReservedIps(Client);

impl Client {
    pub fn reserved_ips(&self) -> ReservedIps {
        ReservedIps(self.clone())
    }
}

impl ReservedIps {
    pub fn list(&self) -> List<ReservedIp> {
        List::new(self.0.clone(), "reserved_ips", Call::get("/v2/reserved_ips", &[]))
    }

    pub async fn get(&self, ip: Ipv4Addr) -> Result<ReservedIp, Error> {
        self.0.fetch(Call::get("/v2/reserved_ips/{reserved_ip}", &[&ip]), "reserved_ip").await
    }
}
