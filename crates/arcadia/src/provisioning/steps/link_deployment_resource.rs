//! Says, on both sides, that the droplet serves the deployment.

use super::mark_deployment_provisioning::refused;
use crate::cloud::Cloud;
use crate::deployments::{self, DeploymentId};
use crate::inventory::{self, DROPLET};
use crate::provisioning::witness;
use arcadia_saga::{Halt, Outcome, Policy, Run, Step, Undo, Undoing, shape};
use uuid::Uuid;

shape! {
    /// A deployment and its droplet.
    pub struct DropletOfDeployment {
        /// The deployment.
        pub deployment_id: Uuid,
        /// The provider's id.
        pub droplet_id: u64,
        /// The droplet's public IPv4 address.
        pub ip: String,
    }
}

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub struct LinkDeploymentResource;

impl Step<Cloud> for LinkDeploymentResource {
    const NAME: &'static str = "link_deployment_resource";
    type Needs = DropletOfDeployment;
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::database()
    }

    async fn execute(&self, run: &Run<Cloud>, needs: DropletOfDeployment) -> Outcome<()> {
        let (id, droplet_id) = (DeploymentId(needs.deployment_id), stored(needs.droplet_id)?);
        let mut tx = run.tx().await?;
        let deployment = deployments::get_in(&mut tx, id).await.map_err(refused)?;
        let Some(row) = inventory::find(&mut tx, DROPLET, &needs.droplet_id.to_string()).await? else {
            return Err(Halt::failed(format!("droplet {droplet_id} is not in the inventory")));
        };
        inventory::link(&mut tx, row.id, Some(id.0), &witness(run), run.clock()).await?;
        let ip = Some(needs.ip);
        if (deployment.droplet_id, &deployment.ip) != (Some(droplet_id), &ip) {
            let now = run.clock().now();
            deployments::set_droplet(&mut tx, id, Some(droplet_id), ip, now).await.map_err(refused)?;
        }
        Ok(tx.commit().await?)
    }

    /// Another droplet may serve the deployment by now: only our own link is taken away.
    async fn compensate(&self, run: &Run<Cloud>, undoing: Undoing<DropletOfDeployment, (), ()>) -> Undo {
        let needs = undoing.needs;
        let (id, droplet_id) = (DeploymentId(needs.deployment_id), stored(needs.droplet_id)?);
        let mut tx = run.tx().await?;
        let deployment = deployments::get_in(&mut tx, id).await.map_err(refused)?;
        if deployment.droplet_id == Some(droplet_id) {
            let now = run.clock().now();
            deployments::set_droplet(&mut tx, id, None, None, now).await.map_err(refused)?;
        }
        let row = inventory::find(&mut tx, DROPLET, &needs.droplet_id.to_string()).await?;
        if let Some(row) = row.filter(|row| row.deployment_id == Some(id.0)) {
            inventory::link(&mut tx, row.id, None, &witness(run), run.clock()).await?;
        }
        Ok(tx.commit().await?)
    }
}

fn stored(droplet_id: u64) -> Outcome<i64> {
    i64::try_from(droplet_id).map_err(|_| Halt::Undecodable(format!("{droplet_id} is no droplet's id")))
}
