//! The first step of a provisioning: nothing to do on the way there, the deployment's end on the way back.

use crate::cloud::Cloud;
use crate::deployments::{self, DeploymentId, State};
use arcadia_saga::{Halt, Outcome, Policy, Run, Step, Undo, Undoing, shape};
use uuid::Uuid;

shape! {
    /// What the steps on a deployment's row need.
    pub struct OfDeployment {
        /// The deployment.
        pub deployment_id: Uuid,
    }
}

/// Checks that the deployment waits to be provisioned; its undoing cancels it.
#[derive(Debug, Clone, Copy)]
pub struct MarkDeploymentProvisioning;

impl Step<Cloud> for MarkDeploymentProvisioning {
    const NAME: &'static str = "mark_deployment_provisioning";
    type Needs = OfDeployment;
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::database()
    }

    async fn execute(&self, run: &Run<Cloud>, needs: OfDeployment) -> Outcome<()> {
        let id = DeploymentId(needs.deployment_id);
        let mut tx = run.tx().await?;
        let deployment = deployments::get_in(&mut tx, id).await.map_err(refused)?;
        if deployment.state == State::Provisioning {
            return Ok(());
        }
        Err(Halt::failed(format!("deployment {id} is {}, not provisioning", deployment.state)))
    }

    async fn compensate(&self, run: &Run<Cloud>, undoing: Undoing<OfDeployment, (), ()>) -> Undo {
        let id = DeploymentId(undoing.needs.deployment_id);
        if !is_ours_to_end(run, id).await? {
            return Ok(());
        }
        move_to(run, id, State::Cancelled, "provision_failed").await
    }
}

/// Someone may have given the deployment up by hand while its saga was still turning back, and a deployment that
/// another saga made is none of this one's.
async fn is_ours_to_end(run: &Run<Cloud>, id: DeploymentId) -> Outcome<bool> {
    let mut tx = run.tx().await?;
    let deployment = deployments::get_in(&mut tx, id).await.map_err(refused)?;
    Ok(match deployment.state {
        State::Cancelled | State::Archived => false,
        State::Provisioning => true,
        _ => deployment.saga_id == Some(run.saga_id()),
    })
}

/// Moves the deployment in the saga's name; a second run finds it moved.
pub(super) async fn move_to(run: &Run<Cloud>, id: DeploymentId, to: State, reason: &str) -> Outcome<()> {
    let (actor, now) = (format!("saga:{}", run.saga_id()), run.clock().now());
    let mut tx = run.tx().await?;
    deployments::transition(&mut tx, id, to, reason, &actor, Some(run.saga_id()), now)
        .await
        .map_err(refused)?;
    Ok(tx.commit().await?)
}

/// What the domain refuses is certain; only the database leaves doubt.
pub(super) fn refused(error: deployments::Error) -> Halt {
    match error {
        deployments::Error::Database(error) => error.into(),
        error => Halt::failed(error.to_string()),
    }
}
