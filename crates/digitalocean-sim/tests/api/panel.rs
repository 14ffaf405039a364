//! Changes out of band, of every kind there is: made, changed and destroyed past the API, seen through it, and written down
//! as what they are.

use digitalocean_sim::Kind;
use serde_json::{Value, json};

use crate::site::{Site, droplet};

/// What `kind` is made of, what of it is set where anything can be, and where the API shows it.
fn matter(kind: Kind, on: u64) -> (Value, Option<Value>, &'static str) {
    let rule = json!([{ "protocol": "tcp", "ports": "443", "sources": { "addresses": ["0.0.0.0/0"] } }]);
    let forward =
        json!([{ "entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80 }]);
    let renamed = Some(json!({ "name": "renamed" }));
    let named = json!({ "name": "made" });
    match kind {
        Kind::Droplet => (droplet("made"), renamed, "/v2/droplets/{id}"),
        Kind::Snapshot => (json!({ "droplet_id": on, "name": "made" }), renamed, "/v2/snapshots/{id}"),
        Kind::DropletBackup => (json!({ "droplet_id": on, "name": "made" }), renamed, "/v2/images/{id}"),
        Kind::Domain => (json!({ "name": "made.example.com" }), None, "/v2/domains/{id}"),
        Kind::DomainRecord => {
            let record =
                json!({ "domain": "zone.example.com", "type": "A", "name": "www", "data": "192.0.2.1" });
            (record, Some(json!({ "data": "192.0.2.9" })), "/v2/domains/zone.example.com/records/{id}")
        }
        Kind::Tag => (named, None, "/v2/tags/{id}"),
        Kind::SshKey => {
            let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvb2Jhcg== me";
            (json!({ "name": "made", "public_key": key }), None, "/v2/account/keys/{id}")
        }
        Kind::Volume => {
            let volume = json!({ "name": "made", "region": "nyc3", "size_gigabytes": 10 });
            (volume, Some(json!({ "size_gigabytes": 20, "droplet_id": on })), "/v2/volumes/{id}")
        }
        Kind::VolumeSnapshot => (json!({ "name": "made" }), None, "/v2/snapshots/{id}"),
        Kind::ReservedIp => {
            (json!({ "region": "nyc3" }), Some(json!({ "droplet_id": on })), "/v2/reserved_ips/{id}")
        }
        Kind::Firewall => (json!({ "name": "made", "inbound_rules": rule }), renamed, "/v2/firewalls/{id}"),
        Kind::LoadBalancer => {
            let balancer = json!({ "name": "made", "region": "nyc3", "forwarding_rules": forward });
            (balancer, renamed, "/v2/load_balancers/{id}")
        }
        Kind::Vpc => (json!({ "name": "made", "region": "nyc3" }), renamed, "/v2/vpcs/{id}"),
        Kind::Project => (json!({ "name": "made", "purpose": "hosting" }), renamed, "/v2/projects/{id}"),
        Kind::Database => (named, Some(json!({ "status": "offline" })), "/v2/databases/{id}"),
        Kind::KubernetesCluster => (named, renamed, "/v2/kubernetes/clusters/{id}"),
        Kind::SpacesBucket => (named, None, ""),
    }
}

const KINDS: [Kind; 17] = [
    Kind::Droplet,
    Kind::Snapshot,
    Kind::DropletBackup,
    Kind::Domain,
    Kind::DomainRecord,
    Kind::Tag,
    Kind::SshKey,
    Kind::Volume,
    Kind::VolumeSnapshot,
    Kind::ReservedIp,
    Kind::Firewall,
    Kind::LoadBalancer,
    Kind::Vpc,
    Kind::Project,
    Kind::Database,
    Kind::KubernetesCluster,
    Kind::SpacesBucket,
];

/// Beside everything, for what needs something to stand on.
async fn ground(site: &Site) -> (u64, Value) {
    let on = site.active_droplet("ground").await;
    site.post("/v2/domains", json!({ "name": "zone.example.com" })).await;
    let volume = json!({ "name": "ground", "region": "nyc3", "size_gigabytes": 10 });
    let volume = site.post("/v2/volumes", volume).await.1["volume"]["id"].clone();
    (on, volume)
}

/// Whether the resource in an answer has all that was set.
fn has(shown: &Value, set: &Value, on: u64) -> bool {
    let resource = shown.as_object().unwrap().values().next().unwrap();
    set.as_object().unwrap().iter().all(|(key, value)| match key.as_str() {
        "droplet_id" => resource["droplet_ids"] == json!([on]) || resource["droplet"]["id"] == on,
        _ => resource[key] == *value,
    })
}

#[tokio::test]
async fn every_kind_is_made_changed_and_destroyed_in_the_panel() {
    let site = Site::instant().await;
    let (on, volume) = ground(&site).await;
    for kind in KINDS {
        let (mut create, set, path) = matter(kind, on);
        if kind == Kind::VolumeSnapshot {
            create["volume_id"] = volume.clone();
        }
        let (status, made) = site.post("/_sim/mutate", json!({ "kind": kind, "create": create })).await;
        assert_eq!(status, 200, "{kind:?}: {made}");
        let id = made["id"].as_str().map_or_else(|| made["id"].to_string(), str::to_owned);
        let path = path.replace("{id}", &id);
        let shown = |status: u16| {
            let (site, path) = (&site, path.clone());
            async move {
                if path.is_empty() {
                    return Value::Null;
                }
                let (answered, body) = site.get(&path).await;
                assert_eq!(answered, status, "{path}: {body}");
                body
            }
        };
        shown(200).await;

        let body = json!({ "kind": kind, "id": id, "set": set.clone().unwrap_or(json!({ "name": "x" })) });
        let (status, answer) = site.post("/_sim/mutate", body).await;
        assert_eq!(status, if set.is_some() { 200 } else { 422 }, "{kind:?}: {answer}");
        if let Some(set) = &set {
            let body = shown(200).await;
            assert!(has(&body, set, on), "{kind:?}: {body}");
        }
        let nonsense = json!({ "kind": kind, "id": id, "set": { "no_such_field": 1 } });
        assert_eq!(site.post("/_sim/mutate", nonsense).await.0, 422, "{kind:?}");

        let destroy = json!({ "kind": kind, "id": id, "destroy": true });
        assert_eq!(site.post("/_sim/mutate", destroy.clone()).await.0, 200, "{kind:?}");
        site.advance_s(60);
        shown(404).await;
        assert_eq!(site.post("/_sim/mutate", destroy).await.0, 422, "{kind:?} is destroyed once");

        let of_it = |change: &digitalocean_sim::Change| change.kind == kind && change.id == id;
        let changes: Vec<_> = site.simulator.log().into_iter().filter(of_it).collect();
        let by = |change: &digitalocean_sim::Change| change.by == digitalocean_sim::Origin::OutOfBand;
        assert!(by(&changes[0]) && by(changes.last().unwrap()), "{kind:?}: {changes:?}");
        let told: Vec<Value> = changes.iter().map(|change| json!(change.change)).collect();
        assert_eq!((&told[0], told.last().unwrap()), (&json!("created"), &json!("destroyed")));
        assert_eq!(told.contains(&json!("changed")), set.is_some(), "{kind:?}: {changes:?}");
    }
}
