//! The judgement at a story's end: the complete deployment, or an account as it was; no lock, no doubt, no second
//! droplet ever, and a ledger that agrees with what the database saw.

use super::child::PATIENCE;
use super::customer::Asked;
use super::moments::Story;
use super::site::{LOOK_EVERY, Site};
use super::witness::{self, Runners};
use arcadia_sql::{Db, args, row, statements};
use digitalocean_sim::{Change, ChangeKind, Kind};
use serde_json::Value;
use std::time::Instant;
use uuid::Uuid;

statements! {
    SAGAS = "SELECT id, status, owner, clean, attention, error FROM saga_runs";
    STANDS = "SELECT status, owner FROM saga_runs WHERE id = $1";
    LOCKS = "SELECT name FROM saga_locks";
    DEPLOYMENTS = "SELECT id FROM cloud_deployments";
    TRANSITIONS = "
        SELECT to_state FROM cloud_deployment_events WHERE deployment_id = $1 ORDER BY version";
    LIVE_RESOURCES = "
        SELECT provider_id, deployment_id FROM cloud_resources WHERE deleted_at IS NULL";
    DESIRED = "SELECT COUNT(*) FROM cloud_provisioned";
    STANDING = "
        SELECT step_name, status FROM saga_step_results WHERE status NOT IN ('completed', 'compensated')
            AND NOT (status = 'failed' AND NOT in_doubt)";
}

row! {
    #[derive(Debug)]
    struct SagaFacts {
        id: Uuid,
        status: String,
        owner: Option<Uuid>,
        clean: Option<Value>,
        attention: Option<Value>,
        error: Option<Value>,
    }
}

/// After the last process has ended. `lives` are the runners of each process in turn.
pub async fn judge(site: &Site, story: Story, asked: Asked, shown: &Value, lives: &[Runners]) {
    let db = site.database().await;
    let deployments: Vec<(Uuid,)> = db.fetch_all(&DEPLOYMENTS, args![]).await.unwrap();
    assert_eq!(deployments, [(asked.deployment,)], "one request is one deployment");
    judge_saga(&db, story, asked).await;
    witness::judge(&db, lives).await;
    site.judge_foreign();
    match story {
        Story::Provisioned => judge_complete(site, &db, asked, shown).await,
        Story::DnsRefused | Story::Cancelled => judge_empty(site, &db, asked, shown).await,
    }
    db.close().await;
}

async fn judge_saga(db: &Db, story: Story, asked: Asked) {
    let sagas: Vec<SagaFacts> = db.fetch_all(&SAGAS, args![]).await.unwrap();
    let [saga] = sagas.as_slice() else { panic!("one deployment is one saga: {sagas:#?}") };
    let (status, clean) = match story {
        Story::Provisioned => ("completed", None),
        Story::DnsRefused | Story::Cancelled => ("rolled_back", Some(Value::Bool(true))),
    };
    assert_eq!((saga.id, saga.status.as_str()), (asked.saga, status), "{saga:#?}");
    assert_eq!((&saga.owner, &saga.clean, &saga.attention), (&None, &clean, &None), "{saga:#?}");
    let locks: Vec<(String,)> = db.fetch_all(&LOCKS, args![]).await.unwrap();
    assert_eq!(locks, [], "locks of a saga that has ended");
    let standing: Vec<(String, String)> = db.fetch_all(&STANDING, args![]).await.unwrap();
    assert_eq!(standing, [], "steps that neither happened nor were undone");
}

async fn judge_complete(site: &Site, db: &Db, asked: Asked, shown: &Value) {
    let droplets = site.droplets();
    let [droplet] = droplets.as_slice() else { panic!("one deployment is one droplet: {droplets:#?}") };
    let tags: Vec<&str> = droplet["tags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for tag in [format!("arcadia-saga-{}", asked.saga), format!("arcadia-step-{}-1", asked.saga)] {
        assert!(tags.contains(&tag.as_str()), "{tag} is missing: {tags:?}");
    }
    assert_eq!(droplet["status"], "active");
    assert_eq!(shown["state"], "active", "{shown:#}");
    assert_eq!((&shown["droplet_id"], &shown["ip"]), (&droplet["id"], &droplet["ip_address"]));
    let ip = droplet["ip_address"].as_str().unwrap().to_owned();
    let main: Vec<_> = site.addresses().into_iter().filter(|(name, _)| name == "main").collect();
    assert_eq!(main, [("main".to_owned(), ip)]);
    assert_eq!(transitions(db, asked.deployment).await, ["provisioning", "active"]);
    let resources: Vec<(String, Option<Uuid>)> = db.fetch_all(&LIVE_RESOURCES, args![]).await.unwrap();
    assert_eq!(resources, [(droplet["id"].to_string(), Some(asked.deployment))]);
    assert_eq!(desired(db).await, 1);
    assert_eq!((made(site, Kind::Droplet), gone(site, Kind::Droplet)), (1, 0), "{:#?}", site.changes());
    assert_eq!((made(site, Kind::DomainRecord), gone(site, Kind::DomainRecord)), (1, 0));
}

async fn judge_empty(site: &Site, db: &Db, asked: Asked, shown: &Value) {
    assert_eq!(site.droplets(), Vec::<Value>::new());
    assert_eq!(site.addresses().iter().filter(|(name, _)| name == "main").count(), 0);
    assert_eq!(shown["state"], "cancelled", "{shown:#}");
    assert_eq!((&shown["droplet_id"], &shown["ip"]), (&Value::Null, &Value::Null));
    assert_eq!(transitions(db, asked.deployment).await, ["provisioning", "cancelled"]);
    let resources: Vec<(String, Option<Uuid>)> = db.fetch_all(&LIVE_RESOURCES, args![]).await.unwrap();
    assert_eq!(resources, []);
    assert_eq!(desired(db).await, 0);
    assert_eq!((made(site, Kind::Droplet), gone(site, Kind::Droplet)), (1, 1), "{:#?}", site.changes());
    assert_eq!(made(site, Kind::DomainRecord), gone(site, Kind::DomainRecord));
}

/// Waits until the saga has completed, by what the database says.
pub async fn until_completed(db: &Db, saga: Uuid) {
    let begun = Instant::now();
    loop {
        let (status, _): (String, Option<Uuid>) = db.fetch_one(&STANDS, args![saga]).await.unwrap();
        match status.as_str() {
            "completed" => return,
            "rolled_back" | "failed" => panic!("saga {saga} is {status}"),
            _ => assert!(begun.elapsed() < PATIENCE, "saga {saga} does not end: {status}"),
        }
        tokio::time::sleep(LOOK_EVERY * 10).await;
    }
}

/// The runner that has the saga now.
pub async fn owner_of(db: &Db, saga: Uuid) -> Option<Uuid> {
    db.fetch_one::<(String, Option<Uuid>)>(&STANDS, args![saga]).await.unwrap().1
}

async fn transitions(db: &Db, deployment: Uuid) -> Vec<String> {
    let rows: Vec<(String,)> = db.fetch_all(&TRANSITIONS, args![deployment]).await.unwrap();
    rows.into_iter().map(|(state,)| state).collect()
}

async fn desired(db: &Db) -> i64 {
    db.fetch_one::<(i64,)>(&DESIRED, args![]).await.unwrap().0
}

fn made(site: &Site, kind: Kind) -> usize {
    count(site, kind, ChangeKind::Created)
}

fn gone(site: &Site, kind: Kind) -> usize {
    count(site, kind, ChangeKind::Destroyed)
}

fn count(site: &Site, kind: Kind, change: ChangeKind) -> usize {
    let is_such = |it: &Change| it.kind == kind && it.change == change;
    site.changes().into_iter().filter(is_such).count()
}
