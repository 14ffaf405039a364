//! Snapshots of volumes: made at once, named by UUID, kept when their volume goes.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::Deserialize;
use serde_json::json;

use super::billing::Product;
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, invalid};
use super::tags::{Holder, Tags};
use super::{Account, Twist, Window, after_ms};

#[derive(Debug, Clone)]
pub(crate) struct VolumeSnapshot {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) regions: Vec<String>,
    pub(crate) min_disk_size: u64,
    pub(crate) size_gigabytes: f64,
    pub(crate) volume_id: String,
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CreateVolumeSnapshot {
    pub(crate) name: String,
    pub(crate) tags: Option<Vec<String>>,
}

const PER_VOLUME: usize = 25;

impl VolumeSnapshot {
    /// Six cents a gigabyte.
    pub(super) fn monthly_cost(&self) -> Decimal {
        let size = Decimal::from_f64(self.size_gigabytes).unwrap_or_default();
        (size * Decimal::new(6, 2)).round_dp(2).max(Decimal::new(1, 2))
    }
}

impl Account {
    pub(crate) fn volume_snapshot(&self, id: &str) -> Result<&VolumeSnapshot, Refusal> {
        self.volume_snapshots.get(id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn listed_volume_snapshots(&self) -> impl Iterator<Item = &VolumeSnapshot> {
        self.volume_snapshots.listed(self.now)
    }

    pub(crate) fn list_snapshots_of_volume(
        &self,
        volume_id: &str,
        window: Window,
    ) -> Result<(Vec<&VolumeSnapshot>, usize), Refusal> {
        self.volume(volume_id)?;
        Ok(window.cut(self.listed_volume_snapshots().filter(|it| it.volume_id == volume_id)))
    }

    pub(crate) fn create_volume_snapshot(
        &mut self,
        volume_id: &str,
        request: &CreateVolumeSnapshot,
        twist: Twist,
        by: Origin,
    ) -> Result<String, Refusal> {
        let volume = self.volume(volume_id)?.clone();
        if request.name.is_empty() {
            return invalid("name is required");
        }
        let tags = request.tags.clone().unwrap_or_default();
        tags.iter().try_for_each(|tag| Tags::check(tag))?;
        let existing = self.volume_snapshots.living().filter(|it| it.volume_id == volume_id);
        if existing.count() >= PER_VOLUME {
            return invalid(format!("a volume has at most {PER_VOLUME} snapshots"));
        }
        let id = self.uuid();
        // A tenth of the volume is taken to be in use.
        let used = volume.size_gigabytes as f64 / 10.0;
        let snapshot = VolumeSnapshot {
            id: id.clone(),
            name: request.name.clone(),
            created_at: self.now,
            regions: vec![volume.region.clone()],
            min_disk_size: volume.size_gigabytes,
            size_gigabytes: used,
            volume_id: volume_id.to_owned(),
            tags: Vec::new(),
        };
        let fields = json!({ "volume_id": volume_id, "size_gigabytes": used });
        self.note(by, ChangeKind::Created, Kind::VolumeSnapshot, &id, &snapshot.name, fields);
        let (line, cost) = (snapshot.name.clone(), snapshot.monthly_cost());
        self.meter_starts(Product::VolumeSnapshot, &id, line, cost, None);
        self.volume_snapshots.add(&id, snapshot, after_ms(self.now, twist.hide_ms.unwrap_or(0)));
        for tag in tags {
            let tag = self.ensure_tag(&tag, by);
            self.set_holder_tag(&tag, Holder::VolumeSnapshot, &id, true);
        }
        Ok(id)
    }

    pub(crate) fn delete_volume_snapshot(
        &mut self,
        id: &str,
        twist: Twist,
        by: Origin,
    ) -> Result<(), Refusal> {
        let listed_until = after_ms(self.now, twist.linger_ms);
        let removed = self.volume_snapshots.remove(id, self.now, listed_until).ok_or(Refusal::NotFound)?;
        let (name, tags) = (removed.name.clone(), removed.tags.clone());
        for tag in tags {
            self.set_holder_tag(&tag, Holder::VolumeSnapshot, id, false);
        }
        self.meter_stops(Product::VolumeSnapshot, id);
        self.note(by, ChangeKind::Destroyed, Kind::VolumeSnapshot, id, &name, json!({}));
        Ok(())
    }
}
