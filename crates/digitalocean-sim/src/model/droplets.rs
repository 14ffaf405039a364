//! Droplets: creation with all its refusals, listings with their lag, destruction with its linger.
//! A destroyed droplet answers for some seconds more, but no longer exists for the account.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actions::Work;
use super::droplet_actions::BackupPolicy;
use super::images::{Image, ImageKey, ImageType};
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{PENDING_EVENT, Refusal, invalid};
use super::tags::Tags;
use super::{Account, Event, Twist, Window};

#[derive(Debug, Clone)]
pub(crate) struct Droplet {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) size: String,
    pub(crate) region: String,
    pub(crate) memory: u64,
    pub(crate) vcpus: u32,
    pub(crate) disk: u64,
    pub(crate) image: Arc<Image>,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: Vec<String>,
    pub(crate) networks: Option<Networks>,
    pub(crate) vpc_uuid: String,
    pub(crate) backups: Option<BackupPolicy>,
    pub(crate) next_backup_at: Option<Timestamp>,
    pub(crate) ipv6: bool,
    pub(crate) monitoring: bool,
    pub(crate) public_networking: bool,
    pub(crate) backup_ids: Vec<u64>,
    pub(crate) snapshot_ids: Vec<u64>,
    /// The action whose event lock the droplet holds.
    pub(crate) busy_with: Option<u64>,
    /// Whether the lock shows: it does not while the droplet is being created.
    pub(crate) locked: bool,
    /// Destroyed, but still answering.
    pub(crate) leaving: bool,
    listed_by_tag: bool,
    gpu: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    New,
    Active,
    Off,
    Archive,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Networks {
    pub(crate) public: Option<Ipv4Addr>,
    pub(crate) private: Ipv4Addr,
}

/// Which droplets the listings show at the moment.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    plain: BTreeSet<u64>,
    gpu: BTreeSet<u64>,
    by_tag: BTreeMap<String, BTreeSet<u64>>,
    /// How many exist, listed or not.
    living: usize,
}

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
    pub(crate) public_networking: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum KeyRef {
    Id(u64),
    Fingerprint(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DropletFilter {
    All,
    Gpus,
    Tag(String),
    /// Exact, but for case.
    Name(String),
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
    pub(crate) fn droplet(&self, id: u64) -> Result<&Droplet, Refusal> {
        self.droplets.get(&id).ok_or(Refusal::NotFound)
    }

    /// A droplet that has not been destroyed.
    pub(super) fn living(&self, id: u64) -> Result<&Droplet, Refusal> {
        self.droplet(id).ok().filter(|droplet| !droplet.leaving).ok_or(Refusal::NotFound)
    }

    pub(crate) fn living_droplets(&self) -> impl Iterator<Item = &Droplet> {
        self.droplets.values().filter(|droplet| !droplet.leaving)
    }

    pub(crate) fn list_droplets(&self, filter: &DropletFilter, window: Window) -> (Vec<&Droplet>, usize) {
        let (ids, total) = match filter {
            DropletFilter::All => window.cut_set(&self.shelves.plain),
            DropletFilter::Gpus => window.cut_set(&self.shelves.gpu),
            DropletFilter::Tag(tag) => {
                self.shelves.by_tag.get(tag).map(|set| window.cut_set(set)).unwrap_or_default()
            }
            DropletFilter::Name(name) => window.cut(self.shelves.plain.iter().copied().filter(|id| {
                self.droplets.get(id).is_some_and(|droplet| droplet.name.eq_ignore_ascii_case(name))
            })),
        };
        (ids.iter().filter_map(|id| self.droplets.get(id)).collect(), total)
    }

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
            vpc_uuid: request.vpc_uuid.clone().unwrap_or_else(|| default_vpc(&wanted.region)),
            backups: with_backups.then(|| request.backup_policy.clone().unwrap_or_default()),
            next_backup_at: None,
            ipv6: request.ipv6 == Some(true),
            monitoring: request.monitoring == Some(true),
            public_networking: request.public_networking != Some(false),
            backup_ids: Vec::new(),
            snapshot_ids: Vec::new(),
            busy_with: Some(action_id),
            locked: false,
            leaving: false,
            listed_by_tag: false,
        };
        let fields = json!({ "size_slug": droplet.size, "region": droplet.region, "image": droplet.image.slug, "tags": tags });
        self.note(by, ChangeKind::Created, Kind::Droplet, id, name, fields);
        self.droplets.insert(id, droplet);
        self.shelves.living += 1;
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

    pub(crate) fn destroy_droplet(&mut self, id: u64, by: Origin) -> Result<(), Refusal> {
        let droplet = self.living(id)?;
        if droplet.busy_with.is_some() && by == Origin::Api {
            return invalid(PENDING_EVENT);
        }
        let region = droplet.region.clone();
        self.mark_destroyed(id, by);
        let linger_ms = self.draw(self.timings.droplet_linger);
        let twist = Twist::default();
        self.start_action_taking(linger_ms, Work::Destroy, "droplet", id, &region, twist, by);
        self.schedule(linger_ms, Event::DropletGone(id));
        Ok(())
    }

    /// Destroys every droplet with the tag that is not busy, as the call by tag does.
    pub(crate) fn destroy_tagged(&mut self, tag: &str, by: Origin) {
        for id in self.tags.droplets(tag) {
            // A busy or vanished one stays; the call answers 204 all the same.
            let _ = self.destroy_droplet(id, by);
        }
    }

    fn mark_destroyed(&mut self, id: u64, by: Origin) {
        let Some(droplet) = self.droplets.get_mut(&id) else { return };
        droplet.leaving = true;
        self.shelves.living -= 1;
        let (name, backups) = (droplet.name.clone(), droplet.backup_ids.clone());
        let tags = droplet.tags.clone();
        for tag in &tags {
            self.tags.untag_droplet(tag, id);
        }
        self.note(by, ChangeKind::Destroyed, Kind::Droplet, id, &name, json!({}));
        let hidden_backups: Vec<u64> = self
            .images
            .values()
            .filter(|image| image.droplet_id == Some(id) && image.image_type == ImageType::Backup)
            .map(|image| image.id)
            .filter(|image_id| !backups.contains(image_id))
            .collect();
        for backup in backups.into_iter().chain(hidden_backups) {
            // Already deleted by hand: nothing is left to remove.
            let _ = self.delete_image(backup, Origin::Provider);
        }
    }

    pub(super) fn droplet_listed(&mut self, id: u64) {
        let Some(droplet) = self.droplets.get(&id) else { return };
        let shelf = if droplet.gpu { &mut self.shelves.gpu } else { &mut self.shelves.plain };
        shelf.insert(id);
    }

    pub(super) fn droplet_listed_by_tag(&mut self, id: u64) {
        let Some(droplet) = self.droplets.get_mut(&id) else { return };
        droplet.listed_by_tag = true;
        for tag in &droplet.tags {
            self.shelves.by_tag.entry(tag.clone()).or_default().insert(id);
        }
    }

    pub(super) fn droplet_gone(&mut self, id: u64) {
        let Some(droplet) = self.droplets.remove(&id) else { return };
        self.shelves.plain.remove(&id);
        self.shelves.gpu.remove(&id);
        for tag in &droplet.tags {
            self.unshelve(id, tag);
        }
        if let Some(public) = droplet.networks.and_then(|networks| networks.public) {
            self.addresses.give_back(public);
        }
    }

    /// Accepted, and then the provider found no room: as if it had never been.
    pub(super) fn droplet_lost(&mut self, id: u64) {
        let Ok(droplet) = self.living(id) else { return };
        if let Some(action) = droplet.busy_with.and_then(|action_id| self.actions.get_mut(&action_id)) {
            action.twist.error_action = true;
        }
        self.mark_destroyed(id, Origin::Provider);
        self.droplet_gone(id);
    }

    pub(super) fn put_tag(&mut self, droplet_id: u64, tag: &str) {
        let Some(droplet) = self.droplets.get_mut(&droplet_id) else { return };
        if droplet.tags.iter().any(|other| other == tag) {
            return;
        }
        droplet.tags.push(tag.to_owned());
        let listed = droplet.listed_by_tag;
        self.tags.tag_droplet(tag, droplet_id);
        if listed {
            self.shelves.by_tag.entry(tag.to_owned()).or_default().insert(droplet_id);
        }
    }

    pub(super) fn drop_tag(&mut self, droplet_id: u64, tag: &str) {
        if let Some(droplet) = self.droplets.get_mut(&droplet_id) {
            droplet.tags.retain(|other| other != tag);
        }
        self.tags.untag_droplet(tag, droplet_id);
        self.unshelve(droplet_id, tag);
    }

    fn unshelve(&mut self, droplet_id: u64, tag: &str) {
        if let Some(shelf) = self.shelves.by_tag.get_mut(tag) {
            shelf.remove(&droplet_id);
            if shelf.is_empty() {
                self.shelves.by_tag.remove(tag);
            }
        }
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

pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        return invalid("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)");
    }
    Ok(())
}

/// The same for every droplet of a region that names no network of its own.
fn default_vpc(region: &str) -> String {
    let mut bytes = [0x5a_u8; 16];
    bytes.iter_mut().zip(region.bytes()).for_each(|(byte, letter)| *byte ^= letter);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
