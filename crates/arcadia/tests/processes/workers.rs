//! Two workers share one PostgreSQL: 200 deployments, of which every tenth is refused its DNS record, once in peace
//! and once with one of the two killed in the middle and started again.

use super::child::{Child, PATIENCE};
use super::customer::{Asked, Customer};
use super::moments::POINT;
use super::site::{LONG, LOOK_EVERY, Patience, Site, TOKEN};
use super::{child::JWT_SECRET, witness};
use arcadia::cloud::{Parts, Service};
use arcadia::http;
use arcadia::tokens::Verifier;
use arcadia_saga::Clock;
use arcadia_sql::{Db, Engine, args, row, statements};
use digitalocean::{Client, Purpose};
use digitalocean_sim::{ChangeKind, Fault, FaultKind, Kind};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

const DEPLOYMENTS: usize = 200;
const REFUSED: usize = DEPLOYMENTS / 10;
/// A node that dies is missed soon enough, and no call of two hundred at once runs out of time on a busy machine.
const UNHURRIED: Patience = Patience { lease_ms: 10_000, call_timeout_ms: 5_000 };

statements! {
    STATUSES = "SELECT status, COUNT(*) FROM saga_runs GROUP BY status";
    UNFINISHED = "
        SELECT next_step, step_state, waiting_for, wake_at, owner, attention FROM saga_runs
        WHERE finished_at IS NULL";
    STATES = "SELECT state, COUNT(*) FROM cloud_deployments GROUP BY state";
    LOCKS = "SELECT COUNT(*) FROM saga_locks";
    UNCLEAN = "
        SELECT COUNT(*) FROM saga_runs WHERE owner IS NOT NULL OR attention IS NOT NULL
            OR (status = 'rolled_back' AND clean IS NULL)";
    SERVING = "SELECT hostname, droplet_id, ip FROM cloud_deployments WHERE state = 'active'";
    LIVE_RESOURCES = "SELECT COUNT(*) FROM cloud_resources WHERE deleted_at IS NULL";
}

row! {
    #[derive(Debug)]
    struct Unfinished {
        next_step: String,
        step_state: String,
        waiting_for: Option<String>,
        wake_at: Option<Timestamp>,
        owner: Option<Uuid>,
        attention: Option<Value>,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_two_hundred_deployments() {
    let site = Site::new(Engine::Postgres, LONG).await;
    let one = Child::worker(&site).await;
    let other = Child::worker(&site).await;
    let (db, asked) = (site.database().await, ask_for_all(&site).await);
    until_ended(&db, DEPLOYMENTS).await;
    let runners = [one.stop().await.runners(), other.stop().await.runners()];
    judge(&site, &db, &asked).await;
    let writes = witness::judge(&db, &runners).await;
    assert!(writes.iter().all(|count| *count > 0), "one of them did nothing: {writes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_among_two_hundred_deployments_costs_nothing_but_time() {
    let site = Site::new(Engine::Postgres, UNHURRIED).await;
    let (db, asked) = (site.database().await, ask_for_all(&site).await);
    let one = Child::worker(&site).await;
    let other = Child::worker(&site).await;
    until_created(&site, DEPLOYMENTS / 2).await;
    let killed = one.kill().await;
    let again = Child::worker(&site).await;
    until_ended(&db, DEPLOYMENTS).await;
    let runners = [killed.runners(), other.stop().await.runners(), again.stop().await.runners()];
    judge(&site, &db, &asked).await;
    let writes = witness::judge(&db, &runners).await;
    assert!(writes.iter().all(|count| *count > 0), "one of them did nothing: {writes:?}");
}

/// Asks over HTTP at a service without a runner, so that nobody but the workers drives a saga.
async fn ask_for_all(site: &Site) -> Vec<Asked> {
    let refusal = FaultKind::Refuse { message: "not this one".to_owned() };
    site.simulator.inject(Fault::new(POINT, refusal).matching("\"refused-"));
    let (base, _stop) = serve_without_runner(site).await;
    let customer = Customer::new();
    let ask = |at: usize| {
        let name = if at.is_multiple_of(DEPLOYMENTS / REFUSED) {
            format!("refused-{at}")
        } else {
            format!("tenant-{at}")
        };
        let (customer, base) = (customer.clone(), base.clone());
        async move { customer.ask(&base, &name).await.unwrap() }
    };
    (0..DEPLOYMENTS).map(ask).collect::<JoinSet<Asked>>().join_all().await
}

async fn serve_without_runner(site: &Site) -> (String, DropGuard) {
    let client = Client::builder(site.provider()).token(Purpose::Provisioning, TOKEN).build().unwrap();
    let parts = Parts {
        db: site.database().await,
        digitalocean: client,
        clock: Clock::machine(1.0),
        tenant_zones: Vec::new(),
        call_timeout: Duration::from_secs(5),
    };
    let service = Service::assemble(parts).await.unwrap();
    let router = http::router(service.cloud, Verifier::new(&SecretString::from(JWT_SECRET)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    tokio::spawn(http::serve(listener, router, stop.clone()));
    (format!("http://{address}"), stop.drop_guard())
}

async fn until_created(site: &Site, count: usize) {
    let begun = Instant::now();
    while site.droplets().len() < count {
        assert!(begun.elapsed() < PATIENCE, "the workers create no droplets");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn until_ended(db: &Db, count: usize) {
    let begun = Instant::now();
    loop {
        let statuses = counted(db, &STATUSES).await;
        let ended: i64 =
            ["completed", "rolled_back", "failed"].iter().filter_map(|it| statuses.get(*it)).sum();
        if usize::try_from(ended).unwrap() == count {
            return;
        }
        if begun.elapsed() > 2 * PATIENCE {
            let unfinished: Vec<Unfinished> = db.fetch_all(&UNFINISHED, args![]).await.unwrap();
            panic!("they do not end: {statuses:?}, {unfinished:#?}");
        }
        tokio::time::sleep(LOOK_EVERY * 50).await;
    }
}

async fn counted(db: &Db, statement: &'static arcadia_sql::Statement) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> = db.fetch_all(statement, args![]).await.unwrap();
    rows.into_iter().collect()
}

async fn count(db: &Db, statement: &'static arcadia_sql::Statement) -> i64 {
    db.fetch_one::<(i64,)>(statement, args![]).await.unwrap().0
}

/// The tenth is gone without a trace, everything else serves, and nothing was ever made twice.
async fn judge(site: &Site, db: &Db, asked: &[Asked]) {
    let (refused, complete) = (REFUSED as i64, (DEPLOYMENTS - REFUSED) as i64);
    let pairs =
        |one: &str, other: &str| BTreeMap::from([(one.to_owned(), complete), (other.to_owned(), refused)]);
    assert_eq!(counted(db, &STATUSES).await, pairs("completed", "rolled_back"));
    assert_eq!(counted(db, &STATES).await, pairs("active", "cancelled"));
    assert_eq!((count(db, &LOCKS).await, count(db, &UNCLEAN).await), (0, 0));
    assert_eq!(count(db, &LIVE_RESOURCES).await, complete);
    judge_account(site, db).await;
    judge_creations(site, asked);
    site.judge_foreign();
}

/// Each serving deployment has its droplet and its record, and there is no other.
async fn judge_account(site: &Site, db: &Db) {
    let rows: Vec<(String, i64, String)> = db.fetch_all(&SERVING, args![]).await.unwrap();
    let served: BTreeSet<(i64, String)> = rows.iter().map(|(_, id, ip)| (*id, ip.clone())).collect();
    let droplets = site.droplets();
    let alive: BTreeSet<(i64, String)> = droplets
        .iter()
        .map(|it| (it["id"].as_i64().unwrap(), it["ip_address"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!((rows.len(), droplets.len()), (DEPLOYMENTS - REFUSED, DEPLOYMENTS - REFUSED));
    assert_eq!(served, alive);
    let pointed: BTreeSet<(String, String)> = site.addresses().into_iter().collect();
    let label = |hostname: &str| hostname.split('.').next().unwrap().to_owned();
    let mut wanted: BTreeSet<(String, String)> =
        rows.iter().map(|(hostname, _, ip)| (label(hostname), ip.clone())).collect();
    wanted.insert(("elsewhere".to_owned(), "192.0.2.7".to_owned()));
    assert_eq!(pointed, wanted);
    assert_eq!(site.addresses().len(), wanted.len(), "a record was made twice");
}

/// Every saga made one droplet under the mark of its step, and no more than one.
fn judge_creations(site: &Site, asked: &[Asked]) {
    let changes = site.changes();
    let created = changes.iter().filter(|it| it.kind == Kind::Droplet && it.change == ChangeKind::Created);
    let mut marks: Vec<String> = created.map(|it| mark(&it.fields)).collect();
    marks.sort();
    let mut wanted: Vec<String> = asked.iter().map(|it| format!("arcadia-step-{}-1", it.saga)).collect();
    wanted.sort();
    assert_eq!(marks, wanted);
    let destroyed =
        changes.iter().filter(|it| it.kind == Kind::Droplet && it.change == ChangeKind::Destroyed);
    assert_eq!(destroyed.count(), REFUSED);
}

fn mark(fields: &Value) -> String {
    let tags = fields["tags"].as_array().unwrap().iter().filter_map(Value::as_str);
    tags.filter(|tag| tag.starts_with("arcadia-step-")).map(str::to_owned).next().unwrap()
}
