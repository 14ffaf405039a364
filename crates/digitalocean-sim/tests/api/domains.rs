//! Zones and records by DigitalOcean's rules.

use serde_json::{Value, json};

use crate::site::{Site, message};

async fn zone() -> Site {
    let site = Site::instant().await;
    let (status, body) = site.post("/v2/domains", json!({ "name": "arcadia-demo.com" })).await;
    assert_eq!(status, 201);
    assert_eq!(body["domain"], json!({ "name": "arcadia-demo.com", "ttl": 1800, "zone_file": "" }));
    site
}

const RECORDS: &str = "/v2/domains/arcadia-demo.com/records";

async fn add(site: &Site, record: Value) -> Value {
    let (status, body) = site.post(RECORDS, record).await;
    assert_eq!(status, 201, "{body}");
    body["domain_record"].clone()
}

#[tokio::test]
async fn a_fresh_zone_holds_its_soa_and_three_name_servers() {
    let site = zone().await;
    let (_, body) = site.get(RECORDS).await;
    let records = body["domain_records"].as_array().unwrap();
    assert_eq!(records.len(), 4);
    assert_eq!(records[0]["type"], "SOA");
    assert_eq!(records[0]["data"], "1800");
    assert_eq!(records[3]["data"], "ns3.digitalocean.com");
    assert_eq!(records[0].as_object().unwrap().len(), 10, "all ten keys are always there");
    let (status, body) = site.delete(&format!("{RECORDS}/{}", records[0]["id"])).await;
    assert_eq!(status, 422, "{body}");
    for name in ["arcadia-demo.com", "ARCADIA-demo.com", "nodots", "reserved.test", "bad_name.com"] {
        assert_eq!(site.post("/v2/domains", json!({ "name": name })).await.0, 422, "{name}");
    }
}

#[tokio::test]
async fn names_are_relative_in_bodies_and_qualified_in_the_filter() {
    let site = zone().await;
    add(&site, json!({ "type": "A", "name": "acme", "data": "203.0.113.9" })).await;
    add(&site, json!({ "type": "A", "name": "@", "data": "203.0.113.8" })).await;
    let count = async |filter: &str| site.total(&format!("{RECORDS}?{filter}")).await;
    assert_eq!(count("name=acme.arcadia-demo.com").await, 1);
    assert_eq!(count("name=acme").await, 0);
    assert_eq!(count("name=@").await, 0);
    assert_eq!(count("type=A&name=arcadia-demo.com").await, 1);
    assert_eq!(count("type=A").await, 2);
    assert_eq!(count("type=NONE").await, 0);
}

#[tokio::test]
async fn hosts_end_in_a_dot_when_written_and_come_back_without_it() {
    let site = zone().await;
    let (status, body) =
        site.post(RECORDS, json!({ "type": "CNAME", "name": "www", "data": "acme.example.com" })).await;
    assert_eq!((status, message(&body)), (422, "Data needs to end with a dot (.)"));
    let cname = add(&site, json!({ "type": "CNAME", "name": "www", "data": "acme.example.com." })).await;
    assert_eq!(cname["data"], "acme.example.com");
    let apex = add(&site, json!({ "type": "CNAME", "name": "w2", "data": "arcadia-demo.com." })).await;
    assert_eq!(apex["data"], "@");
    let (status, body) = site.post(RECORDS, json!({ "type": "A", "name": "www", "data": "192.0.2.1" })).await;
    assert_eq!((status, message(&body)), (422, "CNAME records cannot share a name with other records"));
}

#[tokio::test]
async fn each_type_demands_what_it_needs_and_ignores_the_rest() {
    let site = zone().await;
    for bad in [
        json!({ "type": "A", "name": "a", "data": "not-an-address" }),
        json!({ "type": "A", "name": "a" }),
        json!({ "type": "A", "data": "192.0.2.1" }),
        json!({ "type": "A", "name": "a", "data": "192.0.2.1", "ttl": 29 }),
        json!({ "type": "A", "name": "a b", "data": "192.0.2.1" }),
        json!({ "type": "AAAA", "name": "a", "data": "192.0.2.1" }),
        json!({ "type": "MX", "name": "@", "data": "mail.example.com." }),
        json!({ "type": "SRV", "name": "_sip._tcp", "data": "sip.example.com.", "priority": 1, "port": 5060 }),
        json!({ "type": "SRV", "name": "sip", "data": "sip.example.com.", "priority": 1, "port": 5060, "weight": 1 }),
        json!({ "type": "CAA", "name": "@", "data": "letsencrypt.org.", "flags": 0 }),
        json!({ "type": "CAA", "name": "@", "data": "letsencrypt.org", "flags": 0, "tag": "issue" }),
        json!({ "type": "TXT", "name": "t", "data": "x".repeat(513) }),
        json!({ "type": "SOA", "name": "@", "data": "1800" }),
        json!({ "type": "LOC", "name": "@", "data": "here" }),
    ] {
        assert_eq!(site.post(RECORDS, bad.clone()).await.0, 422, "{bad}");
    }
    assert_eq!(site.total(RECORDS).await, 4, "nothing of it was kept");
    let with_zeros =
        json!({ "type": "A", "name": "a", "data": "192.0.2.1", "priority": 0, "port": 0, "flags": 0 });
    let record = add(&site, with_zeros).await;
    assert_eq!((&record["priority"], &record["flags"]), (&Value::Null, &Value::Null));
    let mail = add(&site, json!({ "type": "MX", "data": "mail.example.com.", "priority": 10 })).await;
    assert_eq!((&mail["name"], &mail["priority"]), (&json!("@"), &json!(10)));
    let iodef =
        json!({ "type": "CAA", "name": "@", "data": "mailto:a@example.com", "flags": 0, "tag": "iodef" });
    assert_eq!(add(&site, iodef).await["data"], "mailto:a@example.com");
    let text = add(&site, json!({ "type": "TXT", "name": "t", "data": "\"quoted; kept\"" })).await;
    assert_eq!(text["data"], "\"quoted; kept\"");
}

#[tokio::test]
async fn a_set_shares_its_ttl_and_an_update_keeps_the_id() {
    let site = zone().await;
    let first = add(&site, json!({ "type": "A", "name": "acme", "data": "192.0.2.1" })).await;
    assert_eq!(first["ttl"], 1800);
    let second = add(&site, json!({ "type": "A", "name": "acme", "data": "192.0.2.2", "ttl": 60 })).await;
    let path = format!("{RECORDS}/{}", first["id"]);
    assert_eq!(site.get(&path).await.1["domain_record"]["ttl"], 60, "rewritten by its neighbour");
    let change = json!({ "type": "A", "name": "acme", "data": "192.0.2.3", "ttl": 90 });
    let (status, body) = site.put(&path, change).await;
    assert_eq!((status, &body["domain_record"]["id"]), (200, &first["id"]));
    assert_eq!(body["domain_record"]["data"], "192.0.2.3");
    let neighbour = site.get(&format!("{RECORDS}/{}", second["id"])).await.1;
    assert_eq!(neighbour["domain_record"]["ttl"], 90);
    assert_eq!(site.delete(&path).await.0, 204);
    assert_eq!(site.delete(&path).await.0, 404);
    assert_eq!(site.delete("/v2/domains/arcadia-demo.com").await.0, 204);
    assert_eq!(site.get(RECORDS).await.0, 404);
}
