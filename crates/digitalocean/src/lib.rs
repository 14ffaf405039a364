#![doc = include_str!("../README.md")]

#[macro_use]
mod open_enum;
#[macro_use]
mod id;

mod answer;
mod attempt;
mod budget;
mod builder;
mod call;
mod client;
mod clock;
mod envelope;
mod error;
mod hooks;
mod listing;
mod retry;
mod wire;

mod account;
mod actions;
mod catalogue;
mod droplet_actions;
mod droplets;
mod images;
mod records;
mod snapshots;
mod tags;

pub use account::{Account, AccountHandle, AccountStatus, Team};
pub use actions::{Action, ActionId, ActionStatus, ActionType, Actions};
pub use budget::{BudgetSnapshot, Limits};
pub use builder::{BuildError, ClientBuilder, DEFAULT_BASE_URL};
pub use catalogue::{DiskInfo, DiskSize, GpuInfo, Region, Regions, Size, Sizes};
pub use client::{Client, Purpose};
pub use clock::{Clock, SteadyClock};
pub use droplet_actions::DropletAction;
pub use droplets::{
    BackupPlan, BackupPolicy, BackupWindow, CreateDroplet, CreatedDroplet, Droplet, DropletId, DropletImage,
    DropletStatus, Droplets, NetworkType, NetworkV4, NetworkV6, Networks, SshKeyRef, UserData,
};
pub use error::{Certainty, Error, ErrorKind};
pub use hooks::{CallInfo, CallReport, Guard, OnCall};
pub use images::{Image, ImageId, ImageRef, ImageStatus, ImageType, Images};
pub use listing::{Key, Keyed, List, Listing};
pub use records::{
    Domain, Domains, Record, RecordDraft, RecordId, RecordType, Records, normalised_host, qualified_name,
};
pub use reqwest::Method;
pub use retry::Retry;
pub use snapshots::{Snapshot, SnapshotId, SnapshotResource, Snapshots};
pub use tags::{Tag, TagCounts, Taggable, TaggableType, Tags};
