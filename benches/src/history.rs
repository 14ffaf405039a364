//! What a long past costs: processor time of the whole machine per saga on an empty database and on one with
//! millions of sagas that ended, measured in turn.

use crate::place::{Opened, Place};
use crate::probe;
use crate::sagas::{GOOD, Node, throughput};
use anyhow::Context as _;
use arcadia_saga::{Registry, Settings, Status};
use arcadia_sql::{Db, Engine, MIGRATIONS, Options, args, statements};
use clap::Args;
use serde_json::json;
use std::time::{Duration, Instant};

statements! {
    /// Ended sagas as the engine leaves them: older than every new one, also in the order of ids.
    PAST_SAGAS = sqlite "
        WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1 + $2)
        INSERT INTO saga_runs (id, kind, status, steps, inputs, context, triggered_by, cancel_requested, queue,
            priority, current_step_idx, next_step, step_state, step_attempts, step_waits, epoch, seq, nudge, crashes,
            inserted_at, started_at, finished_at, updated_at)
        SELECT printf('00000000-0000-7000-8000-%012x', i), 'test', 'completed', '[\"echo\",\"echo\",\"echo\"]',
            '{\"message\":\"hello\"}', '{\"echoed_at_step_0\":\"hello\"}', 'system:bench', FALSE, 'provisioning', 0, 3,
            '', 'ready', 0, 0, 1, 4, 0, 0, {time($3)}, {time($3)}, {time($3)}, {time($3)} FROM n"
        postgres "
        INSERT INTO saga_runs (id, kind, status, steps, inputs, context, triggered_by, cancel_requested, queue,
            priority, current_step_idx, next_step, step_state, step_attempts, step_waits, epoch, seq, nudge, crashes,
            inserted_at, started_at, finished_at, updated_at)
        SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'test', 'completed', '[\"echo\",\"echo\",\"echo\"]',
            '{\"message\":\"hello\"}', '{\"echoed_at_step_0\":\"hello\"}', 'system:bench', FALSE, 'provisioning', 0, 3,
            '', 'ready', 0, 0, 1, 4, 0, 0, {time($3)}, {time($3)}, {time($3)}, {time($3)}
        FROM generate_series({int($1)}, {int($1)} + {int($2)} - 1) AS n(i)";
    /// And their ledger.
    PAST_STEPS = sqlite "
        WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1 + $2),
            s(idx) AS (SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2)
        INSERT INTO saga_step_results (saga_id, step_idx, step_name, status, in_doubt, output, attempts,
            compensation_attempts, runner, epoch, started_at, finished_at)
        SELECT printf('00000000-0000-7000-8000-%012x', i), idx, 'echo', 'completed', FALSE, '{\"echoed\":\"hello\"}', 1, 0,
            '00000000-0000-7000-8000-000000000007', 1, {time($3)}, {time($3)} FROM n, s"
        postgres "
        INSERT INTO saga_step_results (saga_id, step_idx, step_name, status, in_doubt, output, attempts,
            compensation_attempts, runner, epoch, started_at, finished_at)
        SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, idx, 'echo', 'completed', FALSE, '{\"echoed\":\"hello\"}', 1, 0,
            '00000000-0000-7000-8000-000000000007'::uuid, 1, {time($3)}, {time($3)}
        FROM generate_series({int($1)}, {int($1)} + {int($2)} - 1) AS n(i), generate_series(0, 2) AS s(idx)";
    ANALYZE = "ANALYZE";
    MAKE_DATABASE = sqlite "SELECT 1" postgres "
        CREATE DATABASE arcadia_past TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'";
}

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Ended sagas in the tables.
    #[arg(long, default_value_t = 10_000_000)]
    past: i64,
    /// Sagas at once.
    #[arg(long, default_value_t = 512)]
    in_flight: usize,
    /// Rounds, each of both databases; the figures are medians.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
}

const ROUND: Duration = Duration::from_secs(4);
const BATCH: i64 = 50_000;
/// One of those written.
const ONE: &str = "00000000-0000-7000-8000-000000000001";

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let young = arguments.place.open().await?;
    let old = beside(&young).await?;
    let began = Instant::now();
    remember(&old, arguments.past).await?;
    eprintln!("{} ended sagas written in {:.0} s", arguments.past, began.elapsed().as_secs_f64());
    let settings = || Settings { in_flight_max: 20_000, ..Settings::default() };
    let young_node = Node::start(young.db.clone(), Registry::<()>::new(), (), settings()).await?;
    let old_node = Node::start(old, Registry::<()>::new(), (), settings()).await?;
    let past = old_node.sagas.get(ONE.parse()?).await.context("what was written reads as a saga")?;
    anyhow::ensure!(past.status == Status::Completed, "a past saga is {:?}", past.status);
    let (mut young_us, mut old_us, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=arguments.rounds {
        young_us.push(cost_us(&young_node, arguments.in_flight).await?);
        old_us.push(cost_us(&old_node, arguments.in_flight).await?);
        ratios.push(old_us[round - 1] / young_us[round - 1]);
        eprintln!(
            "round {round}: {:.0} us without a past, {:.0} us with",
            young_us[round - 1],
            old_us[round - 1]
        );
    }
    young_node.stop().await?;
    old_node.stop().await?;
    let (young, old, ratio) =
        (probe::median(&mut young_us), probe::median(&mut old_us), probe::median(&mut ratios));
    let lines = [
        format!(
            "processor time per saga: {young:.0} us on an empty database, {old:.0} us with {} ended sagas",
            arguments.past
        ),
        format!("ratio {ratio:.2} ({:.2} to {:.2})", ratios[0], ratios[ratios.len() - 1]),
    ];
    let json = json!({"past": arguments.past, "young_us": young, "old_us": old, "ratio": ratio});
    arguments.place.report(&lines, &json);
    Ok(())
}

/// A second database on the same disk or server.
async fn beside(young: &Opened) -> anyhow::Result<Db> {
    let url = match young.db.engine() {
        Engine::Sqlite => format!("sqlite://{}", young.folder.path().join("past.db").display()),
        Engine::Postgres => {
            young.db.execute(&MAKE_DATABASE, args![]).await?;
            let at = young.url.rfind('/').context("a URL with a database")?;
            format!("{}/arcadia_past", &young.url[..at])
        }
    };
    let db = Db::connect(&url, Options::default()).await?;
    db.migrate(&MIGRATIONS).await?;
    Ok(db)
}

async fn remember(db: &Db, past: i64) -> anyhow::Result<()> {
    let at: jiff::Timestamp = "2026-01-01T00:00:00Z".parse()?;
    for from in (0..past).step_by(usize::try_from(BATCH)?) {
        let count = BATCH.min(past - from);
        db.execute(&PAST_SAGAS, args![from, count, at]).await?;
        db.execute(&PAST_STEPS, args![from, count, at]).await?;
    }
    db.execute(&ANALYZE, args![]).await?;
    Ok(())
}

/// Microseconds of all processors for one saga, whoever used them: nothing else should run beside this.
async fn cost_us(node: &Node, in_flight: usize) -> anyhow::Result<f64> {
    let (began, before) = (Instant::now(), probe::busy()?);
    let (per_s, ..) = throughput(&node.sagas, in_flight, GOOD, ROUND).await?;
    let busy = probe::busy()? - before;
    Ok(busy.as_secs_f64() * 1e6 / (per_s * began.elapsed().as_secs_f64()))
}
