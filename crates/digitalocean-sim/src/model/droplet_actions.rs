//! What may be asked of a droplet and when: the rules of each action type, and backups by policy.
//! One event at a time: while one runs, every other request is refused with "pending event".

use std::sync::Arc;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::droplets::{Droplet, Status, check_name};
use super::images::{ImageKey, ImageType};
use super::log::Origin;
use super::refusal::{PENDING_EVENT, Refusal, invalid};
use super::work::Work;
use super::{Account, Event, Twist};

/// When backups are made; the default is daily at midnight, as when a request says no more than "backups".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupPolicy {
    pub(crate) plan: Plan,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weekday: Option<String>,
    #[serde(default)]
    pub(crate) hour: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Plan {
    Daily,
    Weekly,
}

pub(crate) const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
pub(crate) const BACKUP_HOURS: [u8; 6] = [0, 4, 8, 12, 16, 20];
pub(crate) const BACKUP_WINDOW_HOURS: i64 = 4;

impl Default for BackupPolicy {
    fn default() -> BackupPolicy {
        BackupPolicy { plan: Plan::Daily, weekday: None, hour: 0 }
    }
}

impl BackupPolicy {
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if !BACKUP_HOURS.contains(&self.hour) {
            return invalid("Backup policy hour is invalid.");
        }
        match (&self.weekday, self.plan) {
            (Some(day), _) if !WEEKDAYS.contains(&day.as_str()) => {
                invalid("Backup policy weekday is invalid.")
            }
            (None, Plan::Weekly) => invalid("Backup policy weekday is required for weekly backups."),
            _ => Ok(()),
        }
    }

    pub(crate) fn retention_days(&self) -> u32 {
        if self.plan == Plan::Daily { 7 } else { 28 }
    }

    fn kept(&self) -> usize {
        if self.plan == Plan::Daily { 7 } else { 4 }
    }

    /// The start of the first window after `now`.
    fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let wanted = self.weekday.as_ref().filter(|_| self.plan == Plan::Weekly);
        (0..=7).find_map(|days| {
            let day = today.checked_add(days.days()).ok()?;
            let fits = wanted.is_none_or(|name| WEEKDAYS[sunday_offset(day.weekday())] == name);
            let start =
                day.at(i8::try_from(self.hour).ok()?, 0, 0, 0).to_zoned(TimeZone::UTC).ok()?.timestamp();
            (fits && start > now).then_some(start)
        })
    }
}

fn sunday_offset(day: Weekday) -> usize {
    usize::try_from(day.to_sunday_zero_offset()).unwrap_or_default()
}

/// The types that the call by tag takes.
const BY_TAG: [&str; 8] = [
    "power_cycle",
    "power_on",
    "power_off",
    "shutdown",
    "enable_ipv6",
    "enable_backups",
    "disable_backups",
    "snapshot",
];

impl Account {
    /// Starts what the body asks for; answers the action's id.
    pub(crate) fn act_on_droplet(&mut self, id: u64, body: &Value, twist: Twist) -> Result<u64, Refusal> {
        let droplet = self.living(id)?;
        let work = self.understand(droplet, body)?;
        if droplet.busy_with.is_some() {
            return invalid(PENDING_EVENT);
        }
        self.allow(droplet, &work)?;
        let region = droplet.region.clone();
        let action_id = self.start_action(work, "droplet", id, &region, twist, Origin::Api);
        self.lock_for(Some(id), action_id);
        Ok(action_id)
    }

    /// The same for every droplet with the tag that is free for it.
    pub(crate) fn act_on_tagged(
        &mut self,
        tag: &str,
        body: &Value,
        twist: Twist,
    ) -> Result<Vec<u64>, Refusal> {
        let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
        if !BY_TAG.contains(&kind) {
            return invalid("You specified an invalid action type.");
        }
        let ids = self.tags.droplets(tag);
        Ok(ids.into_iter().filter_map(|id| self.act_on_droplet(id, body, twist).ok()).collect())
    }

    fn understand(&self, droplet: &Droplet, body: &Value) -> Result<Work, Refusal> {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        Ok(match text("type").unwrap_or_default() {
            "power_on" => Work::PowerOn,
            "power_off" => Work::PowerOff,
            "shutdown" => Work::Shutdown,
            "reboot" => Work::Reboot,
            "power_cycle" => Work::PowerCycle,
            "snapshot" => Work::Snapshot { name: text("name").map(str::to_owned) },
            "resize" => {
                let disk = body.get("disk").and_then(Value::as_bool).unwrap_or(false);
                Work::Resize { size: text("size").unwrap_or_default().to_owned(), disk }
            }
            "rebuild" => Work::Rebuild { image: Arc::clone(self.action_image(body)?) },
            "restore" => {
                let image = self.action_image(body)?;
                if image.image_type != ImageType::Backup || image.droplet_id != Some(droplet.id) {
                    return invalid("Image is not a backup of this Droplet.");
                }
                Work::Restore { image: Arc::clone(image) }
            }
            "rename" => {
                let name = text("name").unwrap_or_default().to_owned();
                check_name(&name)?;
                Work::Rename { name }
            }
            "enable_backups" => Work::EnableBackups { policy: policy(body)?.unwrap_or_default() },
            "disable_backups" => Work::DisableBackups,
            "change_backup_policy" => match policy(body)? {
                Some(policy) => Work::ChangeBackupPolicy { policy },
                None => return invalid("Backup policy is required."),
            },
            "enable_ipv6" => Work::EnableIpv6,
            "password_reset" => Work::PasswordReset,
            "change_kernel" => Work::ChangeKernel,
            _ => return invalid("You specified an invalid action type."),
        })
    }

    fn action_image(&self, body: &Value) -> Result<&Arc<super::images::Image>, Refusal> {
        let key = body.get("image").and_then(|value| ImageKey::deserialize(value).ok());
        let found = key.and_then(|key| self.image(&key).ok());
        found.ok_or_else(|| Refusal::Invalid("You specified an invalid image.".to_owned()))
    }

    fn allow(&self, droplet: &Droplet, work: &Work) -> Result<(), Refusal> {
        let on = droplet.status == Status::Active;
        match work {
            Work::PowerOn if on => invalid("Droplet is already powered on."),
            Work::PowerOff | Work::Shutdown if !on => invalid("Droplet is already powered off."),
            Work::Reboot | Work::PowerCycle if !on => {
                invalid("Droplet is currently off. Please power it on to run this event.")
            }
            Work::Resize { size, disk } => self.allow_resize(droplet, size, *disk),
            Work::Rebuild { image } | Work::Restore { image } if image.min_disk_size > droplet.disk => {
                invalid("Cannot create a droplet with a smaller disk than the image.")
            }
            Work::EnableBackups { .. } if droplet.backups.is_some() => {
                invalid("Backups have already been enabled on this Droplet.")
            }
            Work::DisableBackups | Work::ChangeBackupPolicy { .. } if droplet.backups.is_none() => {
                invalid("Backups have already been disabled on this Droplet.")
            }
            Work::EnableIpv6 if droplet.ipv6 => invalid("IPv6 has already been enabled on this Droplet."),
            Work::EnableIpv6 if !droplet.public_networking => {
                invalid("IPv6 can not be enabled without public networking.")
            }
            _ => Ok(()),
        }
    }

    fn allow_resize(&self, droplet: &Droplet, slug: &str, disk: bool) -> Result<(), Refusal> {
        let Some(size) = self.catalogue.size(slug) else {
            return invalid("You specified an invalid size for Droplet resize.");
        };
        if !size.available || !size.regions.contains(&droplet.region) {
            return invalid("Size is not available in this region.");
        }
        if size.disk < droplet.disk {
            return invalid("Size can not decrease size of Droplet's disk image");
        }
        if slug == droplet.size && (!disk || size.disk == droplet.disk) {
            return invalid("Droplet is already set to this size.");
        }
        if self.resize_needs_off && droplet.status == Status::Active {
            return invalid("Droplet is currently on. Please power it off to run this event.");
        }
        Ok(())
    }

    /// As somebody in the panel would, past the event lock.
    pub(crate) fn enable_weekly_backups(&mut self, id: u64, by: Origin) {
        let policy = BackupPolicy { plan: Plan::Weekly, weekday: Some("SUN".to_owned()), hour: 4 };
        self.set_backups(id, Some(policy), by);
    }

    pub(super) fn set_backups(&mut self, id: u64, policy: Option<BackupPolicy>, by: Origin) {
        let fields = json!({ "backups": policy.is_some(), "backup_policy": policy });
        let removed = if policy.is_none() { self.backups_of(id) } else { Vec::new() };
        self.change_droplet(id, by, fields, |droplet| {
            droplet.backups = policy;
            droplet.next_backup_at = None;
        });
        self.meter_backups(id);
        for backup in removed {
            // One that is already being deleted is as good as removed.
            let _ = self.delete_image(backup, Twist::default(), by);
        }
        self.plan_backup(id);
    }

    /// Sets the next window of a droplet that has backups.
    pub(super) fn plan_backup(&mut self, id: u64) {
        let now = self.now;
        let Some(droplet) = self.droplets.get_mut(&id) else { return };
        droplet.next_backup_at = droplet.backups.as_ref().and_then(|policy| policy.next_after(now));
        if let Some(due) = droplet.next_backup_at {
            self.schedule_at(due, Event::BackupDue(id));
        }
    }

    pub(super) fn backup_due(&mut self, id: u64) {
        let Some(droplet) = self.droplets.get(&id).filter(|droplet| !droplet.leaving) else { return };
        // Overtaken by a change of policy: the newer plan has its own entry.
        if droplet.next_backup_at != Some(self.now) {
            return;
        }
        let Some(policy) = droplet.backups.clone() else { return };
        let day = self.now.to_zoned(TimeZone::UTC).date();
        let name = format!("{} {day} backup", droplet.name);
        self.keep_image(id, ImageType::Backup, name, 0, Origin::Provider);
        let kept = self.backups_of(id);
        let surplus = kept.len().saturating_sub(policy.kept());
        for old in kept.into_iter().take(surplus) {
            // One that is already being deleted needs no expiry.
            let _ = self.delete_image(old, Twist::default(), Origin::Provider);
        }
        self.plan_backup(id);
    }

    /// Oldest first, listed or not, without those being deleted.
    fn backups_of(&self, id: u64) -> Vec<u64> {
        let of_droplet = self.images.values().filter(|image| image.droplet_id == Some(id));
        let backups = of_droplet.filter(|image| image.image_type == ImageType::Backup && !image.leaving);
        backups.map(|image| image.id).collect()
    }
}

fn policy(body: &Value) -> Result<Option<BackupPolicy>, Refusal> {
    let Some(value) = body.get("backup_policy").filter(|value| !value.is_null()) else { return Ok(None) };
    let Ok(policy) = BackupPolicy::deserialize(value) else { return invalid("Backup policy is invalid.") };
    policy.check()?;
    Ok(Some(policy))
}
