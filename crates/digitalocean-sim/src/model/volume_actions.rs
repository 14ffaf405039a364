//! Attaching, detaching and growing volumes. The first two are events of the droplet too: they wait for nothing and
//! are refused while another one runs.

use serde_json::Value;

use super::actions::Action;
use super::droplets::Droplet;
use super::log::Origin;
use super::refusal::{PENDING_EVENT, Refusal, invalid};
use super::volumes::Volume;
use super::work::Work;
use super::{Account, Twist, Window};

const PER_DROPLET: usize = 15;

impl Account {
    /// Starts what the body asks for; answers the action's id.
    pub(crate) fn act_on_volume(&mut self, id: &str, body: &Value, twist: Twist) -> Result<u64, Refusal> {
        let volume = self.volume(id)?;
        let droplet = || {
            let droplet_id = body.get("droplet_id").and_then(Value::as_u64).unwrap_or_default();
            let droplet = self.living(droplet_id)?;
            if droplet.busy_with.is_some() { invalid(PENDING_EVENT) } else { Ok(droplet) }
        };
        let volume_id = id.to_owned();
        let work = match body.get("type").and_then(Value::as_str).unwrap_or_default() {
            "attach" => {
                let droplet = droplet()?;
                allow_attach(volume, droplet)?;
                Work::AttachVolume { volume_id, droplet_id: droplet.id }
            }
            "detach" => {
                let droplet = droplet()?;
                if volume.droplet_id != Some(droplet.id) {
                    return invalid("Attachment not found");
                }
                Work::DetachVolume { volume_id, droplet_id: droplet.id }
            }
            "resize" => {
                let size_gigabytes = body.get("size_gigabytes").and_then(Value::as_u64).unwrap_or_default();
                if size_gigabytes <= volume.size_gigabytes || size_gigabytes > 16 * 1024 {
                    return invalid("a volume can only grow, to at most 16384 GiB");
                }
                Work::ResizeVolume { volume_id, size_gigabytes }
            }
            _ => return invalid("You specified an invalid action type."),
        };
        let (region, holds) = (volume.region.clone(), work.holds());
        let action_id = self.start_action(work, "volume", 0, &region, twist, Origin::Api);
        self.lock_for(holds, action_id);
        Ok(action_id)
    }

    pub(crate) fn list_volume_actions(
        &self,
        id: &str,
        window: Window,
    ) -> Result<(Vec<&Action>, usize), Refusal> {
        self.volume(id)?;
        Ok(window.cut(self.all_actions().filter(|action| action.work.volume_id() == Some(id))))
    }

    pub(crate) fn volume_action(&self, id: &str, action_id: u64) -> Result<&Action, Refusal> {
        self.action(action_id).ok().filter(|it| it.work.volume_id() == Some(id)).ok_or(Refusal::NotFound)
    }
}

fn allow_attach(volume: &Volume, droplet: &Droplet) -> Result<(), Refusal> {
    if volume.region != droplet.region {
        return invalid("Volume and Droplet must be in the same region");
    }
    if volume.droplet_id.is_some() {
        return invalid("Volume is already attached to a Droplet");
    }
    if droplet.volume_ids.len() >= PER_DROPLET {
        return invalid(format!("a Droplet has at most {PER_DROPLET} volumes"));
    }
    Ok(())
}
