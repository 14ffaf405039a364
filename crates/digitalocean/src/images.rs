//! Images: the distributions on offer, and the account's own (snapshots, backups, uploads).

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    Client, Error, Key, Keyed, List,
    call::Call,
    wire::{optional_decimal, or_default},
};

number_id! {
    /// An image's id; a droplet snapshot has the same number as its image.
    ImageId
}

open_enum! {
    /// Where an image comes from.
    pub enum ImageType { Base = "base", Snapshot = "snapshot", Backup = "backup", Custom = "custom", Admin = "admin" }
}

open_enum! {
    /// Whether an image can be used.
    pub enum ImageStatus {
        New = "NEW",
        Available = "available",
        Pending = "pending",
        Deleted = "deleted",
        Retired = "retired",
    }
}

/// An image. Inside a droplet it may have few keys once the image itself is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub id: ImageId,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Option<ImageType>,
    pub distribution: Option<String>,
    /// Public images only. The same slug gets a new id with each refresh.
    pub slug: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub public: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub regions: Vec<String>,
    pub created_at: Option<Timestamp>,
    /// GiB: a droplet's disk may not be smaller.
    pub min_disk_size: Option<u64>,
    #[serde(default, deserialize_with = "optional_decimal")]
    pub size_gigabytes: Option<Decimal>,
    pub description: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    pub status: Option<ImageStatus>,
    pub error_message: Option<String>,
}

impl Keyed for Image {
    fn key(&self) -> Key {
        Key::Number(self.id.0)
    }
}

/// An image by id, or a public one by slug.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ImageRef {
    Id(ImageId),
    Slug(String),
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
        }
    }
}

impl Default for ImageRef {
    /// An empty slug, which the API refuses.
    fn default() -> Self {
        Self::Slug(String::new())
    }
}

impl From<ImageId> for ImageRef {
    fn from(id: ImageId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for ImageRef {
    fn from(slug: &str) -> Self {
        Self::Slug(slug.to_owned())
    }
}

impl From<String> for ImageRef {
    fn from(slug: String) -> Self {
        Self::Slug(slug)
    }
}

/// `/v2/images`, by [`Client::images`].
#[derive(Debug, Clone)]
pub struct Images(Client);

impl Client {
    pub fn images(&self) -> Images {
        Images(self.clone())
    }
}

impl Images {
    /// Every image the account may use.
    pub fn list(&self) -> List<Image> {
        self.list_of(Call::get("/v2/images", &[]))
    }

    /// Distributions only.
    pub fn list_distributions(&self) -> List<Image> {
        self.list_of(Call::get("/v2/images", &[]).query("type", "distribution"))
    }

    /// The account's own: snapshots, backups, custom images.
    pub fn list_private(&self) -> List<Image> {
        self.list_of(Call::get("/v2/images", &[]).query("private", true))
    }

    /// By id or slug.
    pub async fn get(&self, image: impl Into<ImageRef>) -> Result<Image, Error> {
        self.0.fetch(Call::get("/v2/images/{image_id}", &[&image.into()]), "image").await
    }

    fn list_of(&self, call: Call) -> List<Image> {
        List::new(self.0.clone(), "images", call)
    }
}
