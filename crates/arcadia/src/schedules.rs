//! Every queue and every schedule on one page: what runs by the calendar (UTC), and how much of it at once.

use crate::cloud::Cloud;
use crate::every_sync;
use crate::inventory::sync::{self, SyncStep, Synced};
use crate::retention::Retention;
use arcadia_saga::{PlanError, Registry, Schedule, Step as _};

/// Each queue with how much of it runs at once on one node.
const QUEUES: [(&str, usize); 5] = [
    ("cloud_sync_fast", 1),
    ("cloud_sync_full", 2),
    ("cloud_sync_slow", 1),
    ("cloud_billing", 1),
    ("metering", 1),
];

/// The work, when, and on which queue.
#[rustfmt::skip]
const CALENDAR: [(&str, &str, &str, &str); 13] = [
    (sync::DropletStatuses::NAME, "* * * * *",    "cloud_sync_fast", sync::DropletStatuses::STEP),
    (sync::Droplets::NAME,        "*/15 * * * *", "cloud_sync_full", sync::Droplets::STEP),
    (sync::Domains::NAME,         "*/15 * * * *", "cloud_sync_full", sync::Domains::STEP),
    (sync::Volumes::NAME,         "*/15 * * * *", "cloud_sync_full", sync::Volumes::STEP),
    (sync::FloatingIps::NAME,     "*/15 * * * *", "cloud_sync_full", sync::FloatingIps::STEP),
    (sync::Firewalls::NAME,       "*/15 * * * *", "cloud_sync_full", sync::Firewalls::STEP),
    (sync::LoadBalancers::NAME,   "*/15 * * * *", "cloud_sync_full", sync::LoadBalancers::STEP),
    (sync::Databases::NAME,       "*/15 * * * *", "cloud_sync_full", sync::Databases::STEP),
    (sync::Kubernetes::NAME,      "*/15 * * * *", "cloud_sync_full", sync::Kubernetes::STEP),
    (sync::Projects::NAME,        "*/15 * * * *", "cloud_sync_full", sync::Projects::STEP),
    (sync::Snapshots::NAME,       "33 * * * *",   "cloud_sync_slow", sync::Snapshots::STEP),
    (sync::DropletBackups::NAME,  "41 * * * *",   "cloud_sync_slow", sync::DropletBackups::STEP),
    ("retention",                 "13 3 * * *",   "metering",        Retention::NAME),
];

/// The registry with every background step and the queues for them, so that any node can run them.
#[must_use]
pub fn steps(mut registry: Registry<Cloud>) -> Registry<Cloud> {
    for (queue, per_node) in QUEUES {
        registry = registry.queue(queue, per_node, None);
    }
    macro_rules! add {
        ($($sync:ty),*) => { registry$(.step(SyncStep::<$sync>::new()))* };
    }
    every_sync!(add).step(Retention)
}

/// The registry with the calendar.
///
/// # Errors
/// A schedule that does not fit.
pub fn calendar(mut registry: Registry<Cloud>) -> Result<Registry<Cloud>, PlanError> {
    for (name, cron, queue, step) in CALENDAR {
        registry = registry.schedule(Schedule::new(name, cron, queue, step)?)?;
    }
    Ok(registry)
}
