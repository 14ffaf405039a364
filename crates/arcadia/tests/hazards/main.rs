//! Every saga of the service through the engine's test kit: every hazard at every place, on both databases, with the
//! simulated account and the service's own rows as the oracle.

#![allow(clippy::unwrap_used, reason = "a case stops where its world breaks")]

mod background;
mod deployment;
mod droplets;
mod records;
mod site;

use arcadia::inventory::sync;
use arcadia_saga::testing::{Scene, Trial};
use arcadia_sql::Engine;
use background::{Listing, Night, Projects, make};
use deployment::Deployment;
use digitalocean_sim::Kind;
use droplets::{DestroyedDroplet, NewDroplet, PhotographedDroplet};
use records::Records;
use serde_json::json;
use site::{Site, Tale, Told};

async fn holds(engine: Engine, tale: impl Tale) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let report = Trial::of(move |scene: Scene| Told::begin(scene, tale.clone())).on(engine).await;
    report.tell();
    report.assert_holds();
}

macro_rules! every_hazard_of {
    ($($saga:ident: $tale:expr;)*) => {
        const TOLD: &[&str] = &[$(stringify!($saga)),*];

        $(
        mod $saga {
            use super::*;

            #[tokio::test]
            async fn sqlite() {
                holds(Engine::Sqlite, $tale).await;
            }

            #[tokio::test]
            async fn postgres() {
                holds(Engine::Postgres, $tale).await;
            }
        }
    )*};
}

#[test]
fn every_plan_has_a_tale() {
    for plan in arcadia::sagas::registry().unwrap().plan_names() {
        assert!(TOLD.contains(&plan.as_str()), "`{plan}` goes through no hazard: tell it here");
    }
}

#[test]
fn every_step_is_in_a_tale() {
    let registry = arcadia::sagas::registry().unwrap();
    let planned: Vec<String> =
        registry.plan_names().iter().flat_map(|plan| registry.plan_steps(plan).unwrap()).collect();
    let shipped = arcadia_saga::Registry::<arcadia::cloud::Cloud>::new().step_names();
    for step in registry.step_names() {
        let is_told = planned.contains(&step)
            || shipped.contains(&step)
            || records::STEPS.contains(&step.as_str())
            || TOLD.contains(&step.as_str());
        assert!(is_told, "`{step}` goes through no hazard: tell it here");
    }
}

fn droplet(site: &Site, _: usize) -> String {
    site.add_droplet().to_string()
}

/// What is made of a droplet that no listing of the kind shows.
fn of_a_droplet(site: &Site, kind: Kind) -> String {
    make(site, kind, json!({"droplet_id": site.add_droplet()}))
}

fn balancer(n: usize) -> serde_json::Value {
    let rules =
        json!([{"entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80}]);
    json!({"name": format!("l-{n}"), "region": "nyc3", "forwarding_rules": rules})
}

fn firewall(n: usize) -> serde_json::Value {
    let rules = json!([{"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}]);
    json!({"name": format!("f-{n}"), "inbound_rules": rules})
}

fn volume(n: usize) -> serde_json::Value {
    json!({"name": format!("v-{n}"), "region": "nyc3", "size_gigabytes": 1})
}

every_hazard_of! {
    provision_droplet: NewDroplet;
    destroy_droplet: DestroyedDroplet::default();
    snapshot_droplet: PhotographedDroplet::default();
    provision_deployment: Deployment::default();
    a_record_that_is_created: Records { steps: &["upsert_dns_record", "echo"], before: &[] };
    a_record_that_is_updated: Records { steps: &["upsert_dns_record", "echo"], before: &["192.0.2.9"] };
    a_record_that_is_as_wanted: Records { steps: &["upsert_dns_record", "echo"], before: &[records::WANTED] };
    records_that_are_deleted: Records { steps: &["delete_dns_record", "echo"], before: &["192.0.2.8", "192.0.2.9"] };
    records_that_make_room: Records {
        steps: &["delete_dns_record", "upsert_dns_record"], before: &["192.0.2.8", "192.0.2.9"]
    };
    sync_droplets: Listing::of::<sync::Droplets>("droplet", droplet);
    sync_droplet_statuses: Listing::of::<sync::DropletStatuses>("droplet", droplet).that_strikes_nothing();
    sync_domains: Listing::of::<sync::Domains>("dns_zone", |site, n| {
        make(site, Kind::Domain, json!({"name": format!("zone-{n}.com")}))
    });
    sync_volumes: Listing::of::<sync::Volumes>("volume", |site, n| make(site, Kind::Volume, volume(n)));
    sync_floating_ips: Listing::of::<sync::FloatingIps>("floating_ip", |site, _| {
        make(site, Kind::ReservedIp, json!({"region": "nyc3"}))
    });
    sync_firewalls: Listing::of::<sync::Firewalls>("firewall", |site, n| make(site, Kind::Firewall, firewall(n)));
    sync_load_balancers: Listing::of::<sync::LoadBalancers>("load_balancer", |site, n| {
        make(site, Kind::LoadBalancer, balancer(n))
    });
    sync_databases: Listing::of::<sync::Databases>("managed_db", |site, n| {
        make(site, Kind::Database, json!({"name": format!("db-{n}")}))
    });
    sync_kubernetes: Listing::of::<sync::Kubernetes>("k8s_cluster", |site, n| {
        make(site, Kind::KubernetesCluster, json!({"name": format!("k-{n}")}))
    });
    sync_snapshots: Listing::of::<sync::Snapshots>("snapshot", |site, _| of_a_droplet(site, Kind::Snapshot));
    sync_droplet_backups: Listing::of::<sync::DropletBackups>("droplet_backup", |site, _| {
        of_a_droplet(site, Kind::DropletBackup)
    });
    sync_projects: Projects;
    forget_the_past: Night::default();
}
