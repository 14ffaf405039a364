//! Three-step echo sagas, every step durable: many at once, one at a time, and with a failing third step.

use crate::place::{Opened, Place};
use crate::{probe, recovery, waiting};
use arcadia_saga::{Clock, Registry, Runner, SagaId, Sagas, Settings, StartSaga, Status, bare_limit};
use arcadia_sql::{Db, Engine};
use clap::Args;
use serde_json::{Map, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const BARE_GROUPS: usize = 150;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Sagas at once.
    #[arg(long, default_value_t = 512)]
    in_flight: usize,
    /// Rounds; the figures are medians.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measurement in a round.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Sagas that wait for a timer.
    #[arg(long, default_value_t = 100_000)]
    waiting: usize,
    /// Sagas in flight when the process is killed.
    #[arg(long, default_value_t = 10_000)]
    recovering: usize,
}

/// A database with one runner on it.
pub struct Node {
    pub sagas: Sagas,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl Node {
    pub async fn start<C: Send + Sync + 'static>(
        db: Db,
        registry: Registry<C>,
        cloud: C,
        settings: Settings,
    ) -> anyhow::Result<Node> {
        let registry = Arc::new(registry);
        let sagas = Sagas::new(db, Clock::machine(1.0), &registry);
        let runner = Runner::new(sagas.clone(), registry, Arc::new(cloud), settings);
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { runner.run(stop).await.expect("the journal writes") }
        });
        while sagas.live_runners().await? == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(Node { sagas, stop, running })
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.running.await?)
    }
}

#[derive(Default)]
struct Rounds {
    sagas: Vec<f64>,
    failing: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    one_p50: Vec<f64>,
    one_p99: Vec<f64>,
    fdatasync: Vec<f64>,
    fdatasync_p50: Vec<f64>,
    commits: Vec<f64>,
    bare: Vec<f64>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Opened { db, url, folder } = arguments.place.open().await?;
    let settings = Settings { in_flight_max: 20_000, ..Settings::default() };
    let node = Node::start(db.clone(), Registry::<()>::new(), (), settings).await?;

    let time = Duration::from_secs_f64(arguments.seconds);
    let mut rounds = Rounds::default();
    for round in 1..=arguments.rounds {
        let (syncs, sync_p50) = probe::fdatasync(folder.path(), Duration::from_millis(500))?;
        rounds.fdatasync.push(syncs);
        rounds.commits.push(probe::single_row_commits(&db, Duration::from_millis(500)).await?);
        let bare = bare_limit(&db, &Clock::machine(1.0), BARE_GROUPS).await?;
        rounds.bare.push((BARE_GROUPS * 100) as f64 / bare.as_secs_f64());
        let (per_s, p50, p99) = throughput(&node.sagas, arguments.in_flight, GOOD, time).await?;
        rounds.sagas.push(per_s);
        rounds.p50.push(p50);
        rounds.p99.push(p99);
        rounds.failing.push(throughput(&node.sagas, arguments.in_flight, FAILING, time).await?.0);
        let (_, one_p50, one_p99) = throughput(&node.sagas, 1, GOOD, time / 3).await?;
        rounds.one_p50.push(one_p50);
        rounds.one_p99.push(one_p99);
        let (_, after_p50) = probe::fdatasync(folder.path(), Duration::from_millis(300))?;
        rounds.fdatasync_p50.push(f64::midpoint(sync_p50, after_p50));
        eprintln!(
            "round {round}: {per_s:.0} sagas/s ({:.0} failing), bare limit {:.0}/s, one at a time {one_p50:.2} ms, \
             fdatasync {:.2} ms",
            rounds.failing[round - 1],
            rounds.bare[round - 1],
            rounds.fdatasync_p50[round - 1]
        );
    }
    let waited = waiting::measure(&db, &node.sagas, arguments.waiting).await?;
    node.stop().await?;
    let recovery_ms = recovery::measure(db, &url, arguments.recovering).await?;
    report(&arguments, &mut rounds, &waited, recovery_ms);
    Ok(())
}

fn report(arguments: &Arguments, rounds: &mut Rounds, waited: &waiting::Waited, recovery_ms: f64) {
    let database = match &arguments.place.database {
        Some(_) => Engine::Postgres,
        None => Engine::Sqlite,
    };
    let (low, high) = (min(&rounds.sagas), max(&rounds.sagas));
    let mut m = |values: fn(&mut Rounds) -> &mut Vec<f64>| probe::median(values(rounds));
    let (sagas, failing, bare) = (m(|r| &mut r.sagas), m(|r| &mut r.failing), m(|r| &mut r.bare));
    let (one_p50, sync_p50) = (m(|r| &mut r.one_p50), m(|r| &mut r.fdatasync_p50));
    println!(
        "database                      {database:?}, {} in flight, {} rounds",
        arguments.in_flight, arguments.rounds
    );
    println!(
        "sagas/s                       {sagas:.0} ({low:.0} to {high:.0}), {:.0} % of the bare limit",
        100.0 * sagas / bare
    );
    println!("bare limit, groups of 100     {bare:.0} sagas/s");
    println!(
        "failing third step            {failing:.0} sagas/s, {:.0} % of the good ones",
        100.0 * failing / sagas
    );
    println!(
        "one at a time, p50            {one_p50:.2} ms, {:.1} x fdatasync p50 ({sync_p50:.3} ms)",
        one_p50 / sync_p50
    );
    println!(
        "{} waiting             {:.1} MiB over idle; woken late p99 {:.1} ms; idle {:.2} % of a processor",
        waited.count, waited.rss_mib, waited.late_p99_ms, waited.idle_percent
    );
    println!("first step after a SIGKILL    {recovery_ms:.0} ms with {} in flight", arguments.recovering);
    if arguments.place.json {
        let json = json!({
            "database": format!("{database:?}").to_lowercase(),
            "in_flight": arguments.in_flight,
            "rounds": arguments.rounds,
            "sagas_per_s": sagas,
            "sagas_per_s_min": low,
            "sagas_per_s_max": high,
            "fail_sagas_per_s": failing,
            "p50_ms": m(|r| &mut r.p50),
            "p99_ms": m(|r| &mut r.p99),
            "one_at_a_time_p50_ms": one_p50,
            "one_at_a_time_p99_ms": m(|r| &mut r.one_p99),
            "fdatasync_per_s": m(|r| &mut r.fdatasync),
            "fdatasync_p50_ms": sync_p50,
            "single_row_commits_per_s": m(|r| &mut r.commits),
            "bare_limit_sagas_per_s": bare,
            "waiting": waited.count,
            "waiting_rss_mib": waited.rss_mib,
            "wake_late_p99_ms": waited.late_p99_ms,
            "idle_percent": waited.idle_percent,
            "recovering": arguments.recovering,
            "recovery_ms": recovery_ms,
        });
        println!("{json}");
    }
}

fn min(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn max(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

pub const GOOD: [&str; 3] = ["echo", "echo", "echo"];
const FAILING: [&str; 3] = ["echo", "echo", "fail"];

/// Keeps `in_flight` sagas going for `time`: how many ended a second, and their p50 and p99 in milliseconds.
pub async fn throughput(
    sagas: &Sagas,
    in_flight: usize,
    steps: [&'static str; 3],
    time: Duration,
) -> anyhow::Result<(f64, f64, f64)> {
    let wanted = if steps == GOOD { Status::Completed } else { Status::RolledBack };
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..in_flight {
        let sagas = sagas.clone();
        callers.spawn(async move {
            let mut times = Vec::new();
            while began.elapsed() < time {
                let one = Instant::now();
                let ended = run_one(&sagas, steps).await?;
                anyhow::ensure!(ended == wanted, "a saga ended {ended:?}");
                times.push(one.elapsed());
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(caller) = callers.join_next().await {
        times.extend(caller??);
    }
    let per_s = times.len() as f64 / began.elapsed().as_secs_f64();
    Ok((per_s, probe::percentile_ms(&mut times, 0.5), probe::percentile_ms(&mut times, 0.99)))
}

async fn run_one(sagas: &Sagas, steps: [&'static str; 3]) -> anyhow::Result<Status> {
    let id = sagas.new_id();
    let end = sagas.end_here(id);
    sagas.start(asked(id, &steps, Map::from_iter([("message".to_owned(), json!("hello"))]))).await?;
    Ok(end.await?)
}

/// A test saga.
pub fn asked(id: SagaId, steps: &[&str], inputs: Map<String, serde_json::Value>) -> StartSaga {
    StartSaga {
        id: Some(id),
        kind: "test".to_owned(),
        steps: steps.iter().map(|&step| step.to_owned()).collect(),
        inputs,
        triggered_by: "system:bench".to_owned(),
        ..StartSaga::default()
    }
}
