//! Block storage volumes. They survive the droplet they are attached to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Client, DropletId, Error, Key, Keyed, List, Region, call::Call, wire::or_default};

text_id! {
    /// A volume's UUID.
    VolumeId
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub id: VolumeId,
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// GiB.
    pub size_gigabytes: u64,
    pub created_at: Option<Timestamp>,
    /// None or one.
    #[serde(default, deserialize_with = "or_default")]
    pub droplet_ids: Vec<DropletId>,
    pub region: Option<Region>,
    pub filesystem_type: Option<String>,
    pub filesystem_label: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
}

impl Keyed for Volume {
    fn key(&self) -> Key {
        Key::Text(self.id.0.clone())
    }
}

/// `/v2/volumes`, by [`Client::volumes`].
#[derive(Debug, Clone)]
pub struct Volumes(Client);

impl Client {
    pub fn volumes(&self) -> Volumes {
        Volumes(self.clone())
    }
}

impl Volumes {
    pub fn list(&self) -> List<Volume> {
        List::new(self.0.clone(), "volumes", Call::get("/v2/volumes", &[]))
    }

    pub async fn get(&self, id: &VolumeId) -> Result<Volume, Error> {
        self.0.fetch(Call::get("/v2/volumes/{volume_id}", &[id]), "volume").await
    }
}
