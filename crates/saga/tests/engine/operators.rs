//! What a person can do to a saga that did not go well, and that the history shows all of it.

use crate::world::{Shelf, Trouble, World, asked, no_inputs, options};
use arcadia_saga::{By, Filter, Registry, Runner, SagaId, Settings, StartSaga, Status, VerbError};
use arcadia_sql::{MIGRATIONS, args, on_both_databases, statements, testing::TestDb};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const ADA: By = By { actor: "user:ada", reason: "looked at it myself" };

/// A saga whose rollback could not undo step 1, holding a lock.
async fn stuck(world: &World, failures: usize) -> SagaId {
    world.shelf.trouble("make:2", [Trouble::FailBefore]);
    world.shelf.trouble("undo:1", vec![Trouble::FailBefore; failures]);
    let mut start = asked(&["make", "make", "make"], no_inputs());
    start.locks = vec!["droplet:7".to_owned()];
    let id = world.sagas.start(start).await.unwrap().id();
    world.settle().await;
    assert_eq!(world.saga(id).await.status, Status::Failed);
    id
}

fn why(refused: &VerbError) -> &str {
    match refused {
        VerbError::Refused { why, .. } => why,
        other => panic!("{other}"),
    }
}

statements! {
    CLAIM_FOR = "UPDATE saga_runs SET owner = $1, epoch = epoch + 1, seq = seq + 1, wake_at = NULL WHERE id = $2";
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_failed_rollback_is_finished_by_a_retry(db: TestDb) {
        let world = World::new(db);
        let id = stuck(&world, 3).await;
        let listed = Filter { needs_attention: true, ..Filter::default() };
        assert_eq!(world.sagas.list(&listed).await.unwrap().len(), 1);

        world.sagas.retry(id, ADA).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(saga.error.unwrap()["message"], "make:2 was refused", "the first failure stays");
        assert_eq!(saga.attention, None);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        assert_eq!(world.sagas.locks().await.unwrap(), Vec::<String>::new());
        assert_eq!(world.step_statuses(id).await, ["compensated", "compensated", "failed"]);
        assert_eq!(world.sagas.list(&listed).await.unwrap().len(), 0);
        let kinds = world.event_kinds(id).await;
        assert!(kinds.contains(&"compensation_failed".to_owned()) && kinds.contains(&"retry".to_owned()), "{kinds:?}");
    }

    async fn a_retry_that_fails_again_is_listed_again(db: TestDb) {
        let world = World::new(db);
        let id = stuck(&world, 6).await;
        world.sagas.retry(id, ADA).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::Failed);
        assert_eq!(saga.attention.unwrap()["standing"][0]["step_idx"], 1);
        assert_eq!(world.shelf.things(), [world.saga(id).await.mark(1).step]);
        assert_eq!(world.sagas.locks().await.unwrap(), ["droplet:7"]);
    }

    async fn however_often_an_undo_is_tried_again_its_step_tells_the_last_failure_and_its_own(db: TestDb) {
        let world = World::new(db);
        let id = stuck(&world, 9).await;
        for _ in 0..2 {
            world.sagas.retry(id, ADA).await.unwrap();
            world.settle().await;
        }
        let told = json!({"compensation": "undo:1 was refused", "step": null});
        assert_eq!(world.steps(id).await[1].error, Some(told.clone()));
        assert_eq!(world.saga(id).await.attention.unwrap()["standing"][0]["error"], told);
    }

    async fn a_failed_saga_whose_unique_key_another_has_is_tried_again_only_after_its_end(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::FailBefore]);
        world.shelf.trouble("undo:0", vec![Trouble::FailBefore; 3]);
        let unique = || StartSaga { unique_key: Some("sweep".to_owned()), ..asked(&["make", "make"], no_inputs()) };
        let failed = world.sagas.start(unique()).await.unwrap().id();
        world.settle().await;
        assert_eq!(world.saga(failed).await.status, Status::Failed);
        let other = world.sagas.start(unique()).await.unwrap().id();
        let before = world.sagas.events(failed).await.unwrap();

        let refused = world.sagas.retry(failed, ADA).await.unwrap_err();
        let names_it = why(&refused).contains("`sweep`") && why(&refused).contains(&other.to_string());
        assert!(names_it, "{refused}");
        assert_eq!(world.saga(failed).await.status, Status::Failed);
        assert_eq!(world.step_statuses(failed).await, ["compensation_failed", "failed"]);
        assert_eq!(world.sagas.events(failed).await.unwrap(), before);
        world.settle().await;
        assert_eq!(world.saga(other).await.status, Status::Completed);
        world.sagas.retry(failed, ADA).await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(failed).await.status, Status::RolledBack);
    }

    async fn a_step_that_was_undone_by_hand_is_skipped_with_a_reason(db: TestDb) {
        let world = World::new(db);
        let id = stuck(&world, 3).await;
        let refused = world.sagas.skip(id, 0, ADA).await.unwrap_err();
        assert!(why(&refused).contains("step 0 did not fail"), "{refused}");
        let saga = world.sagas.skip(id, 1, ADA).await.unwrap();
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(saga.resolved.unwrap()["reason"], "looked at it myself");
        assert_eq!(world.sagas.locks().await.unwrap(), Vec::<String>::new());
        assert_eq!(world.steps(id).await[1].error.as_ref().unwrap()["skipped_by"], "user:ada");
    }

    async fn a_resolved_saga_needs_nobody_and_frees_its_locks(db: TestDb) {
        let world = World::new(db);
        let id = stuck(&world, 3).await;
        let saga = world.sagas.resolve(id, ADA).await.unwrap();
        assert_eq!((saga.status, saga.attention), (Status::Failed, None));
        assert_eq!(saga.resolved.unwrap()["verb"], "resolve");
        assert_eq!(world.sagas.locks().await.unwrap(), Vec::<String>::new());
        // Its locks are free by now: undoing more would race with whoever took them.
        assert!(matches!(world.sagas.retry(id, ADA).await.unwrap_err(), VerbError::Refused { .. }));
        let refused = world.sagas.resolve(id, ADA).await.unwrap_err();
        assert_eq!(why(&refused), "it needs nobody");
        let events = world.sagas.events(id).await.unwrap();
        let resolved = events.iter().find(|event| event.kind == "resolve").unwrap();
        assert_eq!((resolved.actor.as_str(), &resolved.data["reason"]), ("user:ada", &json!("looked at it myself")));
        assert_eq!(resolved.data["was"]["reason"], "compensation_failed", "what was standing stays in the history");
    }

    async fn an_abandoned_saga_says_what_it_leaves_and_its_runner_is_fenced_off(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::Block]);
        let mut start = asked(&["make", "make", "make"], no_inputs());
        start.locks = vec!["droplet:7".to_owned()];
        let id = world.sagas.start(start).await.unwrap().id();
        let runner = world.runner();
        let (driven, abandoned) = tokio::join!(runner.round(), async {
            world.shelf.reached.notified().await;
            let abandoned = world.sagas.abandon(id, ADA).await.unwrap();
            world.shelf.gate.notify_one();
            abandoned
        });
        driven.unwrap();
        let standing = abandoned.resolved.as_ref().unwrap()["standing"].clone();
        assert_eq!(standing[0]["step_idx"], 0);
        assert_eq!((&standing[1]["step_idx"], &standing[1]["in_doubt"]), (&json!(1), &json!(true)));
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!(saga, abandoned, "the runner that was at it wrote nothing more");
        assert_eq!((saga.status, saga.error.unwrap()["reason"].clone()), (Status::Failed, json!("abandoned")));
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), Vec::<String>::new());
        assert_eq!(world.sagas.locks().await.unwrap(), Vec::<String>::new());
    }

    async fn a_stuck_step_after_the_pivot_can_be_skipped_but_not_one_that_others_need(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", vec![Trouble::FailBefore; 50]);
        let id = world.start(&["commit", "make", "burn"], no_inputs()).await;
        world.runner().round().await.unwrap();
        let refused = world.sagas.skip(id, 1, ADA).await.unwrap_err();
        assert!(why(&refused).contains("`burn` needs `thing`"), "{refused}");
        world.shelf.troubles.lock().unwrap().clear();
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);

        world.shelf.trouble("make:1", vec![Trouble::FailBefore; 50]);
        let id = world.start(&["commit", "make"], no_inputs()).await;
        world.runner().round().await.unwrap();
        let saga = world.sagas.skip(id, 1, ADA).await.unwrap();
        assert_eq!(saga.status, Status::Completed);
        assert_eq!(world.sagas.unfinished().await.unwrap(), 0);
    }

    async fn a_crashed_saga_goes_on_after_a_retry(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", vec![Trouble::Block; 3]);
        let id = world.start(&["make"], no_inputs()).await;
        for _ in 0..3 {
            world.die_in_the_call().await;
            world.now.advance(Duration::from_secs(11));
        }
        world.settle().await;
        assert!(world.saga(id).await.attention.is_some());
        world.sagas.retry(id, ADA).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.attention), (Status::Completed, None));
        assert_eq!(world.shelf.things().len(), 1);
    }

    async fn an_approval_is_waited_for_and_used_once(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["make", "approve", "make"], no_inputs()).await;
        world.runner().round().await.unwrap();
        assert_eq!(world.saga(id).await.waiting_for.as_deref(), Some("someone to say `approve`"));
        world.now.advance(Duration::from_secs(3600));
        world.runner().round().await.unwrap();
        assert_eq!(world.saga(id).await.status, Status::Running);
        world.sagas.signal(id, "approve", json!({"ticket": 7}), ADA).await.unwrap();
        assert_eq!(world.runner().round().await.unwrap(), 1, "the signal wakes it");
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.context["approved_at_step_1"].clone()), (Status::Completed, json!("user:ada")));
        let refused = world.sagas.signal(id, "approve", json!({}), ADA).await.unwrap_err();
        assert!(why(&refused).contains("completed"), "{refused}");
    }

    async fn an_approval_that_comes_early_is_kept(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["make", "approve"], no_inputs()).await;
        world.sagas.signal(id, "approve", json!({}), ADA).await.unwrap();
        let refused = world.sagas.signal(id, "approve", json!({}), ADA).await.unwrap_err();
        assert!(why(&refused).contains("said before"), "{refused}");
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
    }

    async fn an_approval_that_does_not_come_in_seven_days_rolls_back(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["make", "approve"], no_inputs()).await;
        world.runner().round().await.unwrap();
        let until = world.at() + jiff::SignedDuration::from_hours(24 * 7);
        world.runner().settle(until, |_| ()).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(saga.error.unwrap()["message"], "nobody said `approve` in time");
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn a_step_that_no_live_node_knows_needs_a_person_until_a_build_that_does_comes(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["make"], no_inputs()).await;
        let old = Arc::new(Registry::<Shelf>::new());
        let runner = Runner::new(world.sagas.clone(), old, Arc::clone(&world.shelf), Settings::default());
        runner.round().await.unwrap();
        assert_eq!(world.saga(id).await.attention, None, "another node may just be starting");
        world.now.advance(Duration::from_secs(11));
        runner.round().await.unwrap();
        assert_eq!(world.saga(id).await.attention.unwrap()["reason"], "unknown_step");
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.attention), (Status::Completed, None));
    }

    async fn a_queues_limit_holds_on_one_node_and_over_all(db: TestDb) {
        let world = World::new(db);
        let registry = || {
            let registry = Registry::new().queue("per_node", 2, None).queue("over_all", 9, Some(3));
            Arc::new(registry.step(crate::world::Make { attempts: 3 }))
        };
        let sagas = arcadia_saga::Sagas::new(
            (*world.db).clone(), arcadia_saga::Clock::manual(world.now.clone(), 3), &registry());
        world.shelf.trouble("make:0", vec![Trouble::Block; 20]);
        for queue in ["per_node", "over_all"] {
            for _ in 0..5 {
                let mut start = asked(&["make"], no_inputs());
                start.queue = queue.to_owned();
                sagas.start(start).await.unwrap();
            }
        }
        let rounds: Vec<_> = (0..2).map(|_| {
            let runner = Runner::new(sagas.clone(), registry(), Arc::clone(&world.shelf), Settings::default());
            tokio::spawn(async move { runner.round().await.unwrap() })
        }).collect();
        // Two on each node from the first queue, three together from the second.
        let owned = loop {
            tokio::task::yield_now().await;
            let all = world.sagas.list(&Filter { limit: 50, ..Filter::default() }).await.unwrap();
            if all.iter().filter(|saga| saga.owner.is_some()).count() >= 7 {
                break all;
            }
        };
        let of = |queue: &str| owned.iter().filter(|saga| saga.queue == queue && saga.owner.is_some()).count();
        assert_eq!((of("per_node"), of("over_all")), (4, 3));
        let mut driven = 0;
        world.shelf.troubles.lock().unwrap().clear();
        for round in rounds {
            while !round.is_finished() {
                world.shelf.gate.notify_one();
                tokio::task::yield_now().await;
            }
            driven += round.await.unwrap();
        }
        assert!(driven >= 7);
        let refused = sagas.start(StartSaga { queue: "per_nod".to_owned(), ..asked(&["make"], no_inputs()) }).await;
        assert_eq!(refused.unwrap_err().to_string(), "no queue is called `per_nod`; the nearest known: per_node");
    }

    async fn what_was_parked_in_the_middle_of_a_call_is_in_doubt_when_it_is_tried_again(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", [Trouble::Wait(1_000)]);
        let id = world.start(&["make"], no_inputs()).await;
        world.runner().round().await.unwrap();
        assert_eq!(world.step_statuses(id).await, ["waiting"]);
        // Claimed, which is the intent of a step that waited, and the call was made; then the ledger refused its end.
        let runner = uuid::Uuid::from_u128(7);
        world.db.execute(&CLAIM_FOR, args![runner, id]).await.unwrap();
        let mark = world.saga(id).await.mark(0).step;
        *world.shelf.things.lock().unwrap().entry(mark.clone()).or_default() += 1;
        let park = arcadia_saga::STATEMENTS.iter().find(|statement| statement.name() == "PARK_POISONED").unwrap();
        let epoch = world.saga(id).await.epoch;
        world.db.execute(park, args![id, runner, epoch, json!({"reason": "poisoned"}), world.at()]).await.unwrap();

        world.sagas.retry(id, ADA).await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        assert_eq!(world.shelf.things.lock().unwrap().get(&mark), Some(&1), "made once");
    }
}
