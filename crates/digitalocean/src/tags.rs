//! Tags. Tagging what does not exist succeeds: verify by reading the resource.

use serde::{Deserialize, Serialize};

use crate::{Client, DropletId, Error, ImageId, Key, Keyed, List, call::Call, wire::or_default};

open_enum! {
    /// What can be tagged through the tag's own address.
    pub enum TaggableType {
        Droplet = "droplet",
        Image = "image",
        Volume = "volume",
        VolumeSnapshot = "volume_snapshot",
        Database = "database",
    }
}

/// A resource to tag or untag.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Taggable {
    pub resource_id: String,
    pub resource_type: TaggableType,
}

impl From<DropletId> for Taggable {
    fn from(id: DropletId) -> Self {
        Self { resource_id: id.to_string(), resource_type: TaggableType::Droplet }
    }
}

impl From<ImageId> for Taggable {
    fn from(id: ImageId) -> Self {
        Self { resource_id: id.to_string(), resource_type: TaggableType::Image }
    }
}

/// A tag. The capitals it was first written with are its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub resources: TagCounts,
}

/// How many resources bear a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagCounts {
    #[serde(default, deserialize_with = "or_default")]
    pub count: u64,
    pub last_tagged_uri: Option<String>,
}

impl Keyed for Tag {
    fn key(&self) -> Key {
        Key::Text(self.name.clone())
    }
}

#[derive(Serialize)]
struct NewTag<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Tagged<'a> {
    resources: &'a [Taggable],
}

/// `/v2/tags`, by [`Client::tags`].
#[derive(Debug, Clone)]
pub struct Tags(Client);

impl Client {
    pub fn tags(&self) -> Tags {
        Tags(self.clone())
    }
}

impl Tags {
    pub fn list(&self) -> List<Tag> {
        List::new(self.0.clone(), "tags", Call::get("/v2/tags", &[]))
    }

    /// Names are case-sensitive here.
    pub async fn get(&self, name: &str) -> Result<Tag, Error> {
        self.0.fetch(Call::get("/v2/tags/{tag_id}", &[&name]), "tag").await
    }

    /// Letters, digits, `_`, `:` and `-`; at most 255.
    pub async fn create(&self, name: &str) -> Result<Tag, Error> {
        self.0.fetch(Call::post("/v2/tags", &[], &NewTag { name }), "tag").await
    }

    /// The tag must exist.
    pub async fn tag(&self, name: &str, resources: &[Taggable]) -> Result<(), Error> {
        self.0.execute(Call::post("/v2/tags/{tag_id}/resources", &[&name], &Tagged { resources })).await
    }

    pub async fn untag(&self, name: &str, resources: &[Taggable]) -> Result<(), Error> {
        self.0
            .execute(Call::delete("/v2/tags/{tag_id}/resources", &[&name]).with_body(&Tagged { resources }))
            .await
    }
}
