//! Destroys a droplet of this installation. There is no way back, so it looks whose it is before.

use super::register_droplet::{Link, forget};
use super::wait_droplet_active::KnownDroplet;
use crate::cloud::Cloud;
use crate::provisioning::{OrHalt as _, droplets, provider};
use arcadia_saga::{Class, Halt, Outcome, Policy, Run, Step};
use digitalocean::DropletId;

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub struct DestroyDroplet;

impl Step<Cloud> for DestroyDroplet {
    const NAME: &'static str = "destroy_droplet";
    const CLASS: Class = Class::Irreversible;
    type Needs = KnownDroplet;
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::provider()
    }

    async fn execute(&self, run: &Run<Cloud>, needs: KnownDroplet) -> Outcome<()> {
        let id = DropletId(needs.droplet_id);
        match provider(run).droplets().get(id).await {
            Ok(droplet) if droplets::is_ours(&run.cloud, &droplet) => {
                droplets::destroy(run, id).await?;
            }
            Ok(_) => {
                let words = "does not bear this installation's marks; it is left alone";
                return Err(Halt::failed(format!("droplet {id} {words}")));
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error).or_halt(run),
        }
        forget(run, needs.droplet_id, Link::Kept).await
    }
}
