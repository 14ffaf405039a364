//! Droplets. A creation and a destruction are answered long before they are done, and listings lag
//! behind both: a 404 on a droplet created less than a minute ago means "not yet", which only the caller can tell.

use std::{fmt, net::Ipv4Addr};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    ActionId, Client, DiskInfo, Error, GpuInfo, Image, ImageRef, Key, Keyed, List, Region, Size, SnapshotId,
    call::Call,
    wire::{optional_decimal, or_default},
};

number_id! {
    /// A droplet's id.
    DropletId
}

open_enum! {
    /// A droplet's state. Shortly after an action it may still be the old one.
    pub enum DropletStatus { New = "new", Active = "active", Off = "off", Archive = "archive" }
}

/// A droplet. Tags, image, VPC and the lists of ids come empty where the token may not read them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Droplet {
    pub id: DropletId,
    pub name: String,
    /// MiB.
    pub memory: u64,
    pub vcpus: u32,
    /// GiB.
    pub disk: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub disk_info: Vec<DiskInfo>,
    /// An action holds it. False does not mean that none does.
    #[serde(default, deserialize_with = "or_default")]
    pub locked: bool,
    pub status: DropletStatus,
    pub created_at: Timestamp,
    #[serde(default, deserialize_with = "or_default")]
    pub features: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub backup_ids: Vec<SnapshotId>,
    pub next_backup_window: Option<BackupWindow>,
    #[serde(default, deserialize_with = "or_default")]
    pub snapshot_ids: Vec<SnapshotId>,
    pub image: Option<Image>,
    #[serde(default, deserialize_with = "or_default")]
    pub volume_ids: Vec<String>,
    pub size: Option<Size>,
    pub size_slug: String,
    #[serde(default, deserialize_with = "or_default")]
    pub networks: Networks,
    pub region: Region,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Absent while `new`.
    pub vpc_uuid: Option<String>,
    pub gpu_info: Option<GpuInfo>,
}

impl Droplet {
    /// The public IPv4 address; a droplet can be active for a while before it has one.
    pub fn public_ipv4(&self) -> Option<Ipv4Addr> {
        self.ipv4(&NetworkType::Public)
    }

    /// The address in its VPC.
    pub fn private_ipv4(&self) -> Option<Ipv4Addr> {
        self.ipv4(&NetworkType::Private)
    }

    /// The order of the addresses is not guaranteed: their type decides.
    fn ipv4(&self, kind: &NetworkType) -> Option<Ipv4Addr> {
        self.networks.v4.iter().find(|network| network.kind == *kind)?.ip_address.parse().ok()
    }
}

impl Keyed for Droplet {
    fn key(&self) -> Key {
        Key::Number(self.id.0)
    }
}

/// When the next backup is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupWindow {
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
}

open_enum! {
    /// Whom an address is for.
    pub enum NetworkType { Public = "public", Private = "private" }
}

/// A droplet's addresses; both empty while it is `new`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Networks {
    #[serde(default, deserialize_with = "or_default")]
    pub v4: Vec<NetworkV4>,
    #[serde(default, deserialize_with = "or_default")]
    pub v6: Vec<NetworkV6>,
}

/// One IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkV4 {
    pub ip_address: String,
    pub netmask: Option<String>,
    pub gateway: Option<String>,
    #[serde(rename = "type")]
    pub kind: NetworkType,
}

/// One IPv6 address; `netmask` is the length of the prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkV6 {
    pub ip_address: String,
    pub netmask: Option<u8>,
    pub gateway: Option<String>,
    #[serde(rename = "type")]
    pub kind: NetworkType,
}

/// A snapshot or backup as its droplet lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletImage {
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
    /// `snapshot` or `backup`.
    #[serde(rename = "type")]
    pub kind: Option<crate::ImageType>,
}

impl Keyed for DropletImage {
    fn key(&self) -> Key {
        Key::Text(self.id.0.clone())
    }
}

open_enum! {
    /// How often a droplet is backed up.
    pub enum BackupPlan { Daily = "daily", Weekly = "weekly" }
}

/// When a droplet is backed up: `weekday` `SUN` to `SAT` for a weekly plan, `hour` one of 0, 4, … 20.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPolicy {
    pub plan: BackupPlan,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekday: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hour: Option<u8>,
}

/// An SSH key by id or fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SshKeyRef {
    Id(u64),
    Fingerprint(String),
}

/// What a droplet runs at its first start, at most 64 KiB. It tends to hold secrets, so it is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserData(pub String);

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserData({} bytes)", self.0.len())
    }
}

impl From<String> for UserData {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for UserData {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A droplet to be. Neither its name nor anything else makes a repeated creation harmless: give it a
/// tag that nobody else has, and look for that before creating again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateDroplet {
    /// Letters, digits, `.` and `-`; a full host name also sets the PTR record.
    pub name: String,
    /// The platform chooses where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub size: String,
    pub image: ImageRef,
    /// Without any, a root password is mailed to the owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_keys: Vec<SshKeyRef>,
    #[serde(default)]
    pub backups: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_policy: Option<BackupPolicy>,
    #[serde(default)]
    pub ipv6: bool,
    #[serde(default)]
    pub monitoring: bool,
    /// Unknown ones are created.
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<UserData>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_uuid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_droplet_agent: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_networking: Option<bool>,
}

/// The answer to a creation: the droplet, still `new` and without addresses, and the action that makes it.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatedDroplet {
    pub droplet: Droplet,
    pub action_id: Option<ActionId>,
}

/// `/v2/droplets`, by [`Client::droplets`].
#[derive(Debug, Clone)]
pub struct Droplets(pub(crate) Client);

impl Client {
    pub fn droplets(&self) -> Droplets {
        Droplets(self.clone())
    }
}

impl Droplets {
    /// Every droplet. The API leaves GPU droplets out unless it is asked for them, so it is asked twice.
    pub fn list(&self) -> List<Droplet> {
        self.list_of(Call::get("/v2/droplets", &[])).and(Call::get("/v2/droplets", &[]).query("type", "gpus"))
    }

    /// Those with a tag. A new droplet can be missing for seconds.
    pub fn list_tagged(&self, tag: &str) -> List<Droplet> {
        self.list_of(Call::get("/v2/droplets", &[]).query("tag_name", tag))
    }

    /// Those with exactly this name, whatever its capitals; names are not unique.
    pub fn list_named(&self, name: &str) -> List<Droplet> {
        self.list_of(Call::get("/v2/droplets", &[]).query("name", name))
    }

    pub async fn get(&self, id: DropletId) -> Result<Droplet, Error> {
        self.0.fetch(Call::get("/v2/droplets/{droplet_id}", &[&id]), "droplet").await
    }

    pub async fn create(&self, wanted: &CreateDroplet) -> Result<CreatedDroplet, Error> {
        let call = Call::post("/v2/droplets", &[], wanted);
        let envelope = self.0.fetch_envelope(&call, "droplet").await?;
        let action_id = envelope.links.actions.first().map(|action| action.id);
        Ok(CreatedDroplet { droplet: envelope.value, action_id })
    }

    /// Accepted at once, done in seconds: until then the droplet is still found and listed. Treat 404 as done.
    pub async fn destroy(&self, id: DropletId) -> Result<(), Error> {
        self.0.execute(Call::delete("/v2/droplets/{droplet_id}", &[&id])).await
    }

    pub fn snapshots(&self, id: DropletId) -> List<DropletImage> {
        List::new(self.0.clone(), "snapshots", Call::get("/v2/droplets/{droplet_id}/snapshots", &[&id]))
    }

    pub fn backups(&self, id: DropletId) -> List<DropletImage> {
        List::new(self.0.clone(), "backups", Call::get("/v2/droplets/{droplet_id}/backups", &[&id]))
    }

    fn list_of(&self, call: Call) -> List<Droplet> {
        List::new(self.0.clone(), "droplets", call)
    }
}
