//! Snapshots of droplets and volumes. They outlive what they were taken of, and keep costing money.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Client, Error, ImageId, Key, Keyed, List,
    call::Call,
    wire::{optional_decimal, or_default, text_or_number},
};

/// A snapshot's id. Of a droplet it is a number, which the API sends as a string here and as an
/// integer there; of a volume it is a UUID. Both decode to the same text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct SnapshotId(pub String);

impl SnapshotId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The image that a droplet's snapshot also is.
    pub fn image_id(&self) -> Option<ImageId> {
        self.0.parse().ok()
    }
}

impl<'de> Deserialize<'de> for SnapshotId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_number(deserializer).map(Self)
    }
}

impl std::fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for SnapshotId {
    fn from(id: u64) -> Self {
        Self(id.to_string())
    }
}

impl From<&str> for SnapshotId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl From<String> for SnapshotId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

open_enum! {
    /// What a snapshot was taken of.
    pub enum SnapshotResource { Droplet = "droplet", Volume = "volume" }
}

/// A snapshot as the account's listing shows it. Backups are not in there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub id: SnapshotId,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    pub created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub regions: Vec<String>,
    /// GiB.
    pub min_disk_size: Option<u64>,
    #[serde(default, deserialize_with = "optional_decimal")]
    pub size_gigabytes: Option<Decimal>,
    /// The droplet's id or the volume's UUID, as text; it may be gone.
    #[serde(deserialize_with = "text_or_number")]
    pub resource_id: String,
    pub resource_type: SnapshotResource,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
}

impl Keyed for Snapshot {
    fn key(&self) -> Key {
        Key::Text(self.id.0.clone())
    }
}

/// `/v2/snapshots`, by [`Client::snapshots`].
#[derive(Debug, Clone)]
pub struct Snapshots(Client);

impl Client {
    pub fn snapshots(&self) -> Snapshots {
        Snapshots(self.clone())
    }
}

impl Snapshots {
    /// Of droplets and volumes.
    pub fn list(&self) -> List<Snapshot> {
        List::new(self.0.clone(), "snapshots", Call::get("/v2/snapshots", &[]))
    }

    /// Of droplets only, or of volumes only.
    pub fn list_of(&self, resource: &SnapshotResource) -> List<Snapshot> {
        let call = Call::get("/v2/snapshots", &[]).query("resource_type", resource);
        List::new(self.0.clone(), "snapshots", call)
    }

    /// 400 means that the id is an image but not a snapshot.
    pub async fn get(&self, id: &SnapshotId) -> Result<Snapshot, Error> {
        self.0.fetch(Call::get("/v2/snapshots/{snapshot_id}", &[id]), "snapshot").await
    }

    /// It stays in listings for some seconds.
    pub async fn delete(&self, id: &SnapshotId) -> Result<(), Error> {
        self.0.execute(Call::delete("/v2/snapshots/{snapshot_id}", &[id])).await
    }
}
