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
mod billing;
mod catalogue;
mod databases;
mod droplet_actions;
mod droplets;
mod firewalls;
mod images;
mod kubernetes;
mod load_balancers;
mod projects;
mod records;
mod reserved_ips;
mod snapshots;
mod tags;
mod volumes;

pub use account::{Account, AccountHandle, AccountStatus, Team};
pub use actions::{Action, ActionId, ActionStatus, ActionType, Actions};
pub use billing::{
    Balance, Billing, Charge, HistoryEntry, HistoryType, Invoice, InvoiceId, InvoiceItem, InvoiceSummary,
};
pub use budget::{BudgetSnapshot, Limits};
pub use builder::{BuildError, ClientBuilder, DEFAULT_BASE_URL};
pub use catalogue::{DiskInfo, DiskSize, GpuInfo, Region, Regions, Size, Sizes};
pub use client::{Client, Purpose};
pub use clock::{Clock, SteadyClock};
pub use databases::{Database, DatabaseId, DatabaseStatus, Databases};
pub use droplet_actions::DropletAction;
pub use droplets::{
    BackupPlan, BackupPolicy, BackupWindow, CreateDroplet, CreatedDroplet, Droplet, DropletId, DropletImage,
    DropletStatus, Droplets, NetworkType, NetworkV4, NetworkV6, Networks, SshKeyRef, UserData,
};
pub use error::{Certainty, Error, ErrorKind};
pub use firewalls::{
    Firewall, FirewallId, FirewallStatus, FirewallTarget, Firewalls, InboundRule, OutboundRule, PendingChange,
};
pub use hooks::{CallInfo, CallReport, Guard, OnCall};
pub use images::{Image, ImageId, ImageRef, ImageStatus, ImageType, Images};
pub use kubernetes::{
    Kubernetes, KubernetesCluster, KubernetesId, KubernetesState, KubernetesStatus, Node, NodePool,
};
pub use listing::{Key, Keyed, List, Listing};
pub use load_balancers::{LoadBalancer, LoadBalancerId, LoadBalancerStatus, LoadBalancers};
pub use projects::{
    AssignmentStatus, CreateProject, Project, ProjectEnvironment, ProjectId, ProjectResource, Projects, Urn,
};
pub use records::{
    Domain, Domains, Record, RecordDraft, RecordId, RecordType, Records, normalised_host, qualified_name,
};
pub use reqwest::Method;
pub use reserved_ips::{ReservedFor, ReservedIp, ReservedIps};
pub use retry::Retry;
pub use snapshots::{Snapshot, SnapshotId, SnapshotResource, Snapshots};
pub use tags::{Tag, TagCounts, Taggable, TaggableType, Tags};
pub use volumes::{Volume, VolumeId, Volumes};
