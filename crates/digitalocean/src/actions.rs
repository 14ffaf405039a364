//! Actions: what the provider does in its own time, on droplets, images, volumes and reserved IPs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Client, Error, Key, Keyed, List, Region, call::Call};

number_id! {
    /// An action's id.
    ActionId
}

open_enum! {
    /// How far an action is. An errored one carries no reason.
    pub enum ActionStatus { InProgress = "in-progress", Completed = "completed", Errored = "errored" }
}

open_enum! {
    /// What an action does.
    pub enum ActionType {
        Create = "create",
        Destroy = "destroy",
        PowerOff = "power_off",
        PowerOn = "power_on",
        PowerCycle = "power_cycle",
        Shutdown = "shutdown",
        Reboot = "reboot",
        Resize = "resize",
        Rebuild = "rebuild",
        Rename = "rename",
        Snapshot = "snapshot",
        Restore = "restore",
        PasswordReset = "password_reset",
        EnableBackups = "enable_backups",
        DisableBackups = "disable_backups",
        ChangeBackupPolicy = "change_backup_policy",
        EnableIpv6 = "enable_ipv6",
        ChangeKernel = "change_kernel",
        Transfer = "transfer",
        Convert = "convert",
        AttachVolume = "attach_volume",
        DetachVolume = "detach_volume",
        ReserveIp = "reserve_ip",
        AssignIp = "assign_ip",
        UnassignIp = "unassign_ip",
    }
}

/// One action. A droplet's `snapshot` names the droplet, not the snapshot: find that by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    pub id: ActionId,
    pub status: ActionStatus,
    #[serde(rename = "type")]
    pub kind: ActionType,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    /// `None` for volumes, whose ids are no integers.
    pub resource_id: Option<u64>,
    pub resource_type: Option<String>,
    pub region: Option<Region>,
    pub region_slug: Option<String>,
}

impl Action {
    /// Completed or errored. An unknown status does not count as settled.
    pub fn is_settled(&self) -> bool {
        matches!(self.status, ActionStatus::Completed | ActionStatus::Errored)
    }
}

impl Keyed for Action {
    fn key(&self) -> Key {
        Key::Number(self.id.0)
    }
}

/// `/v2/actions`, by [`Client::actions`].
#[derive(Debug, Clone)]
pub struct Actions(Client);

impl Client {
    /// Actions of the whole account.
    pub fn actions(&self) -> Actions {
        Actions(self.clone())
    }
}

impl Actions {
    /// One action, of whatever resource.
    pub async fn get(&self, id: ActionId) -> Result<Action, Error> {
        self.0.fetch(Call::get("/v2/actions/{action_id}", &[&id]), "action").await
    }

    /// The account's whole history: actions never disappear. Stream it, and stop early.
    pub fn list(&self) -> List<Action> {
        List::new(self.0.clone(), "actions", Call::get("/v2/actions", &[]))
    }
}
