//! What an action is for. The word it is asked for with and the one it is listed under are not always the same.

use std::sync::Arc;

use super::droplet_actions::BackupPolicy;
use super::images::Image;

/// What an action does when it ends.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Create,
    Destroy,
    PowerOn,
    PowerOff,
    Shutdown,
    Reboot,
    PowerCycle,
    Snapshot { name: Option<String> },
    Resize { size: String, disk: bool },
    Rebuild { image: Arc<Image> },
    Restore { image: Arc<Image> },
    Rename { name: String },
    EnableBackups { policy: BackupPolicy },
    DisableBackups,
    ChangeBackupPolicy { policy: BackupPolicy },
    EnableIpv6,
    PasswordReset,
    ChangeKernel,
    Transfer { region: String },
    Convert,
    AttachVolume { volume_id: String, droplet_id: u64 },
    DetachVolume { volume_id: String, droplet_id: u64 },
    ResizeVolume { volume_id: String, size_gigabytes: u64 },
    AssignIp { ip: String, droplet_id: u64 },
    UnassignIp { ip: String, droplet_id: u64 },
}

impl Work {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Work::Create => "create",
            Work::Destroy => "destroy",
            Work::PowerOn => "power_on",
            Work::PowerOff => "power_off",
            Work::Shutdown => "shutdown",
            Work::Reboot => "reboot",
            Work::PowerCycle => "power_cycle",
            Work::Snapshot { .. } => "snapshot",
            Work::Resize { .. } => "resize",
            Work::Rebuild { .. } => "rebuild",
            Work::Restore { .. } => "restore",
            Work::Rename { .. } => "rename",
            Work::EnableBackups { .. } => "enable_backups",
            Work::DisableBackups => "disable_backups",
            Work::ChangeBackupPolicy { .. } => "change_backup_policy",
            Work::EnableIpv6 => "enable_ipv6",
            Work::PasswordReset => "password_reset",
            Work::ChangeKernel => "change_kernel",
            Work::Transfer { .. } => "transfer",
            Work::Convert => "convert",
            Work::AttachVolume { .. } => "attach_volume",
            Work::DetachVolume { .. } => "detach_volume",
            Work::ResizeVolume { .. } => "resize",
            Work::AssignIp { .. } => "assign_ip",
            Work::UnassignIp { .. } => "unassign_ip",
        }
    }

    /// The droplet whose event this is too, although the action is that of a volume or an address.
    pub(super) fn holds(&self) -> Option<u64> {
        match self {
            Work::AttachVolume { droplet_id, .. }
            | Work::DetachVolume { droplet_id, .. }
            | Work::AssignIp { droplet_id, .. }
            | Work::UnassignIp { droplet_id, .. } => Some(*droplet_id),
            _ => None,
        }
    }

    pub(super) fn volume_id(&self) -> Option<&str> {
        match self {
            Work::AttachVolume { volume_id, .. }
            | Work::DetachVolume { volume_id, .. }
            | Work::ResizeVolume { volume_id, .. } => Some(volume_id),
            _ => None,
        }
    }

    pub(crate) fn ip(&self) -> Option<&str> {
        match self {
            Work::AssignIp { ip, .. } | Work::UnassignIp { ip, .. } => Some(ip),
            _ => None,
        }
    }
}
