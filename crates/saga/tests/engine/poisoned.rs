//! What the database refuses to take of one saga: it alone is parked, and says why.

use crate::world::{Trouble, World, no_inputs, options};
use arcadia_saga::Status;
use arcadia_sql::{MIGRATIONS, args, on_both_databases, statements, testing::TestDb};

statements! {
    REFUSAL = sqlite "SELECT 1" postgres "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN RAISE EXCEPTION ''the shelf is not to be written of''; END'";
    REFUSED = sqlite "
        CREATE TRIGGER refused BEFORE INSERT ON saga_step_results WHEN NEW.step_idx = 1
        BEGIN SELECT RAISE(ABORT, 'the shelf is not to be written of'); END"
    postgres "
        CREATE TRIGGER refused BEFORE INSERT ON saga_step_results FOR EACH ROW WHEN (NEW.step_idx = 1)
        EXECUTE FUNCTION refuse()";
    TAKEN_AGAIN = sqlite "DROP TRIGGER refused" postgres "DROP TRIGGER refused ON saga_step_results";
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_saga_that_the_database_refuses_is_parked_and_says_why(db: TestDb) {
        let world = World::new(db);
        for statement in [&REFUSAL, &REFUSED] {
            world.db.execute(statement, args![]).await.unwrap();
        }
        let refused = world.start(&["make", "make"], no_inputs()).await;
        let other = world.start(&["make"], no_inputs()).await;
        world.settle().await;

        let (saga, words) = (world.saga(refused).await, "the shelf is not to be written of");
        let attention = saga.attention.clone().unwrap();
        assert_eq!(attention["reason"], "poisoned");
        assert!(attention["message"].as_str().unwrap().contains(words), "{attention}");
        let waiting_for = saga.waiting_for.clone().unwrap();
        assert!(waiting_for.starts_with("a person: ") && waiting_for.contains(words), "{waiting_for}");
        let events = world.sagas.events(refused).await.unwrap();
        let parked = events.iter().find(|event| event.kind == "parked").unwrap();
        assert_eq!((parked.step_idx, &parked.data), (Some(1), &attention));
        assert_eq!(world.saga(other).await.status, Status::Completed);
    }

    async fn a_parked_saga_that_is_cancelled_and_undone_needs_nobody_any_more(db: TestDb) {
        let world = World::new(db);
        for statement in [&REFUSAL, &REFUSED] {
            world.db.execute(statement, args![]).await.unwrap();
        }
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.settle().await;
        assert!(world.saga(id).await.attention.is_some());
        world.db.execute(&TAKEN_AGAIN, args![]).await.unwrap();
        world.sagas.cancel(id, "user:ada").await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.attention), (Status::RolledBack, None));
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn a_saga_that_was_parked_in_spite_of_a_cancel_hears_the_next_one(db: TestDb) {
        let world = World::new(db);
        for statement in [&REFUSAL, &REFUSED] {
            world.db.execute(statement, args![]).await.unwrap();
        }
        world.shelf.trouble("make:1", [Trouble::Block]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        let runner = world.runner();
        let (driven, ()) = tokio::join!(runner.round(), async {
            world.shelf.reached.notified().await;
            world.sagas.cancel(id, "user:ada").await.unwrap();
            world.shelf.gate.notify_one();
        });
        driven.unwrap();
        assert_eq!(world.saga(id).await.attention.unwrap()["reason"], "poisoned");
        world.db.execute(&TAKEN_AGAIN, args![]).await.unwrap();
        world.sagas.cancel(id, "user:ada").await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn a_failure_whose_words_no_database_stores_is_a_failure_like_any_other(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::FailWithNul]);
        world.shelf.trouble("undo:0", [Trouble::FailWithNul]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!((saga.status, &saga.attention), (Status::RolledBack, &None));
        assert_eq!(saga.error.unwrap()["message"], "make:1 was refused: \u{2400}");
        let events = world.sagas.events(id).await.unwrap();
        let again = events.iter().find(|event| event.kind == "retry").unwrap();
        assert_eq!(again.data["message"], "undo:0 was refused: \u{2400}");
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }
}
