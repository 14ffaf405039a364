//! A newer build migrates the database under nodes that run: their prepared statements must go on.

use crate::world::{Shelf, Trouble, World, asked, no_inputs, options};
use arcadia_saga::{By, Clock, Outcome, Registry, Run, Runner, Sagas, Schedule, StartSaga, Status, Step};
use arcadia_sql::{MIGRATIONS, Statement, args, on_both_databases, statements, testing::TestDb};
use std::sync::Arc;
use std::time::Duration;

statements! {
    WIDER_RUNS = "ALTER TABLE saga_runs ADD COLUMN of_a_newer_build TEXT";
    WIDER_RESULTS = "ALTER TABLE saga_step_results ADD COLUMN of_a_newer_build TEXT";
    WIDER_EVENTS = "ALTER TABLE saga_events ADD COLUMN of_a_newer_build TEXT";
    WIDER_LOCKS = "ALTER TABLE saga_locks ADD COLUMN of_a_newer_build TEXT";
    WIDER_KEYS = "ALTER TABLE saga_idempotency_keys ADD COLUMN of_a_newer_build TEXT";
    WIDER_SIGNALS = "ALTER TABLE saga_signals ADD COLUMN of_a_newer_build TEXT";
    WIDER_NODES = "ALTER TABLE saga_nodes ADD COLUMN of_a_newer_build TEXT";
    WIDER_QUEUES = "ALTER TABLE saga_queues ADD COLUMN of_a_newer_build TEXT";
    WIDER_SCHEDULES = "ALTER TABLE saga_schedules ADD COLUMN of_a_newer_build TEXT";
    WIDER_SCHEDULE_EVENTS = "ALTER TABLE saga_schedule_events ADD COLUMN of_a_newer_build TEXT";
}

const ADA: By = By { actor: "user:ada", reason: "testing" };

/// Background work, on a queue that is limited over all nodes.
struct Sweep;

impl Step<Shelf> for Sweep {
    const NAME: &'static str = "sweep";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, _: &Run<Shelf>, (): ()) -> Outcome<()> {
        Ok(())
    }
}

/// One node, whose connections live through all of it.
struct Node {
    world: World,
    runner: Runner<Shelf>,
}

impl Node {
    fn new(db: TestDb) -> Node {
        let mut world = World::new(db);
        let registry = Registry::new().queue("background", 2, Some(2)).step(Sweep);
        let registry = registry.step(crate::world::Make { attempts: 3 });
        let hourly = Schedule::new("sweep", "0 * * * *", "background", "sweep").unwrap();
        world.registry = Arc::new(registry.schedule(hourly).unwrap());
        world.sagas = Sagas::new((*world.db).clone(), Clock::manual(world.now.clone(), 7), &world.registry);
        let runner = world.runner();
        Node { world, runner }
    }

    async fn hours(&self, hours: i64) {
        let until = self.world.at() + jiff::SignedDuration::from_hours(hours);
        self.runner.settle(until, |_| ()).await.unwrap();
    }

    /// Starts, claims, takes over, waits, finishes and undoes sagas, reads and steers them.
    async fn a_day_s_work(&self) {
        let Node { world, .. } = self;
        let locked = StartSaga { locks: vec!["shelf:1".to_owned()], ..asked(&["make", "make"], no_inputs()) };
        world.shelf.trouble("make:1", [Trouble::Wait(2000), Trouble::UnknownAfter]);
        let done = world.sagas.start(locked).await.unwrap().id();
        self.hours(2).await;
        assert_eq!(world.saga(done).await.status, Status::Completed);
        assert_eq!(world.step_statuses(done).await, ["completed", "completed"]);
        assert_eq!(world.event_kinds(done).await, ["wait", "retry"]);

        world.shelf.trouble("make:1", [Trouble::FailBefore]);
        let undone = world.start(&["make", "make"], no_inputs()).await;
        self.hours(1).await;
        assert_eq!(world.saga(undone).await.status, Status::RolledBack);

        world.shelf.trouble("make:0", [Trouble::Block]);
        let orphaned = world.start(&["make"], no_inputs()).await;
        {
            let round = self.runner.round();
            tokio::select! { _ = round => panic!("it stands still"), () = world.shelf.reached.notified() => {} }
        }
        world.now.advance(Duration::from_secs(11));
        self.hours(1).await;
        assert_eq!(world.saga(orphaned).await.status, Status::Completed);

        let later = StartSaga { start_in: Duration::from_secs(3600), ..asked(&["make"], no_inputs()) };
        let cancelled = world.sagas.start(later).await.unwrap().id();
        world.sagas.cancel(cancelled, ADA).await.unwrap();
        self.hours(1).await;
        assert_eq!(world.saga(cancelled).await.status, Status::RolledBack);
        assert!(world.sagas.schedules().await.unwrap()[0].last_tick.is_some());
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_column_that_a_newer_build_adds_disturbs_no_node_that_runs(db: TestDb) {
        let node = Node::new(db);
        // Often enough for every connection of the pool to have every statement prepared.
        for _ in 0..3 {
            node.a_day_s_work().await;
        }
        let wider: &[&'static Statement] = STATEMENTS;
        for table in wider {
            node.world.db.execute(table, args![]).await.unwrap();
        }
        for _ in 0..3 {
            node.a_day_s_work().await;
        }
    }
}
