//! Every saga that can be started, as a table: a plan names its inputs and its steps in order.
//! The comment beside a step says how it is undone.

pub mod order;

use crate::cloud::Cloud;
use crate::provisioning::last_look::LastLook;
use crate::provisioning::steps::{
    ActivateDeployment, CreateDroplet, CreateDropletSnapshot, DeleteDnsRecord, DestroyDroplet, DropletWanted,
    KnownDroplet, LinkDeploymentResource, MarkDeploymentProvisioning, PointDeploymentDns, RegisterDroplet,
    UpsertDnsRecord, WaitDropletActive,
};
use crate::schedules;
use arcadia_saga::{Plan, PlanError, Registry, shape};
use uuid::Uuid;

/// Every step and plan of this build, and the queues for them.
///
/// # Errors
/// A plan whose steps do not fit together.
pub fn registry() -> Result<Registry<Cloud>, PlanError> {
    let registry = Registry::new()
        .plan(provision_droplet())?
        .plan(destroy_droplet())?
        .plan(snapshot_droplet())?
        .plan(provision_deployment())?;
    let registry = registry.step(UpsertDnsRecord).step(DeleteDnsRecord).last_look(LastLook);
    Ok(schedules::steps(registry))
}

/// A droplet of its own, in nobody's name.
fn provision_droplet() -> Plan<Cloud> {
    Plan::named::<DropletWanted>("provision_droplet")
        .step(CreateDroplet) // − destroy it
        .step(WaitDropletActive)
        .step(RegisterDroplet) // − forget it
}

/// A droplet of this installation, for good.
fn destroy_droplet() -> Plan<Cloud> {
    Plan::named::<KnownDroplet>("destroy_droplet").step(DestroyDroplet) // no way back
}

/// A snapshot of a droplet.
fn snapshot_droplet() -> Plan<Cloud> {
    Plan::named::<KnownDroplet>("snapshot_droplet").step(CreateDropletSnapshot) // − delete it
}

/// A tenant's copy of the product, from nothing to serving.
fn provision_deployment() -> Plan<Cloud> {
    Plan::named::<DeploymentWanted>("provision_deployment")
        .step(MarkDeploymentProvisioning) // − deployment → cancelled
        .step(CreateDroplet) // − destroy it
        .step(WaitDropletActive)
        .step(RegisterDroplet) // − forget it
        .step(LinkDeploymentResource) // − unlink
        .step(PointDeploymentDns) // − restore the record
        .step(ActivateDeployment)
}

shape! {
    /// What `provision_deployment` starts with.
    pub struct DeploymentWanted {
        /// The deployment's row, made in the transaction that starts the saga.
        pub deployment_id: Uuid,
        /// A host name.
        pub droplet_name: String,
        /// The provider's slug.
        pub droplet_region: String,
        /// The provider's slug.
        pub droplet_size: String,
        /// The provider's slug, or a number.
        pub droplet_image: String,
        /// Beside our own marks.
        pub droplet_tags: Option<Vec<String>>,
        /// Run at the first boot.
        pub droplet_user_data: Option<String>,
        /// Whether the provider backs it up.
        pub droplet_backups: Option<bool>,
        /// The zone.
        pub dns_domain: String,
        /// Relative to the zone; `@` is its apex.
        pub dns_record_name: String,
        /// Seconds.
        pub dns_record_ttl: Option<u32>,
        /// Whether a record that no deployment owns may be overwritten.
        pub replace_dns: Option<bool>,
    }
}

#[cfg(test)]
mod tests {
    use super::registry;

    #[test]
    fn every_plan_fits_together() {
        let registry = registry().unwrap();
        assert_eq!(
            registry.plan_steps("provision_deployment").unwrap(),
            [
                "mark_deployment_provisioning",
                "create_droplet",
                "wait_droplet_active",
                "register_droplet",
                "link_deployment_resource",
                "point_deployment_dns",
                "activate_deployment",
            ]
        );
    }
}
