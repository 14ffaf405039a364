//! Sagas that go well, wait, or are tried again.

use crate::world::{Trouble, World, asked, no_inputs, options};
use arcadia_saga::{PlanError, StartError, Status};
use arcadia_sql::{MIGRATIONS, on_both_databases, testing::TestDb};
use serde_json::json;

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn three_echoes_complete_with_three_outputs(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["echo", "echo", "echo"], json!({"message": "hello"})).await;
        world.settle().await;

        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::Completed);
        assert_eq!(saga.current_step_idx, 3);
        assert_eq!(
            json!(saga.context),
            json!({"echoed_at_step_0": "hello", "echoed_at_step_1": "hello", "echoed_at_step_2": "hello"})
        );
        assert_eq!(world.step_statuses(id).await, ["completed", "completed", "completed"]);
        assert_eq!(world.sagas.unfinished().await.unwrap(), 0);
        assert_eq!(saga.owner, None);
        assert!(saga.error.is_none() && saga.finished_at.is_some() && saga.wake_at.is_none());
        assert_eq!(world.event_kinds(id).await, Vec::<String>::new(), "a clean first attempt needs no event");
    }

    async fn every_ledger_row_bears_the_epoch_and_runner_of_its_claim(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::Wait(5_000)]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.settle().await;

        let steps = world.steps(id).await;
        assert_eq!(steps.iter().map(|step| step.epoch).collect::<Vec<_>>(), [Some(1), Some(2)]);
        assert_ne!(steps[0].runner, steps[1].runner);
        assert_eq!(world.saga(id).await.epoch, 2);
    }

    async fn a_wait_is_a_row_and_goes_on_when_its_time_has_come(db: TestDb) {
        let world = World::new(db);
        let began = world.at();
        let id = world.start(&["sleep", "make"], json!({"sleep_ms": 90_000})).await;
        assert_eq!(world.runner().round().await.unwrap(), 1);

        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::Running);
        assert_eq!(saga.owner, None, "a waiting saga has no worker");
        assert_eq!(saga.wake_at, Some(began + jiff::SignedDuration::from_secs(90)));
        assert_eq!(saga.waiting_for.as_deref(), Some("90000 ms to pass"));
        assert_eq!(world.step_statuses(id).await, ["waiting", "pending"]);
        world.now.advance(std::time::Duration::from_secs(89));
        assert_eq!(world.runner().round().await.unwrap(), 0, "not a second too early");
        world.now.advance(std::time::Duration::from_secs(1));
        assert_eq!(world.runner().round().await.unwrap(), 1);
        assert_eq!(world.saga(id).await.status, Status::Completed);
        assert_eq!(world.shelf.things().len(), 1);
    }

    async fn a_step_that_polls_tells_it_once(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", vec![Trouble::Wait(5_000); 6]);
        let id = world.start(&["make"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        assert_eq!(world.event_kinds(id).await, ["wait"]);
    }

    async fn a_start_can_be_put_off(db: TestDb) {
        let world = World::new(db);
        let mut start = asked(&["make"], no_inputs());
        start.start_in = std::time::Duration::from_secs(60);
        let id = world.sagas.start(start).await.unwrap().id();
        assert_eq!(world.runner().round().await.unwrap(), 0);
        assert_eq!(world.saga(id).await.status, Status::Pending);
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
    }

    async fn a_saga_that_is_not_runnable_is_left_alone(db: TestDb) {
        let world = World::new(db);
        let mut start = asked(&["make"], no_inputs());
        start.not_runnable = true;
        let id = world.sagas.start(start).await.unwrap().id();
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Pending);
        assert_eq!(world.shelf.things().len(), 0);
    }

    async fn a_failure_in_doubt_is_looked_into_and_has_one_effect(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::UnknownAfter, Trouble::UnknownBefore]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.settle().await;

        assert_eq!(world.saga(id).await.status, Status::Completed);
        let made: Vec<u32> = world.shelf.things.lock().unwrap().values().copied().collect();
        assert_eq!(made, [1, 1], "the lost answer was not a second creation");
        assert_eq!(world.steps(id).await[1].attempts, 3);
        assert_eq!(world.event_kinds(id).await, ["retry", "retry"]);
    }

    async fn an_unknown_step_is_refused_at_once_with_the_nearest_known(db: TestDb) {
        let world = World::new(db);
        let refused = world.sagas.start(asked(&["ehco"], no_inputs())).await.unwrap_err();
        assert_eq!(refused.to_string(), "no step is called `ehco`; the nearest known: echo");
        assert_eq!(world.sagas.unfinished().await.unwrap(), 0);
    }

    async fn a_missing_input_is_refused_at_once_by_name(db: TestDb) {
        let world = World::new(db);
        let refused = world.sagas.start(asked(&["sleep"], no_inputs())).await.unwrap_err();
        let StartError::Plan(PlanError::Missing { step, field, .. }) = refused else { panic!("{refused}") };
        assert_eq!((step.as_str(), field), ("sleep", "sleep_ms"));
    }

    async fn an_input_of_the_wrong_type_needs_a_person_and_names_the_type(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["sleep"], json!({"sleep_ms": "soon"})).await;
        world.settle().await;
        let saga = world.saga(id).await;
        let attention = saga.attention.unwrap();
        assert_eq!(attention["reason"], "undecodable");
        assert!(attention["message"].as_str().unwrap().contains("u64"), "{attention}");
        assert_eq!(saga.wake_at, None);
    }

    async fn after_the_pivot_a_failure_is_tried_again_and_never_undone(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:2", [Trouble::FailBefore, Trouble::UnknownAfter, Trouble::FailBefore]);
        let id = world.start(&["make", "commit", "make"], no_inputs()).await;
        world.settle().await;

        assert_eq!(world.saga(id).await.status, Status::Completed);
        assert_eq!(world.shelf.things().len(), 3);
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), Vec::<String>::new());
    }

    async fn a_pivot_in_doubt_is_settled_forward(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("commit:1", [Trouble::UnknownAfter, Trouble::UnknownBefore]);
        let id = world.start(&["make", "commit"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), Vec::<String>::new());
    }

    async fn an_irreversible_step_before_the_pivot_is_refused(db: TestDb) {
        let world = World::new(db);
        let refused = world.sagas.start(asked(&["make", "burn", "commit"], no_inputs())).await.unwrap_err();
        assert!(matches!(refused, StartError::Plan(PlanError::BeforePivot { .. })), "{refused}");
        let id = world.start(&["make", "burn"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        assert_eq!(world.shelf.things().len(), 0);
    }

    async fn an_input_that_no_database_takes_is_refused_at_once(db: TestDb) {
        let world = World::new(db);
        let refused = world.sagas.start(asked(&["echo"], json!({"message": ["nul: \u{0}"]}))).await.unwrap_err();
        assert_eq!(refused.to_string(), "the inputs contain a NUL character");
        let refused = world.sagas.start(asked(&["echo"], json!({"message": "x".repeat(300_000)}))).await;
        assert!(refused.unwrap_err().to_string().contains("at most 262144"));
        assert_eq!(world.sagas.unfinished().await.unwrap(), 0);
    }

    async fn an_output_that_no_database_takes_is_undone(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", vec![Trouble::NulOutput; 3]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn the_step_in_which_a_shutdown_comes_is_the_last_of_its_node(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::ShutDown]);
        let id = world.start(&["make", "make", "make"], no_inputs()).await;
        world.runner().run(world.shelf.shutdown.clone()).await.unwrap();
        assert_eq!(world.shelf.things().len(), 2, "a step was begun after the shutdown");
        assert_eq!(world.saga(id).await.status, Status::Running);
        world.settle().await;
        assert_eq!((world.saga(id).await.status, world.shelf.things().len()), (Status::Completed, 3));
    }
}
