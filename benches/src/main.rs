//! `arcadia-bench sagas`: the engine's figures, each beside the machine's own limit from the same run.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use arcadia_saga::{Clock, Registry, Runner, SagaId, Sagas, Settings, StartSaga, Status};
use arcadia_sql::{Db, MIGRATIONS, Options};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_default();
    let in_flight: usize = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(512);
    let secs: f64 = std::env::args().nth(3).and_then(|n| n.parse().ok()).unwrap_or(3.0);
    let dir = tempfile::tempdir()?;
    let url = if url.is_empty() || url == "sqlite" { format!("sqlite://{}/b.db", dir.path().display()) } else { url };
    let db = Db::connect(&url, Options::default()).await?;
    db.migrate(&MIGRATIONS).await?;
    let registry = Arc::new(Registry::<()>::new());
    let sagas = Sagas::new(db, Clock::machine(1.0), &registry);
    let settings = Settings { in_flight_max: 4096, ..Settings::default() };
    let runner = Arc::new(Runner::new(sagas.clone(), registry, Arc::new(()), settings));
    let stop = CancellationToken::new();
    let running = tokio::spawn({ let (r, s) = (Arc::clone(&runner), stop.clone()); async move { r.run(s).await } });
    tokio::time::sleep(Duration::from_millis(300)).await;
    for steps in [["echo", "echo", "echo"], ["echo", "echo", "fail"]] {
        let began = Instant::now();
        let mut workers = Vec::new();
        for _ in 0..in_flight {
            let sagas = sagas.clone();
            workers.push(tokio::spawn(async move {
                let mut done = Vec::new();
                while began.elapsed().as_secs_f64() < secs {
                    let t = Instant::now();
                    one(&sagas, &steps).await;
                    done.push(t.elapsed());
                }
                done
            }));
        }
        let mut all = Vec::new();
        for w in workers { all.extend(w.await?); }
        let took = began.elapsed().as_secs_f64();
        all.sort();
        println!("{steps:?} in flight {in_flight}: {:.0}/s p50 {:?} p99 {:?} n={}", all.len() as f64 / took, all[all.len()/2], all[all.len()*99/100], all.len());
    }
    let n = sagas.unfinished().await?;
    println!("unfinished {n}");
    let last = sagas.list(&arcadia_saga::Filter { status: Some(Status::RolledBack), limit: 1, ..Default::default() }).await?;
    println!("{:?}", last.first().map(|s| (s.epoch, s.error.clone())));
    stop.cancel();
    running.await?;
    Ok(())
}

async fn one(sagas: &Sagas, steps: &[&str; 3]) {
    let id: SagaId = sagas.new_id();
    let end = sagas.end_here(id);
    let mut inputs = serde_json::Map::new();
    inputs.insert("message".to_owned(), "hello".into());
    let start = StartSaga { id: Some(id), kind: "test".to_owned(), steps: steps.iter().map(|s| (*s).to_owned()).collect(), inputs, triggered_by: "system:bench".to_owned(), ..StartSaga::default() };
    sagas.start(start).await.expect("starts");
    end.await.expect("ends");
}
