//! The control interface, and the log as the account's other side.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::site::{Site, droplet};

/// What the log says exists, by kind: everything created and not destroyed.
pub(crate) fn standing(site: &Site) -> BTreeMap<String, Vec<String>> {
    let mut standing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for change in site.simulator.log() {
        let change = serde_json::to_value(change).unwrap();
        let text = |key: &str| change[key].as_str().unwrap().to_owned();
        let ids = standing.entry(text("kind")).or_default();
        match change["change"].as_str().unwrap() {
            "created" => ids.push(text("id")),
            "destroyed" => {
                let at = ids.iter().position(|id| *id == text("id")).expect("destroyed what was created");
                ids.remove(at);
            }
            _ => assert!(ids.contains(&text("id")), "changed what does not exist: {change}"),
        }
    }
    standing.values_mut().for_each(|ids| ids.sort());
    standing.retain(|_, ids| !ids.is_empty());
    standing
}

/// What the account says exists, in the same form.
pub(crate) fn existing(site: &Site) -> BTreeMap<String, Vec<String>> {
    let account = site.simulator.account();
    let ids = |items: &Value, key: &str| -> Vec<String> {
        let text = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let mut ids: Vec<String> = items.as_array().unwrap().iter().map(|it| text(&it[key])).collect();
        ids.sort();
        ids
    };
    let records: Vec<Value> = account["domains"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|domain| domain["records"].as_array().unwrap().clone())
        .collect();
    let mut tags: Vec<String> =
        account["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()).collect();
    tags.sort();
    let mut existing = BTreeMap::from([
        ("droplet".to_owned(), ids(&account["droplets"], "id")),
        ("snapshot".to_owned(), ids(&account["snapshots"], "id")),
        ("droplet_backup".to_owned(), ids(&account["droplet_backups"], "id")),
        ("domain".to_owned(), ids(&account["domains"], "name")),
        ("domain_record".to_owned(), ids(&json!(records), "id")),
        ("ssh_key".to_owned(), ids(&account["ssh_keys"], "id")),
        ("tag".to_owned(), tags),
        ("project".to_owned(), ids(&account["projects"], "id")),
        ("volume".to_owned(), ids(&account["volumes"], "id")),
        ("volume_snapshot".to_owned(), ids(&account["volume_snapshots"], "id")),
        ("reserved_ip".to_owned(), ids(&account["reserved_ips"], "ip")),
        ("firewall".to_owned(), ids(&account["firewalls"], "id")),
        ("load_balancer".to_owned(), ids(&account["load_balancers"], "id")),
        ("vpc".to_owned(), ids(&account["vpcs"], "id")),
        ("database".to_owned(), ids(&account["databases"], "id")),
        ("kubernetes_cluster".to_owned(), ids(&account["kubernetes_clusters"], "id")),
        ("spaces_bucket".to_owned(), ids(&account["spaces_buckets"], "id")),
    ]);
    existing.retain(|_, ids| !ids.is_empty());
    existing
}

#[tokio::test]
async fn what_was_created_and_not_destroyed_is_the_account() {
    let site = Site::start().await;
    site.post("/_sim/scenario", json!({ "name": "small" })).await;
    assert_eq!(existing(&site), standing(&site));
    let key =
        json!({ "name": "laptop", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvb2Jhcg== me" });
    assert_eq!(site.post("/v2/account/keys", key.clone()).await.0, 201);
    assert_eq!(site.post("/v2/account/keys", key).await.0, 422);
    let mut body = droplet("tagged");
    body["tags"] = json!(["one", "two"]);
    body["backups"] = json!(true);
    let (_, body) = site.post("/v2/droplets", body).await;
    let id = body["droplet"]["id"].as_u64().unwrap();
    site.advance_s(30);
    site.act(id, json!({ "type": "snapshot", "name": "arcadia-snap-tagged" })).await;
    site.advance_s(3 * 24 * 3_600);
    assert_eq!(existing(&site), standing(&site));
    site.delete("/v2/tags/one").await;
    site.delete("/v2/domains/arcadia-demo.com").await;
    site.delete(&format!("/v2/droplets/{id}")).await;
    site.post(
        "/_sim/mutate",
        json!({ "kind": "snapshot", "create": { "droplet_id": 700100001, "name": "s" } }),
    )
    .await;
    site.post("/_sim/mutate", json!({ "kind": "droplet", "id": 700100001, "destroy": true })).await;
    assert_eq!(existing(&site), standing(&site));
    site.advance_s(3_600);
    assert_eq!(existing(&site), standing(&site));
}

#[tokio::test]
async fn what_bears_the_marks_is_told_with_its_monthly_cost() {
    let site = Site::start().await;
    site.active_droplet("unmarked").await;
    let mut body = droplet("marked");
    body["tags"] = json!(["managed-by-arcadia-cloud"]);
    let (_, body) = site.post("/v2/droplets", body).await;
    let id = body["droplet"]["id"].as_u64().unwrap();
    site.advance_s(30);
    site.act(id, json!({ "type": "snapshot", "name": "arcadia-snap-marked" })).await;
    site.advance_s(60);
    let marked = site.get("/_sim/marked").await.1["marked"].clone();
    assert_eq!(marked.as_array().unwrap().len(), 2);
    assert_eq!((&marked[0]["kind"], &marked[0]["id"]), (&json!("droplet"), &json!(id.to_string())));
    assert_eq!(marked[0]["monthly_cost"].as_str().unwrap().parse::<f64>().unwrap(), 6.0);
    assert_eq!((&marked[1]["kind"], &marked[1]["name"]), (&json!("snapshot"), &json!("arcadia-snap-marked")));
    site.delete(&format!("/v2/droplets/{id}")).await;
    assert_eq!(site.simulator.marked().len(), 1, "a lingering droplet does not exist");
}

#[tokio::test]
async fn time_is_read_advanced_stopped_and_let_go_without_a_jump() {
    let site = Site::start().await;
    let (_, time) = site.get("/_sim/time").await;
    assert_eq!(time, json!({ "now": "2026-11-02T09:00:00Z", "speed": 1.0, "mode": "manual" }));
    let (_, time) = site.post("/_sim/time", json!({ "advance_ms": 1_500 })).await;
    assert_eq!(time["now"], "2026-11-02T09:00:01.5Z");
    let (_, time) = site.post("/_sim/time", json!({ "mode": "flow", "speed": 1000.0 })).await;
    assert_eq!((&time["mode"], &time["speed"]), (&json!("flow"), &json!(1000.0)));
    let (_, stopped) = site.post("/_sim/time", json!({ "mode": "manual" })).await;
    assert!(stopped["now"].as_str().unwrap() >= "2026-11-02T09:00:01.5Z");
    assert_eq!(site.get("/_sim/time").await.1["now"], stopped["now"]);
    assert_eq!(site.post("/_sim/time", json!({ "speed": 0 })).await.0, 422);
    let (status, late) = site.get(&format!("/_sim/requests?after={}", u64::MAX)).await;
    assert_eq!((status, &late["requests"]), (200, &json!([])));
    let (status, refused) = site.post("/_sim/time", json!({ "advance_ms": u64::MAX })).await;
    assert!(status == 422 && refused["message"].as_str().unwrap().contains("advance_ms"), "{refused}");
    assert_eq!(site.post("/_sim/time", json!({ "advanced_ms": 1 })).await.0, 422);
}

#[tokio::test]
async fn the_panel_changes_what_no_request_did() {
    let site = Site::instant().await;
    let (_, body) = site.post("/v2/droplets", droplet("edge-1")).await;
    let id = body["droplet"]["id"].as_u64().unwrap();
    let set = json!({ "size_slug": "s-2vcpu-4gb", "name": "renamed", "status": "off", "tags": ["by-hand"] });
    let (status, _) = site.post("/_sim/mutate", json!({ "kind": "droplet", "id": id, "set": set })).await;
    assert_eq!(status, 200);
    let shown = site.droplet(id).await;
    assert_eq!((&shown["size_slug"], &shown["disk"]), (&json!("s-2vcpu-4gb"), &json!(80)));
    assert_eq!((&shown["name"], &shown["status"]), (&json!("renamed"), &json!("off")));
    assert_eq!(site.total("/v2/droplets?tag_name=by-hand").await, 1);
    let half = json!({ "kind": "droplet", "id": id, "set": { "name": "again", "colour": "red" } });
    let (status, body) = site.post("/_sim/mutate", half).await;
    assert_eq!(status, 422);
    assert!(body["message"].as_str().unwrap().contains("colour"));
    assert_eq!(site.droplet(id).await["name"], "renamed", "refused as a whole");
    let (_, log) = site.get("/_sim/log").await;
    let changes = log["changes"].as_array().unwrap();
    let numbers: Vec<u64> = changes.iter().map(|change| change["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=log["total"].as_u64().unwrap()).collect::<Vec<_>>());
    let (_, rest) = site.get("/_sim/log?after=1&limit=1").await;
    assert_eq!(rest["changes"], json!([changes[1]]));
    let last = changes.last().unwrap();
    assert_eq!((&last["by"], &last["kind"]), (&json!("out_of_band"), &json!("droplet")));
    let zone = json!({ "kind": "domain", "create": { "name": "acme.com" } });
    assert_eq!(site.post("/_sim/mutate", zone).await.1["id"], "acme.com");
    let record = json!({ "type": "A", "name": "www", "data": "192.0.2.1" });
    let (_, body) = site.post("/v2/domains/acme.com/records", record).await;
    let record_id = &body["domain_record"]["id"];
    let moved = json!({ "kind": "domain_record", "id": record_id, "set": { "data": "192.0.2.9" } });
    assert_eq!(site.post("/_sim/mutate", moved).await.0, 200);
    let path = format!("/v2/domains/acme.com/records/{record_id}");
    assert_eq!(site.get(&path).await.1["domain_record"]["data"], "192.0.2.9");
}

#[tokio::test]
async fn a_scenario_is_loaded_by_name_and_an_unknown_one_names_the_known() {
    let site = Site::start().await;
    let (status, account) = site.post("/_sim/scenario", json!({ "name": "small", "seed": 3 })).await;
    assert_eq!(status, 200);
    assert_eq!(account["droplets"].as_array().unwrap().len(), 3);
    assert_eq!(account["domains"].as_array().unwrap().len(), 2);
    assert_eq!(account["snapshots"].as_array().unwrap().len(), 2);
    assert_eq!(site.total("/v2/droplets").await, 3);
    let (status, body) = site.post("/_sim/scenario", json!({ "name": "huge" })).await;
    assert_eq!(status, 422);
    assert!(body["message"].as_str().unwrap().contains("empty, small"));
    site.post("/_sim/scenario", json!({ "name": "empty" })).await;
    assert_eq!(site.total("/v2/droplets").await, 0);
}

#[tokio::test]
async fn every_request_is_on_record_with_its_request_id() {
    let site = Site::instant().await;
    let response = site.send(reqwest::Method::GET, "/v2/droplets/12?x=1", None).await;
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    site.get("/_sim/account").await;
    site.get("/v2/account").await;
    let (_, body) = site.get("/_sim/requests").await;
    assert_eq!(body["total"], 2, "the control interface is not on record");
    let first = &body["requests"][0];
    assert_eq!(first["request_id"], request_id);
    assert_eq!((&first["method"], &first["path"]), (&json!("GET"), &json!("/v2/droplets/12")));
    assert_eq!((&first["route"], &first["status"]), (&json!("/v2/droplets/{id}"), &json!(404)));
    assert_eq!(site.get("/_sim/requests?after=1").await.1["requests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_newer_services_repeat_the_request_id_in_their_errors() {
    let site = Site::instant().await;
    let id = "5ca1ab1e-0000-4000-8000-00000000dead";
    for (path, repeats) in
        [("/v2/firewalls", true), ("/v2/vpcs", true), ("/v2/droplets", false), ("/v2/domains", false)]
    {
        let answer = site.send(reqwest::Method::GET, &format!("{path}/{id}"), None).await;
        let header = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let (status, body) = crate::site::parts(answer).await;
        assert_eq!((status, body.get("request_id")), (404, repeats.then_some(&json!(header))), "{path}");
    }
}

#[tokio::test]
async fn one_seed_is_one_history() {
    let mut histories = Vec::new();
    for _ in 0..2 {
        let options = digitalocean_sim::Options {
            timings: digitalocean_sim::Timings::realistic(),
            seed: 7,
            ..crate::site::options()
        };
        let site = Site::with(options).await;
        for name in ["a", "b", "c"] {
            site.post("/v2/droplets", droplet(name)).await;
            site.advance_s(5);
        }
        site.advance_s(60);
        histories.push(serde_json::to_string(&site.simulator.log()).unwrap());
    }
    assert_eq!(histories[0], histories[1]);
    assert!(histories[0].contains("active"));
}
