//! What a process finds outside of itself: a database of its own, a provider's account with things in it that are
//! not ours, and its environment. Both clocks run a hundred times faster; leases and time-outs do not.

use super::child::JWT_SECRET;
use super::witness;
use arcadia_sql::testing::TestDb;
use arcadia_sql::{Db, Engine, MIGRATIONS};
use arcadia_test_record::{level, needle};
use digitalocean_sim::{
    Change, ClockMode, Kind, Mutation, Options, Origin, RateLimits, RequestRecord, Simulator, Span, Timings,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

pub const TOKEN: &str = concat!("dop_v1_", needle!());
pub const ZONE: &str = "arcadia-demo.com";
const SPEED: f64 = 100.0;
/// Between two looks at something that announces nothing.
pub const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Real milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub lease_ms: u64,
    pub call_timeout_ms: u64,
}

/// A node that dies is missed after a second.
pub const SHORT: Patience = Patience { lease_ms: 1_000, call_timeout_ms: 500 };
/// Whatever happens within a test did not wait for a lease to end.
pub const LONG: Patience = Patience { lease_ms: 3_600_000, call_timeout_ms: 1_200_000 };

/// See the file's head.
pub struct Site {
    pub simulator: Simulator,
    provider: String,
    db: TestDb,
    folder: TempDir,
    patience: Patience,
    /// Droplets that are not ours, by id.
    foreign: BTreeSet<u64>,
    _stop: DropGuard,
}

impl Site {
    pub async fn new(engine: Engine, patience: Patience) -> Site {
        arcadia_test_record::listen();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator = Simulator::new(Options {
            clock: ClockMode::Flow { speed: SPEED },
            limits: RateLimits::unlimited(),
            // Many polls long, so that a second one comes also on a busy machine.
            timings: Timings { boot: Span::ms(50_000, 55_000), ..Timings::realistic() },
            droplet_limit: 1_000,
            ..Options::default()
        });
        simulator.add_domain(ZONE).unwrap();
        let foreign = strangers().into_iter().map(|body| make(&simulator, Kind::Droplet, body)).collect();
        let record = json!({"domain": ZONE, "type": "A", "name": "elsewhere", "data": "192.0.2.7"});
        make(&simulator, Kind::DomainRecord, record);
        let (provider, stop) = serve(&simulator).await;
        let db = TestDb::fresh(engine, arcadia_sql::Options::default(), &MIGRATIONS).await;
        witness::install(&db).await;
        if engine == Engine::Sqlite {
            // The process is to be alone with the file.
            db.close().await;
        }
        let folder = TempDir::new().unwrap();
        Site { simulator, provider, db, folder, patience, foreign, _stop: stop }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DATABASE_URL", self.db.url().to_owned()),
            ("ARCADIA_DATA_DIR", self.folder().display().to_string()),
            ("ARCADIA_LISTEN", "127.0.0.1:0".to_owned()),
            ("ARCADIA_JWT_SECRET", JWT_SECRET.to_owned()),
            ("ARCADIA_SPEED", SPEED.to_string()),
            // They are about the sagas that somebody asked for.
            ("ARCADIA_SCHEDULES", "false".to_owned()),
            ("ARCADIA_LEASE_MS", self.patience.lease_ms.to_string()),
            ("ARCADIA_CALL_TIMEOUT_MS", self.patience.call_timeout_ms.to_string()),
            ("ARCADIA_LOG_FORMAT", "json".to_owned()),
            ("DIGITALOCEAN_API_URL", self.provider.clone()),
            ("DO_API_TOKEN", TOKEN.to_owned()),
            ("RUST_LOG", level("info").to_owned()),
        ]
    }

    /// Where the provider answers.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// A handle on the database; on SQLite only while no process writes.
    pub async fn database(&self) -> Db {
        self.db.another(arcadia_sql::Options::default()).await
    }

    /// The calls that sagas made; the service's own, for the catalogue and for its look at the whole installation, are
    /// left out.
    pub fn calls(&self) -> Vec<RequestRecord> {
        let is_of_a_saga =
            |call: &RequestRecord| call.route.starts_with("/v2/droplets") || call.route.contains("/records");
        let requests = self.simulator.requests().into_iter();
        requests.filter(is_of_a_saga).filter(|call| !is_comparison(call)).collect()
    }

    /// What was done to the account through its API, the ends of boots left out.
    pub fn changes(&self) -> Vec<Change> {
        let is_boot = |change: &Change| change.fields == json!({"status": "active"});
        let log = self.simulator.log().into_iter();
        log.filter(|change| change.by == Origin::Api && !is_boot(change)).collect()
    }

    /// The droplets of the account, those that are not ours left out.
    pub fn droplets(&self) -> Vec<Value> {
        let account = self.simulator.account();
        let droplets = account["droplets"].as_array().unwrap();
        let is_ours = |droplet: &&Value| !self.foreign.contains(&droplet["id"].as_u64().unwrap());
        droplets.iter().filter(is_ours).cloned().collect()
    }

    /// The A records of the zone as (name, data), in the order of names.
    pub fn addresses(&self) -> Vec<(String, String)> {
        let account = self.simulator.account();
        let zones = account["domains"].as_array().unwrap();
        let zone = zones.iter().find(|zone| zone["name"] == ZONE).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let records = zone["records"].as_array().unwrap().iter().filter(|record| record["type"] == "A");
        let mut records: Vec<_> =
            records.map(|record| (text(&record["name"]), text(&record["data"]))).collect();
        records.sort();
        records
    }

    /// Nobody touched what is not ours.
    pub fn judge_foreign(&self) {
        let account = self.simulator.account();
        let ids: Vec<u64> = account["droplets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|droplet| droplet["id"].as_u64().unwrap())
            .collect();
        for id in &self.foreign {
            assert!(ids.contains(id), "droplet {id}, which is not ours, is gone");
            let touched = |change: &Change| change.kind == Kind::Droplet && change.id == id.to_string();
            let changes: Vec<_> = self.changes().into_iter().filter(touched).collect();
            assert!(changes.is_empty(), "not ours, and changed: {changes:?}");
        }
        let elsewhere = ("elsewhere".to_owned(), "192.0.2.7".to_owned());
        assert!(self.addresses().contains(&elsewhere), "a record that is not ours is gone");
    }
}

/// A process compares the installation with its ledger before it claims.
pub fn is_comparison(call: &RequestRecord) -> bool {
    call.query.contains("arcadia-install-")
}

/// Another installation's, an unknown saga's, and nobody's.
fn strangers() -> Vec<Value> {
    let saga = "0199a000-0000-7000-8000-000000000001";
    let droplet = |tags: Value| {
        json!({"name": "main.arcadia-demo.com", "region": "nyc3", "size": "s-1vcpu-1gb",
            "image": "ubuntu-24-04-x64", "tags": tags})
    };
    vec![
        droplet(json!([
            "managed-by-arcadia-cloud",
            "arcadia-install-0199a000-0000-4000-8000-000000000002",
            format!("arcadia-saga-{saga}"),
            format!("arcadia-step-{saga}-1"),
        ])),
        droplet(json!(["managed-by-arcadia-cloud", format!("arcadia-step-{saga}-1")])),
        droplet(json!(["env:test"])),
    ]
}

fn make(simulator: &Simulator, kind: Kind, body: Value) -> u64 {
    simulator.mutate(&Mutation::create(kind, body)).unwrap().as_u64().unwrap()
}

async fn serve(simulator: &Simulator) -> (String, DropGuard) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let (served, stopped) = (simulator.clone(), stop.clone());
    tokio::spawn(async move { served.serve(listener, stopped).await });
    (format!("http://{address}"), stop.drop_guard())
}
