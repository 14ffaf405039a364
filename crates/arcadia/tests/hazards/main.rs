//! Every saga of the service through the engine's test kit: every hazard at every place, on both databases, with the
//! simulated account and the service's own rows as the oracle.

#![allow(clippy::unwrap_used, reason = "a case stops where its world breaks")]
#![allow(clippy::print_stdout, reason = "the number of cases is told")]

mod deployment;
mod droplets;
mod records;
mod site;

use arcadia_saga::testing::{Scene, Trial};
use arcadia_sql::Engine;
use deployment::Deployment;
use droplets::{DestroyedDroplet, NewDroplet, PhotographedDroplet};
use records::Records;
use site::{Tale, Told};

async fn holds(engine: Engine, tale: impl Tale) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trial = Trial::of(move |scene: Scene| Told::begin(scene, tale.clone()));
    let report = trial.on(engine).await;
    println!("{}: {report}", std::thread::current().name().unwrap_or_default());
    report.assert_holds();
}

macro_rules! every_hazard_of {
    ($($saga:ident: $tale:expr;)*) => {
        const TOLD: &[&str] = &[$(stringify!($saga)),*];

        $(
        mod $saga {
            use super::*;

            #[tokio::test]
            async fn sqlite() {
                holds(Engine::Sqlite, $tale).await;
            }

            #[tokio::test]
            async fn postgres() {
                holds(Engine::Postgres, $tale).await;
            }
        }
    )*};
}

#[test]
fn every_plan_has_a_tale() {
    for plan in arcadia::sagas::registry().unwrap().plan_names() {
        assert!(TOLD.contains(&plan.as_str()), "`{plan}` goes through no hazard: tell it here");
    }
}

every_hazard_of! {
    provision_droplet: NewDroplet;
    destroy_droplet: DestroyedDroplet::default();
    snapshot_droplet: PhotographedDroplet::default();
    provision_deployment: Deployment::default();
    a_record_that_is_created: Records { steps: &["upsert_dns_record", "echo"], before: &[] };
    a_record_that_is_updated: Records { steps: &["upsert_dns_record", "echo"], before: &["192.0.2.9"] };
    a_record_that_is_as_wanted: Records { steps: &["upsert_dns_record", "echo"], before: &[records::WANTED] };
    records_that_are_deleted: Records { steps: &["delete_dns_record", "echo"], before: &["192.0.2.8", "192.0.2.9"] };
    records_that_make_room: Records {
        steps: &["delete_dns_record", "upsert_dns_record"], before: &["192.0.2.8", "192.0.2.9"]
    };
}
