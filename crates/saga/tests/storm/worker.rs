//! A worker process: one runner on the storm's database, and a line to the test for what callers and operators ask.
//! It stops in order when the line ends.

use crate::asked::{ONLY_PUTS, WITH_PIVOT};
use crate::steps::{self, CALL_TIMEOUT, Reach};
use arcadia_saga::{
    By, Clock, Filter, Runner, SagaId, Sagas, Settings, StartError, StartSaga, Started, VerbError,
};
use arcadia_sql::{Db, Error, Options};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Its number, the test's address, the shelf's address, the database's URL.
pub const ORDERS: &str = "ARCADIA_STORM_ORDERS";

pub const LEASE: Duration = Duration::from_secs(1);
/// The minute after which an absent thing is believed absent takes a second.
const SPEED: f64 = 60.0;
const IN_FLIGHT_MAX: usize = 128;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);

pub async fn work(orders: &str) {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let words: Vec<&str> = orders.split(' ').collect();
    let [number, test, shelf, url] = words[..] else { panic!("orders like `{orders}`") };
    let (reading, mut writing) = TcpStream::connect(test).await.unwrap().into_split();
    writing.write_all(format!("worker {number}\n").as_bytes()).await.unwrap();

    let registry = Arc::new(steps::registry());
    let sagas = Sagas::new(open(url).await, Clock::machine(SPEED), &registry);
    let reach = Arc::new(Reach { address: shelf.parse().unwrap(), worker: number.parse().unwrap() });
    let settings = Settings {
        node_name: format!("worker-{number}"),
        lease: LEASE,
        call_timeout: CALL_TIMEOUT,
        in_flight_max: IN_FLIGHT_MAX,
        ..Settings::default()
    };
    let runner = Runner::new(sagas.clone(), registry, reach, settings);
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { runner.run(stop).await }
    });

    let (say, mut said) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        while let Some(line) = said.recv().await {
            // The test may have heard enough.
            let _ = writing.write_all(line.as_bytes()).await;
        }
    });
    let mut lines = BufReader::new(reading).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let (sagas, say) = (sagas.clone(), say.clone());
        tokio::spawn(async move {
            let answer = obey(&sagas, &line).await.unwrap_or_else(|why| Some(format!("trouble {why}")));
            // Nobody writes any more when this process is ending.
            let _ = answer.map(|answer| say.send(format!("{answer}\n")));
        });
    }
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// The server may be away just now.
async fn open(url: &str) -> Db {
    loop {
        match Db::connect(url, Options::default()).await {
            Ok(db) => return db,
            Err(error) => tracing::warn!(%error, "the database is away"),
        }
        tokio::time::sleep(TRY_AGAIN_AFTER).await;
    }
}

/// Nothing when there is nothing to say; an error is one that trying again does not heal.
async fn obey(sagas: &Sagas, line: &str) -> Result<Option<String>, String> {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["start", number, id, plan, lock] => {
            let started = start(sagas, id.parse().unwrap(), plan == "pivot", lock).await?;
            Ok(Some(format!("{} {number}", if started { "started" } else { "conflict" })))
        }
        ["cancel", id] => cancel(sagas, id.parse().unwrap()).await.map(|()| None),
        ["look", number] => {
            let seen = look(sagas).await;
            Ok(seen.map(|(unfinished, helped)| format!("seen {number} {unfinished} {helped}")))
        }
        _ => Err(format!("no such command as `{line}`")),
    }
}

/// False when another saga holds the lock. A start whose answer was lost finds itself.
async fn start(sagas: &Sagas, id: SagaId, has_pivot: bool, lock: &str) -> Result<bool, String> {
    let steps = if has_pivot { WITH_PIVOT } else { ONLY_PUTS };
    let asked = StartSaga {
        id: Some(id),
        kind: "storm".to_owned(),
        steps: steps.map(str::to_owned).to_vec(),
        triggered_by: "system:storm".to_owned(),
        locks: (lock != "-").then(|| lock.to_owned()).into_iter().collect(),
        ..StartSaga::default()
    };
    loop {
        match sagas.start(asked.clone()).await {
            Ok(Started::New(_) | Started::Replayed(_)) | Err(StartError::Taken(_)) => return Ok(true),
            Err(StartError::Conflict { saga, .. }) => return Ok(saga == id),
            Err(StartError::Database(error)) => pause_after(&error).await?,
            Err(error) => return Err(error.to_string()),
        }
    }
}

async fn cancel(sagas: &Sagas, id: SagaId) -> Result<(), String> {
    loop {
        match sagas.cancel(id, "user:storm").await {
            Ok(_) | Err(VerbError::Refused { .. }) => return Ok(()),
            Err(VerbError::Database(error)) => pause_after(&error).await?,
            Err(VerbError::NotFound(_)) => return Err(format!("saga {id} was started and is gone")),
        }
    }
}

async fn pause_after(error: &Error) -> Result<(), String> {
    tracing::warn!(%error, "to be tried again");
    if !error.is_retryable() {
        return Err(error.to_string());
    }
    tokio::time::sleep(TRY_AGAIN_AFTER).await;
    Ok(())
}

/// How many sagas have not ended, and how many of them an operator had to help: a saga whose process died three
/// times at one step is not tried again by itself. Nothing while the database is away.
async fn look(sagas: &Sagas) -> Option<(i64, usize)> {
    let (unfinished, mut helped) = (sagas.unfinished().await.ok()?, 0);
    let filter = Filter { needs_attention: true, limit: 200, ..Filter::default() };
    for saga in sagas.list(&filter).await.ok()? {
        let crashed = saga.attention.is_some_and(|why| why["reason"] == "crashed");
        let by = By { actor: "user:operator", reason: "its processes were killed on purpose" };
        helped += usize::from(crashed && sagas.retry(saga.id, by).await.is_ok());
    }
    Some((unfinished, helped))
}
