//! The one way into the inventory, on both databases: what each look at a resource writes, and what it does not.

use arcadia::drift;
use arcadia::inventory::{self, Change, DROPLET, Observation, Witness};
use arcadia_saga::{Clock, SagaId};
use arcadia_sql::testing::TestDb;
use arcadia_sql::{Db, ManualNow, args, on_both_databases, row, statements};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

statements! {
    EVENTS = "SELECT kind, data FROM cloud_resource_events ORDER BY at, id";
    ADD_DEPLOYMENT = "
        INSERT INTO cloud_deployments (id, tenant_id, slug, display_name, hostname, region, plan, state, version,
            created_at, updated_at)
        VALUES ($1, 'acme', 'acme', 'Acme', 'acme.example', 'nyc3', '{}', 'active', 1, $2, $2)";
    ROWS = "SELECT name, last_seen_at, deleted_at IS NOT NULL AS is_deleted FROM cloud_resources ORDER BY name";
}

row! {
    struct Event { kind: String, data: Value }
    #[derive(Debug, PartialEq)]
    struct Stored { name: String, last_seen_at: Timestamp, is_deleted: bool }
}

struct Looker {
    now: ManualNow,
    clock: Clock,
}

impl Looker {
    fn new() -> Looker {
        let now = ManualNow::new("2026-11-20T08:00:00Z".parse().unwrap());
        Looker { clock: Clock::manual(now.clone(), 7), now }
    }

    fn witness(&self) -> Witness {
        let (actor, source) = ("sync".to_owned(), "a-run".to_owned());
        Witness { actor, source, asked_at: self.clock.now(), run: None }
    }

    async fn sees(&self, db: &Db, seen: &[Observation]) -> Vec<Change> {
        self.now.advance(Duration::from_secs(1));
        self.saw(db, seen, self.witness()).await
    }

    async fn saw(&self, db: &Db, seen: &[Observation], witness: Witness) -> Vec<Change> {
        let mut tx = db.begin().await.unwrap();
        let answers = inventory::upsert(&mut tx, DROPLET, seen, &witness, &self.clock).await.unwrap();
        tx.commit().await.unwrap();
        answers
    }

    async fn buries(&self, db: &Db, id: &str) {
        self.now.advance(Duration::from_secs(1));
        let mut tx = db.begin().await.unwrap();
        inventory::mark_deleted(&mut tx, DROPLET, id, &self.witness(), &self.clock).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn droplet(id: &str) -> Observation {
    Observation {
        provider_id: id.to_owned(),
        name: format!("web-{id}"),
        region: Some("nyc3".to_owned()),
        status: Some("active".to_owned()),
        size_slug: Some("s-1vcpu-1gb".to_owned()),
        tags: vec!["env:test".to_owned()],
        attrs: json!({"vcpus": 1}).as_object().cloned().unwrap(),
        monthly_cost_minor: Some(600),
        ..Observation::default()
    }
}

async fn events(db: &Db) -> Vec<String> {
    db.fetch_all::<Event>(&EVENTS, args![]).await.unwrap().into_iter().map(|event| event.kind).collect()
}

async fn stored(db: &Db) -> Vec<Stored> {
    db.fetch_all(&ROWS, args![]).await.unwrap()
}

on_both_databases! {
    async fn what_did_not_change_only_gets_its_seen_mark(db: TestDb) {
        let looker = Looker::new();
        let all = [droplet("1"), droplet("2")];
        assert_eq!(looker.sees(&db, &all).await, [Change::Discovered; 2]);
        assert_eq!(looker.sees(&db, &all).await, [Change::Unchanged; 2]);
        assert_eq!(events(&db).await, ["discovered", "discovered"]);
        let seen_at = looker.clock.now();
        assert!(stored(&db).await.iter().all(|row| row.last_seen_at == seen_at));
    }

    async fn a_name_that_no_database_holds_keeps_no_other_from_being_seen(db: TestDb) {
        let looker = Looker::new();
        let mut chance = fastrand::Rng::with_seed(7);
        let long: String = std::iter::repeat_with(|| chance.alphanumeric()).take(9000).collect();
        let attrs = json!({"description": "x\0y"}).as_object().cloned().unwrap();
        let odd = [
            Observation { name: "web\0".to_owned(), ..droplet("1") },
            Observation { name: long.clone(), ..droplet("2") },
            Observation { attrs, ..droplet("3") },
            droplet("4"),
        ];
        assert_eq!(looker.sees(&db, &odd).await, [Change::Discovered; 4]);
        assert_eq!(looker.sees(&db, &odd).await, [Change::Unchanged; 4]);
        let names: Vec<String> = stored(&db).await.into_iter().map(|row| row.name).collect();
        assert_eq!(names.len(), 4);
        for name in ["web\u{fffd}", &long[..1024], "web-3", "web-4"] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
    }

    async fn a_change_is_one_event_with_the_fields_that_changed(db: TestDb) {
        let looker = Looker::new();
        looker.sees(&db, &[droplet("1"), droplet("2")]).await;
        let resized = Observation { size_slug: Some("s-2vcpu-4gb".to_owned()), ..droplet("1") };
        assert_eq!(looker.sees(&db, &[resized, droplet("2")]).await, [Change::Updated, Change::Unchanged]);
        let last = db.fetch_all::<Event>(&EVENTS, args![]).await.unwrap().pop().unwrap();
        assert_eq!(last.kind, "updated");
        let fields = json!({"size_slug": {"before": "s-1vcpu-1gb", "after": "s-2vcpu-4gb"}});
        assert_eq!(last.data["fields"], fields);
    }

    async fn a_tombstone_stands_until_a_look_that_began_a_minute_later(db: TestDb) {
        let looker = Looker::new();
        looker.sees(&db, &[droplet("1")]).await;
        looker.buries(&db, "1").await;
        looker.buries(&db, "1").await;
        assert_eq!(events(&db).await, ["discovered", "deleted"]);
        // The provider still lists it, and a listing that began before goes on for long.
        assert_eq!(looker.sees(&db, &[droplet("1")]).await, [Change::StillDeleted]);
        let early = looker.witness();
        looker.now.advance(Duration::from_secs(300));
        assert_eq!(looker.saw(&db, &[droplet("1")], early).await, [Change::StillDeleted]);
        assert!(stored(&db).await[0].is_deleted);
        assert_eq!(looker.sees(&db, &[droplet("1")]).await, [Change::Restored]);
        assert!(!stored(&db).await[0].is_deleted);
        assert_eq!(events(&db).await, ["discovered", "deleted", "restored"]);
    }

    async fn an_owner_is_written_once_and_survives_later_looks(db: TestDb) {
        let looker = Looker::new();
        looker.sees(&db, &[droplet("1")]).await;
        let deployment = looker.clock.new_id();
        db.execute(&ADD_DEPLOYMENT, args![deployment, looker.clock.now()]).await.unwrap();
        for _ in 0..2 {
            looker.now.advance(Duration::from_secs(1));
            let mut tx = db.begin().await.unwrap();
            let row = inventory::find(&mut tx, DROPLET, "1").await.unwrap().unwrap();
            inventory::link(&mut tx, row.id, Some(deployment), &looker.witness(), &looker.clock).await.unwrap();
            tx.commit().await.unwrap();
        }
        looker.sees(&db, &[Observation { status: Some("off".to_owned()), ..droplet("1") }]).await;
        assert_eq!(events(&db).await, ["discovered", "attributed", "updated"]);
        let mut tx = db.begin().await.unwrap();
        let row = inventory::find(&mut tx, DROPLET, "1").await.unwrap().unwrap();
        assert_eq!((row.tenant_id.as_deref(), row.deployment_id), (Some("acme"), Some(deployment)));
        assert_eq!(row.owner_reason, "deployment");
    }

    async fn a_desired_state_gets_a_new_version_only_when_it_is_new(db: TestDb) {
        let looker = Looker::new();
        looker.sees(&db, &[droplet("1")]).await;
        let (first, second) = (SagaId(looker.clock.new_id()), SagaId(looker.clock.new_id()));
        let (small, large) = (json!({"size_slug": "s", "region": "r"}), json!({"region": "r", "size_slug": "l"}));
        let records = [(first, &small, 1), (first, &small, 1), (first, &large, 2), (second, &large, 3)];
        let mut tx = db.begin().await.unwrap();
        let row = inventory::find(&mut tx, DROPLET, "1").await.unwrap().unwrap();
        for (saga, spec, version) in records {
            let now = looker.clock.now();
            let recorded = drift::record_provisioned(&mut tx, row.id, spec.clone(), saga, now).await.unwrap();
            assert_eq!(recorded, version);
        }
        drift::forget_provisioned(&mut tx, row.id).await.unwrap();
        let again = drift::record_provisioned(&mut tx, row.id, small.clone(), first, looker.clock.now()).await;
        assert_eq!(again.unwrap(), 1);
    }
}
