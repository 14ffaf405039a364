//! Block storage. A volume belongs to a region, is attached to at most one droplet, only ever grows, and outlives
//! the droplet it was attached to.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use super::billing::Product;
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, conflict, forbidden, invalid};
use super::tags::{Holder, Tags};
use super::urn::{Urn, UrnKind};
use super::{Account, Twist, Window, after_ms};

#[derive(Debug, Clone)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) size_gigabytes: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) droplet_id: Option<u64>,
    pub(crate) region: String,
    pub(crate) filesystem_type: String,
    pub(crate) filesystem_label: String,
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CreateVolume {
    pub(crate) name: String,
    pub(crate) region: Option<String>,
    pub(crate) size_gigabytes: Option<u64>,
    pub(crate) snapshot_id: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) filesystem_type: Option<String>,
    pub(crate) filesystem_label: Option<String>,
    pub(crate) tags: Option<Vec<String>>,
}

const LARGEST_GIB: u64 = 16 * 1024;
const PER_ACCOUNT: usize = 100;

impl Volume {
    /// Ten cents a gibibyte.
    pub(super) fn monthly_cost(&self) -> Decimal {
        Decimal::from(self.size_gigabytes) * Decimal::new(10, 2)
    }

    fn line(&self) -> String {
        format!("{} ({}) {}GB", self.name, self.region, self.size_gigabytes)
    }
}

impl Account {
    pub(crate) fn volume(&self, id: &str) -> Result<&Volume, Refusal> {
        self.volumes.get(id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn volume_named(&self, name: &str, region: &str) -> Result<&Volume, Refusal> {
        let fits = |volume: &&Volume| volume.name == name && volume.region == region;
        self.volumes.living().find(fits).ok_or(Refusal::NotFound)
    }

    pub(crate) fn list_volumes(
        &self,
        name: Option<&str>,
        region: Option<&str>,
        window: Window,
    ) -> (Vec<&Volume>, usize) {
        window.cut(self.volumes.listed(self.now).filter(|volume| {
            name.is_none_or(|name| volume.name == name) && region.is_none_or(|region| volume.region == region)
        }))
    }

    pub(crate) fn create_volume(
        &mut self,
        request: &CreateVolume,
        twist: Twist,
        by: Origin,
    ) -> Result<String, Refusal> {
        let (region, size_gigabytes) = self.check_volume(request)?;
        let tags = request.tags.clone().unwrap_or_default();
        let id = self.uuid();
        let volume = Volume {
            id: id.clone(),
            name: request.name.clone(),
            description: request.description.clone().unwrap_or_default(),
            size_gigabytes,
            created_at: self.now,
            droplet_id: None,
            region,
            filesystem_type: request.filesystem_type.clone().unwrap_or_default(),
            filesystem_label: request.filesystem_label.clone().unwrap_or_default(),
            tags: Vec::new(),
        };
        let fields = json!({ "size_gigabytes": size_gigabytes, "region": volume.region, "tags": tags });
        self.note(by, ChangeKind::Created, Kind::Volume, &id, &volume.name, fields);
        let urn = Urn::new(UrnKind::Volume, &id);
        self.meter_starts(Product::Volume, &id, volume.line(), volume.monthly_cost(), Some(urn));
        let hidden_until = after_ms(self.now, twist.hide_ms.unwrap_or(0));
        self.volumes.add(&id, volume, hidden_until);
        for tag in tags {
            let tag = self.ensure_tag(&tag, by);
            self.set_holder_tag(&tag, Holder::Volume, &id, true);
        }
        Ok(id)
    }

    fn check_volume(&self, request: &CreateVolume) -> Result<(String, u64), Refusal> {
        let name = &request.name;
        let inner = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !inner || name.len() > 64 || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return invalid("name must be lower case letters, digits and dashes, starting with a letter");
        }
        let origin = match &request.snapshot_id {
            Some(id) => Some(self.volume_snapshots.get(id).ok_or(Refusal::NotFound)?),
            None => None,
        };
        let region = request.region.as_ref().or_else(|| origin.and_then(|it| it.regions.first()));
        let Some(region) = region.and_then(|slug| self.catalogue.region(slug)) else {
            return invalid("region is invalid");
        };
        let least = origin.map_or(1, |it| it.min_disk_size);
        let size_gigabytes = request.size_gigabytes.unwrap_or(if origin.is_some() { least } else { 0 });
        if size_gigabytes < least || size_gigabytes > LARGEST_GIB {
            return invalid(format!("size_gigabytes must lie between {least} and {LARGEST_GIB}"));
        }
        request.tags.iter().flatten().try_for_each(|tag| Tags::check(tag))?;
        if self.volume_named(name, &region.slug).is_ok() {
            return conflict("a volume with this name already exists in the region");
        }
        if self.volumes.living().count() >= PER_ACCOUNT {
            return forbidden(format!("volume limit ({PER_ACCOUNT}) has been reached"));
        }
        Ok((region.slug.clone(), size_gigabytes))
    }

    pub(crate) fn delete_volume(&mut self, id: &str, twist: Twist, by: Origin) -> Result<(), Refusal> {
        if self.volume(id)?.droplet_id.is_some() && by == Origin::Api {
            return conflict("A volume that's attached to a Droplet cannot be deleted. Detach it first.");
        }
        self.place_volume(id, None, by);
        let listed_until = after_ms(self.now, twist.linger_ms);
        let Some(volume) = self.volumes.remove(id, self.now, listed_until) else { return Ok(()) };
        let (name, tags) = (volume.name.clone(), volume.tags.clone());
        for tag in tags {
            self.set_holder_tag(&tag, Holder::Volume, id, false);
        }
        self.meter_stops(Product::Volume, id);
        self.note(by, ChangeKind::Destroyed, Kind::Volume, id, &name, json!({}));
        Ok(())
    }

    /// Attaches the volume, or detaches it, at both ends.
    pub(super) fn place_volume(&mut self, id: &str, droplet_id: Option<u64>, by: Origin) {
        let Some(volume) = self.volumes.get_mut(id).filter(|it| it.droplet_id != droplet_id) else { return };
        let before = std::mem::replace(&mut volume.droplet_id, droplet_id);
        let name = volume.name.clone();
        if let Some(droplet) = before.and_then(|before| self.droplets.get_mut(&before)) {
            droplet.volume_ids.retain(|other| other != id);
        }
        if let Some(droplet) = droplet_id.and_then(|after| self.droplets.get_mut(&after)) {
            droplet.volume_ids.push(id.to_owned());
        }
        self.note(by, ChangeKind::Changed, Kind::Volume, id, &name, json!({ "droplet_id": droplet_id }));
    }

    pub(super) fn grow_volume(&mut self, id: &str, size_gigabytes: u64, by: Origin) {
        let Some(volume) = self.volumes.get_mut(id) else { return };
        volume.size_gigabytes = size_gigabytes;
        let (name, line, cost) = (volume.name.clone(), volume.line(), volume.monthly_cost());
        self.note(
            by,
            ChangeKind::Changed,
            Kind::Volume,
            id,
            &name,
            json!({ "size_gigabytes": size_gigabytes }),
        );
        let urn = Urn::new(UrnKind::Volume, id);
        self.meter_starts(Product::Volume, id, line, cost, Some(urn));
    }

    pub(super) fn rename_volume(&mut self, id: &str, name: &str) {
        let Some(volume) = self.volumes.get_mut(id) else { return };
        name.clone_into(&mut volume.name);
        let line = volume.line();
        self.meter_renames(Product::Volume, id, line);
    }

    /// A droplet that is destroyed lets go of its volumes.
    pub(super) fn release_volumes(&mut self, droplet_id: u64, by: Origin) {
        let held: Vec<String> =
            self.droplets.get(&droplet_id).map(|it| it.volume_ids.clone()).unwrap_or_default();
        for id in held {
            self.place_volume(&id, None, by);
        }
    }
}
