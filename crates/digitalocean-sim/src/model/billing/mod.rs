//! What the account used and when, as it happened; invoices are made from nothing else.
//! `period` cuts time into months, `charge` prices one stretch, `invoice` makes the lines, `csv` writes them.

mod charge;
mod csv;
mod droplets;
mod history;
mod invoice;
mod period;

use std::collections::HashMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Account;
use super::urn::Urn;
use charge::Rate;
pub(crate) use csv::{file_name, write as write_csv};
pub(crate) use history::HistoryEntry;
pub(crate) use invoice::{Invoice, Line};
pub(crate) use period::Period;

/// What is charged for, in the order of an invoice's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Product {
    Droplet,
    Backups,
    DropletSnapshot,
    Volume,
    VolumeSnapshot,
    ReservedIp,
    LoadBalancer,
    Database,
    Kubernetes,
    Spaces,
}

impl Product {
    pub(super) fn name(self) -> &'static str {
        match self {
            Product::Droplet => "Droplets",
            Product::Backups => "Droplet Backups",
            Product::DropletSnapshot => "Droplet Snapshots",
            Product::Volume => "Volumes",
            Product::VolumeSnapshot => "Volume Snapshots",
            Product::ReservedIp => "Floating IPs",
            Product::LoadBalancer => "Load Balancers",
            Product::Database => "Databases",
            Product::Kubernetes => "Kubernetes Clusters",
            Product::Spaces => "Spaces Subscription",
        }
    }

    fn category(self) -> &'static str {
        if matches!(self, Product::Database | Product::Kubernetes) { "paas" } else { "iaas" }
    }

    /// Clusters are named in the group, what they run on in the description.
    fn has_group(self) -> bool {
        matches!(self, Product::Database | Product::Kubernetes)
    }
}

/// One stretch of using one thing at one price.
#[derive(Debug, Clone)]
pub(super) struct Usage {
    product: Product,
    id: String,
    description: String,
    rate: Rate,
    from: Timestamp,
    to: Option<Timestamp>,
    urn: Option<Urn>,
    /// The name of the project in which it ended; while it runs, where it is decides.
    last_project: String,
}

#[derive(Debug, Default)]
pub(super) struct Meter {
    usages: Vec<Usage>,
    running: HashMap<(Product, String), usize>,
}

/// A tax on everything else, as a line of its own.
#[derive(Debug, Clone)]
pub(crate) struct Tax {
    pub(crate) name: &'static str,
    /// A tenth is 0.1.
    pub(crate) rate: Decimal,
}

#[derive(Debug, Default)]
pub(crate) struct Billing {
    meter: Meter,
    pub(super) tax: Option<Tax>,
    /// Issued, oldest first.
    invoices: Vec<Invoice>,
    history: Vec<HistoryEntry>,
    preview_uuid: String,
}

impl Account {
    pub(crate) fn levy(&mut self, tax: Tax) {
        self.billing.tax = Some(tax);
    }

    /// Begins to charge; what was charged for the same thing until now ends.
    pub(super) fn meter_starts(
        &mut self,
        product: Product,
        id: impl ToString,
        description: String,
        monthly: Decimal,
        urn: Option<Urn>,
    ) {
        self.meter_starts_at(product, id.to_string(), description, Rate::monthly(monthly), urn);
    }

    /// As `meter_starts`, for what has an hourly price of its own on the price list.
    pub(super) fn meter_starts_hourly(
        &mut self,
        product: Product,
        id: u64,
        description: String,
        (hourly, monthly): (Decimal, Decimal),
        urn: Option<Urn>,
    ) {
        self.meter_starts_at(product, id.to_string(), description, Rate { hourly, monthly }, urn);
    }

    fn meter_starts_at(
        &mut self,
        product: Product,
        id: String,
        description: String,
        rate: Rate,
        urn: Option<Urn>,
    ) {
        self.meter_stops(product, &id);
        let (from, last_project) = (self.now, String::new());
        let meter = &mut self.billing.meter;
        let ended_now = |it: &Usage| it.product == product && it.id == id && it.to == Some(from);
        let before = meter.usages.iter().rposition(ended_now);
        // Stopped and started as it was: it never stopped.
        let goes_on = before.filter(|at| {
            let it = &meter.usages[*at];
            it.rate == rate && it.description == description
        });
        if let Some(at) = goes_on {
            meter.usages[at].to = None;
            meter.running.insert((product, id), at);
            return;
        }
        let usage = Usage { product, id: id.clone(), description, rate, from, to: None, urn, last_project };
        let at = match before.filter(|at| meter.usages[*at].from == from) {
            // Changed within the same moment: nothing was used at the old price.
            Some(at) => {
                meter.usages[at] = usage;
                at
            }
            None => {
                meter.usages.push(usage);
                meter.usages.len() - 1
            }
        };
        meter.running.insert((product, id), at);
    }

    pub(super) fn meter_stops(&mut self, product: Product, id: impl ToString) {
        let Some(at) = self.billing.meter.running.remove(&(product, id.to_string())) else { return };
        let urn = self.billing.meter.usages[at].urn.clone();
        let last_project = urn.map(|urn| self.project_name_of(&urn)).unwrap_or_default();
        let usage = &mut self.billing.meter.usages[at];
        usage.to = Some(self.now);
        usage.last_project = last_project;
    }

    /// What came to nothing costs nothing.
    pub(super) fn meter_voids(&mut self, product: Product, id: impl ToString) {
        let Some(at) = self.billing.meter.running.remove(&(product, id.to_string())) else { return };
        let usage = &mut self.billing.meter.usages[at];
        usage.to = Some(usage.from);
        usage.rate = Rate::monthly(Decimal::ZERO);
    }

    /// A thing that runs goes by another name from now on, on the whole line.
    pub(super) fn meter_renames(&mut self, product: Product, id: impl ToString, description: String) {
        if let Some(at) = self.billing.meter.running.get(&(product, id.to_string())) {
            self.billing.meter.usages[*at].description = description;
        }
    }
}
