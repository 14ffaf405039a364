//! What a listing that is not the whole truth may do: fail, and be seen to fail. Every kind, every page, every way to fail.

use crate::account::SYNCS_OF_KINDS;
use crate::world::{Calendar, World};
use arcadia_sql::{args, statements};
use digitalocean_sim::{Fault, FaultKind, Kind, Stage};
use serde_json::{Value, json};

statements! {
    STRUCK_PROJECTS = "SELECT COUNT(*) FROM cloud_projects WHERE stale_strike_count > 0 OR deleted_at IS NOT NULL";
}

/// Of these a page holds so many.
const PER_PAGE: u64 = 4;
/// Three pages of each kind.
const MANY: usize = 10;

/// The route of each sync's listing, and how many pages it has.
fn route(sync: &str) -> (&'static str, u64) {
    match sync {
        // The GPU droplets are a listing of their own.
        "droplets" => ("GET /v2/droplets", 4),
        "domains" => ("GET /v2/domains", 3),
        "volumes" => ("GET /v2/volumes", 3),
        "floating_ips" => ("GET /v2/reserved_ips", 3),
        "firewalls" => ("GET /v2/firewalls", 3),
        "load_balancers" => ("GET /v2/load_balancers", 3),
        "databases" => ("GET /v2/databases", 1),
        "kubernetes" => ("GET /v2/kubernetes/clusters", 3),
        "snapshots" => ("GET /v2/snapshots", 3),
        "droplet_backups" => ("GET /v2/droplets/{id}/backups", 3),
        "projects" => ("GET /v2/projects", 3),
        other => panic!("{other}"),
    }
}

/// An account that has two pages of the kind.
fn fill(world: &World, sync: &str) {
    let droplet = |world: &World, n: usize| -> String {
        let body = json!({"name": format!("d-{n}"), "region": "nyc3", "size": "s-1vcpu-1gb",
            "image": "ubuntu-24-04-x64", "backups": true});
        world.create(Kind::Droplet, body)
    };
    let one = droplet(world, 0);
    let number: u64 = one.parse().unwrap();
    let make = |kind: Kind, body: &dyn Fn(usize) -> Value| {
        for n in 1..MANY {
            world.create(kind, body(n));
        }
    };
    let rules = json!([{"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}]);
    let forwarding =
        json!([{"entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80}]);
    match sync {
        "droplets" => (1..MANY).for_each(|n| {
            droplet(world, n);
        }),
        "domains" => make(Kind::Domain, &|n| json!({"name": format!("zone-{n}.com")})),
        "volumes" => {
            make(Kind::Volume, &|n| json!({"name": format!("v-{n}"), "region": "nyc3", "size_gigabytes": 1}))
        }
        "floating_ips" => make(Kind::ReservedIp, &|_| json!({"region": "nyc3"})),
        "firewalls" => make(Kind::Firewall, &|n| json!({"name": format!("f-{n}"), "inbound_rules": rules})),
        "load_balancers" => make(
            Kind::LoadBalancer,
            &|n| json!({"name": format!("l-{n}"), "region": "nyc3", "forwarding_rules": forwarding}),
        ),
        "databases" => make(Kind::Database, &|n| json!({"name": format!("db-{n}")})),
        "kubernetes" => make(Kind::KubernetesCluster, &|n| json!({"name": format!("k-{n}")})),
        "snapshots" => make(Kind::Snapshot, &|_| json!({"droplet_id": number})),
        "droplet_backups" => make(Kind::DropletBackup, &|_| json!({"droplet_id": number})),
        "projects" => {
            make(Kind::Project, &|n| json!({"name": format!("p-{n}"), "purpose": "Web Application"}));
            make(Kind::SpacesBucket, &|n| json!({"name": format!("bucket-{n}")}));
        }
        other => panic!("{other}"),
    }
}

fn ways_to_fail() -> Vec<FaultKind> {
    let status = |status| FaultKind::Status { status, message: None, at: Stage::Before };
    let mut ways: Vec<FaultKind> = [401, 403, 404, 422, 500, 503].into_iter().map(status).collect();
    ways.extend([FaultKind::Garbage { at: Stage::After }, FaultKind::Truncate, FaultKind::CutBefore]);
    // Entries that shifted past us: fewer come than were announced.
    ways.push(FaultKind::ShiftPage { by: -1 });
    ways
}

/// Each page of the sync's listing fails in each way: nothing is struck, and each time a run says so.
async fn never_strikes(world: &World, sync: &str) {
    fill(world, sync);
    let (route, pages) = route(sync);
    no_page_strikes(world, sync, route, pages, Some(1)).await;
}

async fn no_page_strikes(world: &World, sync: &str, route: &'static str, pages: u64, shifted: Option<u64>) {
    world.sync(sync).await.unwrap();
    let before = world.rows().await;
    for page in 0..pages {
        for way in ways_to_fail() {
            if matches!(way, FaultKind::ShiftPage { .. }) && shifted != Some(page) {
                continue;
            }
            world.simulator.inject(Fault::new(route, way.clone()).after(page).once());
            let failed = world.sync(sync).await;
            world.simulator.clear_faults();
            assert!(failed.is_err(), "{sync}, page {page}, {way:?}: {failed:?}");
            let run = world.last_run().await;
            assert!(!run.complete && run.error.is_some() && run.finished_at.is_some(), "{way:?}: {run:?}");
            assert_eq!((run.struck, run.deleted), (0, 0));
            assert!(!run.error.unwrap().contains("dop_v1_"));
        }
    }
    let after = world.rows().await;
    assert_eq!(after.len(), before.len());
    for row in after {
        assert_eq!((row.stale_strike_count, row.deleted_at), (0, None), "{} {}", row.kind, row.provider_id);
    }
    assert_eq!(world.events().await.iter().filter(|event| event.kind == "deleted").count(), 0);
    let (projects,): (i64,) = world.service.cloud.db.fetch_one(&STRUCK_PROJECTS, args![]).await.unwrap();
    assert_eq!(projects, 0);
    world.sync(sync).await.unwrap();
}

/// Everything of the kind goes at once, as if a filter had slipped in: the first complete listing is suspicious.
async fn sudden_drop(world: &World, sync: &str, kind: &str) {
    fill(world, sync);
    world.sync(sync).await.unwrap();
    let all = world.rows_of(kind).await.len();
    assert!(all >= MANY - 1, "{all}");
    for row in world.rows_of(kind).await.iter().take(all / 2) {
        let id = row.provider_id.clone();
        world.destroy(kind_at_the_provider(kind), &id);
    }
    let first = world.sync(sync).await.unwrap();
    assert!(first.suspicious && first.struck == 0, "{first:?}");
    assert!(world.last_run().await.suspicious);
    let second = world.sync(sync).await.unwrap();
    assert_eq!((second.suspicious, second.struck), (false, i64::try_from(all / 2).unwrap()));
    world.sync(sync).await.unwrap();
    let last = world.sync(sync).await.unwrap();
    assert_eq!(last.deleted, i64::try_from(all / 2).unwrap());
}

fn kind_at_the_provider(kind: &str) -> Kind {
    match kind {
        "droplet" => Kind::Droplet,
        "dns_zone" => Kind::Domain,
        "volume" => Kind::Volume,
        "floating_ip" => Kind::ReservedIp,
        "firewall" => Kind::Firewall,
        "load_balancer" => Kind::LoadBalancer,
        "managed_db" => Kind::Database,
        "k8s_cluster" => Kind::KubernetesCluster,
        "snapshot" => Kind::Snapshot,
        "droplet_backup" => Kind::DropletBackup,
        other => panic!("{other}"),
    }
}

/// Stories in a world of small pages.
macro_rules! paged {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: &World) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn story(engine: arcadia_sql::Engine) {
                let $world = &World::with(engine, Calendar::Closed, PER_PAGE).await;
                $body
                $world.judge().await;
            }

            #[tokio::test]
            async fn sqlite() {
                story(arcadia_sql::Engine::Sqlite).await;
            }

            #[tokio::test]
            async fn postgres() {
                story(arcadia_sql::Engine::Postgres).await;
            }
        }
    )*};
}

macro_rules! every_kind {
    ($($name:ident = $at:literal;)*) => {
        mod no_failing_page_strikes {
            use super::*;
            paged! {
                $(async fn $name(world: &World) { never_strikes(world, SYNCS_OF_KINDS[$at].0).await; })*
                async fn projects(world: &World) { never_strikes(world, "projects").await; }
                /// A page for each project, and three for the one that has the buckets.
                async fn members_of_projects(world: &World) {
                    fill(world, "projects");
                    no_page_strikes(world, "projects", "GET /v2/projects/{id}/resources", 13, None).await;
                }
            }
        }
        mod a_sudden_drop_waits_for_its_confirmation {
            use super::*;
            paged! { $(async fn $name(world: &World) {
                let (sync, kind) = SYNCS_OF_KINDS[$at];
                sudden_drop(world, sync, kind).await;
            })* }
        }
    };
}

every_kind! {
    droplets = 0;
    domains = 1;
    volumes = 2;
    floating_ips = 3;
    firewalls = 4;
    load_balancers = 5;
    databases = 6;
    kubernetes = 7;
    snapshots = 8;
    droplet_backups = 9;
}
