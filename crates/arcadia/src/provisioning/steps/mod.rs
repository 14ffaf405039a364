//! One file per step.

mod activate_deployment;
mod create_droplet;
mod create_droplet_snapshot;
mod delete_dns_record;
mod destroy_droplet;
mod link_deployment_resource;
mod mark_deployment_provisioning;
mod point_deployment_dns;
mod register_droplet;
mod upsert_dns_record;
mod wait_droplet_active;

pub use activate_deployment::ActivateDeployment;
pub use create_droplet::{CreateDroplet, DropletWanted};
pub use create_droplet_snapshot::CreateDropletSnapshot;
pub use delete_dns_record::DeleteDnsRecord;
pub use destroy_droplet::DestroyDroplet;
pub use link_deployment_resource::LinkDeploymentResource;
pub use mark_deployment_provisioning::MarkDeploymentProvisioning;
pub use point_deployment_dns::PointDeploymentDns;
pub use register_droplet::RegisterDroplet;
pub use upsert_dns_record::UpsertDnsRecord;
pub use wait_droplet_active::{KnownDroplet, WaitDropletActive};
