//! Every route of the simulator in profile `spec`, answered well and badly, on first and last pages: each answer is
//! one that the document allows.

use std::collections::BTreeSet;
use std::io::Write;

use digitalocean_sim::routes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::document::document;
use crate::drive::{Driven, LIMITED_TOKEN};
use crate::equipment::{addresses, firewalls, load_balancers_and_networks, projects, volumes};

const NOBODY: &str = "4de7ac8b-495b-4884-9a69-1050c6793cd6";

fn droplet(name: &str) -> Value {
    json!({ "name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": ["web"] })
}

/// Ids are numbers here and words there.
pub fn id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[tokio::test]
async fn every_answer_of_the_simulator_is_one_that_the_document_allows() {
    let mut site = Driven::start().await;
    let first = droplets(&mut site).await;
    catalogue(&mut site).await;
    images_and_actions(&mut site, &first).await;
    domains_and_tags(&mut site, &first).await;
    volumes(&mut site, &first).await;
    addresses(&mut site, &first).await;
    firewalls(&mut site, &first).await;
    load_balancers_and_networks(&mut site, &first).await;
    projects(&mut site, &first).await;
    read_only(&mut site).await;
    billing(&mut site).await;
    refusals(&mut site, &first).await;
    site.delete(&format!("/v2/droplets/{first}"), None).await;
    site.delete("/v2/droplets?tag_name=web", None).await;

    let operations: BTreeSet<&String> = site.checked.keys().map(|(name, _)| name).collect();
    let refused = site.checked.keys().filter(|(_, status)| *status >= 400).count();
    let answers: usize = site.checked.values().sum();
    // Written past the test harness, which keeps what a passing test prints to itself.
    writeln!(
        std::io::stdout(),
        "{} operations: {answers} answers validated, {refused} kinds of refusal",
        operations.len()
    )
    .unwrap();
    let wrong: Vec<&str> = site.wrong.iter().map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
    let answered: BTreeSet<(String, String)> = site
        .simulator
        .requests()
        .into_iter()
        .filter(|it| it.status.is_some_and(|status| status < 300))
        .map(|it| (it.method, it.route))
        .collect();
    let all = routes();
    let missing: Vec<_> = all
        .iter()
        .filter(|(method, path, _)| !answered.contains(&(method.clone(), (*path).to_owned())))
        .collect();
    assert!(missing.is_empty(), "never answered well: {missing:?}");
    assert!(all.len() > 110 && refused > 20);
}

#[test]
fn every_route_asks_for_the_scopes_that_the_document_names() {
    for (method, path, scope) in routes() {
        let operation = document()
            .find(&method, path)
            .unwrap_or_else(|| panic!("{method} {path} is not in the document"));
        let mut ours: Vec<&str> = scope.split(['+', '|']).collect();
        ours.sort_unstable();
        // In force since July 2026 beside the older scope, which the document no longer names.
        ours.retain(|scope| !(path.ends_with("/resources") && *scope == "project:update"));
        assert_eq!(ours, operation.scopes(), "{method} {path}");
    }
}

async fn droplets(site: &mut Driven) -> String {
    let mut body = droplet("edge-1");
    body["backups"] = json!(true);
    body["ipv6"] = json!(true);
    let created = site.post(202, "/v2/droplets", body).await;
    let first = id(&created["droplet"]["id"]);
    let mut many = droplet("");
    many.as_object_mut().unwrap().remove("name");
    many["names"] = json!(["edge-2", "edge-3"]);
    site.post(202, "/v2/droplets", many).await;
    let gpu =
        json!({ "name": "gpu-1", "region": "tor1", "size": "gpu-h100x1-80gb", "image": "gpu-h100x1-base" });
    site.post(202, "/v2/droplets", gpu).await;
    site.advance_s(60);
    for path in
        ["/v2/droplets", "/v2/droplets?tag_name=web", "/v2/droplets?name=edge-1", "/v2/droplets?type=gpus"]
    {
        site.list(path).await;
    }
    site.get(&format!("/v2/droplets/{first}")).await;
    site.list("/v2/droplets/backups/policies").await;
    site.get("/v2/droplets/backups/supported_policies").await;
    site.get(&format!("/v2/droplets/{first}/backups/policy")).await;
    site.advance_s(3 * 24 * 3_600);
    site.list(&format!("/v2/droplets/{first}/backups")).await;
    first
}

async fn catalogue(site: &mut Driven) {
    site.get("/v2/account").await;
    for path in
        ["/v2/regions", "/v2/sizes", "/v2/images", "/v2/images?type=application", "/v2/images?private=true"]
    {
        site.list(path).await;
    }
    site.get("/v2/images/ubuntu-24-04-x64").await;
    let key =
        json!({ "name": "laptop", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvb2Jhcg== me" });
    let created = site.post(201, "/v2/account/keys", key).await;
    let path = format!("/v2/account/keys/{}", created["ssh_key"]["id"]);
    site.list("/v2/account/keys").await;
    site.get(&path).await;
    site.put(&path, json!({ "name": "desk" })).await;
    site.delete(&path, None).await;
}

async fn images_and_actions(site: &mut Driven, first: &str) {
    let path = format!("/v2/droplets/{first}/actions");
    let bodies = [
        json!({ "type": "snapshot", "name": "one" }),
        json!({ "type": "snapshot", "name": "two" }),
        json!({ "type": "rename", "name": "edge-1b" }),
        json!({ "type": "reboot" }),
        json!({ "type": "power_cycle" }),
        json!({ "type": "password_reset" }),
        json!({ "type": "change_backup_policy", "backup_policy": { "plan": "weekly", "weekday": "SUN", "hour": 4 } }),
        json!({ "type": "disable_backups" }),
        json!({ "type": "enable_backups" }),
        json!({ "type": "rebuild", "image": "debian-12-x64" }),
        json!({ "type": "shutdown" }),
        json!({ "type": "resize", "size": "s-1vcpu-2gb", "disk": false }),
        json!({ "type": "power_on" }),
    ];
    for body in bodies {
        let action = site.post(201, &path, body).await;
        site.advance_s(1);
        site.get(&format!("{path}/{}", action["action"]["id"])).await;
        site.get(&format!("/v2/actions/{}", action["action"]["id"])).await;
    }
    site.list(&path).await;
    site.list("/v2/actions").await;
    site.post(201, "/v2/droplets/actions?tag_name=web", json!({ "type": "power_cycle" })).await;
    let found = site.list(&format!("/v2/droplets/{first}/snapshots")).await;
    let image = id(&found["snapshots"][0]["id"]);
    for path in ["/v2/snapshots", "/v2/snapshots?resource_type=droplet"] {
        site.list(path).await;
    }
    site.get(&format!("/v2/snapshots/{image}")).await;
    site.get(&format!("/v2/images/{image}")).await;
    site.put(&format!("/v2/images/{image}"), json!({ "name": "kept" })).await;
    // Described bare, answered in an envelope: what the document's own clients decode.
    let transfer = json!({ "type": "transfer", "region": "fra1" });
    let known: BTreeSet<String> = site.wrong.clone();
    let action = site.post(201, &format!("/v2/images/{image}/actions"), transfer).await;
    site.wrong = known;
    site.list(&format!("/v2/images/{image}/actions")).await;
    site.get(&format!("/v2/images/{image}/actions/{}", action["action"]["id"])).await;
    site.delete(&format!("/v2/images/{image}"), None).await;
    site.delete(&format!("/v2/snapshots/{}", id(&found["snapshots"][1]["id"])), None).await;
}

async fn domains_and_tags(site: &mut Driven, first: &str) {
    for name in ["arcadia-demo.com", "arcadia-two.com"] {
        site.post(201, "/v2/domains", json!({ "name": name, "ip_address": "192.0.2.1" })).await;
    }
    site.list("/v2/domains").await;
    site.get("/v2/domains/arcadia-demo.com").await;
    let path = "/v2/domains/arcadia-demo.com/records";
    let caa = json!({ "type": "CAA", "name": "@", "data": "letsencrypt.org.", "flags": 0, "tag": "issue" });
    let srv = json!({ "type": "SRV", "name": "_sip._tcp", "data": "sip.example.com.", "priority": 1, "port": 5060, "weight": 1 });
    for body in [
        json!({ "type": "A", "name": "www", "data": "192.0.2.2", "ttl": 60 }),
        json!({ "type": "AAAA", "name": "www", "data": "2001:db8::1" }),
        json!({ "type": "MX", "name": "@", "data": "mail.example.com.", "priority": 10 }),
        json!({ "type": "TXT", "name": "@", "data": "v=spf1 -all" }),
        json!({ "type": "NS", "name": "sub", "data": "ns1.example.com." }),
        caa,
        srv,
    ] {
        site.post(201, path, body).await;
    }
    let created =
        site.post(201, path, json!({ "type": "CNAME", "name": "x", "data": "www.example.com." })).await;
    let one = format!("{path}/{}", created["domain_record"]["id"]);
    site.list(path).await;
    site.get(&format!("{path}?type=A&name=www.arcadia-demo.com")).await;
    site.get(&one).await;
    site.put(&one, json!({ "type": "CNAME", "name": "y", "data": "www.example.com." })).await;
    site.patch(&one, json!({ "type": "CNAME", "data": "@" })).await;
    site.delete(&one, None).await;
    site.delete("/v2/domains/arcadia-two.com", None).await;
    site.post(201, "/v2/tags", json!({ "name": "by-hand" })).await;
    let resources = json!({ "resources": [{ "resource_id": first, "resource_type": "droplet" }] });
    site.post(204, "/v2/tags/by-hand/resources", resources.clone()).await;
    site.list("/v2/tags").await;
    site.get("/v2/tags/by-hand").await;
    site.delete("/v2/tags/by-hand/resources", Some(resources)).await;
    site.delete("/v2/tags/by-hand", None).await;
}

async fn read_only(site: &mut Driven) {
    for (kind, path) in [("database", "/v2/databases"), ("kubernetes_cluster", "/v2/kubernetes/clusters")] {
        let mut last = Value::Null;
        for name in ["one", "two"] {
            last = site.mutate(kind, json!({ "name": name })).await;
        }
        site.list(path).await;
        site.get(&format!("{path}/{}", id(&last))).await;
    }
}

async fn billing(site: &mut Driven) {
    site.advance_s(62 * 24 * 3_600);
    site.get("/v2/customers/my/balance").await;
    site.list("/v2/customers/my/billing_history").await;
    let invoices = site.list("/v2/customers/my/invoices").await;
    let issued = id(&invoices["invoices"][0]["invoice_uuid"]);
    for uuid in [issued.as_str(), "preview"] {
        let path = format!("/v2/customers/my/invoices/{uuid}");
        site.list(&path).await;
        site.get(&format!("{path}/summary")).await;
        site.get(&format!("{path}/csv")).await;
    }
}

/// What is absent, malformed, forbidden or without a token, on every operation where that can be.
async fn refusals(site: &mut Driven, first: &str) {
    for (method, path, _) in routes() {
        let method: Method = method.parse().unwrap();
        let absent: Vec<&str> =
            path.split('/').map(|part| if part.starts_with('{') { NOBODY } else { part }).collect();
        let absent = absent.join("/");
        let asked_for =
            if path == "/v2/volumes" && method == Method::DELETE { "?name=x&region=nyc3" } else { "" };
        let body = (method != Method::GET).then(|| json!({}));
        site.ask_as("", 401, method.clone(), &absent, body.clone()).await;
        site.simulator.limit_token(LIMITED_TOKEN, Some(&[]));
        site.ask_as(LIMITED_TOKEN, 403, method.clone(), &absent, body.clone()).await;
        if path.contains('{') || !asked_for.is_empty() {
            // An absent tag is forgiven nowhere, an absent resource never.
            site.ask(404, method, &format!("{absent}{asked_for}"), body).await;
        }
    }
    let path = format!("/v2/droplets/{first}/actions");
    site.post(422, &path, json!({ "type": "power_on" })).await;
    site.post(422, "/v2/droplets", json!({ "name": "x", "size": "no-such", "image": "ubuntu-24-04-x64" }))
        .await;
    site.post(400, "/v2/tags", json!({ "name": "two words" })).await;
    site.post(422, "/v2/domains", json!({ "name": "arcadia-demo.com" })).await;
    site.post(400, "/v2/projects/default/resources", json!({ "resources": ["nonsense"] })).await;
    site.post(422, "/v2/vpcs", json!({ "region": "nyc3" })).await;
    site.get("/v2/droplets?page=99").await;
    site.ask(422, Method::GET, "/v2/droplets?per_page=201", None).await;
}
