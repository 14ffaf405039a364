//! What can be bought and where: regions and sizes.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    Client, Key, Keyed, List,
    call::Call,
    wire::{or_default, price},
};

/// A data centre. `slug` is an open set: the live API has regions its specification lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    pub slug: String,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub features: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub available: bool,
    /// Slugs of the sizes on offer; empty where the token may not read sizes.
    #[serde(default, deserialize_with = "or_default")]
    pub sizes: Vec<String>,
}

/// A kind of droplet and its price in US dollars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub slug: String,
    /// MiB.
    pub memory: u64,
    pub vcpus: u32,
    /// GiB.
    pub disk: u64,
    /// TB a month.
    #[serde(deserialize_with = "price")]
    pub transfer: Decimal,
    #[serde(deserialize_with = "price")]
    pub price_monthly: Decimal,
    /// Rounded to five places; times 672 it is not exactly `price_monthly`.
    #[serde(deserialize_with = "price")]
    pub price_hourly: Decimal,
    #[serde(default, deserialize_with = "or_default")]
    pub regions: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub available: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    #[serde(default, deserialize_with = "or_default")]
    pub disk_info: Vec<DiskInfo>,
    pub gpu_info: Option<GpuInfo>,
    /// Mbit/s; sent by the live API only.
    pub networking_throughput: Option<u64>,
}

/// One of a droplet's disks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskInfo {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub size: Option<DiskSize>,
}

/// An amount with its unit, `gib` mostly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSize {
    pub amount: Option<u64>,
    pub unit: Option<String>,
}

/// The graphics processors of a droplet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuInfo {
    pub count: Option<u32>,
    pub model: Option<String>,
    pub vram: Option<DiskSize>,
}

impl Keyed for Region {
    fn key(&self) -> Key {
        Key::Text(self.slug.clone())
    }
}

impl Keyed for Size {
    fn key(&self) -> Key {
        Key::Text(self.slug.clone())
    }
}

/// `/v2/regions`, by [`Client::regions`].
#[derive(Debug, Clone)]
pub struct Regions(Client);

/// `/v2/sizes`, by [`Client::sizes`].
#[derive(Debug, Clone)]
pub struct Sizes(Client);

impl Client {
    pub fn regions(&self) -> Regions {
        Regions(self.clone())
    }

    pub fn sizes(&self) -> Sizes {
        Sizes(self.clone())
    }
}

impl Regions {
    pub fn list(&self) -> List<Region> {
        List::new(self.0.clone(), "regions", Call::get("/v2/regions", &[]))
    }
}

impl Sizes {
    pub fn list(&self) -> List<Size> {
        List::new(self.0.clone(), "sizes", Call::get("/v2/sizes", &[]))
    }
}
