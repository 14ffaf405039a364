//! What an operator does and sees: the public health, `arcadia recover`, and requests that are refused.

use super::child::{Child, JWT_SECRET, PATIENCE};
use super::customer::{Asked, Customer};
use super::site::{LOOK_EVERY, Site, TOKEN, ZONE};
use arcadia::cloud::{Parts, Service};
use arcadia::http;
use arcadia::tokens::{Claims, Verifier, mint};
use arcadia_saga::Clock;
use arcadia_sql::{Db, Options};
use arcadia_test_record::keep;
use digitalocean::{Client, Purpose};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// The year 2100.
const FAR_AWAY: i64 = 4_102_444_800;

/// Asks for deployments and waits until each serves.
pub async fn provisioned<const N: usize>(
    server: &Child,
    customer: &Customer,
    names: [&str; N],
) -> [Asked; N] {
    let mut asked = Vec::new();
    for name in names {
        asked.push(customer.ask(&server.base, name).await.unwrap());
    }
    for it in &asked {
        let shown = customer.until_ended(&server.base, it.deployment).await;
        assert_eq!(shown["state"], "active", "{shown:#}");
    }
    asked.try_into().unwrap()
}

/// Asks at a service without a runner: the saga stays as it was written.
pub async fn asked_of_nobody(site: &Site, customer: &Customer, name: &str) -> Asked {
    let client = Client::builder(site.provider.as_str()).token(Purpose::Provisioning, TOKEN).build().unwrap();
    let db = Db::connect(&site.url(), Options::default()).await.unwrap();
    let parts = Parts {
        db: db.clone(),
        digitalocean: client,
        clock: Clock::machine(1.0),
        tenant_zones: Vec::new(),
        call_timeout: Duration::from_secs(5),
    };
    let service = Service::assemble(parts).await.unwrap();
    let router = http::router(service.cloud, Verifier::new(&SecretString::from(JWT_SECRET)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(http::serve(listener, router, stop.clone()));
    let asked = customer.ask(&base, name).await.unwrap();
    stop.cancel();
    // Connections that are kept alive do not keep it.
    serving.abort();
    let _ = serving.await;
    db.close().await;
    asked
}

/// Waits until the health says so.
async fn until_health(server: &Child, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let answer = reqwest::get(format!("{}/api/health", server.base)).await;
        if let Ok(answer) = answer {
            let health: Value = answer.json().await.unwrap();
            if wanted(&health) {
                return health;
            }
            assert!(begun.elapsed() < PATIENCE, "{health:#}\n{}", server.said());
        }
        assert!(begun.elapsed() < PATIENCE, "no health:\n{}", server.said());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until claims are held for a reason that contains these words.
pub async fn until_held(server: &Child, words: &str) {
    let says = |health: &Value| health["worker"]["held"].as_str().is_some_and(|held| held.contains(words));
    let health = until_health(server, says).await;
    assert_eq!(
        (&health["status"], &health["worker"]["ok"]),
        (&json!("claims_held"), &json!(false)),
        "{health:#}"
    );
}

/// Waits until sagas are claimed.
pub async fn until_claiming(server: &Child) {
    until_health(server, |health| health["worker"]["held"].is_null() && health["status"] == "ok").await;
}

/// A request that would start a saga gets a 503 that says why.
pub async fn refuses_to_start(server: &Child, name: &str) {
    let claims = Claims {
        sub: "root".to_owned(),
        tenant_id: None,
        roles: vec!["platform-admin".to_owned()],
        exp: FAR_AWAY,
    };
    let token = mint(&SecretString::from(JWT_SECRET), &claims).unwrap();
    let deployment = json!({
        "tenant_id": "acme", "slug": name, "display_name": name, "hostname": format!("{name}.{ZONE}"),
        "region": "nyc3", "provision": true,
        "plan": {"size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": [], "backups": false},
    });
    let order = json!({"plan": "destroy_droplet", "inputs": {"droplet_id": 1}});
    let by_hand = json!({"reason": "to see what is there"});
    for (path, body) in [("deployments", deployment), ("sagas", order), ("schedules/droplets/run", by_hand)] {
        let request = reqwest::Client::new().post(format!("{}/api/v1/{path}", server.base));
        let answer = request.bearer_auth(&token).json(&body).send().await.unwrap();
        let (status, problem) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
        assert_eq!(status, 503, "{path}: {problem:#}");
        assert!(problem["type"].as_str().unwrap().ends_with("claims-held"), "{path}: {problem:#}");
        assert!(problem["detail"].as_str().unwrap().contains("arcadia recover"), "{path}: {problem:#}");
    }
}

/// Why claims may go on, as it is said here.
pub const REASON: &str = "every difference was looked at";

/// `arcadia recover -o json` with further arguments; beside a running server too.
pub async fn recover(site: &Site, further: &[&str]) -> Value {
    let printed = run(site, &[&["recover", "-o", "json"], further].concat()).await;
    serde_json::from_str(&printed).unwrap()
}

/// What a person reads.
pub async fn recover_as_table(site: &Site) -> String {
    run(site, &["recover"]).await
}

async fn run(site: &Site, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arcadia"));
    command.args(arguments).env_clear().envs(site.environment());
    let output = command.current_dir(site.folder()).output().await.unwrap();
    let [printed, said] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    keep(&printed);
    keep(&said);
    assert!(output.status.success(), "{said}");
    printed
}

/// A person looked.
pub async fn release(site: &Site) -> Value {
    site.until_hold_is_open().await;
    recover(site, &["--release", "--reason", REASON, "--by", "ada"]).await
}

/// The differences as (kind, id, disagreement, proposal).
pub fn named(report: &Value) -> BTreeSet<[String; 4]> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let differences = report["differences"].as_array().unwrap();
    let named =
        differences.iter().map(|it| ["kind", "id", "disagreement", "proposal"].map(|key| text(&it[key])));
    let set: BTreeSet<_> = named.collect();
    assert_eq!(set.len(), differences.len(), "named twice: {report:#}");
    for it in differences {
        let cost: Option<f64> = it["monthly_cost_usd"].as_str().map(|cost| cost.parse().unwrap());
        assert_eq!(cost.is_some_and(|cost| cost > 0.0), it["kind"] != "record", "{it:#}");
        assert!(!text(&it["ledger"]).is_empty() && !text(&it["advice"]).is_empty(), "{it:#}");
    }
    set
}

/// One of [`named`], about a record.
pub fn record(id: &str, disagreement: &str) -> [String; 4] {
    ["record", id, disagreement, "leave"].map(str::to_owned)
}

/// One of [`named`].
pub fn difference(droplet: u64, disagreement: &str, proposal: &str) -> [String; 4] {
    ["droplet".to_owned(), droplet.to_string(), disagreement.to_owned(), proposal.to_owned()]
}
