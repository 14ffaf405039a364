//! Writes a database of the present schema, in the middle of its life, for the test that opens it with later ones:
//! `cargo run --example keep_database -- NAME` makes crates/arcadia/tests/older/NAME.{sqlite3,postgres.sql}.
//! Wants ARCADIA_TEST_PG_URL and `pg_dump`. A schema is kept once, before the next migration.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool that stops where anything is wrong")]

#[path = "../tests/world/mod.rs"]
#[macro_use]
mod world;

use arcadia_saga::{SagaId, StartSaga, Status};
use arcadia_sql::{Engine, args, statements};
use digitalocean_sim::FaultKind;
use std::path::Path;
use std::process::Command;
use world::World;

statements! {
    COPY_INTO = sqlite "VACUUM INTO $1" postgres "SELECT {text($1)}";
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let name = std::env::args().nth(1).expect("the last migration's number, such as 0003");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/older");
    let (sqlite, postgres) =
        (folder.join(format!("{name}.sqlite3")), folder.join(format!("{name}.postgres.sql")));

    let world = World::new(Engine::Sqlite).await;
    live(&world).await;
    // Also what is still in the log beside the file.
    let into = sqlite.to_str().unwrap();
    world.service.cloud.db.execute(&COPY_INTO, args![into]).await.unwrap();
    drop(world);

    let world = World::new(Engine::Postgres).await;
    live(&world).await;
    let dump = Command::new("pg_dump")
        .args(["--inserts", "--no-owner", "--no-privileges"])
        .arg(world.database_url().split('?').next().unwrap())
        .output()
        .unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    std::fs::write(&postgres, dump.stdout).unwrap();
    println!("{}\n{}", sqlite.display(), postgres.display());
}

fn refused() -> FaultKind {
    FaultKind::Refuse { message: "The request was refused.".to_owned() }
}

/// One deployment of each kind of fate; the names are what the test looks for.
async fn live(world: &World) {
    world.provision("whole").await;
    world.settle().await;

    world.inject_once("POST /v2/domains/{name}/records", refused());
    world.inject("DELETE /v2/droplets/{id}", refused());
    let standing = world.provision("standing").await;
    world.settle().await;
    assert_eq!(world.saga(standing.saga).await.status, Status::Failed);
    world.simulator.clear_faults();

    let approve = vec!["approve".to_owned(), "echo".to_owned()];
    let start = StartSaga {
        kind: "waiting".to_owned(),
        steps: approve,
        triggered_by: "system:test".to_owned(),
        locks: vec!["droplet:1".to_owned()],
        ..StartSaga::default()
    };
    let waiting: SagaId = world.service.cloud.sagas.start(start).await.unwrap().id();
    world.settle().await;
    assert_eq!(world.saga(waiting).await.status, Status::Running);

    // A plan as it was before a step was added to it, with its creation's answer lost.
    world.inject_once("POST /v2/droplets", FaultKind::CutAfter);
    let steps = [
        "mark_deployment_provisioning",
        "create_droplet",
        "wait_droplet_active",
        "register_droplet",
        "point_deployment_dns",
        "activate_deployment",
    ];
    let steps = steps.map(str::to_owned).to_vec();
    world.provision_by("older-plan", steps, serde_json::json!({})).await;
    world.round().await;

    world.provision("pending").await;
}
