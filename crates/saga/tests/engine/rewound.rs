//! A saga turns back after its ledger lost commits: what it did behind the cursor is undone, too, or named.

use crate::world::{Commit, Made, Make, Shelf, Trouble, World, no_inputs, options};
use arcadia_saga::{By, Clock, Outcome, Registry, Run, SagaId, Sagas, Status, Step, Undo, Undoing};
use arcadia_sql::{MIGRATIONS, on_both_databases, testing::TestDb};
use std::sync::Arc;

const ADA: By = By { actor: "user:ada", reason: "looked at it myself" };

/// Something outside that bears no mark a last look would look for.
struct Keep;

impl Step<Shelf> for Keep {
    const NAME: &'static str = "keep";
    const OUTLIVES_LEDGER: bool = true;
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        run.cloud.things.lock().unwrap().insert(run.mark().step, 1);
        Ok(())
    }

    async fn compensate(&self, run: &Run<Shelf>, _: Undoing<(), (), ()>) -> Undo {
        match run.cloud.things.lock().unwrap().remove(&run.mark().step) {
            Some(_) => Ok(()),
            None => run.seen_nothing(),
        }
    }
}

/// The same, on what an earlier step made.
struct Lean;

impl Step<Shelf> for Lean {
    const NAME: &'static str = "lean";
    const OUTLIVES_LEDGER: bool = true;
    type Needs = Made;
    type Gives = ();
    type Prior = ();

    async fn execute(&self, _: &Run<Shelf>, _: Made) -> Outcome<()> {
        Ok(())
    }
}

/// The saga waits in its first step; of what its later ones did its ledger knows nothing any more.
async fn rewound(db: TestDb, steps: &[&str], did: &[usize]) -> (World, SagaId) {
    let mut world = World::new(db);
    let registry = Registry::new().step(Make { attempts: 3 }).step(Commit).step(Keep).step(Lean);
    world.registry = Arc::new(registry);
    world.sagas = Sagas::new((*world.db).clone(), Clock::manual(world.now.clone(), 7), &world.registry);
    world.shelf.trouble("make:0", [Trouble::Wait(60_000), Trouble::FailBefore]);
    let id = world.start(steps, no_inputs()).await;
    world.runner().round().await.unwrap();
    let saga = world.saga(id).await;
    for idx in did {
        world.shelf.things.lock().unwrap().insert(saga.mark(*idx).step, 1);
    }
    let mut tx = world.db.begin().await.unwrap();
    world.sagas.doubt_unfinished(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    (world, id)
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_cancel_after_a_lost_ledger_undoes_what_later_steps_may_have_done(db: TestDb) {
        let (world, id) = rewound(db, &["make", "make", "keep", "keep"], &[2]).await;
        let cancelled_at = world.at();
        world.sagas.cancel(id, ADA).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.attention), (Status::RolledBack, None));
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        assert_eq!(saga.error.unwrap()["compensate_from_idx"], 3);
        assert_eq!(world.step_statuses(id).await, ["compensated", "pending", "compensated", "compensated"]);
        let took = saga.finished_at.unwrap().duration_since(cancelled_at);
        assert!(took.as_secs() >= 60, "what was not found may have been listed late: {took:?}");
    }

    async fn a_failure_after_a_lost_ledger_undoes_what_later_steps_may_have_done(db: TestDb) {
        let (world, id) = rewound(db, &["make", "keep"], &[0, 1]).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn what_may_have_been_done_behind_the_point_of_no_return_is_not_undone(db: TestDb) {
        let (world, id) = rewound(db, &["make", "keep", "commit", "keep"], &[1, 3]).await;
        world.sagas.cancel(id, ADA).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(world.shelf.things(), [saga.mark(3).step]);
    }

    async fn a_later_step_whose_needs_the_ledger_lost_is_named_and_the_rest_undone(db: TestDb) {
        let (world, id) = rewound(db, &["make", "keep", "lean"], &[0, 1]).await;
        world.sagas.cancel(id, ADA).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::Failed);
        let standing = saga.attention.unwrap()["standing"].clone();
        assert_eq!((standing.as_array().unwrap().len(), &standing[0]["step"]), (1, &"lean".into()));
        let words = standing[0]["error"]["compensation"].as_str().unwrap();
        assert!(words.contains("nothing tells what to look for"), "{words}");
        assert_eq!(world.shelf.things(), Vec::<String>::new());
        world.sagas.skip(id, 2, ADA).await.unwrap();
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
    }
}
