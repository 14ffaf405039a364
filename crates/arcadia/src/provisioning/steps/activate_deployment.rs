//! The last step of a provisioning: from here on the deployment counts as serving.

use super::mark_deployment_provisioning::{OfDeployment, move_to};
use crate::cloud::Cloud;
use crate::deployments::{DeploymentId, State};
use arcadia_saga::{Outcome, Policy, Run, Step};

/// Moves the deployment to `active`.
#[derive(Debug, Clone, Copy)]
pub struct ActivateDeployment;

impl Step<Cloud> for ActivateDeployment {
    const NAME: &'static str = "activate_deployment";
    type Needs = OfDeployment;
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::database()
    }

    async fn execute(&self, run: &Run<Cloud>, needs: OfDeployment) -> Outcome<()> {
        move_to(run, DeploymentId(needs.deployment_id), State::Active, "provisioned").await
    }
}
