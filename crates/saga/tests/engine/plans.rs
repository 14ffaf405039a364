//! How the statements are run that come again and again: by the partial indexes of what is due and of what needs a
//! person, and reading little beyond what they change, whatever else the table holds.

use crate::world::{World, asked, no_inputs, options};
use arcadia_saga::StartSaga;
use arcadia_sql::{
    Args, Db, Engine, MIGRATIONS, Statement, args, on_both_databases, statements, testing::TestDb,
};
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const CLAIMED: i64 = 64;

statements! {
    ANALYZE = "ANALYZE";
}

/// A statement's text, which as rendered takes the time as a further argument.
fn text(name: &str, engine: Engine) -> String {
    let found = arcadia_saga::STATEMENTS.iter().find(|statement| statement.name() == name).unwrap();
    found.text(engine).replace('?', "$")
}

fn declared(text: String) -> &'static Statement {
    let text: &'static str = Box::leak(text.into_boxed_str());
    Box::leak(Box::new(Statement::declare("EXPLAINED", text, text)))
}

/// How the claim is run on the connections that the engine has for it, and here given back as it was. PostgreSQL plans
/// it for any arguments there, which only a prepared statement shows.
async fn plan(db: &Db, nobody: Uuid, now: Timestamp) -> Vec<String> {
    match db.engine() {
        Engine::Sqlite => {
            let known = vec!["echo".to_owned(), String::new()];
            let args = args![nobody, now, known, CLAIMED, "provisioning", Some(now)];
            let explain = declared(format!("EXPLAIN QUERY PLAN {}", text("CLAIM_DUE", db.engine())));
            let rows: Vec<(i64, i64, i64, String)> = db.fetch_all(explain, args).await.unwrap();
            rows.into_iter().map(|(.., detail)| detail).collect()
        }
        Engine::Postgres => {
            let claim = format!("'{nobody}', '{now}', '{{echo,\"\"}}', {CLAIMED}, 'provisioning', '{now}'");
            explained_for_any(db, "CLAIM_DUE", &claim).await
        }
    }
}

/// How PostgreSQL runs it on the connections for batches, planned for any arguments, which only a prepared statement shows.
async fn explained_for_any(db: &Db, name: &str, args: &str) -> Vec<String> {
    let mut tx = db.batch_connections(1).await.unwrap().begin().await.unwrap();
    // In quotes twice over, so that its arguments are none of the statement's that it stands in.
    let quoted = |text: String| format!("'{}'", text.replace('\'', "''"));
    let prepare =
        format!("BEGIN EXECUTE {}; END", quoted(format!("PREPARE it AS {}", text(name, db.engine()))));
    tx.execute(declared(format!("DO {}", quoted(prepare))), args![]).await.unwrap();
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) EXECUTE it ({args})");
    let rows: Vec<(String,)> = tx.fetch_all(declared(explain), args![]).await.unwrap();
    rows.into_iter().map(|(line,)| line).collect()
}

/// The number after `label` in a line of PostgreSQL's.
fn number(line: &str, label: &str) -> i64 {
    let at = line.rfind(label).unwrap_or_else(|| panic!("no {label} in {line}")) + label.len();
    let digits: String = line[at..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// As many have ended, and wait, as there are; fewer are due.
async fn filled(db: TestDb) -> World {
    let world = World::new(db);
    let many = async |count: usize, delay_s: u64| {
        for _ in 0..count {
            let start_in = Duration::from_secs(delay_s);
            let start = StartSaga { start_in, ..asked(&["echo"], no_inputs()) };
            world.sagas.start(start).await.unwrap();
        }
    };
    many(400, 0).await;
    world.settle().await;
    many(400, 3_600).await;
    many(200, 0).await;
    world.db.execute(&ANALYZE, args![]).await.unwrap();
    world
}

async fn explained(world: &World, name: &str, args: Args) -> Vec<String> {
    let text = text(name, world.db.engine());
    match world.db.engine() {
        Engine::Sqlite => {
            let explain = declared(format!("EXPLAIN QUERY PLAN {text}"));
            let rows: Vec<(i64, i64, i64, String)> = world.db.fetch_all(explain, args).await.unwrap();
            rows.into_iter().map(|(.., detail)| detail).collect()
        }
        Engine::Postgres => {
            let rows: Vec<(String,)> =
                world.db.fetch_all(declared(format!("EXPLAIN {text}")), args).await.unwrap();
            rows.into_iter().map(|(line,)| line).collect()
        }
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn each_poll_reads_only_what_is_due_or_needs_a_person(db: TestDb) {
        let world = filled(db).await;
        let (now, known) = (world.at(), vec!["echo".to_owned()]);
        let attention = json!({"reason": "unknown_step"});
        let queues = vec!["background".to_owned(), "provisioning".to_owned()];
        let args = args![attention, now, -600_000_i64, known.clone(), queues, Some(now)];
        let park = explained(&world, "PARK_UNKNOWN", args).await;
        let is_bounded = |line: &String| match world.db.engine() {
            Engine::Sqlite => line.contains("saga_runs_due (queue=? AND wake_at<?)"),
            Engine::Postgres => line.contains("(queue = ANY (") && line.contains("AND (wake_at <"),
        };
        assert!(park.iter().any(is_bounded), "{park:#?}");
        let orphans = explained(&world, "HOLD_ORPHANS", args![known.clone(), true, 64_i64]).await;
        assert!(orphans.iter().any(|line| line.contains("saga_runs_owned")), "{orphans:#?}");
        let unpark = explained(&world, "UNPARK_KNOWN", args![now, known, Some(now)]).await;
        assert!(unpark.iter().any(|line| line.contains("saga_runs_needing_attention")), "{unpark:#?}");
    }

    async fn a_claim_reads_little_beyond_what_it_claims(db: TestDb) {
        let world = filled(db).await;

        let plan = plan(&world.db, Uuid::from_u128(7), world.at()).await;
        let lookup = plan.iter().position(|line| line.contains("saga_runs_due"));
        let lookup = lookup.unwrap_or_else(|| panic!("the index of what is due is not used: {plan:#?}"));
        assert!(!plan.iter().any(|line| line.contains("Seq Scan") || line.contains("SCAN saga_runs")), "{plan:#?}");
        if world.db.engine() == Engine::Postgres {
            let read = number(&plan[lookup], "actual rows=");
            let removed: i64 = plan[lookup..].iter().take(4).filter(|line| line.contains("Rows Removed by Filter"))
                .map(|line| number(line, "Filter: ")).sum();
            assert!(read >= CLAIMED && read + removed <= 2 * CLAIMED, "{read} + {removed} rows read: {plan:#?}");
        }
    }
}

/// Planned when the tables are young, and then kept: a batch of many that one node runs would read all of them for each.
#[tokio::test]
async fn a_batch_finds_each_row_by_its_id_also_before_anything_is_known_of_the_table() {
    let db = TestDb::fresh(Engine::Postgres, options(), &MIGRATIONS).await;
    let plan = explained_for_any(&db, "WRITE_BATCH", &["NULL"; 65].join(", ")).await;
    let update = plan.iter().position(|line| line.contains("Update on saga_runs")).unwrap();
    let lookup =
        plan[update..].iter().find(|line| line.contains(" on saga_runs r ") && line.contains("Scan"));
    let lookup = lookup.unwrap_or_else(|| panic!("no look at the rows: {plan:#?}"));
    assert!(lookup.contains("saga_runs_pkey"), "{plan:#?}");
}
