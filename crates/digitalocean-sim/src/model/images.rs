//! Images: the public ones of the catalogue, and the snapshots and backups that droplets leave behind.
//! A droplet snapshot is an image with the same id; deleting either removes both.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::billing::Product;
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, invalid};
use super::{Account, Event, Twist, Window};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Image {
    pub(crate) id: u64,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) image_type: ImageType,
    pub(crate) distribution: String,
    pub(crate) slug: Option<String>,
    pub(crate) public: bool,
    pub(crate) regions: Vec<String>,
    #[serde(serialize_with = "super::seconds")]
    pub(crate) created_at: Timestamp,
    pub(crate) min_disk_size: u64,
    pub(crate) size_gigabytes: f64,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) status: &'static str,
    #[serde(skip)]
    pub(crate) droplet_id: Option<u64>,
    #[serde(skip)]
    pub(crate) application: bool,
    /// Deleted, and still listed for a moment.
    #[serde(skip)]
    pub(crate) leaving: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ImageType {
    Base,
    Snapshot,
    Backup,
}

impl Image {
    pub(crate) fn log_kind(&self) -> Kind {
        if self.image_type == ImageType::Backup { Kind::DropletBackup } else { Kind::Snapshot }
    }

    /// Six cents per gigabyte and month, at least one cent.
    pub(crate) fn monthly_cost(&self) -> Decimal {
        let size = Decimal::from_f64(self.size_gigabytes).unwrap_or_default();
        (size * Decimal::new(6, 2)).round_dp(2).max(Decimal::new(1, 2))
    }
}

/// How a request names an image: a number, or the slug of a public one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum ImageKey {
    Id(u64),
    Slug(String),
}

impl ImageKey {
    pub(crate) fn parse(text: &str) -> ImageKey {
        text.parse().map_or_else(|_| ImageKey::Slug(text.to_owned()), ImageKey::Id)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ImageFilter {
    pub(crate) application: Option<bool>,
    pub(crate) private: bool,
    pub(crate) tag: Option<String>,
}

impl Account {
    pub(crate) fn image(&self, key: &ImageKey) -> Result<&Arc<Image>, Refusal> {
        let public = || {
            self.catalogue.images.iter().find(|image| match key {
                ImageKey::Id(id) => image.id == *id,
                ImageKey::Slug(slug) => image.slug.as_deref() == Some(slug) || image.id.to_string() == *slug,
            })
        };
        let own = match key {
            ImageKey::Id(id) => self.images.get(id),
            ImageKey::Slug(text) => text.parse().ok().and_then(|id: u64| self.images.get(&id)),
        };
        own.filter(|image| !image.leaving).or_else(public).ok_or(Refusal::NotFound)
    }

    pub(crate) fn list_images(&self, filter: &ImageFilter, window: Window) -> (Vec<Arc<Image>>, usize) {
        let own = self.listed_images.iter().filter_map(|id| self.images.get(id));
        let public = self.catalogue.images.iter().filter(|_| !filter.private);
        let wanted = public.chain(own).filter(|image| {
            filter.application.is_none_or(|wanted| image.public && image.application == wanted)
                && filter.tag.as_ref().is_none_or(|tag| image.tags.contains(tag))
        });
        window.cut(wanted.cloned())
    }

    /// What of a droplet's images of one type is listed, oldest first.
    pub(crate) fn droplet_images(
        &self,
        droplet_id: u64,
        image_type: ImageType,
        window: Window,
    ) -> Result<(Vec<Arc<Image>>, usize), Refusal> {
        let droplet = self.droplet(droplet_id)?;
        let ids = match image_type {
            ImageType::Backup => &droplet.backup_ids,
            ImageType::Snapshot | ImageType::Base => &droplet.snapshot_ids,
        };
        Ok(window.cut(ids.iter().filter_map(|id| self.images.get(id)).cloned()))
    }

    pub(crate) fn snapshot(&self, id: u64) -> Result<&Arc<Image>, Refusal> {
        let image = self.image(&ImageKey::Id(id))?;
        if image.image_type == ImageType::Snapshot {
            return Ok(image);
        }
        Err(Refusal::Malformed("the resource is not a snapshot".to_owned()))
    }

    pub(crate) fn listed_snapshots(&self) -> impl Iterator<Item = &Arc<Image>> {
        let listed = self.listed_images.iter().filter_map(|id| self.images.get(id));
        listed.filter(|image| image.image_type == ImageType::Snapshot)
    }

    pub(crate) fn delete_snapshot(&mut self, id: u64, twist: Twist, by: Origin) -> Result<(), Refusal> {
        self.snapshot(id)?;
        self.delete_image(id, twist, by)
    }

    pub(crate) fn delete_image(&mut self, id: u64, twist: Twist, by: Origin) -> Result<(), Refusal> {
        if self.image(&ImageKey::Id(id))?.public {
            return invalid("You can not delete a public image.");
        }
        let linger_ms = self.draw(self.timings.snapshot_linger).saturating_add(twist.linger_ms);
        let Some(image) = self.images.get_mut(&id) else { return Err(Refusal::NotFound) };
        Arc::make_mut(image).leaving = true;
        let image = Arc::clone(image);
        self.note(by, ChangeKind::Destroyed, image.log_kind(), id, &image.name, json!({}));
        self.meter_stops(Product::DropletSnapshot, id);
        self.schedule(linger_ms, Event::ImageGone(id));
        Ok(())
    }

    pub(crate) fn rename_image(&mut self, id: u64, name: &str, by: Origin) -> Result<Arc<Image>, Refusal> {
        if self.image(&ImageKey::Id(id))?.public {
            return invalid("You can not rename a public image.");
        }
        let Some(image) = self.images.get_mut(&id) else { return Err(Refusal::NotFound) };
        Arc::make_mut(image).name = name.to_owned();
        let image = Arc::clone(image);
        self.meter_renames(Product::DropletSnapshot, id, name.to_owned());
        self.note(by, ChangeKind::Changed, image.log_kind(), id, name, json!({ "name": name }));
        Ok(image)
    }

    /// Makes a snapshot or backup of a droplet; it exists at once and is listed after `list_lag_ms`.
    pub(crate) fn keep_image(
        &mut self,
        droplet_id: u64,
        image_type: ImageType,
        name: String,
        list_lag_ms: u64,
        by: Origin,
    ) -> Option<u64> {
        let size_gigabytes = f64::from(self.random.u32(150..=420)) / 100.0;
        self.keep_image_of(size_gigabytes, droplet_id, image_type, name, list_lag_ms, by)
    }

    /// As `keep_image`, of a known size.
    pub(crate) fn keep_image_of(
        &mut self,
        size_gigabytes: f64,
        droplet_id: u64,
        image_type: ImageType,
        name: String,
        list_lag_ms: u64,
        by: Origin,
    ) -> Option<u64> {
        let droplet = self.droplets.get(&droplet_id)?;
        let id = self.ids.image();
        let image = Image {
            id,
            name,
            image_type,
            distribution: droplet.image.distribution.clone(),
            slug: None,
            public: false,
            regions: vec![droplet.region.clone()],
            created_at: self.now,
            min_disk_size: droplet.disk,
            size_gigabytes,
            description: String::new(),
            tags: Vec::new(),
            status: "available",
            droplet_id: Some(droplet_id),
            application: false,
            leaving: false,
        };
        let fields = json!({ "droplet_id": droplet_id, "size_gigabytes": size_gigabytes });
        self.note(by, ChangeKind::Created, image.log_kind(), id, &image.name, fields);
        self.images.insert(id, Arc::new(image));
        self.meter_image(id);
        self.schedule(list_lag_ms, Event::ImageListed(id));
        Some(id)
    }

    pub(super) fn image_listed(&mut self, id: u64) {
        let Some(image) = self.images.get(&id) else { return };
        if image.leaving {
            return;
        }
        self.listed_images.insert(id);
        let owner = image.droplet_id.and_then(|droplet_id| self.droplets.get_mut(&droplet_id));
        if let Some(droplet) = owner {
            match image.image_type {
                ImageType::Backup => droplet.backup_ids.push(id),
                ImageType::Snapshot | ImageType::Base => droplet.snapshot_ids.push(id),
            }
        }
    }

    pub(super) fn image_gone(&mut self, id: u64) {
        let Some(image) = self.images.remove(&id) else { return };
        self.listed_images.remove(&id);
        for tag in &image.tags {
            self.tags.untag_image(tag, id);
        }
        let owner = image.droplet_id.and_then(|droplet_id| self.droplets.get_mut(&droplet_id));
        if let Some(droplet) = owner {
            droplet.backup_ids.retain(|other| *other != id);
            droplet.snapshot_ids.retain(|other| *other != id);
        }
    }
}
