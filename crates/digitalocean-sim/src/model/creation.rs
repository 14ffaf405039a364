//! Creating droplets: every refusal comes before anything is made, so that a request works whole or not at all.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::droplet_actions::BackupPolicy;
use super::droplets::{Droplet, Status, check_name};
use super::images::{Image, ImageKey};
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, invalid};
use super::tags::Tags;
use super::work::Work;
use super::{Account, Event, Twist, after_ms};

/// The body of `POST /v2/droplets`, as far as it has a meaning here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CreateDroplet {
    pub(crate) name: Option<String>,
    pub(crate) names: Option<Vec<String>>,
    pub(crate) region: Option<String>,
    pub(crate) size: Option<String>,
    pub(crate) image: Option<ImageKey>,
    pub(crate) ssh_keys: Option<Vec<KeyRef>>,
    pub(crate) backups: Option<bool>,
    pub(crate) backup_policy: Option<BackupPolicy>,
    pub(crate) ipv6: Option<bool>,
    pub(crate) monitoring: Option<bool>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) user_data: Option<String>,
    pub(crate) vpc_uuid: Option<String>,
    pub(crate) volumes: Option<Vec<String>>,
    pub(crate) public_networking: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum KeyRef {
    Id(u64),
    Fingerprint(String),
}

const NAMES_PER_REQUEST: usize = 10;
const USER_DATA_LIMIT_BYTES: usize = 64 * 1024;

/// What a valid request comes to.
struct Wanted {
    region: String,
    size: String,
    image: Arc<Image>,
    tags: Vec<String>,
}

impl Account {
    /// Creates one droplet for each name, or none at all. Answers the pairs of droplet and create action.
    pub(crate) fn create_droplets(
        &mut self,
        request: &CreateDroplet,
        twist: Twist,
        by: Origin,
    ) -> Result<Vec<(u64, u64)>, Refusal> {
        let names = names(request)?;
        let wanted = self.validate(request, names.len())?;
        let tags: Vec<String> = wanted.tags.iter().map(|tag| self.ensure_tag(tag, by)).collect();
        Ok(names.iter().map(|name| self.build(name, request, &wanted, &tags, twist, by)).collect())
    }

    fn validate(&self, request: &CreateDroplet, count: usize) -> Result<Wanted, Refusal> {
        let Some(size) = request.size.as_deref().and_then(|slug| self.catalogue.size(slug)) else {
            return invalid("You specified an invalid size for Droplet creation.");
        };
        let image = match &request.image {
            Some(key) => self.image(key).ok(),
            None => None,
        };
        let Some(image) = image.cloned() else {
            return invalid("You specified an invalid image for Droplet creation.");
        };
        let region = match &request.region {
            Some(slug) => self.catalogue.region(slug),
            None => size.regions.first().and_then(|slug| self.catalogue.region(slug)),
        };
        let Some(region) = region else {
            return invalid("You specified an invalid region for Droplet creation.");
        };
        if !size.available || !size.regions.contains(&region.slug) {
            return invalid("Size is not available in this region.");
        }
        if !image.regions.contains(&region.slug) {
            return invalid("Image is not available in this region.");
        }
        if size.disk < image.min_disk_size {
            return invalid("Cannot create a droplet with a smaller disk than the image.");
        }
        self.validate_extras(request)?;
        self.validate_places(request, &region.slug, count)?;
        let tags = request.tags.clone().unwrap_or_default();
        tags.iter().try_for_each(|tag| Tags::check(tag))?;
        if self.shelves.living + count > self.droplet_limit as usize {
            return invalid("creating this/these droplet(s) will exceed your droplet limit");
        }
        Ok(Wanted { region: region.slug.clone(), size: size.slug.clone(), image, tags })
    }

    fn validate_extras(&self, request: &CreateDroplet) -> Result<(), Refusal> {
        let unknown: Vec<String> = request
            .ssh_keys
            .iter()
            .flatten()
            .filter(|key| !self.knows_key(key))
            .map(|key| match key {
                KeyRef::Id(id) => id.to_string(),
                KeyRef::Fingerprint(text) => text.clone(),
            })
            .collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            return invalid(format!("{unknown} are invalid key identifiers for Droplet creation."));
        }
        if request.user_data.as_ref().is_some_and(|data| data.len() > USER_DATA_LIMIT_BYTES) {
            return invalid("User data is too long (maximum is 64 KiB).");
        }
        if request.public_networking == Some(false) && request.ipv6 == Some(true) {
            return invalid("IPv6 can not be enabled without public networking.");
        }
        request.backup_policy.as_ref().map_or(Ok(()), BackupPolicy::check)
    }

    fn validate_places(&self, request: &CreateDroplet, region: &str, count: usize) -> Result<(), Refusal> {
        if let Some(id) = &request.vpc_uuid
            && self.vpc(id).is_err()
        {
            return Err(Refusal::Missing("Failed to resolve VPC".to_owned()));
        }
        let volumes = request.volumes.iter().flatten();
        let free = |id: &String| {
            self.volume(id).is_ok_and(|it| it.droplet_id.is_none() && it.region == region) && count == 1
        };
        if volumes.into_iter().all(free) {
            Ok(())
        } else {
            invalid("a volume must exist in the region and be attached to no other Droplet")
        }
    }

    fn build(
        &mut self,
        name: &str,
        request: &CreateDroplet,
        wanted: &Wanted,
        tags: &[String],
        twist: Twist,
        by: Origin,
    ) -> (u64, u64) {
        let id = self.ids.droplet();
        let action_id = self.start_action(Work::Create, "droplet", id, &wanted.region, twist, by);
        let vpc_uuid = match &request.vpc_uuid {
            Some(id) => id.clone(),
            None => self.ensure_default_vpc(&wanted.region),
        };
        let size = &self.catalogue.sizes[&wanted.size];
        let with_backups = request.backups == Some(true) || request.backup_policy.is_some();
        let droplet = Droplet {
            id,
            name: name.to_owned(),
            status: Status::New,
            memory: size.memory,
            vcpus: size.vcpus,
            disk: size.disk,
            gpu: size.gpu_info.is_some(),
            size: wanted.size.clone(),
            region: wanted.region.clone(),
            image: Arc::clone(&wanted.image),
            created_at: self.now,
            tags: Vec::new(),
            networks: None,
            vpc_uuid,
            backups: with_backups.then(|| request.backup_policy.clone().unwrap_or_default()),
            next_backup_at: None,
            ipv6: request.ipv6 == Some(true),
            monitoring: request.monitoring == Some(true),
            public_networking: request.public_networking != Some(false),
            backup_ids: Vec::new(),
            snapshot_ids: Vec::new(),
            volume_ids: Vec::new(),
            busy_with: Some(action_id),
            locked: false,
            leaving: false,
            unseen_until: after_ms(self.now, twist.not_yet_ms),
            listed_by_tag: false,
        };
        let fields = json!({ "size_slug": droplet.size, "region": droplet.region, "image": droplet.image.slug, "tags": tags });
        self.note(by, ChangeKind::Created, Kind::Droplet, id, name, fields);
        self.droplets.insert(id, droplet);
        self.shelves.living += 1;
        self.meter_droplet(id);
        self.meter_backups(id);
        for volume in request.volumes.iter().flatten() {
            self.place_volume(volume, Some(id), by);
        }
        for tag in tags {
            self.put_tag(id, tag);
        }
        let hide_ms = twist.hide_ms.unwrap_or(0);
        let list_lag_ms = self.draw(self.timings.droplet_list_lag).max(hide_ms);
        let tag_lag_ms = self.draw(self.timings.droplet_tag_lag).max(hide_ms);
        self.schedule(list_lag_ms, Event::DropletListed(id));
        self.schedule(tag_lag_ms, Event::DropletListedByTag(id));
        if let Some(vanish_ms) = twist.vanish_ms {
            self.schedule(vanish_ms, Event::DropletLost(id));
        }
        (id, action_id)
    }
}

fn names(request: &CreateDroplet) -> Result<Vec<String>, Refusal> {
    let names = match (&request.name, &request.names) {
        (Some(name), None) => vec![name.clone()],
        (None, Some(names)) if !names.is_empty() => names.clone(),
        (Some(_), Some(_)) => return invalid("You specified both a name and names for Droplet creation."),
        _ => return invalid("You specified an invalid name for Droplet creation."),
    };
    if names.len() > NAMES_PER_REQUEST {
        return invalid("You can create at most 10 Droplets at once.");
    }
    names.iter().try_for_each(|name| check_name(name))?;
    Ok(names)
}
