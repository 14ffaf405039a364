//! From a SIGKILL with sagas in flight to the first step that is resumed: on SQLite by the next process, on
//! PostgreSQL by another node that was there, and had nothing, when it happened.

use crate::sagas::{Node, asked};
use anyhow::Context as _;
use arcadia_saga::{Outcome, Registry, Run, Settings, Step};
use arcadia_sql::{Db, Engine, Options};
use clap::Args;
use serde_json::Map;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

#[derive(Args)]
pub struct HoldArguments {
    #[arg(long)]
    database: String,
    #[arg(long)]
    count: usize,
}

/// Never ends in the process that is killed; tells when it is resumed.
struct Hold {
    resumed: Option<mpsc::UnboundedSender<Instant>>,
}

impl Step<()> for Hold {
    const NAME: &'static str = "hold";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, _run: &Run<()>, (): ()) -> Outcome<()> {
        match &self.resumed {
            Some(resumed) => {
                // The measurement is over when nobody listens.
                let _ = resumed.send(Instant::now());
                Ok(())
            }
            None => std::future::pending().await,
        }
    }
}

fn settings() -> Settings {
    Settings { in_flight_max: 20_000, ..Settings::default() }
}

/// The process that is killed.
pub async fn hold(arguments: HoldArguments) -> anyhow::Result<()> {
    let db = Db::connect(&arguments.database, Options::default()).await?;
    let registry = Registry::new().step(Hold { resumed: None });
    let node = Node::start(db, registry, (), settings()).await?;
    for _ in 0..arguments.count {
        node.sagas.start(asked(node.sagas.new_id(), &["hold"], Map::new())).await?;
    }
    while node.sagas.owned().await? < i64::try_from(arguments.count)? {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("holding");
    std::future::pending().await
}

pub async fn measure(db: Db, url: &str, count: usize) -> anyhow::Result<f64> {
    let (resumed, mut resumes) = mpsc::unbounded_channel();
    let registry = Registry::new().step(Hold { resumed: Some(resumed) });
    let holding = start(url, count, &db).await?;
    let (killed, node) = match db.engine() {
        Engine::Sqlite => {
            let killed = kill(holding).await?;
            let db = Db::connect(url, Options::default()).await?;
            (killed, Node::start(db, registry, (), settings()).await?)
        }
        Engine::Postgres => {
            let node = Node::start(db, registry, (), settings()).await?;
            (kill(holding).await?, node)
        }
    };
    let first = tokio::time::timeout(Duration::from_secs(60), resumes.recv()).await?;
    let first = first.context("no saga was resumed")?;
    for _ in 1..count {
        tokio::time::timeout(Duration::from_secs(60), resumes.recv()).await?;
    }
    node.stop().await?;
    Ok(first.saturating_duration_since(killed).as_secs_f64() * 1000.0)
}

/// Starts the process that holds everything. A SQLite file is its own from then on.
async fn start(url: &str, count: usize, db: &Db) -> anyhow::Result<Child> {
    if db.engine() == Engine::Sqlite {
        db.close().await;
    }
    let mut child = Command::new(std::env::current_exe()?)
        .args(["hold", "--database", url, "--count", &count.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().context("the child's output")?;
    let line = BufReader::new(stdout).lines().next_line().await?;
    anyhow::ensure!(line.as_deref() == Some("holding"), "the child said {line:?}");
    Ok(child)
}

/// Answers when.
async fn kill(mut child: Child) -> anyhow::Result<Instant> {
    child.kill().await?;
    Ok(Instant::now())
}
