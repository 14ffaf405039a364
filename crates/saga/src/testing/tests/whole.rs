//! A good engine: every hazard at every place holds.

use super::shelf::ShelfWorld;
use crate::testing::{Scene, Trial};
use arcadia_sql::Engine;

async fn holds(engine: Engine, steps: &'static [&'static str]) {
    let trial = Trial::of(|scene: Scene| async move { ShelfWorld::new(scene, steps) });
    let report = trial.on(engine).await;
    report.tell();
    report.assert_holds();
}

macro_rules! every_hazard_holds {
    ($($of:ident: [$($step:literal),*];)*) => {$(
        mod $of {
            use super::*;

            #[tokio::test]
            async fn sqlite() {
                holds(Engine::Sqlite, &[$($step),*]).await;
            }

            #[tokio::test]
            async fn postgres() {
                holds(Engine::Postgres, &[$($step),*]).await;
            }
        }
    )*};
}

every_hazard_holds! {
    on_the_way_to_the_end: ["make", "wait_listed", "turn_sign", "make"];
    around_a_pivot: ["make", "turn_sign", "seal", "make"];
    around_an_irreversible_step: ["make", "burn", "echo"];
    in_the_engine_s_own_steps: ["echo", "approve", "turn_sign", "sleep", "seal", "burn", "echo"];
}
