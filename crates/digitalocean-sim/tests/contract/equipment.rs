//! What stands beside droplets: volumes, addresses, firewalls, load balancers, private networks and projects, each taken
//! through its whole life, so that every route of theirs is answered well at least once.

use reqwest::Method;
use serde_json::json;

use crate::answers::id;
use crate::drive::Driven;

pub async fn volumes(site: &mut Driven, first: &str) {
    let body = |name: &str| {
        json!({ "name": name, "region": "nyc3", "size_gigabytes": 10, "filesystem_type": "ext4",
                                    "filesystem_label": "data", "tags": ["web"] })
    };
    let created = site.post(201, "/v2/volumes", body("one")).await;
    site.post(201, "/v2/volumes", body("two")).await;
    let volume = id(&created["volume"]["id"]);
    let path = format!("/v2/volumes/{volume}");
    site.list("/v2/volumes").await;
    site.list("/v2/volumes?name=one&region=nyc3").await;
    let droplet_id: u64 = first.parse().unwrap();
    let action = site
        .post(202, &format!("{path}/actions"), json!({ "type": "attach", "droplet_id": droplet_id }))
        .await;
    site.advance_s(1);
    site.get(&path).await;
    site.get(&format!("/v2/droplets/{first}")).await;
    site.ask(409, Method::DELETE, &path, None).await;
    site.list(&format!("{path}/actions")).await;
    site.get(&format!("{path}/actions/{}", action["action"]["id"])).await;
    let detach = json!({ "type": "detach", "droplet_id": droplet_id, "volume_name": "one" });
    site.post(202, "/v2/volumes/actions", detach).await;
    site.advance_s(1);
    site.post(202, &format!("{path}/actions"), json!({ "type": "resize", "size_gigabytes": 20 })).await;
    site.advance_s(1);
    for name in ["snap-1", "snap-2"] {
        site.post(201, &format!("{path}/snapshots"), json!({ "name": name })).await;
    }
    let snapshots = site.list(&format!("{path}/snapshots")).await;
    let (one, two) = (id(&snapshots["snapshots"][0]["id"]), id(&snapshots["snapshots"][1]["id"]));
    site.get(&format!("/v2/volumes/snapshots/{one}")).await;
    site.get(&format!("/v2/snapshots/{one}")).await;
    site.list("/v2/snapshots?resource_type=volume").await;
    site.delete(&format!("/v2/volumes/snapshots/{one}"), None).await;
    site.delete(&format!("/v2/snapshots/{two}"), None).await;
    site.delete(&path, None).await;
    site.delete("/v2/volumes?name=two&region=nyc3", None).await;
}

pub async fn addresses(site: &mut Driven, first: &str) {
    let droplet_id: u64 = first.parse().unwrap();
    for (collection, one) in [("reserved_ips", "reserved_ip"), ("floating_ips", "floating_ip")] {
        let path = format!("/v2/{collection}");
        let idle = site.post(202, &path, json!({ "region": "nyc3" })).await;
        let bound = site.post(202, &path, json!({ "droplet_id": droplet_id })).await;
        site.advance_s(1);
        site.list(&path).await;
        let (idle, bound) =
            (format!("{path}/{}", id(&idle[one]["ip"])), format!("{path}/{}", id(&bound[one]["ip"])));
        site.get(&idle).await;
        site.get(&bound).await;
        let action = site.post(201, &format!("{bound}/actions"), json!({ "type": "unassign" })).await;
        site.advance_s(1);
        site.get(&format!("{bound}/actions/{}", action["action"]["id"])).await;
        site.list(&format!("{bound}/actions")).await;
        site.post(201, &format!("{idle}/actions"), json!({ "type": "assign", "droplet_id": droplet_id }))
            .await;
        site.advance_s(1);
        site.delete(&idle, None).await;
        site.delete(&bound, None).await;
    }
}

pub async fn firewalls(site: &mut Driven, first: &str) {
    let droplet_id: u64 = first.parse().unwrap();
    let anywhere = json!({ "addresses": ["0.0.0.0/0", "::/0"] });
    let body = |name: &str| {
        json!({ "name": name, "droplet_ids": [droplet_id],
        "inbound_rules": [{ "protocol": "tcp", "ports": "443", "sources": anywhere }],
        "outbound_rules": [{ "protocol": "icmp", "ports": "0", "destinations": anywhere }] })
    };
    let created = site.post(202, "/v2/firewalls", body("edge")).await;
    site.post(202, "/v2/firewalls", body("other")).await;
    site.advance_s(1);
    let path = format!("/v2/firewalls/{}", id(&created["firewall"]["id"]));
    site.list("/v2/firewalls").await;
    site.list(&format!("/v2/droplets/{first}/firewalls")).await;
    site.get(&path).await;
    site.put(&path, body("edge-renamed")).await;
    let rule = json!({ "inbound_rules": [{ "protocol": "tcp", "ports": "22", "sources": anywhere }] });
    for (part, edit) in [
        ("droplets", json!({ "droplet_ids": [droplet_id] })),
        ("tags", json!({ "tags": ["web"] })),
        ("rules", rule),
    ] {
        site.post(204, &format!("{path}/{part}"), edit.clone()).await;
        site.get(&path).await;
        site.delete(&format!("{path}/{part}"), Some(edit)).await;
    }
    site.ask(409, Method::POST, "/v2/firewalls", Some(body("other"))).await;
    site.delete(&path, None).await;
}

pub async fn load_balancers_and_networks(site: &mut Driven, first: &str) {
    let droplet_id: u64 = first.parse().unwrap();
    let rule = |port: u64| json!({ "entry_protocol": "http", "entry_port": port, "target_protocol": "http", "target_port": port });
    let body = |name: &str| json!({ "name": name, "region": "nyc3", "forwarding_rules": [rule(80)], "droplet_ids": [droplet_id] });
    let created = site.post(202, "/v2/load_balancers", body("one")).await;
    site.post(202, "/v2/load_balancers", body("two")).await;
    site.advance_s(1);
    let path = format!("/v2/load_balancers/{}", id(&created["load_balancer"]["id"]));
    site.list("/v2/load_balancers").await;
    site.get(&path).await;
    site.put(&path, body("renamed")).await;
    for (part, edit) in [
        ("droplets", json!({ "droplet_ids": [droplet_id] })),
        ("forwarding_rules", json!({ "forwarding_rules": [rule(81)] })),
    ] {
        site.post(204, &format!("{path}/{part}"), edit.clone()).await;
        site.delete(&format!("{path}/{part}"), Some(edit)).await;
    }
    site.delete(&path, None).await;

    let created = site
        .post(201, "/v2/vpcs", json!({ "name": "private", "region": "nyc3", "ip_range": "10.10.10.0/24" }))
        .await;
    let path = format!("/v2/vpcs/{}", id(&created["vpc"]["id"]));
    let all = site.list("/v2/vpcs").await;
    site.get(&path).await;
    site.put(&path, json!({ "name": "renamed", "description": "ours" })).await;
    site.patch(&path, json!({ "description": "" })).await;
    let default = all["vpcs"].as_array().unwrap().iter().find(|it| it["default"] == true).unwrap();
    let default = format!("/v2/vpcs/{}", id(&default["id"]));
    site.list(&format!("{default}/members")).await;
    site.ask(403, Method::DELETE, &default, None).await;
    site.delete(&path, None).await;
}

pub async fn projects(site: &mut Driven, first: &str) {
    let body =
        json!({ "name": "acme", "purpose": "hosting", "description": "a tenant", "environment": "Staging" });
    let created = site.post(201, "/v2/projects", body.clone()).await;
    let path = format!("/v2/projects/{}", id(&created["project"]["id"]));
    site.list("/v2/projects").await;
    let urns =
        json!({ "resources": [format!("do:droplet:{first}"), "do:domain:arcadia-demo.com", "do:droplet:1"] });
    site.post(200, &format!("{path}/resources"), urns.clone()).await;
    site.list(&format!("{path}/resources")).await;
    site.ask(412, Method::DELETE, &path, None).await;
    site.post(200, "/v2/projects/default/resources", urns).await;
    site.list("/v2/projects/default/resources").await;
    site.get("/v2/projects/default").await;
    let mut whole = body;
    whole["is_default"] = json!(false);
    site.get(&path).await;
    site.put(&path, whole).await;
    site.patch(&path, json!({ "purpose": "IoT" })).await;
    site.delete(&path, None).await;
}
