//! Requests that no client should send, thousands of them, on every route: each gets an answer that is none of the server's
//! own failures, and the account still is what its log says. `ARCADIA_NONSENSE_SEED=<seed>` plays one run again.

use std::io::Write as _;

use digitalocean_sim::{Options, Profile, routes};
use fastrand::Rng;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::control::{existing, standing};
use crate::site::{Site, options};

const SEEDS: u64 = 3;
const REQUESTS: usize = 1_500;

const KEYS: [&str; 48] = [
    "name",
    "names",
    "region",
    "size",
    "image",
    "tags",
    "tag",
    "backups",
    "backup_policy",
    "type",
    "droplet_id",
    "droplet_ids",
    "size_gigabytes",
    "resources",
    "data",
    "priority",
    "port",
    "ttl",
    "weight",
    "flags",
    "disk",
    "inbound_rules",
    "outbound_rules",
    "forwarding_rules",
    "ip",
    "ip_range",
    "ip_address",
    "purpose",
    "environment",
    "is_default",
    "default",
    "description",
    "public_key",
    "volume_name",
    "volumes",
    "vpc_uuid",
    "ssh_keys",
    "user_data",
    "ipv6",
    "monitoring",
    "project_id",
    "snapshot_id",
    "size_unit",
    "redirect_http_to_https",
    "health_check",
    "sticky_sessions",
    "algorithm",
    "with_droplet_agent",
];

/// Refused, or at least survived, wherever they stand.
fn strange(rng: &mut Rng) -> Value {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!("..%2f../{id}"),
        json!("東京 \u{1f680} ü\u{301}"),
        json!("x".repeat(5_000)),
        json!([]),
        json!({}),
        json!([null, 1, "a", [[]]]),
        json!({ "plan": "hourly", "weekday": 9, "hour": -1, "resource_id": {}, "protocol": "tcp", "ports": "9-1" }),
        json!([{ "protocol": "tcp", "ports": "0-99999", "sources": { "addresses": ["::/129", "x"], "droplet_ids": [0] } }]),
        json!([{ "resource_id": "7", "resource_type": "droplet" }, { "resource_id": 7, "resource_type": "moon" }]),
        json!(["do:droplet:", "do:droplet:99999999999999999999", "do::", "urn", "do:space:ü"]),
    ];
    values[rng.usize(..values.len())].clone()
}

/// What might pass.
fn plausible(key: &str, rng: &mut Rng, known: &[String]) -> Value {
    let id = |rng: &mut Rng| known.get(rng.usize(..known.len().max(1))).cloned().unwrap_or_default();
    let number = id(rng).parse::<u64>().unwrap_or(1);
    let actions =
        ["power_off", "power_on", "resize", "snapshot", "rename", "attach", "detach", "assign", "A", "TXT"];
    match key {
        "region" => json!("nyc3"),
        "size" => json!("s-1vcpu-1gb"),
        "image" => json!("ubuntu-24-04-x64"),
        "names" => json!(["a", "b"]),
        "tags" => json!(["web", "Ünïcode", "a:b"]),
        "type" => json!(actions[rng.usize(..actions.len())]),
        "droplet_id" => json!(number),
        "droplet_ids" => json!([number]),
        "size_gigabytes" => json!(rng.u64(1..20_000)),
        "ttl" => json!(rng.i64(-1..100_000)),
        "data" => json!("192.0.2.1"),
        "resources" => json!([{ "resource_id": number.to_string(), "resource_type": "droplet" }]),
        "inbound_rules" => {
            json!([{ "protocol": "tcp", "ports": "22", "sources": { "addresses": ["0.0.0.0/0"] } }])
        }
        "forwarding_rules" => {
            json!([{ "entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80 }])
        }
        "backups" | "ipv6" | "disk" => json!(rng.bool()),
        _ => json!(format!("n{}.example.com", rng.u8(..))),
    }
}

fn body(rng: &mut Rng, known: &[String]) -> Vec<u8> {
    match rng.u8(0..20) {
        0 => b"{".to_vec(),
        1 => vec![0xff, 0xfe, b'{', b'}'],
        2 => "[".repeat(10_000).into_bytes(),
        3 => strange(rng).to_string().into_bytes(),
        4 => Vec::new(),
        _ => {
            let mut fields = Map::new();
            for _ in 0..rng.usize(0..14) {
                let key = KEYS[rng.usize(..KEYS.len())];
                let value = if rng.u8(0..4) == 0 { strange(rng) } else { plausible(key, rng, known) };
                fields.insert(key.to_owned(), value);
            }
            Value::Object(fields).to_string().into_bytes()
        }
    }
}

fn path(pattern: &str, rng: &mut Rng, known: &[String]) -> String {
    let ids = [
        "0",
        "-1",
        "99999999999999999999",
        "%00",
        "%FF",
        "..%2F..",
        "%E6%9D%B1",
        "default",
        "preview",
        "a%20b",
        "x",
    ];
    let parts: Vec<String> = pattern
        .split('/')
        .map(|part| match part.starts_with('{') {
            true if rng.u8(0..3) > 0 && !known.is_empty() => known[rng.usize(..known.len())].clone(),
            true => ids[rng.usize(..ids.len())].to_owned(),
            false => part.to_owned(),
        })
        .collect();
    let queries = [
        "",
        "",
        "?page=0",
        "?page=18446744073709551615&per_page=200",
        "?per_page=0",
        "?per_page=-1",
        "?page=x&per_page=",
        "?page=2&page=3",
        "?tag_name=%FF",
        "?tag_name=web&name=a&type=gpus",
        "?name=%00",
        "?%%%",
        "?type=moon&private=maybe",
        "?page=9223372036854775807&per_page=1",
        "?resource_type=",
        "?per_page=200",
    ];
    parts.join("/") + queries[rng.usize(..queries.len())]
}

/// The ids of an answer, so that later requests meet what exists.
fn learn(body: &Value, known: &mut Vec<String>) {
    match body {
        Value::Object(fields) => {
            for (key, value) in fields {
                if ["id", "ip", "name", "slug"].contains(&key.as_str())
                    && (value.is_u64() || value.is_string())
                {
                    let id = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let is_plain = |it: char| it.is_ascii_alphanumeric() || ".-:".contains(it);
                    if id.chars().all(is_plain) && !id.is_empty() && !known.contains(&id) {
                        known.push(id);
                    }
                }
                learn(value, known);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| learn(item, known)),
        _ => {}
    }
}

async fn play(seed: u64) -> [usize; 2] {
    let mut rng = Rng::with_seed(seed);
    let profile = if seed.is_multiple_of(2) { Profile::Live } else { Profile::Spec };
    let site = Site::with(Options { profile, seed, droplet_limit: 200, ..options() }).await;
    site.post("/_sim/scenario", json!({ "name": "small", "seed": seed })).await;
    let (routes, mut known, mut answered) = (routes(), Vec::new(), [0, 0]);
    for at in 0..REQUESTS {
        let (method, pattern, _) = &routes[rng.usize(..routes.len())];
        let path = path(pattern, &mut rng, &known);
        let body = body(&mut rng, &known);
        let text = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        let request = site.request(Method::from_bytes(method.as_bytes()).unwrap(), &path, None).body(body);
        let answer =
            request.send().await.unwrap_or_else(|error| panic!("{at}: {method} {path} {text}: {error:?}"));
        let status = answer.status().as_u16();
        assert!(status < 500, "{at}: {method} {path} {text}: {status}");
        let media = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let shown = answer.text().await.unwrap();
        if !shown.is_empty() && media.starts_with("application/json") {
            let shown: Value = serde_json::from_str(&shown).unwrap();
            let is_error = shown["id"].is_string() && shown["message"].is_string();
            assert!(status < 400 || is_error || shown["error"].is_string(), "{method} {path}: {shown}");
            // Old ones stay known as well, so that what is gone is asked for too.
            if known.len() < 400 && status < 400 {
                learn(&shown, &mut known);
            }
        }
        answered[usize::from(status >= 400)] += 1;
        if rng.u8(0..6) == 0 {
            site.advance_s(rng.u64(0..400_000));
        }
    }
    assert_eq!(existing(&site), standing(&site));
    answered
}

#[tokio::test]
async fn nonsense_on_every_route_is_answered_and_leaves_the_account_whole() {
    let asked = std::env::var("ARCADIA_NONSENSE_SEED").ok().map(|seed| seed.parse().unwrap());
    for seed in asked.map_or(0..SEEDS, |seed: u64| seed..seed + 1) {
        let played = tokio::spawn(play(seed)).await;
        if played.is_err() {
            let again = "cargo test -p digitalocean-sim --test api nonsense";
            writeln!(std::io::stderr(), "ARCADIA_NONSENSE_SEED={seed} {again}").unwrap();
        }
        let [accepted, refused] = played.unwrap();
        assert!(
            accepted > REQUESTS / 10 && refused > REQUESTS / 10,
            "{accepted} accepted, {refused} refused"
        );
    }
}
