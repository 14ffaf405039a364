//! What can be asked of a droplet. Each answers at once with an action that runs in its own time;
//! while it runs, a second one is refused ([`Error::is_pending_event`]).

use serde::{Deserialize, Serialize};

use crate::{
    Action, ActionId, BackupPolicy, DropletId, Droplets, Error, ImageId, ImageRef, List, call::Call,
};

/// A request to a droplet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DropletAction {
    PowerOn,
    /// Pulls the plug.
    PowerOff,
    PowerCycle,
    /// Asks the guest, which may ignore it: the action completes all the same.
    Shutdown,
    Reboot,
    /// Give a name nobody else has: the action does not tell the snapshot's id.
    Snapshot {
        name: String,
    },
    /// The droplet must be off. With `disk` the disk grows as well, and there is no way back.
    Resize {
        size: String,
        disk: bool,
    },
    Rename {
        name: String,
    },
    /// Wipes the disk; id and addresses stay.
    Rebuild {
        image: ImageRef,
    },
    /// From one of the droplet's own backups.
    Restore {
        image: ImageId,
    },
    EnableBackups {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        backup_policy: Option<BackupPolicy>,
    },
    DisableBackups,
    ChangeBackupPolicy {
        backup_policy: BackupPolicy,
    },
    PasswordReset,
    /// Cannot be undone.
    EnableIpv6,
}

impl Droplets {
    /// Starts an action.
    pub async fn act(&self, id: DropletId, action: &DropletAction) -> Result<Action, Error> {
        self.0.fetch(Call::post("/v2/droplets/{droplet_id}/actions", &[&id], action), "action").await
    }

    pub async fn power_on(&self, id: DropletId) -> Result<Action, Error> {
        self.act(id, &DropletAction::PowerOn).await
    }

    pub async fn power_off(&self, id: DropletId) -> Result<Action, Error> {
        self.act(id, &DropletAction::PowerOff).await
    }

    pub async fn power_cycle(&self, id: DropletId) -> Result<Action, Error> {
        self.act(id, &DropletAction::PowerCycle).await
    }

    /// See [`DropletAction::Shutdown`].
    pub async fn shutdown(&self, id: DropletId) -> Result<Action, Error> {
        self.act(id, &DropletAction::Shutdown).await
    }

    /// See [`DropletAction::Snapshot`].
    pub async fn snapshot(&self, id: DropletId, name: impl Into<String>) -> Result<Action, Error> {
        self.act(id, &DropletAction::Snapshot { name: name.into() }).await
    }

    /// See [`DropletAction::Resize`].
    pub async fn resize(&self, id: DropletId, size: impl Into<String>, disk: bool) -> Result<Action, Error> {
        self.act(id, &DropletAction::Resize { size: size.into(), disk }).await
    }

    pub async fn rename(&self, id: DropletId, name: impl Into<String>) -> Result<Action, Error> {
        self.act(id, &DropletAction::Rename { name: name.into() }).await
    }

    /// One of the droplet's actions.
    pub async fn action(&self, id: DropletId, action: ActionId) -> Result<Action, Error> {
        let call = Call::get("/v2/droplets/{droplet_id}/actions/{action_id}", &[&id, &action]);
        self.0.fetch(call, "action").await
    }

    /// All actions the droplet ever had.
    pub fn actions(&self, id: DropletId) -> List<Action> {
        List::new(self.0.clone(), "actions", Call::get("/v2/droplets/{droplet_id}/actions", &[&id]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_written_as_the_api_wants_it() {
        let written = |action: DropletAction| serde_json::to_string(&action).unwrap();
        assert_eq!(written(DropletAction::PowerOff), r#"{"type":"power_off"}"#);
        assert_eq!(
            written(DropletAction::Resize { size: "s-2vcpu-4gb".into(), disk: false }),
            r#"{"type":"resize","size":"s-2vcpu-4gb","disk":false}"#
        );
        assert_eq!(written(DropletAction::EnableIpv6), r#"{"type":"enable_ipv6"}"#);
        assert_eq!(
            written(DropletAction::EnableBackups { backup_policy: None }),
            r#"{"type":"enable_backups"}"#
        );
        assert_eq!(
            written(DropletAction::Rebuild { image: ImageId(7).into() }),
            r#"{"type":"rebuild","image":7}"#
        );
    }
}
