//! Nodes that live on while their sagas slip away from them: a claim without an answer, a claim in the name of a
//! node that is forgotten, a database that is away for longer than a lease. In real time, with a runner that runs.

use crate::proxy::Proxy;
use crate::world::{Shelf, Trouble, World, asked, no_inputs, options};
use arcadia_saga::{
    Clock, Halt, Outcome, Policy, Registry, Run, Runner, SagaId, Sagas, Settings, Status, Step,
};
use arcadia_sql::{Db, Engine, MIGRATIONS, Options, args, on_both_databases, statements, testing::TestDb};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

statements! {
    NODE = "SELECT id FROM saga_nodes WHERE NOT dead";
    /// What a claim leaves, its answer apart.
    CLAIM_FOR = "
        UPDATE saga_runs SET owner = $1, epoch = epoch + 1, seq = seq + 1, status = 'running', step_state = $2,
            wake_at = NULL
        WHERE id = $3";
    ADD_DEAD = "
        INSERT INTO saga_nodes (id, name, started_at, lease_until, dead, steps)
        VALUES ($1, 'old build', {time($2)}, {time($2)}, TRUE, '[]')";
}

/// Only what is never found stays undiscovered so long: a machine may stand still for minutes.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// Does not end before its node's lease has, unless it is in doubt.
struct OutlastsTheLease {
    begun: Arc<Notify>,
}

impl Step<Shelf> for OutlastsTheLease {
    const NAME: &'static str = "outlasts_the_lease";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::provider()
    }

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        self.begun.notify_one();
        if run.in_doubt() {
            return Err(Halt::failed("it was dropped on the way"));
        }
        while run.may_call(Duration::ZERO).is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        *run.cloud.things.lock().unwrap().entry(run.mark().step).or_default() += 1;
        Ok(())
    }
}

/// A node that runs, in real time.
struct Node {
    sagas: Sagas,
    shelf: Arc<Shelf>,
    begun: Arc<Notify>,
    runner: Runner<Shelf>,
}

fn node(db: &Db) -> Node {
    let begun = Arc::new(Notify::new());
    let registry = Registry::new().step(OutlastsTheLease { begun: Arc::clone(&begun) });
    let (registry, shelf) = (Arc::new(registry), Arc::<Shelf>::default());
    let sagas = Sagas::new(db.clone(), Clock::machine(1.0), &registry);
    let settings = Settings {
        lease: Duration::from_secs(1),
        call_timeout: Duration::from_millis(500),
        safety_poll: Duration::from_millis(100),
        ..Settings::default()
    };
    let runner = Runner::new(sagas.clone(), registry, Arc::clone(&shelf), settings);
    Node { sagas, shelf, begun, runner }
}

impl Node {
    /// Runs beside `story`, and not longer.
    async fn beside(&self, story: impl Future<Output = ()>) {
        let story = tokio::time::timeout(PATIENCE, story);
        tokio::select! {
            _ = self.runner.run(CancellationToken::new()) => panic!("the runner ended by itself"),
            told = story => told.expect("a saga that nobody drives was never found"),
        }
    }

    /// Its row, not yet claimable, so that the test can claim it.
    async fn created(&self, steps: &[&str]) -> SagaId {
        let start = arcadia_saga::StartSaga { not_runnable: true, ..asked(steps, no_inputs()) };
        self.sagas.start(start).await.unwrap().id()
    }
}

async fn living_node(db: &Db) -> Uuid {
    loop {
        if let Some((id,)) = db.fetch_optional::<(Uuid,)>(&NODE, args![]).await.unwrap() {
            return id;
        }
        tokio::task::yield_now().await;
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = Options::default();

    async fn a_claim_whose_answer_was_lost_is_found_by_its_own_node(db: TestDb) {
        let node = node(&db);
        node.beside(async {
            let (runner, id) = (living_node(&db).await, node.created(&["echo", "echo"]).await);
            let ended = node.sagas.end_here(id);
            db.execute(&CLAIM_FOR, args![runner, "ready", id]).await.unwrap();
            assert_eq!(ended.await.unwrap(), Status::Completed);
        })
        .await;
    }

    async fn what_a_forgotten_node_claimed_is_taken_over(db: TestDb) {
        let node = node(&db);
        node.beside(async {
            living_node(&db).await;
            let id = node.created(&["echo", "echo"]).await;
            let ended = node.sagas.end_here(id);
            db.execute(&CLAIM_FOR, args![Uuid::from_u128(7), "running", id]).await.unwrap();
            assert_eq!(ended.await.unwrap(), Status::Completed);
            let events = node.sagas.events(id).await.unwrap();
            assert!(events.iter().any(|event| event.kind == "resumed_in_doubt"), "{events:?}");
        })
        .await;
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn what_an_old_build_was_doing_when_it_died_is_in_doubt_for_the_next_that_knows_it(db: TestDb) {
        let world = World::new(db);
        world.shelf.trouble("make:0", [Trouble::Wait(1_000)]);
        let id = world.start(&["make"], no_inputs()).await;
        world.runner().round().await.unwrap();
        assert_eq!(world.step_statuses(id).await, ["waiting"]);
        // Woken by a node that made the thing and died before it could say so.
        let (mark, dead) = (world.saga(id).await.mark(0).step, Uuid::from_u128(7));
        world.db.execute(&ADD_DEAD, args![dead, world.at()]).await.unwrap();
        world.db.execute(&CLAIM_FOR, args![dead, "waiting", id]).await.unwrap();
        world.shelf.things.lock().unwrap().insert(mark, 1);

        let without_make = Arc::new(Registry::<Shelf>::new());
        let other = Runner::new(world.sagas.clone(), without_make, Arc::clone(&world.shelf), Settings::default());
        other.round().await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        let made: Vec<u32> = world.shelf.things.lock().unwrap().values().copied().collect();
        assert_eq!(made, [1], "found by its mark, not made again");
    }
}

#[tokio::test]
async fn a_database_that_is_away_for_longer_than_a_lease_costs_no_saga() {
    let server = TestDb::fresh(Engine::Postgres, Options::default(), &MIGRATIONS).await;
    let proxy = Proxy::before(server.url()).await;
    let db = Db::connect(proxy.url(), Options::default()).await.unwrap();
    let node = node(&db);
    node.beside(async {
        living_node(&server).await;
        let start = asked(&["outlasts_the_lease", "echo"], no_inputs());
        let id = node.sagas.start(start).await.unwrap().id();
        let ended = node.sagas.end_here(id);
        node.begun.notified().await;
        proxy.cut();
        while node.shelf.things().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        proxy.mend();
        assert_eq!(ended.await.unwrap(), Status::Completed, "{:?}", node.sagas.events(id).await);
        let saga = node.sagas.get(id).await.unwrap();
        assert_eq!((saga.owner, saga.attention), (None, None));
    })
    .await;
}
