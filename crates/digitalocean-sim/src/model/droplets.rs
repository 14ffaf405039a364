//! Droplets: listings with their lag, destruction with its linger.
//! A destroyed droplet answers for some seconds more, but no longer exists for the account.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::billing::Product;
use super::droplet_actions::BackupPolicy;
use super::images::{Image, ImageType};
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{PENDING_EVENT, Refusal, invalid};
use super::work::Work;
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
    pub(crate) volume_ids: Vec<String>,
    /// The action whose event lock the droplet holds.
    pub(crate) busy_with: Option<u64>,
    /// Whether the lock shows: it does not while the droplet is being created.
    pub(crate) locked: bool,
    /// Destroyed, but still answering.
    pub(crate) leaving: bool,
    /// Until then the API does not find it by its id.
    pub(super) unseen_until: Timestamp,
    pub(super) listed_by_tag: bool,
    pub(super) gpu: bool,
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
    pub(super) living: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DropletFilter {
    All,
    Gpus,
    Tag(String),
    /// Exact, but for case.
    Name(String),
}

impl Account {
    pub(crate) fn droplet(&self, id: u64) -> Result<&Droplet, Refusal> {
        self.droplets.get(&id).ok_or(Refusal::NotFound)
    }

    /// A droplet as the API finds it by its id.
    pub(crate) fn visible_droplet(&self, id: u64) -> Result<&Droplet, Refusal> {
        self.droplet(id).ok().filter(|droplet| droplet.unseen_until <= self.now).ok_or(Refusal::NotFound)
    }

    /// A droplet that has not been destroyed.
    pub(super) fn living(&self, id: u64) -> Result<&Droplet, Refusal> {
        self.droplet(id).ok().filter(|droplet| !droplet.leaving).ok_or(Refusal::NotFound)
    }

    pub(crate) fn living_droplets(&self) -> impl Iterator<Item = &Droplet> {
        self.droplets.values().filter(|droplet| !droplet.leaving)
    }

    /// What a listing shows and has not been destroyed.
    pub(super) fn listed_living_droplets(&self) -> impl Iterator<Item = &Droplet> {
        let shelves = [&self.shelves.plain, &self.shelves.gpu].into_iter().flatten();
        shelves.filter_map(|id| self.living(*id).ok())
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

    pub(crate) fn destroy_droplet(&mut self, id: u64, twist: Twist, by: Origin) -> Result<(), Refusal> {
        let droplet = self.living(id)?;
        if droplet.busy_with.is_some() && by == Origin::Api {
            return invalid(PENDING_EVENT);
        }
        let region = droplet.region.clone();
        self.mark_destroyed(id, by);
        let linger_ms = self.draw(self.timings.droplet_linger).saturating_add(twist.linger_ms);
        self.start_action_taking(linger_ms, Work::Destroy, "droplet", id, &region, twist, by);
        self.schedule(linger_ms, Event::DropletGone(id));
        Ok(())
    }

    /// Destroys every droplet with the tag that is not busy, as the call by tag does.
    pub(crate) fn destroy_tagged(&mut self, tag: &str, twist: Twist, by: Origin) {
        for id in self.tags.droplets(tag) {
            // A busy or vanished one stays; the call answers 204 all the same.
            let _ = self.destroy_droplet(id, twist, by);
        }
    }

    fn mark_destroyed(&mut self, id: u64, by: Origin) {
        self.release_volumes(id, by);
        self.release_ip_of(id, by);
        self.meter_stops(Product::Droplet, id);
        self.meter_stops(Product::Backups, id);
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
            let _ = self.delete_image(backup, Twist::default(), Origin::Provider);
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
        let memory_ms = self.timings.firewall_memory.to_ms;
        self.schedule(memory_ms, Event::FirewallsForget(id));
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
        self.meter_voids(Product::Droplet, id);
        self.meter_voids(Product::Backups, id);
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

pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        return invalid("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)");
    }
    Ok(())
}
