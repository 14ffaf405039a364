//! A node whose ledger cannot be trusted stands still; after that, what was unfinished looks before it acts.

use crate::world::{World, no_inputs, options};
use arcadia_saga::Status;
use arcadia_sql::{MIGRATIONS, on_both_databases, testing::TestDb};

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_node_that_is_held_drives_nothing_until_the_last_hold_is_released(db: TestDb) {
        let world = World::new(db);
        let first = world.sagas.hold_claims("one");
        let id = world.start(&["make"], no_inputs()).await;
        assert_eq!(world.runner().round().await.unwrap(), 0);
        let settled = tokio::time::timeout(std::time::Duration::from_secs(20 * 60), world.settle());
        settled.await.expect("there is nothing that it could settle");
        let second = world.sagas.hold_claims("two");
        assert!(!world.sagas.release_claims(first), "the hold since then is not the first one's to release");
        assert_eq!(world.sagas.claims_held().as_deref(), Some("two"));
        assert_eq!(world.runner().round().await.unwrap(), 0);
        assert_eq!(world.saga(id).await.status, Status::Pending);
        assert_eq!(world.shelf.things(), Vec::<String>::new());

        assert!(world.sagas.release_claims(second));
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
    }

    async fn a_saga_whose_steps_were_lost_from_the_ledger_finds_what_they_made(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["make", "make", "make"], no_inputs()).await;
        let saga = world.saga(id).await;
        // Two steps had their effect, of which this ledger knows nothing.
        for idx in [0, 1] {
            world.shelf.things.lock().unwrap().insert(saga.mark(idx).step, 1);
        }
        let mut tx = world.db.begin().await.unwrap();
        assert_eq!(world.sagas.doubt_unfinished(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        let made: Vec<u32> = world.shelf.things.lock().unwrap().values().copied().collect();
        assert_eq!(made, [1, 1, 1], "found by their marks, not made again");
    }
}
