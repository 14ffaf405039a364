//! Every change ever made to the account, so that a test can ask what was created and never destroyed.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// One change. `fields` holds what was set, or what the thing was made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub seq: u64,
    pub at: Timestamp,
    pub kind: Kind,
    pub id: String,
    pub name: String,
    pub change: ChangeKind,
    pub by: Origin,
    pub fields: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Droplet,
    Snapshot,
    DropletBackup,
    Domain,
    DomainRecord,
    Tag,
    SshKey,
    Volume,
    VolumeSnapshot,
    ReservedIp,
    Firewall,
    LoadBalancer,
    Vpc,
    Project,
    Database,
    KubernetesCluster,
    SpacesBucket,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Created,
    Changed,
    Destroyed,
}

/// Who caused a change: a request (also when it takes effect later), somebody in the provider's own panel,
/// the provider itself (a scheduled backup, a droplet lost for capacity), or the scenario that was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Api,
    OutOfBand,
    Provider,
    Scenario,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) changes: Vec<Change>,
}

impl Log {
    pub(crate) fn add(
        &mut self,
        at: Timestamp,
        by: Origin,
        change: ChangeKind,
        (kind, id, name): (Kind, String, &str),
        fields: Value,
    ) {
        let seq = self.changes.len() as u64 + 1;
        self.changes.push(Change { seq, at, kind, id, name: name.to_owned(), change, by, fields });
    }
}
