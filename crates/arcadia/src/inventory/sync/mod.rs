//! The syncs: what the provider lists comes into the inventory, page by page, and what a complete listing does not see
//! is struck. The walk is here once; each kind's file has its listing and what matters of it.

mod databases;
mod domains;
mod droplet_backups;
pub mod droplets;
mod firewalls;
mod floating_ips;
mod kubernetes;
mod load_balancers;
mod now;
mod projects;
mod snapshots;
mod step;
mod volumes;
mod walk;

pub use now::{Done, Progress, run_now};
pub use projects::INTERNAL_PROJECT;
pub use step::{Report, SyncStep};
pub use walk::{Hand, Stop, Walk};

use std::future::Future;

/// One sync: a name, and how the account is walked for it.
pub trait Synced: Send + Sync + 'static {
    /// As operators name it, and its schedule and runs: `droplets`.
    const NAME: &'static str;
    /// As sagas name it: `sync_droplets`.
    const STEP: &'static str;

    /// Reads all there is, writing it as it comes.
    ///
    /// # Errors
    /// Whatever keeps the listing from being complete.
    fn walk(walk: &mut Walk<'_>) -> impl Future<Output = Result<(), Stop>> + Send;
}

pub use databases::Databases;
pub use domains::Domains;
pub use droplet_backups::DropletBackups;
pub use droplets::{DropletStatuses, Droplets};
pub use firewalls::Firewalls;
pub use floating_ips::FloatingIps;
pub use kubernetes::Kubernetes;
pub use load_balancers::LoadBalancers;
pub use projects::Projects;
pub use snapshots::Snapshots;
pub use volumes::Volumes;

/// Calls a macro with every sync, in the order in which they are run together: what others live through first, the
/// projects, which say whose all of it is, last.
#[macro_export]
macro_rules! every_sync {
    ($with:ident) => {
        $with! {
            $crate::inventory::sync::Droplets,
            $crate::inventory::sync::DropletStatuses,
            $crate::inventory::sync::Domains,
            $crate::inventory::sync::Volumes,
            $crate::inventory::sync::FloatingIps,
            $crate::inventory::sync::Firewalls,
            $crate::inventory::sync::LoadBalancers,
            $crate::inventory::sync::Databases,
            $crate::inventory::sync::Kubernetes,
            $crate::inventory::sync::Snapshots,
            $crate::inventory::sync::DropletBackups,
            $crate::inventory::sync::Projects
        }
    };
}

macro_rules! names {
    ($($sync:ty),*) => { [$(<$sync as Synced>::NAME),*] };
}

/// Every sync's name, in the order in which they are run together.
pub const NAMES: [&str; 12] = every_sync!(names);
