//! What of droplets is charged for: the droplet by its size, its backups as a part of that, its snapshots by their size.

use rust_decimal::Decimal;

use super::Product;
use crate::model::Account;
use crate::model::droplet_actions::Plan;
use crate::model::droplets::Droplet;
use crate::model::images::ImageType;
use crate::model::urn::Urn;

impl Account {
    /// Charges the droplet at the price of its size from now on.
    pub(in crate::model) fn meter_droplet(&mut self, id: u64) {
        let Ok(droplet) = self.living(id) else { return };
        let Some(size) = self.catalogue.size(&droplet.size) else { return };
        let (line, rate) = (line(droplet), (size.hourly_cost(), size.monthly_cost()));
        self.meter_starts_hourly(Product::Droplet, id, line, rate, Some(Urn::droplet(id)));
    }

    /// A fifth of the droplet's price for weekly backups, three tenths for daily ones.
    pub(in crate::model) fn meter_backups(&mut self, id: u64) {
        self.meter_stops(Product::Backups, id);
        let Ok(droplet) = self.living(id) else { return };
        let Some(policy) = &droplet.backups else { return };
        let part = if policy.plan == Plan::Weekly { 2 } else { 3 };
        let cost = self.catalogue.size(&droplet.size).map(|size| size.monthly_cost()).unwrap_or_default();
        let line = backup_line(droplet, policy.plan);
        let monthly = cost * Decimal::new(part, 1);
        self.meter_starts(Product::Backups, id, line, monthly, Some(Urn::droplet(id)));
    }

    pub(in crate::model) fn meter_renamed_droplet(&mut self, id: u64) {
        let Ok(droplet) = self.living(id) else { return };
        let backups = droplet.backups.as_ref().map(|policy| backup_line(droplet, policy.plan));
        self.meter_renames(Product::Droplet, id, line(droplet));
        if let Some(backups) = backups {
            self.meter_renames(Product::Backups, id, backups);
        }
    }

    /// A snapshot is charged until it is deleted; backups are part of their subscription.
    pub(in crate::model) fn meter_image(&mut self, id: u64) {
        let snapshot = self.images.get(&id).filter(|image| image.image_type == ImageType::Snapshot);
        let Some((line, cost)) = snapshot.map(|image| (image.name.clone(), image.monthly_cost())) else {
            return;
        };
        self.meter_starts(Product::DropletSnapshot, id, line, cost, None);
    }
}

fn line(droplet: &Droplet) -> String {
    format!("{} ({})", droplet.name, droplet.size)
}

fn backup_line(droplet: &Droplet, plan: Plan) -> String {
    let plan = if plan == Plan::Weekly { "Weekly" } else { "Daily" };
    format!("{} ({plan} Backup Services)", droplet.name)
}
