//! How the engine's hottest statement is run: by the partial index of what is due, and reading little beyond what
//! it claims, whatever else the table holds.

use crate::world::{World, asked, no_inputs, options};
use arcadia_saga::StartSaga;
use arcadia_sql::{Db, Engine, MIGRATIONS, Statement, args, on_both_databases, statements, testing::TestDb};
use jiff::Timestamp;
use std::time::Duration;
use uuid::Uuid;

const CLAIMED: i64 = 64;

statements! {
    ANALYZE = "ANALYZE";
}

/// The claim's text, which as rendered takes the time as a further argument.
fn claim(engine: Engine) -> String {
    let claim = arcadia_saga::STATEMENTS.iter().find(|statement| statement.name() == "CLAIM_DUE").unwrap();
    claim.text(engine).replace('?', "$")
}

fn declared(text: String) -> &'static Statement {
    let text: &'static str = Box::leak(text.into_boxed_str());
    Box::leak(Box::new(Statement::declare("EXPLAINED", text, text)))
}

/// How the claim is run on the connections that the engine has for it, and here given back as it was. PostgreSQL plans
/// it for any arguments there, which only a prepared statement shows.
async fn plan(db: &Db, nobody: Uuid, now: Timestamp) -> Vec<String> {
    let mut tx = db.batch_connections(1).await.unwrap().begin().await.unwrap();
    let text = claim(db.engine());
    match db.engine() {
        Engine::Sqlite => {
            let known = vec!["echo".to_owned(), String::new()];
            let args = args![nobody, now, known, CLAIMED, "provisioning", Some(now)];
            let explain = declared(format!("EXPLAIN QUERY PLAN {text}"));
            let rows: Vec<(i64, i64, i64, String)> = tx.fetch_all(explain, args).await.unwrap();
            rows.into_iter().map(|(.., detail)| detail).collect()
        }
        Engine::Postgres => {
            // In quotes twice over, so that its arguments are none of the statement's that it stands in.
            let quoted = |text: String| format!("'{}'", text.replace('\'', "''"));
            let prepare = format!("BEGIN EXECUTE {}; END", quoted(format!("PREPARE claim AS {text}")));
            tx.execute(declared(format!("DO {}", quoted(prepare))), args![]).await.unwrap();
            let execute = format!(
                "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF)
                 EXECUTE claim ('{nobody}', '{now}', '{{echo,\"\"}}', {CLAIMED}, 'provisioning', '{now}')"
            );
            let rows: Vec<(String,)> = tx.fetch_all(declared(execute), args![]).await.unwrap();
            rows.into_iter().map(|(line,)| line).collect()
        }
    }
}

/// The number after `label` in a line of PostgreSQL's.
fn number(line: &str, label: &str) -> i64 {
    let at = line.rfind(label).unwrap_or_else(|| panic!("no {label} in {line}")) + label.len();
    let digits: String = line[at..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn a_claim_reads_little_beyond_what_it_claims(db: TestDb) {
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
