//! A database of an earlier schema, kept as it was written in the middle of its life, opens and goes on: what had
//! ended is there, what was under way ends by its own stored list of steps. `examples/keep_database.rs` writes them.

#![allow(clippy::unwrap_used, reason = "a story stops where its world breaks")]

#[path = "world/mod.rs"]
#[macro_use]
mod world;

use arcadia_saga::{By, Filter, Saga, SagaId, Status, StepStatus};
use arcadia_sql::testing::{Kept, TestDb};
use arcadia_sql::{Engine, MIGRATIONS, ManualNow, Options, args, row, statements};
use digitalocean_sim::Kind;
use serde_json::json;
use std::path::{Path, PathBuf};
use world::World;

const ADA: By = By { actor: "user:ada", reason: "testing" };
const OLDER_STEPS: [&str; 6] = [
    "mark_deployment_provisioning",
    "create_droplet",
    "wait_droplet_active",
    "register_droplet",
    "point_deployment_dns",
    "activate_deployment",
];

statements! {
    DEPLOYMENT_OF = "SELECT slug, state FROM cloud_deployments WHERE saga_id = $1";
    STATE = "SELECT slug, state FROM cloud_deployments WHERE slug = $1";
}

row! {
    struct SlugState {
        slug: String,
        state: String,
    }
}

/// Every database that was kept, each by the last migration that it has.
const KEPT: [&str; 3] = ["0003", "0005", "0006"];

const ENDINGS: [&str; 2] = ["sqlite3", "postgres.sql"];

fn file_of(kept: &str, ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/older").join(format!("{kept}.{ending}"))
}

/// The kept database, opened two hours after it was written.
async fn opened(kept: &str, engine: Engine) -> World {
    let [sqlite, postgres] = ENDINGS.map(|ending| file_of(kept, ending));
    let now = ManualNow::new("2026-11-20T12:00:00Z".parse().unwrap());
    let options = Options { manual_now: Some(now.clone()), ..Options::default() };
    let kept = Kept { sqlite: &sqlite, postgres: &postgres };
    World::over(TestDb::copy_of(&kept, engine, options, &MIGRATIONS).await, now).await
}

/// The saga of the deployment with that slug.
async fn saga_of(world: &World, slug: &str) -> Saga {
    let db = &world.service.cloud.db;
    for saga in world.service.cloud.sagas.list(&Filter::default()).await.unwrap() {
        let found = db.fetch_optional::<SlugState>(&DEPLOYMENT_OF, args![saga.id]).await.unwrap();
        if found.is_some_and(|found| found.slug == slug) {
            return saga;
        }
    }
    panic!("no saga of {slug} was kept");
}

async fn state(world: &World, slug: &str) -> String {
    world.service.cloud.db.fetch_one::<SlugState>(&STATE, args![slug]).await.unwrap().state
}

/// The droplet that the lost answer was about, in the account of now.
fn droplet_made_by(world: &World, saga: SagaId, step: usize) {
    let tags = ["managed-by-arcadia-cloud".to_owned(), format!("arcadia-install-{}", installation(world))]
        .into_iter()
        .chain([format!("arcadia-saga-{saga}"), format!("arcadia-step-{saga}-{step}")]);
    let body = json!({"name": "older-plan.arcadia-demo.com", "region": "nyc3", "size": "s-1vcpu-1gb",
        "image": "ubuntu-24-04-x64", "tags": tags.collect::<Vec<_>>()});
    world.simulator.mutate(&digitalocean_sim::Mutation::create(Kind::Droplet, body)).unwrap();
}

fn installation(world: &World) -> &str {
    &world.service.cloud.installation
}

async fn goes_on(kept: &str, engine: Engine) {
    let world = opened(kept, engine).await;
    let sagas = &world.service.cloud.sagas;

    let whole = saga_of(&world, "whole").await;
    assert_eq!((whole.status, state(&world, "whole").await.as_str()), (Status::Completed, "active"));
    assert_eq!(world.step_statuses(whole.id).await, [StepStatus::Completed; 7]);

    let older = saga_of(&world, "older-plan").await;
    assert_eq!(
        (older.status, older.steps.as_slice()),
        (Status::Running, OLDER_STEPS.map(str::to_owned).as_slice())
    );
    droplet_made_by(&world, older.id, 1);
    let pending = saga_of(&world, "pending").await;
    assert_eq!(pending.status, Status::Pending);
    world.settle().await;
    assert_eq!(world.saga(older.id).await.status, Status::Completed);
    assert_eq!(world.step_statuses(older.id).await, [StepStatus::Completed; 6]);
    assert_eq!(state(&world, "older-plan").await, "active");
    assert_eq!(world.saga(pending.id).await.status, Status::Completed);
    assert_eq!(world.step_statuses(pending.id).await, [StepStatus::Completed; 7]);
    assert_eq!(state(&world, "pending").await, "active");
    assert_eq!(world.droplets_ever(), 1, "the lost one was adopted, and the pending one's made");
    assert_eq!((world.records("older-plan").len(), world.records("pending").len()), (1, 1));

    let waiting = Filter { kind: Some("waiting".to_owned()), ..Filter::default() };
    let waiting = sagas.list(&waiting).await.unwrap().remove(0);
    assert_eq!(waiting.status, Status::Running);
    sagas.signal(waiting.id, "approve", json!({}), ADA).await.unwrap();
    world.settle().await;
    assert_eq!(world.saga(waiting.id).await.status, Status::Completed);

    let standing = saga_of(&world, "standing").await;
    assert_eq!(standing.status, Status::Failed);
    assert_eq!(standing.attention.unwrap()["reason"], "compensation_failed");
    assert!(sagas.locks().await.unwrap().iter().any(|lock| lock.ends_with("/standing")));
    sagas.retry(standing.id, ADA).await.unwrap();
    world.settle().await;
    assert_eq!(world.saga(standing.id).await.status, Status::RolledBack);
    assert_eq!(sagas.locks().await.unwrap(), Vec::<String>::new());
    assert_eq!(sagas.unfinished().await.unwrap(), 0);
}

/// Whoever adds a migration keeps a database of the schema before it.
#[test]
fn a_database_of_the_schema_before_the_newest_migration_is_kept() {
    let names: Vec<&str> = MIGRATIONS.list().iter().map(|migration| migration.name).collect();
    let [.., before, newest] = names[..] else { panic!("two migrations at least: {names:?}") };
    let is_kept = KEPT.iter().any(|kept| before.starts_with(&format!("{kept}_")));
    assert!(
        is_kept,
        "before `{newest}` comes a kept database that ends with `{before}`: see CONTRIBUTING.md"
    );
}

/// On both engines the names of what was applied stand in the file as they are.
#[test]
fn a_kept_database_has_the_migrations_up_to_its_own_and_none_after() {
    for (kept, ending) in KEPT.into_iter().flat_map(|kept| ENDINGS.map(|ending| (kept, ending))) {
        let bytes = std::fs::read(file_of(kept, ending)).unwrap();
        for migration in MIGRATIONS.list() {
            let is_applied = bytes.windows(migration.name.len()).any(|at| at == migration.name.as_bytes());
            let number = &migration.name[..kept.len()];
            assert_eq!(is_applied, number <= kept, "{} in {kept}.{ending}", migration.name);
        }
    }
}

#[tokio::test]
async fn every_kept_database_opens_and_goes_on_on_sqlite() {
    for kept in KEPT {
        goes_on(kept, Engine::Sqlite).await;
    }
}

#[tokio::test]
async fn every_kept_database_opens_and_goes_on_on_postgres() {
    for kept in KEPT {
        goes_on(kept, Engine::Postgres).await;
    }
}
