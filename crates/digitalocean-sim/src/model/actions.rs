//! Actions: what was asked of a droplet or image, running until its time has come. They never disappear.
//! Errored ones carry no reason, and the droplet's event lock may outlive its action.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::droplets::{Networks, Status};
use super::images::{ImageKey, ImageType};
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, invalid};
use super::work::Work;
use super::{Account, Event, Twist, Window};
use std::net::Ipv4Addr;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub(crate) id: u64,
    pub(crate) status: ActionStatus,
    pub(crate) work: Work,
    pub(crate) started_at: Timestamp,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) resource_id: u64,
    pub(crate) resource_type: &'static str,
    pub(crate) region: String,
    pub(super) twist: Twist,
    by: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ActionStatus {
    InProgress,
    Completed,
    Errored,
}

impl Account {
    pub(crate) fn action(&self, id: u64) -> Result<&Action, Refusal> {
        self.actions.get(&id).ok_or(Refusal::NotFound)
    }

    /// Newest first.
    pub(super) fn all_actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.values().rev()
    }

    /// The whole account's history, newest first.
    pub(crate) fn list_actions(&self, window: Window) -> (Vec<&Action>, usize) {
        let page = self.actions.values().rev().skip(window.skipped()).take(window.per_page).collect();
        (page, self.actions.len())
    }

    pub(crate) fn list_droplet_actions(
        &self,
        droplet_id: u64,
        window: Window,
    ) -> Result<(Vec<&Action>, usize), Refusal> {
        self.droplet(droplet_id)?;
        let ids = self.droplet_actions.get(&droplet_id).map(Vec::as_slice).unwrap_or_default();
        Ok(window.cut(ids.iter().rev().filter_map(|id| self.actions.get(id))))
    }

    pub(crate) fn list_image_actions(
        &self,
        image_id: u64,
        window: Window,
    ) -> Result<(Vec<&Action>, usize), Refusal> {
        self.image(&ImageKey::Id(image_id))?;
        let of_image = |action: &&Action| action.resource_type == "image" && action.resource_id == image_id;
        Ok(window.cut(self.actions.values().rev().filter(of_image)))
    }

    /// Starts `transfer` (the image becomes available in another region) or `convert` (a backup becomes a snapshot).
    pub(crate) fn act_on_image(
        &mut self,
        image_id: u64,
        name: &str,
        region: Option<&str>,
        twist: Twist,
    ) -> Result<u64, Refusal> {
        let image = self.image(&ImageKey::Id(image_id))?;
        let work = match (name, region.and_then(|slug| self.catalogue.region(slug))) {
            _ if image.public => return invalid("You can not act on a public image."),
            ("transfer", Some(region)) => Work::Transfer { region: region.slug.clone() },
            ("transfer", None) => return invalid("You specified an invalid region for Image transfer."),
            ("convert", _) if image.image_type == ImageType::Backup => Work::Convert,
            ("convert", _) => return invalid("Image is not a backup."),
            _ => return invalid("You specified an invalid action type."),
        };
        let at = image.regions.first().cloned().unwrap_or_default();
        Ok(self.start_action(work, "image", image_id, &at, twist, Origin::Api))
    }

    pub(super) fn start_action(
        &mut self,
        work: Work,
        resource_type: &'static str,
        resource_id: u64,
        region: &str,
        twist: Twist,
        by: Origin,
    ) -> u64 {
        let span = match work {
            Work::Create => self.timings.boot,
            Work::Destroy => self.timings.droplet_linger,
            Work::PowerOn | Work::PowerOff | Work::Shutdown | Work::Reboot | Work::PowerCycle => {
                self.timings.power
            }
            Work::Snapshot { .. } => self.timings.snapshot,
            Work::Resize { .. } => self.timings.resize,
            Work::Rebuild { .. } | Work::Restore { .. } | Work::Transfer { .. } | Work::Convert => {
                self.timings.rebuild
            }
            Work::AttachVolume { .. }
            | Work::DetachVolume { .. }
            | Work::AssignIp { .. }
            | Work::UnassignIp { .. } => self.timings.attach,
            _ => self.timings.quick,
        };
        let takes_ms = self.draw(span).saturating_add(twist.slow_ms);
        self.start_action_taking(takes_ms, work, resource_type, resource_id, region, twist, by)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "an action is made of these, and only two callers make one"
    )]
    pub(super) fn start_action_taking(
        &mut self,
        takes_ms: u64,
        work: Work,
        resource_type: &'static str,
        resource_id: u64,
        region: &str,
        twist: Twist,
        by: Origin,
    ) -> u64 {
        let id = self.ids.action();
        if let (Work::Resize { size, disk }, false) = (&work, twist.error_action || twist.no_effect) {
            let event = Event::SizeFlips { droplet_id: resource_id, size: size.clone(), disk: *disk };
            let flip_ms = self.draw(self.timings.resize_flip).min(takes_ms);
            self.schedule(flip_ms, event);
        }
        let action = Action {
            id,
            status: ActionStatus::InProgress,
            work,
            started_at: self.now,
            completed_at: None,
            resource_id,
            resource_type,
            region: region.to_owned(),
            twist,
            by,
        };
        self.actions.insert(id, action);
        if resource_type == "droplet" {
            self.droplet_actions.entry(resource_id).or_default().push(id);
        }
        self.schedule(takes_ms, Event::ActionEnds(id));
        id
    }

    pub(super) fn action_ends(&mut self, id: u64) {
        let now = self.now;
        let Some(action) = self.actions.get_mut(&id) else { return };
        let failed = action.twist.error_action;
        action.status = if failed { ActionStatus::Errored } else { ActionStatus::Completed };
        action.completed_at = Some(now);
        let action = action.clone();
        if !failed && !action.twist.no_effect {
            self.take_effect(&action);
        }
        if let Some(ip) = action.work.ip() {
            self.unlock_ip(ip, id);
        }
        let of_droplet = (action.resource_type == "droplet").then_some(action.resource_id);
        if let Some(droplet_id) = of_droplet.or(action.work.holds()) {
            let unlock_ms = self.draw(self.timings.unlock_lag);
            self.schedule(unlock_ms, Event::Unlocks { droplet_id, action_id: id });
        }
    }

    /// The droplet is busy with the action until that ends.
    pub(super) fn lock_for(&mut self, droplet_id: Option<u64>, action_id: u64) {
        if let Some(droplet) = droplet_id.and_then(|id| self.droplets.get_mut(&id)) {
            droplet.busy_with = Some(action_id);
            droplet.locked = true;
        }
    }

    pub(super) fn unlocks(&mut self, droplet_id: u64, action_id: u64) {
        if let Some(droplet) = self.droplets.get_mut(&droplet_id)
            && droplet.busy_with == Some(action_id)
        {
            droplet.busy_with = None;
            droplet.locked = false;
        }
    }

    fn take_effect(&mut self, action: &Action) {
        let id = action.resource_id;
        match &action.work {
            Work::Create => self.boot(id, action.twist),
            Work::PowerOn => self.status_settles(id, Status::Active),
            Work::PowerOff | Work::Shutdown => {
                let lag_ms = self.draw(self.timings.power_lag);
                self.schedule(lag_ms, Event::StatusSettles { droplet_id: id, status: Status::Off });
            }
            Work::Snapshot { name } => self.take_snapshot(id, name.clone(), action),
            Work::Rebuild { image } | Work::Restore { image } => {
                let image = Arc::clone(image);
                let fields = json!({ "image": image.id });
                self.change_droplet(id, action.by, fields, |droplet| droplet.image = image);
            }
            Work::Rename { name } => {
                let fields = json!({ "name": name });
                self.change_droplet(id, action.by, fields, |droplet| droplet.name.clone_from(name));
                self.meter_renamed_droplet(id);
            }
            Work::EnableBackups { policy } | Work::ChangeBackupPolicy { policy } => {
                self.set_backups(id, Some(policy.clone()), action.by);
            }
            Work::DisableBackups => self.set_backups(id, None, action.by),
            Work::EnableIpv6 => {
                self.change_droplet(id, action.by, json!({ "ipv6": true }), |droplet| droplet.ipv6 = true);
            }
            Work::Transfer { region } => self.image_transferred(id, region, action.by),
            Work::Convert => self.image_converted(id, action.by),
            Work::AttachVolume { volume_id, droplet_id } => {
                let lives = self.living(*droplet_id).is_ok();
                self.place_volume(volume_id, lives.then_some(*droplet_id), action.by);
            }
            Work::DetachVolume { volume_id, .. } => self.place_volume(volume_id, None, action.by),
            Work::ResizeVolume { volume_id, size_gigabytes } => {
                self.grow_volume(volume_id, *size_gigabytes, action.by);
            }
            Work::AssignIp { ip, droplet_id } => {
                let lives = self.living(*droplet_id).is_ok();
                self.place_ip(ip, lives.then_some(*droplet_id), action.by);
            }
            Work::UnassignIp { ip, .. } => self.place_ip(ip, None, action.by),
            Work::Destroy
            | Work::Reboot
            | Work::PowerCycle
            | Work::Resize { .. }
            | Work::PasswordReset
            | Work::ChangeKernel => {}
        }
    }

    fn boot(&mut self, id: u64, twist: Twist) {
        if twist.never_active {
            return;
        }
        self.change_droplet(id, Origin::Api, json!({ "status": "active" }), |droplet| {
            droplet.status = Status::Active;
            droplet.networks = Some(Networks { public: None, private: private_address(droplet.id) });
        });
        if twist.late_address_ms == 0 {
            self.address_appears(id);
        } else {
            self.schedule(twist.late_address_ms, Event::AddressAppears(id));
        }
        self.plan_backup(id);
    }

    pub(super) fn address_appears(&mut self, id: u64) {
        let Some(droplet) = self.droplets.get_mut(&id) else { return };
        if let Some(networks) = droplet.networks.as_mut().filter(|_| droplet.public_networking) {
            networks.public = self.addresses.take();
        }
    }

    pub(super) fn status_settles(&mut self, droplet_id: u64, status: Status) {
        self.change_droplet(droplet_id, Origin::Api, json!({ "status": status }), |droplet| {
            droplet.status = status;
        });
    }

    pub(super) fn size_flips(&mut self, droplet_id: u64, size: &str, disk: bool) {
        self.resize_now(droplet_id, size, disk, Origin::Api);
    }

    pub(super) fn resize_now(&mut self, droplet_id: u64, slug: &str, disk: bool, by: Origin) {
        let Some(size) = self.catalogue.size(slug) else { return };
        let (memory, vcpus, grown) = (size.memory, size.vcpus, size.disk);
        self.change_droplet(droplet_id, by, json!({ "size_slug": slug, "disk": disk }), |droplet| {
            slug.clone_into(&mut droplet.size);
            droplet.memory = memory;
            droplet.vcpus = vcpus;
            if disk {
                droplet.disk = grown;
            }
        });
        self.meter_droplet(droplet_id);
        self.meter_backups(droplet_id);
    }

    fn take_snapshot(&mut self, id: u64, name: Option<String>, action: &Action) {
        let lag_ms = self.draw(self.timings.snapshot_list_lag).max(action.twist.hide_ms.unwrap_or(0));
        let Some(droplet) = self.droplets.get(&id) else { return };
        let name = name.unwrap_or_else(|| format!("{}-{}", droplet.name, action.started_at.as_second()));
        self.keep_image(id, ImageType::Snapshot, name, lag_ms, action.by);
    }

    fn image_transferred(&mut self, id: u64, region: &str, by: Origin) {
        let Some(image) = self.images.get_mut(&id) else { return };
        let image = Arc::make_mut(image);
        if !image.regions.iter().any(|other| other == region) {
            image.regions.push(region.to_owned());
        }
        let (kind, name, regions) = (image.log_kind(), image.name.clone(), image.regions.clone());
        self.note(by, ChangeKind::Changed, kind, id, &name, json!({ "regions": regions }));
    }

    /// In the log a backup ends and a snapshot begins: the two are billed as different things.
    fn image_converted(&mut self, id: u64, by: Origin) {
        let Some(image) = self.images.get_mut(&id) else { return };
        let image = Arc::make_mut(image);
        image.image_type = ImageType::Snapshot;
        let (name, owner) = (image.name.clone(), image.droplet_id);
        self.note(by, ChangeKind::Destroyed, Kind::DropletBackup, id, &name, json!({}));
        self.note(by, ChangeKind::Created, Kind::Snapshot, id, &name, json!({ "converted": true }));
        self.meter_image(id);
        if let Some(droplet) = owner.and_then(|owner| self.droplets.get_mut(&owner)) {
            droplet.backup_ids.retain(|other| *other != id);
            droplet.snapshot_ids.push(id);
        }
    }

    /// Changes a droplet that still exists and writes it down; anything else is left alone.
    pub(super) fn change_droplet(
        &mut self,
        id: u64,
        by: Origin,
        fields: serde_json::Value,
        change: impl FnOnce(&mut super::droplets::Droplet),
    ) {
        let Some(droplet) = self.droplets.get_mut(&id).filter(|droplet| !droplet.leaving) else { return };
        change(droplet);
        let name = droplet.name.clone();
        self.note(by, ChangeKind::Changed, Kind::Droplet, id, &name, fields);
    }
}

/// One in 10.0.0.0/8 for each of sixteen million droplets.
fn private_address(droplet_id: u64) -> Ipv4Addr {
    let low = u32::try_from(droplet_id % (1 << 24)).unwrap_or_default();
    Ipv4Addr::from((10 << 24) | low)
}
