//! Runners that die, freeze or race: no two ever both advance a saga.

use crate::world::{Shelf, Trouble, World, no_inputs, options};
use arcadia_saga::{Halt, Outcome, Registry, Run, Runner, Sagas, Settings, Status, Step};
use arcadia_sql::{Engine, MIGRATIONS, args, on_both_databases, statements, testing::TestDb};
use std::sync::Arc;
use std::time::Duration;

statements! {
    OWN = "UPDATE saga_runs SET owner = $2, wake_at = NULL WHERE id = $1";
    ENLIST = "INSERT INTO saga_nodes (id, name, started_at, lease_until, dead, steps)
        VALUES ($1, 'young', {now}, {now+$2}, FALSE, '[\"make\"]')";
    WAITING = sqlite "SELECT 0" postgres "
        SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
}

const PAST_THE_LEASE: Duration = Duration::from_secs(11);

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_frozen_runner_cannot_write_after_another_took_over(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", [Trouble::Block]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        let (zombie, heir) = (world.runner(), world.runner());
        let (driven, ()) = tokio::join!(zombie.round(), async {
            world.shelf.reached.notified().await;
            world.now.advance(PAST_THE_LEASE);
            heir.round().await.unwrap();
            let saga = world.saga(id).await;
            assert_eq!((saga.status, saga.epoch), (Status::Completed, 2));
            world.shelf.gate.notify_one();
        });
        driven.unwrap();

        let steps = world.steps(id).await;
        assert!(steps.iter().all(|step| step.epoch == Some(2)), "the zombie wrote: {steps:?}");
        assert_eq!(world.event_kinds(id).await, ["resumed_in_doubt"]);
        assert_eq!(world.saga(id).await.epoch, 2);
    }

    async fn a_live_runner_is_not_robbed(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", [Trouble::Block]);
        let id = world.start(&["make"], no_inputs()).await;
        let (first, second) = (world.runner(), world.runner());
        let (driven, ()) = tokio::join!(first.round(), async {
            world.shelf.reached.notified().await;
            world.now.advance(Duration::from_secs(9));
            assert_eq!(second.round().await.unwrap(), 0);
            world.shelf.gate.notify_one();
        });
        driven.unwrap();
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.epoch), (Status::Completed, 1));
    }

    async fn a_step_that_was_running_when_its_node_died_is_in_doubt(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", [Trouble::Block]);
        let id = world.start(&["make"], no_inputs()).await;
        world.die_in_the_call().await;
        // The effect happened, but the node died before it could say so.
        let mark = world.saga(id).await.mark(0).step;
        world.shelf.things.lock().unwrap().insert(mark, 1);
        assert_eq!(world.step_statuses(id).await, ["running"]);

        world.now.advance(PAST_THE_LEASE);
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        let made: Vec<u32> = world.shelf.things.lock().unwrap().values().copied().collect();
        assert_eq!(made, [1], "found by its mark, not made again");
        assert_eq!(world.steps(id).await[0].attempts, 2);
    }

    async fn a_saga_that_kills_its_process_three_times_needs_a_person(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", vec![Trouble::Block; 9]);
        let id = world.start(&["make"], no_inputs()).await;
        for _ in 0..3 {
            world.die_in_the_call().await;
            world.now.advance(PAST_THE_LEASE);
        }
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!(saga.attention.unwrap()["reason"], "crashed");
        assert_eq!((saga.owner, saga.wake_at), (None, None), "nobody tries it a fourth time");
    }

    async fn a_zombies_transaction_on_our_own_tables_is_refused(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", [Trouble::Block]);
        let registry = Arc::new(Registry::new().step(WritesAfterTheGate));
        let sagas = Sagas::new((*world.db).clone(), arcadia_saga::Clock::manual(world.now.clone(), 9), &registry);
        let start = crate::world::asked(&["writes"], no_inputs());
        let id = sagas.start(start).await.unwrap().id();
        let runner = || {
            Runner::new(sagas.clone(), Arc::clone(&registry), Arc::clone(&world.shelf), Settings::default())
        };
        let (zombie, heir) = (runner(), runner());
        let (driven, ()) = tokio::join!(zombie.round(), async {
            world.shelf.reached.notified().await;
            world.now.advance(PAST_THE_LEASE);
            heir.round().await.unwrap();
            world.shelf.gate.notify_one();
        });
        driven.unwrap();
        assert_eq!(world.saga(id).await.status, Status::Completed);
        assert_eq!(world.shelf.things(), ["refused", "written"]);
    }

    async fn a_runner_does_not_claim_a_step_it_does_not_know(db: TestDb) {
        let world = World::new(db);
        let id = world.start(&["make"], no_inputs()).await;
        let old = Arc::new(Registry::<Shelf>::new());
        let runner = Runner::new(world.sagas.clone(), old, Arc::clone(&world.shelf), Settings::default());
        assert_eq!(runner.round().await.unwrap(), 0);
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
    }
}

/// Stands at the gate the first time, then writes to our own tables.
struct WritesAfterTheGate;

impl Step<Shelf> for WritesAfterTheGate {
    const NAME: &'static str = "writes";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        if !run.in_doubt() {
            run.cloud.reached.notify_one();
            run.cloud.gate.notified().await;
        }
        let word = match run.tx().await {
            Ok(tx) => {
                tx.commit().await?;
                "written"
            }
            Err(Halt::Lost) => "refused",
            Err(other) => return Err(other),
        };
        run.cloud.things.lock().unwrap().insert(word.to_owned(), 1);
        Ok(())
    }
}

/// On SQLite there is one process: nobody enlists beside it.
#[tokio::test]
async fn a_node_that_enlists_while_others_look_for_orphans_is_not_robbed() {
    let world = World::new(TestDb::fresh(Engine::Postgres, options(), &MIGRATIONS).await);
    let id = world.start(&["make"], no_inputs()).await;
    let (ghost, young) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    world.db.execute(&OWN, args![id, ghost]).await.unwrap();

    let mut claim = world.db.begin().await.unwrap();
    claim.execute(&OWN, args![id, young]).await.unwrap();
    claim.execute(&ENLIST, args![young, 10_000_i64]).await.unwrap();
    // It knows no step, so that whatever it finds it gives back.
    let registry = Arc::new(Registry::<Shelf>::new());
    let looking = Runner::new(world.sagas.clone(), registry, Arc::clone(&world.shelf), Settings::default());
    let round = tokio::spawn(async move { looking.round().await });
    while !round.is_finished() && world.db.fetch_one::<i64>(&WAITING, args![]).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    claim.commit().await.unwrap();
    round.await.unwrap().unwrap();
    let saga = world.saga(id).await;
    assert_eq!((saga.owner, saga.epoch), (Some(young), 0), "it has just enlisted, and lives");
}
