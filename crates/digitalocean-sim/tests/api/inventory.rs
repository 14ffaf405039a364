//! What lies around droplets: who holds whom, what is refused, what comes late, and what a limited token sees.

use arcadia_test_record::needle;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use digitalocean_sim::{Fault, FaultKind, Options, Span};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

use crate::site::{FINANCE_SECRET, Site, TOKEN, droplet, message, options, parts, timings};

async fn slow() -> Site {
    let firewall = Span::exactly(30_000);
    let (attach, firewall_memory) = (Span::exactly(5_000), Span::exactly(20_000));
    Site::with(Options {
        timings: digitalocean_sim::Timings { firewall, attach, firewall_memory, ..timings() },
        ..options()
    })
    .await
}

#[tokio::test]
async fn an_attachment_is_an_event_of_the_droplet_and_ends_with_it() {
    let site = slow().await;
    let id = site.active_droplet("edge-1").await;
    let body = json!({ "name": "data", "region": "nyc3", "size_gigabytes": 10 });
    let (_, created) = site.post("/v2/volumes", body.clone()).await;
    assert_eq!(site.post("/v2/volumes", body).await.0, 409, "the name is taken in the region");
    let path = format!("/v2/volumes/{}", created["volume"]["id"].as_str().unwrap());
    let attach = json!({ "type": "attach", "droplet_id": id });
    let (status, action) = site.post(&format!("{path}/actions"), attach.clone()).await;
    assert_eq!((status, &action["action"]["resource_id"]), (202, &Value::Null));
    let (status, refused) = site.act(id, json!({ "type": "reboot" })).await;
    assert_eq!((status, message(&refused)), (422, "Droplet already has a pending event."));
    site.advance_s(5);
    assert_eq!(site.droplet(id).await["volume_ids"], json!([created["volume"]["id"]]));
    assert_eq!(site.delete(&path).await.0, 409);
    assert_eq!(site.delete(&format!("/v2/droplets/{id}")).await.0, 204);
    assert_eq!(site.get(&path).await.1["volume"]["droplet_ids"], json!([]));
}

#[tokio::test]
async fn a_firewall_coerces_what_it_is_sent_settles_late_and_remembers_the_dead() {
    let site = slow().await;
    let id = site.active_droplet("edge-1").await;
    let body = |rules: Value| json!({ "name": "edge", "droplet_ids": [id], "inbound_rules": rules });
    let (status, created) =
        site.post("/v2/firewalls", body(json!([{ "protocol": "TCP", "ports": "all" }]))).await;
    assert_eq!((status, &created["firewall"]["status"]), (202, &json!("waiting")));
    let rule = json!({ "protocol": "tcp", "ports": "0", "action": "allow", "sources": {} });
    assert_eq!(created["firewall"]["inbound_rules"], json!([rule]));
    let path = format!("/v2/firewalls/{}", created["firewall"]["id"].as_str().unwrap());
    site.advance_s(30);
    assert_eq!(site.get(&path).await.1["firewall"]["status"], "succeeded");
    let (status, refused) = site.post("/v2/firewalls", body(json!([]))).await;
    assert_eq!((status, message(&refused)), (422, "must have at least one rule"));
    site.delete(&format!("/v2/droplets/{id}")).await;
    site.advance_s(8);
    assert_eq!(site.get(&format!("/v2/droplets/{id}")).await.0, 404);
    assert_eq!(site.get(&path).await.1["firewall"]["droplet_ids"], json!([id]));
    site.advance_s(20);
    assert_eq!(site.get(&path).await.1["firewall"]["droplet_ids"], json!([]));
    site.simulator.inject(Fault::new("PUT /v2/firewalls/{id}", FaultKind::ErrorAction).once());
    site.put(&path, json!({ "name": "edge", "inbound_rules": [rule] })).await;
    site.advance_s(30);
    assert_eq!(site.get(&path).await.1["firewall"]["status"], "failed");
}

#[tokio::test]
async fn a_resource_is_in_one_project_and_reserved_addresses_keep_their_old_name() {
    let site = Site::instant().await;
    let (_, ip) = site.post("/v2/reserved_ips", json!({ "region": "nyc3" })).await;
    let urn = format!("do:floatingip:{}", ip["reserved_ip"]["ip"].as_str().unwrap());
    let (_, project) = site.post("/v2/projects", json!({ "name": "acme", "purpose": "hosting" })).await;
    assert_eq!(project["project"]["purpose"], "Other: hosting");
    let path = format!("/v2/projects/{}", project["project"]["id"].as_str().unwrap());
    let asked = json!({ "resources": [urn.replace("floatingip", "reservedip")] });
    let (_, assigned) = site.post(&format!("{path}/resources"), asked.clone()).await;
    assert_eq!(
        (&assigned["resources"][0]["urn"], &assigned["resources"][0]["status"]),
        (&json!(urn), &json!("assigned"))
    );
    let (_, again) = site.post(&format!("{path}/resources"), asked.clone()).await;
    assert_eq!(again["resources"][0]["status"], "already_assigned");
    assert_eq!(site.total("/v2/projects/default/resources").await, 0);
    assert_eq!(site.delete(&path).await.0, 412);
    site.post("/v2/projects/default/resources", asked).await;
    assert_eq!(site.delete(&path).await.0, 204);
    assert_eq!(site.total("/v2/projects/default/resources").await, 1);
}

#[tokio::test]
async fn what_is_assigned_before_it_is_listed_stays_where_it_was_assigned_to() {
    let site = Site::start().await;
    site.simulator.inject(Fault::new("POST /v2/droplets", FaultKind::Hide { ms: 20_000 }).once());
    let (_, made) = site.post("/v2/droplets", droplet("edge-1")).await;
    let urn = format!("do:droplet:{}", made["droplet"]["id"]);
    let (_, project) =
        site.post("/v2/projects", json!({ "name": "acme", "purpose": "Service or API" })).await;
    let path = format!("/v2/projects/{}/resources", project["project"]["id"].as_str().unwrap());
    let (_, assigned) = site.post(&path, json!({ "resources": [urn, "do:droplet:1"] })).await;
    let status = |at: usize| &assigned["resources"][at]["status"];
    assert_eq!((status(0), status(1)), (&json!("assigned"), &json!("not_found")));
    assert_eq!(site.total(&path).await, 0);
    site.advance_s(30);
    assert_eq!(site.get(&path).await.1["resources"][0]["urn"], urn);
    assert_eq!(site.total("/v2/projects/default/resources").await, 0);
}

#[tokio::test]
async fn a_limited_token_sees_no_tags_and_is_told_what_it_lacks() {
    let site = Site::instant().await;
    let mut body = droplet("edge-1");
    body["tags"] = json!(["web"]);
    site.post("/v2/droplets", body).await;
    let limit = json!({ "token": TOKEN, "scopes": ["droplet:read", "image:read"] });
    assert_eq!(site.send(Method::POST, "/_sim/tokens", Some(limit)).await.status(), 204);
    let (_, listed) = site.get("/v2/droplets").await;
    assert_eq!(listed["droplets"][0]["tags"], json!([]));
    assert_eq!(listed["droplets"][0]["image"]["slug"], "ubuntu-24-04-x64");
    let (status, refused) = site.get("/v2/tags").await;
    assert_eq!((status, message(&refused)), (403, "You are missing the required permission tag:read."));
    site.send(Method::POST, "/_sim/tokens", Some(json!({ "token": TOKEN, "revoked": true }))).await;
    assert_eq!(site.get("/v2/droplets").await.0, 401);
}

fn signed(secret: &str, expires_s: i64) -> String {
    let claims = json!({ "tenant_id": "platform-admin", "roles": ["admin"], "exp": expires_s });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(json!({ "alg": "HS512", "typ": "JWT" })), part(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn finance_takes_an_invoice_once_and_only_from_its_own() {
    let site = Site::start().await;
    let now_s = site.simulator.now().as_second();
    let invoice = |gross: i64| {
        json!({ "tenant_id": "t", "source": "digitalocean", "external_id": "u", "period": "2026-04",
        "currency": "USD", "gross_minor": gross, "net_minor": 7902, "tax_minor": 790,
        "lines": [{ "amount_minor": 7902 }, { "amount_minor": 790 }] })
    };
    let import = async |token: String, body: Value| {
        let url = site.url("/api/v1/integrations/cloud/import-invoice");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        parts(client.post(url).bearer_auth(token).json(&body).send().await.unwrap()).await
    };
    let good = || signed(FINANCE_SECRET, now_s + 60);
    let (status, first) = import(good(), invoice(8692)).await;
    assert_eq!((status, &first["status"]), (201, &json!("created")));
    let (status, second) = import(good(), invoice(8692)).await;
    assert_eq!((status, &second["status"], &second["id"]), (200, &json!("updated"), &first["id"]));
    assert_eq!(import(good(), invoice(8693)).await.0, 422);
    assert_eq!(import(signed(concat!("another ", needle!()), now_s + 60), invoice(8692)).await.0, 401);
    assert_eq!(import(signed(FINANCE_SECRET, now_s), invoice(8692)).await.0, 401);
    assert_eq!(site.simulator.imported_invoices()[0].times, 2);
}
