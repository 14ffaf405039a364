//! What waits for a person, or for its time, still hears what an operator says: no more and no less.

use crate::world::{Make, Mark, Shelf, Trouble, World, asked, no_inputs, options};
use arcadia_saga::{By, Clock, Outcome, Registry, Run, SagaId, Sagas, Status, Step, VerbError};
use arcadia_sql::{MIGRATIONS, on_both_databases, testing::TestDb};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const ADA: By = By { actor: "user:ada", reason: "looked at it myself" };

/// Notes that it looked.
struct Look;

impl Step<Shelf> for Look {
    const NAME: &'static str = "look";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        run.cloud.undo_calls.lock().unwrap().push("look".to_owned());
        run.cloud.meet("look").await
    }
}

impl World {
    fn with_last_look(db: TestDb) -> World {
        let mut world = World::new(db);
        let registry = Registry::new().step(Mark).step(Make { attempts: 1 }).last_look(Look);
        world.registry = Arc::new(registry);
        world.sagas = Sagas::new((*world.db).clone(), Clock::manual(world.now.clone(), 7), &world.registry);
        world
    }

    /// Three processes die in the last look of a rollback.
    async fn crash_in_the_last_look(&self) -> SagaId {
        self.shelf.trouble("make:2", [Trouble::FailBefore]);
        self.shelf.trouble("look", vec![Trouble::Block; 3]);
        let mut start = asked(&["mark", "make", "make"], no_inputs());
        start.locks = vec!["droplet:7".to_owned()];
        let id = self.sagas.start(start).await.unwrap().id();
        while self.saga(id).await.current_step_idx >= 0 {
            self.runner().round().await.unwrap();
            self.now.advance(Duration::from_secs(30));
        }
        self.crash(id).await;
        id
    }

    /// Three processes die in the call at which the saga stands; after that it is parked.
    async fn crash(&self, id: SagaId) {
        for _ in 0..3 {
            self.die_in_the_call().await;
            self.now.advance(Duration::from_secs(11));
        }
        self.settle().await;
        assert_eq!(self.saga(id).await.attention.unwrap()["reason"], "crashed");
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_saga_that_crashed_its_process_is_undone_by_a_cancel(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", vec![Trouble::Block; 3]);
        world.shelf.trouble("undo:0", [Trouble::Wait(600_000)]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.crash(id).await;
        world.sagas.cancel(id, ADA).await.unwrap();
        let until = world.at() + jiff::SignedDuration::from_mins(5);
        world.runner().settle(until, |_| ()).await.unwrap();
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.attention), (Status::Compensating, None), "it needs nobody while it is undone");
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.attention), (Status::RolledBack, None));
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn a_cancel_that_comes_while_a_saga_is_being_parked_is_not_lost(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::BlockUndecodable]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.cancel_in_the_call(id, ADA).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack, "{:?}", world.saga(id).await.attention);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn a_compensation_that_crashes_its_process_is_skipped_and_the_rest_undone(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:2", [Trouble::FailBefore]);
        world.shelf.trouble("undo:1", vec![Trouble::Block; 3]);
        let mut start = asked(&["make", "make", "make"], no_inputs());
        start.locks = vec!["droplet:7".to_owned()];
        let id = world.sagas.start(start).await.unwrap().id();
        world.crash(id).await;
        for elsewhere in [0, 2] {
            assert!(matches!(world.sagas.skip(id, elsewhere, ADA).await, Err(VerbError::Refused { .. })));
        }
        let by_hand = world.saga(id).await.mark(1).step;
        world.shelf.things.lock().unwrap().remove(&by_hand);
        world.sagas.skip(id, 1, ADA).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.attention), (Status::RolledBack, None));
        assert_eq!(world.step_statuses(id).await, ["compensated", "compensated", "failed"]);
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), ["undo:1", "undo:1", "undo:1", "undo:0"]);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        assert_eq!(world.sagas.locks().await.unwrap(), Vec::<String>::new());
        let events = world.sagas.events(id).await.unwrap();
        let skipped = events.iter().find(|event| event.kind == "skip").unwrap();
        assert_eq!((&skipped.data["step_idx"], &skipped.data["was"]["reason"]), (&json!(1), &json!("crashed")));
    }

    async fn a_last_look_that_crashes_its_process_is_passed_over_and_the_rollback_ends(db: TestDb) {
        let world = World::with_last_look(db);
        let id = world.crash_in_the_last_look().await;
        for elsewhere in [0, -2] {
            assert!(matches!(world.sagas.skip(id, elsewhere, ADA).await, Err(VerbError::Refused { .. })));
        }
        let saga = world.sagas.skip(id, -1, ADA).await.unwrap();
        assert_eq!((saga.status, saga.attention), (Status::RolledBack, None));
        assert_eq!(saga.clean.unwrap()["not_seen"], "user:ada passed over the last look: looked at it myself");
        assert_eq!(saga.resolved.unwrap()["verb"], "skip");
        assert!(saga.finished_at.is_some());
        assert_eq!(world.sagas.locks().await.unwrap(), Vec::<String>::new());
        let events = world.sagas.events(id).await.unwrap();
        assert_eq!(events.last().unwrap().data["was"]["reason"], "crashed");
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack, "nobody looks any more");
    }

    async fn what_could_not_be_undone_still_needs_a_person_after_the_last_look_is_passed_over(db: TestDb) {
        let world = World::with_last_look(db);
        world.shelf.trouble("undo:1", vec![Trouble::FailBefore; 3]);
        let id = world.crash_in_the_last_look().await;
        let saga = world.sagas.skip(id, -1, ADA).await.unwrap();
        assert_eq!((saga.status, saga.resolved), (Status::Failed, None));
        let attention = saga.attention.unwrap();
        assert_eq!((&attention["reason"], &attention["standing"][0]["step_idx"]), (&json!("compensation_failed"), &json!(1)));
        assert_eq!(world.sagas.locks().await.unwrap(), ["droplet:7"]);
        world.sagas.retry(id, ADA).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.clean), (Status::RolledBack, Some(json!(true))));
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn an_early_signal_starts_no_saga_before_its_time(db: TestDb) {
        let world = World::new(db);
        let begun_at = world.at();
        let mut start = asked(&["make", "approve"], no_inputs());
        start.start_in = Duration::from_secs(3600);
        let id = world.sagas.start(start).await.unwrap().id();
        world.sagas.signal(id, "approve", json!({}), ADA).await.unwrap();
        assert_eq!(world.runner().round().await.unwrap(), 0, "it is not time yet");
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::Completed);
        assert!(saga.started_at.unwrap().duration_since(begun_at).as_secs() >= 3600);
    }

    async fn the_last_look_comes_no_earlier_because_somebody_spoke(db: TestDb) {
        let world = World::with_last_look(db);
        world.shelf.trouble("make:1", [Trouble::FailBefore]);
        let id = world.start(&["mark", "make"], no_inputs()).await;
        world.runner().round().await.unwrap();
        world.sagas.signal(id, "approve", json!({}), ADA).await.unwrap();
        world.now.advance(Duration::from_secs(5));
        world.runner().round().await.unwrap();
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), Vec::<String>::new(), "15 s after the last deletion");
        world.now.advance(Duration::from_secs(9));
        world.runner().round().await.unwrap();
        assert_eq!(world.saga(id).await.status, Status::Compensating);
        world.now.advance(Duration::from_secs(1));
        world.runner().round().await.unwrap();
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), ["look"]);
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
    }

    async fn what_is_abandoned_after_a_lost_ledger_names_the_step_that_may_have_been_done(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["make", "make"], no_inputs()).await;
        let mut tx = world.db.begin().await.unwrap();
        assert_eq!(world.sagas.doubt_unfinished(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let abandoned = world.sagas.abandon(id, ADA).await.unwrap();
        let standing = abandoned.resolved.unwrap()["standing"].clone();
        assert_eq!((&standing[0]["step_idx"], &standing[0]["in_doubt"]), (&json!(0), &json!(true)));
    }
}
