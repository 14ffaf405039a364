//! What changes by itself at the provider is no change of a resource: each kind's fields that are left out, changed one
//! after the other.

use crate::world::World;
use arcadia::inventory::sync;
use digitalocean::DropletId;
use digitalocean_sim::Kind;
use serde_json::{Value, json};
use std::time::Duration;

/// One of each kind, with what hangs together.
struct Things {
    droplet: String,
    number: u64,
    volume: String,
    cluster: String,
    database: String,
    balancer: String,
}

fn things(world: &World) -> Things {
    let body = json!({"name": "web", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64",
        "backups": true});
    let droplet = world.create(Kind::Droplet, body);
    let number: u64 = droplet.parse().unwrap();
    let forwarding =
        json!([{"entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80}]);
    let balancer = json!({"name": "lb", "region": "nyc3", "forwarding_rules": forwarding});
    let address = world.create(Kind::ReservedIp, json!({"region": "nyc3"}));
    world.set(Kind::ReservedIp, &address, json!({"droplet_id": number}));
    let rules = json!([{"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}]);
    world.create(Kind::Tag, json!({"name": "web"}));
    world.create(Kind::Firewall, json!({"name": "fw", "inbound_rules": rules, "tags": ["web"]}));
    world.create(Kind::Snapshot, json!({"droplet_id": number, "name": "s"}));
    world.create(Kind::DropletBackup, json!({"droplet_id": number, "name": "b"}));
    Things {
        volume: world.create(Kind::Volume, json!({"name": "v", "region": "nyc3", "size_gigabytes": 1})),
        cluster: world.create(Kind::KubernetesCluster, json!({"name": "k"})),
        database: world.create(Kind::Database, json!({"name": "db"})),
        balancer: world.create(Kind::LoadBalancer, balancer),
        droplet,
        number,
    }
}

/// What the inventory says, the seen marks left out.
async fn told(world: &World) -> Vec<String> {
    let rows = world.rows().await.into_iter().map(|mut row| {
        row.last_seen_at = row.first_seen_at;
        format!("{row:?}")
    });
    rows.collect()
}

/// Looks through one sync at once, and finds everything as before.
async fn finds_nothing_new(world: &World, name: &str, what: &str) {
    let (before, events, versions) =
        (told(world).await, world.events().await.len(), world.version_count().await);
    let done = sync::run_now(&world.service.cloud, name, "a-test", &|_| ()).await.unwrap().unwrap();
    assert!(done.tally.received > 0 && done.tally.updated == 0, "{what}: {:?}", done.tally);
    assert_eq!(told(world).await, before, "{what}");
    assert_eq!(world.events().await.len(), events, "{what}: {:#?}", world.events().await.last());
    assert_eq!(world.version_count().await, versions, "{what}");
}

/// The droplet as the provider lists it now.
async fn listed(world: &World, number: u64) -> digitalocean::Droplet {
    world.service.cloud.digitalocean.droplets().get(DropletId(number)).await.unwrap()
}

async fn droplet_s_own(world: &World, it: &Things) {
    let client = &world.service.cloud.digitalocean;
    let before = listed(world, it.number).await;
    world.create(Kind::Snapshot, json!({"droplet_id": it.number, "name": "another"}));
    world.create(Kind::DropletBackup, json!({"droplet_id": it.number, "name": "another"}));
    world.set(Kind::Volume, &it.volume, json!({"droplet_id": it.number}));
    world.advance(Duration::from_secs(10 * 24 * 3600));
    let after = listed(world, it.number).await;
    assert_ne!(after.snapshot_ids, before.snapshot_ids);
    assert_ne!(after.backup_ids, before.backup_ids);
    assert_ne!(after.volume_ids, before.volume_ids);
    assert_ne!(after.next_backup_window, before.next_backup_window);
    finds_nothing_new(world, "droplets", "a droplet's snapshots, backups, volumes and backup window").await;
    client.droplets().snapshot(DropletId(it.number), "locks").await.unwrap();
    assert!(listed(world, it.number).await.locked);
    finds_nothing_new(world, "droplets", "a locked droplet").await;
    finds_nothing_new(world, "droplet_statuses", "a locked droplet, looked at fast").await;
    finds_nothing_new(world, "floating_ips", "an address of a locked droplet").await;
    world.advance(Duration::from_secs(600));
}

stories! {
    async fn what_changes_by_itself_is_no_event_and_no_new_row(world: &World) {
        let it = things(world);
        world.advance(Duration::from_secs(3600));
        world.sync_all().await;
        world.sync_all().await;
        droplet_s_own(world, &it).await;

        let record = json!({"domain": crate::world::DOMAIN, "type": "A", "name": "x", "data": "192.0.2.1"});
        world.create(Kind::DomainRecord, record);
        world.advance(Duration::from_secs(600));
        finds_nothing_new(world, "domains", "a zone's records").await;

        let changes: [(&str, Kind, &str, Value); 5] = [
            ("kubernetes", Kind::KubernetesCluster, &it.cluster, json!({"updated_at": "2027-01-01T00:00:00Z"})),
            ("kubernetes", Kind::KubernetesCluster, &it.cluster,
                json!({"status": {"state": "running", "message": "all is well"}})),
            ("databases", Kind::Database, &it.database, json!({"connection": {"host": "elsewhere", "port": 1}})),
            ("databases", Kind::Database, &it.database, json!({"users": []})),
            ("load_balancers", Kind::LoadBalancer, &it.balancer, json!({"forwarding_rules": [{"entry_protocol": "http",
                "entry_port": 81, "target_protocol": "http", "target_port": 81}]})),
        ];
        for (name, kind, id, fields) in changes {
            world.set(kind, id, fields.clone());
            world.advance(Duration::from_secs(600));
            finds_nothing_new(world, name, &format!("{name}: {fields}")).await;
        }
        // Its rules are on their way to the droplets again.
        let firewall = world.rows_of("firewall").await.remove(0).provider_id;
        let rules = world.row("firewall", &firewall).await.attrs["inbound_rules"].clone();
        world.set(Kind::Firewall, &firewall, json!({"inbound_rules": rules}));
        finds_nothing_new(world, "firewalls", "a firewall that is being applied").await;
        assert_eq!(world.row("droplet", &it.droplet).await.status.as_deref(), Some("active"));
    }
}
