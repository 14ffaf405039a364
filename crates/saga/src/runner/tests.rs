//! Which sagas a node takes, and when it looks again.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{Runner, Settings};
use crate::ledger::SqlLedger;
use crate::rows::SagaRow;
use crate::{Clock, Outcome, Registry, Run, Sagas, Schedule, StartSaga, Status, Step, store};
use arcadia_sql::{ManualNow, Options, args, on_both_databases, statements, testing::TestDb};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

statements! {
    OWN = "UPDATE saga_runs SET owner = $2, wake_at = NULL WHERE id = $1";
    HIDE = "ALTER TABLE saga_schedules RENAME TO hidden_schedules";
    UNHIDE = "ALTER TABLE hidden_schedules RENAME TO saga_schedules";
    OWNED = "SELECT COUNT(*) FROM saga_runs WHERE owner IS NOT NULL";
}

/// Goes on when it is let.
struct Gate;

impl Step<Semaphore> for Gate {
    const NAME: &'static str = "gate";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<Semaphore>, (): ()) -> Outcome<()> {
        run.cloud.acquire().await.unwrap().forget();
        Ok(())
    }
}

fn options() -> Options {
    let noon = "2026-11-20T12:00:00Z".parse().unwrap();
    Options { manual_now: Some(ManualNow::new(noon)), ..Options::default() }
}

fn node(db: &TestDb, registry: Registry<Semaphore>) -> (Sagas, Runner<Semaphore>, Arc<Semaphore>) {
    let (registry, gate) = (Arc::new(registry.step(Gate)), Arc::new(Semaphore::new(0)));
    let clock = Clock::manual(db.manual_now().unwrap().clone(), 3);
    let sagas = Sagas::new((**db).clone(), clock, &registry);
    let runner = Runner::new(sagas.clone(), registry, Arc::clone(&gate), Settings::default());
    (sagas, runner, gate)
}

fn gated(queue: &str) -> StartSaga {
    StartSaga {
        kind: "test".to_owned(),
        steps: vec!["gate".to_owned()],
        queue: queue.to_owned(),
        ..StartSaga::default()
    }
}

on_both_databases! {
    migrations = &arcadia_sql::MIGRATIONS; options = options();

    async fn a_queue_that_other_nodes_have_full_is_looked_at_ever_more_seldom(db: TestDb) {
        let (sagas, runner, gate) = node(&db, Registry::new().queue("narrow", 5, Some(1)));
        let mut life = runner.begin_life().await.unwrap();
        let elsewhere = sagas.start(gated("narrow")).await.unwrap().id();
        db.execute(&OWN, args![elsewhere, uuid::Uuid::from_u128(9)]).await.unwrap();
        sagas.start(gated("narrow")).await.unwrap();

        let mut sleeps = Vec::new();
        for _ in 0..7 {
            sleeps.push(runner.claim_due(&life.flights).await.real.as_millis());
        }
        assert_eq!(sleeps, [10, 20, 40, 80, 160, 320, 500], "up to the safety poll");
        // The other one's node died, and its place is free.
        runner.look(&mut life).await;
        gate.add_permits(2);
        life.flights.tasks.close();
        life.flights.tasks.wait().await;
        assert_eq!(sagas.unfinished().await.unwrap(), 1, "one at a time");
        assert_eq!(runner.claim_due(&life.flights).await.real, Duration::from_millis(500), "nothing is left to claim");
    }

    async fn what_begins_in_place_keeps_to_its_queues_places(db: TestDb) {
        let (sagas, runner, gate) = node(&db, Registry::new().queue("provisioning", 2, None));
        let mut life = runner.begin_life().await.unwrap();
        let starts = (0..6).map(|_| sagas.start(gated("")));
        for started in futures_util::future::join_all(starts).await {
            started.unwrap();
        }
        assert_eq!(db.fetch_one::<i64>(&OWNED, args![]).await.unwrap(), 2);
        runner.look(&mut life).await;
        assert_eq!(db.fetch_one::<i64>(&OWNED, args![]).await.unwrap(), 2, "no place was free");
        gate.add_permits(6);
        while sagas.unfinished().await.unwrap() > 0 {
            runner.look(&mut life).await;
            tokio::task::yield_now().await;
        }
    }

    async fn what_was_parked_as_unknown_while_a_node_enlisted_goes_on_there(db: TestDb) {
        let (sagas, runner, gate) = node(&db, Registry::new());
        let mut life = runner.begin_life().await.unwrap();
        let later = StartSaga { start_in: Duration::from_millis(1), ..gated("") };
        let id = sagas.start(later).await.unwrap().id();
        let parked = args![json!({"reason": "unknown_step"}), db.now().await.unwrap(), 1_000_i64, Vec::<String>::new(), vec![String::new(), "provisioning".to_owned()]];
        // By a node that had read which steps are known before this one enlisted.
        db.execute(&store::PARK_UNKNOWN, parked).await.unwrap();
        assert!(sagas.get(id).await.unwrap().attention.is_some());
        gate.add_permits(1);
        runner.look(&mut life).await;
        life.flights.tasks.close();
        life.flights.tasks.wait().await;
        let saga = sagas.get(id).await.unwrap();
        assert_eq!((saga.status, saga.attention), (Status::Completed, None));
    }

    async fn what_a_node_claimed_that_has_just_enlisted_is_not_taken_from_it(db: TestDb) {
        let (sagas, _, _) = node(&db, Registry::new());
        let id = sagas.start(gated("")).await.unwrap().id();
        let (young, other) = (uuid::Uuid::from_u128(2), uuid::Uuid::from_u128(3));
        let (now, steps) = (db.now().await.unwrap(), vec!["gate".to_owned()]);
        db.execute(&OWN, args![id, young]).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let held: Vec<(uuid::Uuid,)> =
            tx.fetch_all(&store::HOLD_ORPHANS, args![steps, true, 9_i64]).await.unwrap();
        assert_eq!(held, [(id.0,)], "by then it stood in no table");
        tx.execute(&store::ADD_NODE, args![young, "young", now, 10_000_i64, json!(["gate"])]).await.unwrap();
        let taken = tx.fetch_all::<SagaRow>(&store::TAKE_OVER, args![other, now, vec![id.0]]).await.unwrap();
        assert_eq!(taken.len(), 0);
        tx.commit().await.unwrap();
        assert_eq!(sagas.get(id).await.unwrap().owner, Some(young));
    }

    async fn schedules_that_could_not_be_entered_are_known_and_tried_again(db: TestDb) {
        let registry = Registry::new().queue("background", 2, None).step(Gate);
        let hourly = Schedule::new("gate", "0 * * * *", "background", "gate").unwrap();
        let (sagas, runner, _) = node(&db, registry.schedule(hourly).unwrap());
        db.execute(&HIDE, args![]).await.unwrap();
        assert!(!runner.enter_schedules().await);
        let missing = sagas.schedules_missing().unwrap();
        assert!(missing.contains("ENTERED"), "{missing}");
        db.execute(&UNHIDE, args![]).await.unwrap();
        assert!(runner.enter_schedules().await);
        assert_eq!(sagas.schedules_missing(), None);
        assert_eq!(sagas.schedules().await.unwrap().len(), 1);
    }

    async fn a_node_whose_journal_has_stopped_ends_with_an_error(db: TestDb) {
        let (_, runner, _) = node(&db, Registry::new());
        let ledger = SqlLedger::open((*db).clone()).await.unwrap();
        let ended = ledger.writer_ended().clone();
        let runner = runner.through(Arc::new(ledger));
        let (ran, ()) = tokio::join!(runner.run(CancellationToken::new()), async { ended.cancel() });
        assert_eq!(ran.unwrap_err().to_string(), "the journal has stopped: nothing can be written any more");
    }
}
