//! The simulation tried on itself: a seed is the whole run, and the first seeds hold.

use super::Simulator;
use crate::testing::hazard::engine_word;
use arcadia_sql::Engine;
use std::ops::Range;

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

async fn hold(engine: Engine, seeds: Range<u64>) {
    let simulator = Simulator::open(engine).await.unwrap();
    let mut sagas = 0;
    for seed in seeds {
        let run = simulator.run(seed).await;
        let (told, word) = (run.trace.join("\n"), engine_word(engine));
        let replay = format!("cargo xtask simulate --database {word} --seed {seed}");
        let why = run.violation.clone().unwrap_or_default();
        assert!(run.violation.is_none(), "seed {seed}: {why}\n{told}\nreplay: {replay}");
        sagas += run.sagas;
    }
    assert!(sagas > 0, "no seed started a saga");
}

#[tokio::test]
async fn the_first_hundred_seeds_hold_on_sqlite() {
    hold(Engine::Sqlite, 0..100).await;
}

#[tokio::test]
async fn the_second_hundred_seeds_hold_on_sqlite() {
    hold(Engine::Sqlite, 100..200).await;
}

#[tokio::test]
async fn the_first_seeds_hold_on_postgres() {
    hold(Engine::Postgres, 0..20).await;
}
