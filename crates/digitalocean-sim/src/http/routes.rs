//! Every route on one page, with the scope that a limited token needs: `a+b` asks for both, `a|b` for either.

use axum::routing::MethodFilter;

use super::call::Face;
use super::{
    account, actions, billing, databases, domains, droplets, finance, firewalls, images, keys, kubernetes,
    load_balancers, projects, reserved_ips, snapshots, tags, volumes, vpcs,
};

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;
const PUT: MethodFilter = MethodFilter::PUT;
const PATCH: MethodFilter = MethodFilter::PATCH;
const DELETE: MethodFilter = MethodFilter::DELETE;

pub(crate) type Entry = (MethodFilter, &'static str, &'static str, Face);

/// The stand-in for the finance service: no part of DigitalOcean's API, and with a token of its own.
pub(crate) const IMPORT_INVOICE: &str = "/api/v1/integrations/cloud/import-invoice";

/// HEAD is answered wherever GET is.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Entry] = &[
    (GET, "/v2/account", "account:read", account::show),
    (GET, "/v2/account/keys", "ssh_key:read", keys::list),
    (POST, "/v2/account/keys", "ssh_key:create", keys::create),
    (GET, "/v2/account/keys/{key}", "ssh_key:read", keys::show),
    (PUT, "/v2/account/keys/{key}", "ssh_key:update", keys::rename),
    (DELETE, "/v2/account/keys/{key}", "ssh_key:delete", keys::delete),
    (GET, "/v2/regions", "regions:read", account::regions),
    (GET, "/v2/sizes", "sizes:read+regions:read", account::sizes),
    (GET, "/v2/images", "image:read", images::list),
    (GET, "/v2/images/{image}", "image:read", images::show),
    (PUT, "/v2/images/{image}", "image:update", images::rename),
    (DELETE, "/v2/images/{image}", "image:delete", images::delete),
    (GET, "/v2/images/{image}/actions", "image:read", actions::list_of_image),
    (POST, "/v2/images/{image}/actions", "image:update", actions::act_on_image),
    (GET, "/v2/images/{image}/actions/{action}", "image:read", actions::show_of_image),
    (GET, "/v2/snapshots", "snapshot:read", snapshots::list),
    (GET, "/v2/snapshots/{id}", "snapshot:read|block_storage_snapshot:read", snapshots::show),
    (DELETE, "/v2/snapshots/{id}", "image:delete+snapshot:delete", snapshots::delete),
    (GET, "/v2/droplets", "droplet:read", droplets::list),
    (POST, "/v2/droplets", "droplet:create", droplets::create),
    (DELETE, "/v2/droplets", "droplet:delete", droplets::destroy_tagged),
    (POST, "/v2/droplets/actions", "droplet:update", actions::act_on_tagged),
    (GET, "/v2/droplets/backups/policies", "droplet:read", droplets::backup_policies),
    (GET, "/v2/droplets/backups/supported_policies", "droplet:read", droplets::supported_backup_policies),
    (GET, "/v2/droplets/{id}", "droplet:read", droplets::show),
    (DELETE, "/v2/droplets/{id}", "droplet:delete", droplets::destroy),
    (GET, "/v2/droplets/{id}/snapshots", "droplet:read", snapshots::of_droplet),
    (GET, "/v2/droplets/{id}/backups", "droplet:read", snapshots::backups_of_droplet),
    (GET, "/v2/droplets/{id}/backups/policy", "droplet:read", droplets::backup_policy),
    (GET, "/v2/droplets/{id}/firewalls", "firewall:read", firewalls::of_droplet),
    (GET, "/v2/droplets/{id}/actions", "droplet:read", actions::list_of_droplet),
    (POST, "/v2/droplets/{id}/actions", "droplet:update", actions::act_on_droplet),
    (GET, "/v2/droplets/{id}/actions/{action}", "droplet:read", actions::show_of_droplet),
    (GET, "/v2/actions", "actions:read", actions::list),
    (GET, "/v2/actions/{action}", "actions:read", actions::show),
    (GET, "/v2/domains", "domain:read", domains::list),
    (POST, "/v2/domains", "domain:create", domains::create),
    (GET, "/v2/domains/{name}", "domain:read", domains::show),
    (DELETE, "/v2/domains/{name}", "domain:delete", domains::delete),
    (GET, "/v2/domains/{name}/records", "domain:read", domains::list_records),
    (POST, "/v2/domains/{name}/records", "domain:create|domain:update", domains::create_record),
    (GET, "/v2/domains/{name}/records/{id}", "domain:read", domains::show_record),
    (PUT, "/v2/domains/{name}/records/{id}", "domain:update", domains::update_record),
    (PATCH, "/v2/domains/{name}/records/{id}", "domain:update", domains::update_record),
    (DELETE, "/v2/domains/{name}/records/{id}", "domain:delete|domain:update", domains::delete_record),
    (GET, "/v2/tags", "tag:read", tags::list),
    (POST, "/v2/tags", "tag:create", tags::create),
    (GET, "/v2/tags/{name}", "tag:read", tags::show),
    (DELETE, "/v2/tags/{name}", "tag:delete", tags::delete),
    (POST, "/v2/tags/{name}/resources", "tag:create", tags::tag),
    (DELETE, "/v2/tags/{name}/resources", "tag:delete", tags::untag),
    (GET, "/v2/projects", "project:read", projects::list),
    (POST, "/v2/projects", "project:create", projects::create),
    (GET, "/v2/projects/{project}", "project:read", projects::show),
    (PUT, "/v2/projects/{project}", "project:update", projects::replace),
    (PATCH, "/v2/projects/{project}", "project:update", projects::update),
    (DELETE, "/v2/projects/{project}", "project:delete", projects::delete),
    (GET, "/v2/projects/{project}/resources", "project:read", projects::resources),
    (POST, "/v2/projects/{project}/resources", "project:assign_resource|project:update", projects::assign),
    (GET, "/v2/volumes", "block_storage:read", volumes::list),
    (POST, "/v2/volumes", "block_storage:create", volumes::create),
    (DELETE, "/v2/volumes", "block_storage:delete", volumes::delete_named),
    (POST, "/v2/volumes/actions", "block_storage_action:create", volumes::act_on_named),
    (GET, "/v2/volumes/snapshots/{id}", "block_storage_snapshot:read", snapshots::of_volume),
    (DELETE, "/v2/volumes/snapshots/{id}", "block_storage_snapshot:delete", snapshots::delete_of_volume),
    (GET, "/v2/volumes/{id}", "block_storage:read", volumes::show),
    (DELETE, "/v2/volumes/{id}", "block_storage:delete", volumes::delete),
    (GET, "/v2/volumes/{id}/actions", "block_storage_action:read", volumes::list_actions),
    (POST, "/v2/volumes/{id}/actions", "block_storage_action:create", volumes::act),
    (GET, "/v2/volumes/{id}/actions/{action}", "block_storage_action:read", volumes::show_action),
    (GET, "/v2/volumes/{id}/snapshots", "block_storage_snapshot:read", volumes::list_snapshots),
    (POST, "/v2/volumes/{id}/snapshots", "block_storage_snapshot:create", volumes::create_snapshot),
    (GET, "/v2/reserved_ips", "reserved_ip:read", reserved_ips::list),
    (POST, "/v2/reserved_ips", "reserved_ip:create", reserved_ips::create),
    (GET, "/v2/reserved_ips/{ip}", "reserved_ip:read", reserved_ips::show),
    (DELETE, "/v2/reserved_ips/{ip}", "reserved_ip:delete", reserved_ips::delete),
    (GET, "/v2/reserved_ips/{ip}/actions", "reserved_ip:read", reserved_ips::list_actions),
    (POST, "/v2/reserved_ips/{ip}/actions", "reserved_ip:update", reserved_ips::act),
    (GET, "/v2/reserved_ips/{ip}/actions/{action}", "reserved_ip:read", reserved_ips::show_action),
    (GET, "/v2/floating_ips", "reserved_ip:read", reserved_ips::list),
    (POST, "/v2/floating_ips", "reserved_ip:create", reserved_ips::create),
    (GET, "/v2/floating_ips/{ip}", "reserved_ip:read", reserved_ips::show),
    (DELETE, "/v2/floating_ips/{ip}", "reserved_ip:delete", reserved_ips::delete),
    (GET, "/v2/floating_ips/{ip}/actions", "reserved_ip:read", reserved_ips::list_actions),
    (POST, "/v2/floating_ips/{ip}/actions", "reserved_ip:update", reserved_ips::act),
    (GET, "/v2/floating_ips/{ip}/actions/{action}", "reserved_ip:read", reserved_ips::show_action),
    (GET, "/v2/firewalls", "firewall:read", firewalls::list),
    (POST, "/v2/firewalls", "firewall:create", firewalls::create),
    (GET, "/v2/firewalls/{id}", "firewall:read", firewalls::show),
    (PUT, "/v2/firewalls/{id}", "firewall:update", firewalls::replace),
    (DELETE, "/v2/firewalls/{id}", "firewall:delete", firewalls::delete),
    (POST, "/v2/firewalls/{id}/droplets", "firewall:update", firewalls::add_droplets),
    (DELETE, "/v2/firewalls/{id}/droplets", "firewall:update", firewalls::remove_droplets),
    (POST, "/v2/firewalls/{id}/tags", "firewall:update", firewalls::add_tags),
    (DELETE, "/v2/firewalls/{id}/tags", "firewall:update", firewalls::remove_tags),
    (POST, "/v2/firewalls/{id}/rules", "firewall:update", firewalls::add_rules),
    (DELETE, "/v2/firewalls/{id}/rules", "firewall:update", firewalls::remove_rules),
    (GET, "/v2/load_balancers", "load_balancer:read", load_balancers::list),
    (POST, "/v2/load_balancers", "load_balancer:create", load_balancers::create),
    (GET, "/v2/load_balancers/{id}", "load_balancer:read", load_balancers::show),
    (PUT, "/v2/load_balancers/{id}", "load_balancer:update", load_balancers::replace),
    (DELETE, "/v2/load_balancers/{id}", "load_balancer:delete", load_balancers::delete),
    (POST, "/v2/load_balancers/{id}/droplets", "load_balancer:update", load_balancers::add),
    (DELETE, "/v2/load_balancers/{id}/droplets", "load_balancer:update", load_balancers::remove),
    (POST, "/v2/load_balancers/{id}/forwarding_rules", "load_balancer:update", load_balancers::add),
    (DELETE, "/v2/load_balancers/{id}/forwarding_rules", "load_balancer:update", load_balancers::remove),
    (GET, "/v2/vpcs", "vpc:read", vpcs::list),
    (POST, "/v2/vpcs", "vpc:create", vpcs::create),
    (GET, "/v2/vpcs/{id}", "vpc:read", vpcs::show),
    (PUT, "/v2/vpcs/{id}", "vpc:update", vpcs::replace),
    (PATCH, "/v2/vpcs/{id}", "vpc:update", vpcs::update),
    (DELETE, "/v2/vpcs/{id}", "vpc:delete", vpcs::delete),
    (GET, "/v2/vpcs/{id}/members", "vpc:read", vpcs::members),
    (GET, "/v2/databases", "database:read", databases::list),
    (GET, "/v2/databases/{id}", "database:read", databases::show),
    (GET, "/v2/kubernetes/clusters", "kubernetes:read", kubernetes::list),
    (GET, "/v2/kubernetes/clusters/{id}", "kubernetes:read", kubernetes::show),
    (GET, "/v2/customers/my/balance", "billing:read", billing::balance),
    (GET, "/v2/customers/my/billing_history", "billing:read", billing::history),
    (GET, "/v2/customers/my/invoices", "billing:read", billing::invoices),
    (GET, "/v2/customers/my/invoices/{invoice}", "billing:read", billing::items),
    (GET, "/v2/customers/my/invoices/{invoice}/summary", "billing:read", billing::summary),
    (GET, "/v2/customers/my/invoices/{invoice}/csv", "billing:read", billing::csv),
    (POST, IMPORT_INVOICE, "", finance::import),
];

/// Method, path and scope of every route of DigitalOcean's API that is served: for whoever compares it with the
/// published specification.
pub fn routes() -> Vec<(String, &'static str, &'static str)> {
    let of_api = ROUTES.iter().filter(|(_, path, ..)| path.starts_with("/v2/"));
    let word = |method: MethodFilter| match method {
        GET => "GET",
        POST => "POST",
        PUT => "PUT",
        PATCH => "PATCH",
        _ => "DELETE",
    };
    of_api.map(|(method, path, scope, _)| (word(*method).to_owned(), *path, *scope)).collect()
}
