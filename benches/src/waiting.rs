//! Sagas that wait for a timer: what they cost in memory, and how late they are woken.

use crate::place::Place;
use crate::probe;
use crate::sagas::{Node, asked};
use anyhow::Context as _;
use arcadia_saga::{Registry, SagaId, Sagas, Settings, Status};
use arcadia_sql::{Db, args, statements};
use clap::Args;
use serde_json::{Map, json};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Longer than any run.
const LONG_MS: u64 = 12 * 3_600_000;
/// So long an idle node is watched.
const IDLE: Duration = Duration::from_secs(20);
const WOKEN: u64 = 5_000;
const WOKEN_PER_S: u64 = 1_000;
/// Until the first of them: all must be asleep by then.
const LEAD: Duration = Duration::from_secs(20);

statements! {
    // Driven, or yet to be claimed.
    AWAKE = "SELECT COUNT(*) FROM saga_runs WHERE owner IS NOT NULL OR wake_at <= {now}";
}

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Sagas that wait for a timer.
    #[arg(long, default_value_t = 1_000_000)]
    waiting: usize,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let opened = arguments.place.open().await?;
    let node = Node::start(opened.db.clone(), Registry::<()>::new(), (), Settings::default()).await?;
    let waited = measure(&opened.db, &node.sagas, arguments.waiting).await?;
    node.stop().await?;
    let Waited { count, rss_mib, late_p99_ms, idle_percent } = waited;
    let lines = [
        format!("{count} waiting: {rss_mib:.1} MiB over idle; woken late p99 {late_p99_ms:.1} ms"),
        format!("idle with them: {idle_percent:.2} % of one processor"),
    ];
    let json = json!({"waiting": count, "waiting_rss_mib": rss_mib, "wake_late_p99_ms": late_p99_ms,
        "idle_percent": idle_percent});
    arguments.place.report(&lines, &json);
    Ok(())
}

pub struct Waited {
    pub count: usize,
    pub rss_mib: f64,
    pub late_p99_ms: f64,
    /// Of one processor, by this process.
    pub idle_percent: f64,
}

pub async fn measure(db: &Db, sagas: &Sagas, count: usize) -> anyhow::Result<Waited> {
    let idle = probe::resident_mib();
    let mut starting = JoinSet::new();
    for _ in 0..count {
        let sagas = sagas.clone();
        starting.spawn(async move { start(&sagas, sagas.new_id(), LONG_MS).await });
        while starting.len() >= 1_000 {
            if let Some(started) = starting.join_next().await {
                started??;
            }
        }
    }
    while let Some(started) = starting.join_next().await {
        started??;
    }
    while db.fetch_one::<(i64,)>(&AWAKE, args![]).await?.0 > 0 {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let rss_mib = (probe::resident_mib() - idle).max(0.0);
    let before = probe::own_busy()?;
    tokio::time::sleep(IDLE).await;
    let idle_percent = 100.0 * (probe::own_busy()? - before).as_secs_f64() / IDLE.as_secs_f64();
    Ok(Waited { count, rss_mib, late_p99_ms: lateness(sagas).await?, idle_percent })
}

/// A thousand wake-ups a second: from when the row says that a saga is due to its end.
async fn lateness(sagas: &Sagas) -> anyhow::Result<f64> {
    let (began, mut asleep) = (Instant::now(), Vec::new());
    let mut starting = JoinSet::new();
    for at in 0..WOKEN {
        let sagas = sagas.clone();
        let due = LEAD + Duration::from_micros(at * 1_000_000 / WOKEN_PER_S);
        starting.spawn(async move {
            let sleep_ms = u64::try_from(due.saturating_sub(began.elapsed()).as_millis())?;
            let id = sagas.new_id();
            let end = sagas.end_here(id);
            start(&sagas, id, sleep_ms).await?;
            Ok::<_, anyhow::Error>((id, end))
        });
        // Few at once, so that each begins when it is asked for.
        while starting.len() >= 64 {
            asleep.extend(starting.join_next().await.transpose()?.transpose()?);
        }
    }
    while let Some(started) = starting.join_next().await {
        asleep.push(started??);
    }
    let mut woken = JoinSet::new();
    for (id, end) in asleep {
        let due = sagas.get(id).await?.wake_at.context("a saga that sleeps has a time")?;
        woken.spawn(async move {
            let ended = end.await?;
            let now = jiff::Timestamp::now();
            anyhow::ensure!(ended == Status::Completed, "a sleeper ended {ended:?}");
            Ok::<_, anyhow::Error>(Duration::try_from(now.duration_since(due)).unwrap_or_default())
        });
    }
    anyhow::ensure!(began.elapsed() < LEAD, "the sleepers were not asleep in time");
    let mut late = Vec::new();
    while let Some(one) = woken.join_next().await {
        late.push(one??);
    }
    Ok(probe::percentile_ms(&mut late, 0.99))
}

async fn start(sagas: &Sagas, id: SagaId, sleep_ms: u64) -> anyhow::Result<()> {
    let inputs = Map::from_iter([("sleep_ms".to_owned(), json!(sleep_ms))]);
    sagas.start(asked(id, &["sleep"], inputs)).await?;
    Ok(())
}
