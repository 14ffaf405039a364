//! One file per step.

mod activate_deployment;
mod mark_deployment_provisioning;

pub use activate_deployment::ActivateDeployment;
pub use mark_deployment_provisioning::MarkDeploymentProvisioning;
