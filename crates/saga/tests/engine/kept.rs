//! What is kept and what is forgotten, and what an engine in good health never has: sagas that nothing moves.

use crate::world::{Trouble, World, asked, no_inputs, options};
use arcadia_saga::{By, Idempotency, Past, SagaId, StartError, StartSaga, Status};
use arcadia_sql::{MIGRATIONS, args, on_both_databases, statements, testing::TestDb};
use jiff::SignedDuration;
use serde_json::json;
use std::time::Duration;

const ADA: By = By { actor: "user:ada", reason: "testing" };
const A_SECOND: Duration = Duration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

statements! {
    ROWS = "
        SELECT (SELECT COUNT(*) FROM saga_runs), (SELECT COUNT(*) FROM saga_step_results),
            (SELECT COUNT(*) FROM saga_events)";
    OWN = "UPDATE saga_runs SET owner = id, wake_at = NULL WHERE id = $1";
}

async fn forgettable(world: &World, after: Option<SagaId>, limit: u32) -> Vec<SagaId> {
    world.sagas.forgettable(Past::Sagas, world.at() - DAY, after, limit).await.unwrap()
}

fn keyed(key: &str) -> StartSaga {
    let (tenant_id, key, body_hash) = ("acme".to_owned(), key.to_owned(), "hash".to_owned());
    StartSaga {
        idempotency: Some(Idempotency { tenant_id, key, body_hash }),
        ..asked(&["echo"], no_inputs())
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn only_what_ended_long_ago_and_needs_nobody_is_forgotten(db: TestDb) {
        let world = World::new(db);
        let completed = world.start(&["make", "echo"], no_inputs()).await;
        world.now.advance(A_SECOND);
        let undone = world.start(&["make", "fail"], no_inputs()).await;
        world.settle().await;
        world.now.advance(A_SECOND);
        world.shelf.trouble("undo:0", [const { Trouble::FailBefore }; 3]);
        let standing = world.start(&["make", "fail"], no_inputs()).await;
        world.settle().await;
        let waiting = world.start(&["approve"], no_inputs()).await;
        world.runner().round().await.unwrap();
        assert_eq!(world.saga(standing).await.status, Status::Failed);
        assert_eq!(forgettable(&world, None, 9).await, []);

        world.now.advance(Duration::from_secs(2 * 24 * 3600));
        assert_eq!(forgettable(&world, None, 9).await, [completed, undone]);
        assert_eq!(forgettable(&world, None, 1).await, [completed]);
        assert_eq!(world.sagas.forgettable(Past::Jobs, world.at(), None, 9).await.unwrap(), []);
        assert_eq!(forgettable(&world, Some(completed), 9).await, [undone]);
        world.sagas.resolve(standing, ADA).await.unwrap();
        assert_eq!(forgettable(&world, None, 9).await, [completed, undone, standing]);

        assert_eq!(world.sagas.forget(&[completed, undone, standing, waiting]).await.unwrap(), 3);
        let rows: (i64, i64, i64) = world.db.fetch_one(&ROWS, args![]).await.unwrap();
        assert_eq!((rows.0, rows.1), (1, 0), "only the saga that waits is left, with its one event: {rows:?}");
        assert_eq!(rows.2, i64::try_from(world.sagas.events(waiting).await.unwrap().len()).unwrap());
        assert_eq!(world.saga(waiting).await.status, Status::Running);
    }

    async fn old_keys_are_forgotten_in_batches(db: TestDb) {
        let world = World::new(db);
        for key in ["a", "b", "c"] {
            world.sagas.start(keyed(key)).await.unwrap();
        }
        world.now.advance(Duration::from_secs(2 * 24 * 3600));
        let young = world.sagas.start(keyed("d")).await.unwrap().id();
        let before = world.at() - DAY;
        assert_eq!(world.sagas.forget_keys(before, 2).await.unwrap(), 2);
        assert_eq!(world.sagas.forget_keys(before, 2).await.unwrap(), 1);
        assert_eq!(world.sagas.forget_keys(before, 2).await.unwrap(), 0);
        assert_eq!(world.sagas.start(keyed("d")).await.unwrap().id(), young);
    }

    async fn only_what_nothing_moves_is_stuck(db: TestDb) {
        let world = World::new(db);
        world.start(&["sleep"], json!({"sleep_ms": 7_200_000})).await;
        world.start(&["approve"], no_inputs()).await;
        world.runner().round().await.unwrap();
        let unclaimed = world.start(&["echo"], no_inputs()).await;
        world.now.advance(A_SECOND);
        let silent = world.start(&["echo"], no_inputs()).await;
        world.db.execute(&OWN, args![silent]).await.unwrap();
        let stuck = async || -> Vec<SagaId> {
            world.sagas.stuck(9).await.unwrap().iter().map(|saga| saga.id).collect()
        };
        world.now.advance(Duration::from_secs(59));
        assert_eq!(stuck().await, []);
        world.now.advance(A_SECOND);
        assert_eq!(stuck().await, [unclaimed]);
        world.now.advance(Duration::from_secs(30 * 60));
        assert_eq!(stuck().await, [unclaimed, silent]);
        world.settle().await;
        assert_eq!(world.saga(silent).await.status, Status::Completed);
        assert_eq!(stuck().await, []);
    }

    async fn two_starts_under_one_unique_key_are_one(db: TestDb) {
        let world = World::new(db);
        let unique = || StartSaga { unique_key: Some("sweep".to_owned()), ..asked(&["echo"], no_inputs()) };
        let first = world.sagas.start(unique()).await.unwrap().id();
        match world.sagas.start(unique()).await.unwrap_err() {
            StartError::UnderWay { saga, .. } => assert_eq!(saga, first),
            other => panic!("{other}"),
        }
        let taken = StartSaga { id: Some(first), ..asked(&["echo"], no_inputs()) };
        assert!(matches!(world.sagas.start(taken).await.unwrap_err(), StartError::Taken(id) if id == first));
        world.settle().await;
        world.sagas.start(unique()).await.unwrap();
    }
}
