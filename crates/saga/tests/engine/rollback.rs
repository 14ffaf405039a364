//! Sagas that fail and are undone.

use crate::world::{Make, Mark, Shelf, Trouble, World, no_inputs, options};
use arcadia_saga::{Clock, Halt, Outcome, Policy, Registry, Run, Sagas, Status, Step};
use arcadia_sql::{MIGRATIONS, on_both_databases, testing::TestDb};
use serde_json::json;
use std::sync::Arc;

/// Never gets an answer, and notes which attempt it was.
struct BlindLook;

impl Step<Shelf> for BlindLook {
    const NAME: &'static str = "look";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy { compensation_attempts: 3, ..Policy::default() }
    }

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        run.cloud.undo_calls.lock().unwrap().push(format!("look {}", run.attempt()));
        Err(Halt::failed("the provider does not answer"))
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_last_look_is_tried_as_often_as_its_policy_says(db: TestDb) {
        let mut world = World::new(db);
        let registry = Registry::new().step(Mark).step(Make { attempts: 1 }).last_look(BlindLook);
        world.registry = Arc::new(registry);
        world.sagas = Sagas::new((*world.db).clone(), Clock::manual(world.now.clone(), 7), &world.registry);
        world.shelf.trouble("make:1", [Trouble::FailBefore]);
        let id = world.start(&["mark", "make"], no_inputs()).await;
        world.settle().await;
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), ["look 1", "look 2", "look 3"]);
        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(saga.clean.unwrap()["not_seen"], "the provider does not answer");
    }

    async fn echo_echo_fail_rolls_back_from_the_step_before(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["echo", "echo", "fail"], json!({"message": "hello"})).await;
        world.settle().await;

        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::RolledBack);
        let error = saga.error.unwrap();
        assert_eq!(error["reason"], "step_failed:fail");
        assert_eq!(error["compensate_from_idx"], 1);
        assert_eq!(world.step_statuses(id).await, ["compensated", "compensated", "failed"]);
        assert_eq!(world.event_kinds(id).await, ["compensating"]);
    }

    async fn a_certain_failure_undoes_what_stands_and_not_itself(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:2", [Trouble::FailBefore]);
        let id = world.start(&["make", "make", "make"], no_inputs()).await;
        world.settle().await;

        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), ["undo:1", "undo:0"]);
    }

    async fn a_failure_in_doubt_undoes_itself_too_without_an_output(db: TestDb) {
        let world = World::new(db);
        let cut = [Trouble::UnknownAfter, Trouble::UnknownBefore, Trouble::UnknownBefore];
        world.shelf.trouble("make:1", cut);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.settle().await;

        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(saga.error.unwrap()["compensate_from_idx"], 1);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        assert_eq!(world.step_statuses(id).await, ["compensated", "compensated"]);
    }

    async fn what_was_never_made_counts_as_absent_only_after_a_minute(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", [Trouble::UnknownBefore, Trouble::UnknownBefore, Trouble::UnknownBefore]);
        let id = world.start(&["make"], no_inputs()).await;
        let began = world.at();
        world.settle().await;

        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        let looks = world.shelf.undo_calls.lock().unwrap().len();
        assert!(looks >= 3, "{looks} looks");
        let took = world.saga(id).await.finished_at.unwrap().duration_since(began);
        assert!(took.as_secs() >= 60, "gave up after {took:?}");
    }

    async fn a_panic_compensates(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::PanicAfter]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.settle().await;

        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert!(saga.error.unwrap()["message"].as_str().unwrap().contains("make:1 panicked"));
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        let other = world.start(&["make"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(other).await.status, Status::Completed, "the worker lives on");
    }

    async fn the_walk_goes_on_past_a_compensation_that_fails_for_good(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:2", [Trouble::FailBefore]);
        world.shelf.trouble("undo:1", vec![Trouble::FailBefore; 3]);
        let mut start = crate::world::asked(&["make", "make", "make"], no_inputs());
        start.locks = vec!["droplet:7".to_owned()];
        let id = world.sagas.start(start).await.unwrap().id();
        world.settle().await;

        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::Failed);
        assert_eq!(saga.error.as_ref().unwrap()["message"], "make:2 was refused", "the first failure's words stay");
        assert_eq!(world.step_statuses(id).await, ["compensated", "compensation_failed", "failed"]);
        let standing = saga.attention.as_ref().unwrap()["standing"].as_array().unwrap().clone();
        assert_eq!(standing.len(), 1);
        assert_eq!(standing[0]["output"]["thing"], saga.mark(1).step);
        assert_eq!(world.shelf.things(), [saga.mark(1).step], "exactly that is still standing");
        assert_eq!(world.sagas.locks().await.unwrap(), ["droplet:7"], "a failed saga keeps its locks");
    }

    async fn a_compensation_that_fails_once_is_tried_again(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::FailBefore]);
        world.shelf.trouble("undo:0", [Trouble::UnknownBefore, Trouble::PanicAfter]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        assert_eq!(world.steps(id).await[0].compensation_attempts, 3);
    }

    async fn a_certain_failure_after_one_in_doubt_still_undoes_the_step(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", [Trouble::UnknownAfter, Trouble::FailBefore]);
        let id = world.start(&["make"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }
}
