//! A good engine: every hazard at every place holds.

use super::shelf::ShelfWorld;
use crate::testing::{Scene, Trial};
use arcadia_sql::Engine;

const TO_THE_END: &[&str] = &["make", "wait_listed", "turn_sign", "make"];
const OVER_THE_PIVOT: &[&str] = &["make", "turn_sign", "seal", "make"];

async fn holds(engine: Engine, steps: &'static [&'static str]) {
    let trial = Trial::of(|scene: Scene| async move { ShelfWorld::new(scene, steps) });
    let report = trial.on(engine).await;
    println!("{report}");
    report.assert_holds();
}

#[tokio::test]
async fn every_hazard_at_every_place_holds_on_sqlite() {
    holds(Engine::Sqlite, TO_THE_END).await;
}

#[tokio::test]
async fn every_hazard_at_every_place_holds_on_postgres() {
    holds(Engine::Postgres, TO_THE_END).await;
}

#[tokio::test]
async fn every_hazard_around_a_pivot_holds_on_sqlite() {
    holds(Engine::Sqlite, OVER_THE_PIVOT).await;
}

#[tokio::test]
async fn every_hazard_around_a_pivot_holds_on_postgres() {
    holds(Engine::Postgres, OVER_THE_PIVOT).await;
}
