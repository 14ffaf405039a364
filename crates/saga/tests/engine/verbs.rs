//! Cancel, locks, idempotency keys, lists.

use crate::world::{Trouble, World, asked, no_inputs, options};
use arcadia_saga::{By, Filter, Idempotency, StartError, Started, Status, VerbError};
use arcadia_sql::{MIGRATIONS, on_both_databases, testing::TestDb};
use serde_json::json;

const ADA: By = By { actor: "user:ada", reason: "changed my mind" };

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_cancel_wakes_a_waiting_saga_and_undoes_it(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::Wait(600_000)]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.runner().round().await.unwrap();
        assert_eq!(world.shelf.things().len(), 1);
        let cancelled_at = world.at();
        world.sagas.cancel(id, ADA).await.unwrap();
        assert_eq!(world.runner().round().await.unwrap(), 1, "at once, not after ten minutes");
        world.settle().await;

        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(saga.error.unwrap()["reason"], "cancelled");
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        let events = world.sagas.events(id).await.unwrap();
        let cancel = events.iter().find(|event| event.kind == "cancel").unwrap();
        assert_eq!((cancel.actor.as_str(), cancel.at), ("user:ada", cancelled_at));
    }

    async fn a_cancel_before_the_first_step_leaves_nothing(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["make"], no_inputs()).await;
        world.sagas.cancel(id, ADA).await.unwrap();
        world.sagas.cancel(id, ADA).await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.step_statuses(id).await, ["compensated"], "what the start wrote is the first step's to undo");
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        assert_eq!(world.event_kinds(id).await.iter().filter(|kind| *kind == "cancel").count(), 1);
    }

    async fn a_cancel_while_a_step_runs_stops_before_the_next(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", [Trouble::Block]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.cancel_in_the_call(id, ADA).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), ["undo:0"], "the second step never began");
    }

    async fn a_cancel_is_refused_after_the_pivot_and_after_the_end(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:1", [Trouble::Wait(60_000)]);
        let id = world.start(&["commit", "make"], no_inputs()).await;
        world.runner().round().await.unwrap();
        let refused = world.sagas.cancel(id, ADA).await.unwrap_err();
        assert!(matches!(&refused, VerbError::Refused { why, .. } if why.contains("point of no return")), "{refused}");
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        let refused = world.sagas.cancel(id, ADA).await.unwrap_err();
        assert!(matches!(&refused, VerbError::Refused { why, .. } if why.contains("completed")), "{refused}");
    }

    async fn a_cancel_during_the_pivot_is_refused(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("commit:0", [Trouble::Block]);
        let id = world.start(&["commit"], no_inputs()).await;
        let runner = world.runner();
        let (driven, refused) = tokio::join!(runner.round(), async {
            world.shelf.reached.notified().await;
            let refused = world.sagas.cancel(id, ADA).await;
            world.shelf.gate.notify_one();
            refused
        });
        driven.unwrap();
        assert!(matches!(refused, Err(VerbError::Refused { .. })));
        assert_eq!(world.saga(id).await.status, Status::Completed);
    }

    async fn a_second_saga_on_the_same_thing_is_refused_and_names_the_first(db: TestDb) {
        let world = World::new(db);
        let mut start = asked(&["make"], no_inputs());
        start.locks = vec!["dns:a.com/A/www".to_owned(), "deployment:1".to_owned()];
        let first = world.sagas.start(start.clone()).await.unwrap().id();
        start.locks = vec!["deployment:2".to_owned(), "deployment:1".to_owned()];
        let refused = world.sagas.start(start.clone()).await.unwrap_err();
        assert!(matches!(&refused, StartError::Conflict { lock, saga } if lock == "deployment:1" && *saga == first));
        assert_eq!(world.sagas.locks().await.unwrap(), ["deployment:1", "dns:a.com/A/www"], "all or none");
        world.settle().await;
        assert_eq!(world.sagas.locks().await.unwrap(), Vec::<String>::new());
        world.sagas.start(start).await.unwrap();
    }

    async fn one_key_starts_one_saga(db: TestDb) {
        let world = World::new(db);
        let key = |body: &str| {
            let (tenant_id, key) = ("acme".to_owned(), "k-1".to_owned());
            Some(Idempotency { tenant_id, key, body_hash: body.to_owned() })
        };
        let mut start = asked(&["make"], no_inputs());
        start.idempotency = key("one");
        let Started::New(first) = world.sagas.start(start.clone()).await.unwrap() else { panic!("not new") };
        assert_eq!(world.sagas.start(start.clone()).await.unwrap(), Started::Replayed(first));
        start.idempotency = key("two");
        let refused = world.sagas.start(start).await.unwrap_err();
        assert!(matches!(refused, StartError::KeyReused { saga, .. } if saga == first));
        world.settle().await;
        assert_eq!(world.shelf.things().len(), 1);
    }

    async fn a_list_is_newest_first_filtered_and_paged(db: TestDb) {
        let world = World::new(db);
        let mut ids = Vec::new();
        for n in 0..5 {
            world.now.advance(std::time::Duration::from_secs(1));
            let mut start = asked(&["echo"], json!({"message": n}));
            start.tenant_id = Some(if n % 2 == 0 { "acme" } else { "umbrella" }.to_owned());
            ids.push(world.sagas.start(start).await.unwrap().id());
        }
        let acme = Filter { tenant_id: Some("acme".to_owned()), limit: 2, ..Filter::default() };
        let page: Vec<_> = world.sagas.list(&acme).await.unwrap().iter().map(|saga| saga.id).collect();
        assert_eq!(page, [ids[4], ids[2]]);
        let rest = Filter { before: Some(page[1]), ..acme };
        let page: Vec<_> = world.sagas.list(&rest).await.unwrap().iter().map(|saga| saga.id).collect();
        assert_eq!(page, [ids[0]]);
        let done = Filter { status: Some(Status::Completed), ..Filter::default() };
        assert_eq!(world.sagas.list(&done).await.unwrap().len(), 0);
        world.settle().await;
        assert_eq!(world.sagas.list(&done).await.unwrap().len(), 5);
    }
}
