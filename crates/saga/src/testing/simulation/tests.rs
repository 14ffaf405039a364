//! The simulation tried on itself: a seed is the whole run, and the first seeds hold.

use super::Simulator;
use arcadia_sql::Engine;

#[tokio::test]
async fn one_seed_is_one_run_to_the_last_event() {
    for seed in [3, 4, 5] {
        let first = Simulator::open(Engine::Sqlite).await.unwrap().run(seed).await;
        let second = Simulator::open(Engine::Sqlite).await.unwrap().run(seed).await;
        assert_eq!(first, second);
        assert!(first.events > 60, "{first:?}");
    }
    let simulator = Simulator::open(Engine::Sqlite).await.unwrap();
    let (one, other) = (simulator.run(3).await, simulator.run(4).await);
    assert_ne!(one.hash, other.hash);
}

async fn hold(engine: Engine, seeds: std::ops::Range<u64>) {
    let simulator = Simulator::open(engine).await.unwrap();
    let mut sagas = 0;
    for seed in seeds {
        let run = simulator.run(seed).await;
        let told = run.trace.join("\n");
        assert!(run.violation.is_none(), "seed {seed}: {}\n{told}", run.violation.unwrap_or_default());
        sagas += run.sagas;
    }
    assert!(sagas > 0, "no seed started a saga");
}

#[tokio::test]
async fn the_first_seeds_hold_on_sqlite() {
    hold(Engine::Sqlite, 0..40).await;
}

#[tokio::test]
async fn the_first_seeds_hold_on_postgres() {
    hold(Engine::Postgres, 0..15).await;
}
