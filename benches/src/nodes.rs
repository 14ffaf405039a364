//! Several nodes on one PostgreSQL, each a process of its own with its own load, against one of them alone, in turn.

use crate::place::Place;
use crate::probe;
use crate::sagas::{GOOD, Node, throughput};
use anyhow::Context as _;
use arcadia_saga::{Registry, Settings};
use arcadia_sql::{Db, Options};
use clap::Args;
use serde_json::json;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Sagas at once on each node.
    #[arg(long, default_value_t = 512)]
    in_flight: usize,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measurement in a round.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

#[derive(Args)]
pub struct LoadArguments {
    #[arg(long)]
    database: String,
    #[arg(long)]
    in_flight: usize,
    #[arg(long)]
    seconds: f64,
}

/// One node's process: it runs when it is told to by a line, and answers with its sagas a second.
pub async fn load(arguments: LoadArguments) -> anyhow::Result<()> {
    let db = Db::connect(&arguments.database, Options::default()).await?;
    let settings = Settings { in_flight_max: 20_000, ..Settings::default() };
    let node = Node::start(db, Registry::<()>::new(), (), settings).await?;
    println!("ready");
    while tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await?.transpose()?.is_some() {
        let time = Duration::from_secs_f64(arguments.seconds);
        let (per_s, ..) = throughput(&node.sagas, arguments.in_flight, GOOD, time).await?;
        println!("{per_s}");
    }
    node.stop().await
}

struct Process {
    child: tokio::process::Child,
    answers: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Process {
    async fn start(url: &str, arguments: &Arguments) -> anyhow::Result<Process> {
        let (in_flight, seconds) = (arguments.in_flight.to_string(), arguments.seconds.to_string());
        let mut child = tokio::process::Command::new(std::env::current_exe()?)
            .args(["load", "--database", url, "--in-flight", &in_flight, "--seconds", &seconds])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut answers = BufReader::new(child.stdout.take().context("the child's output")?).lines();
        let ready = answers.next_line().await?;
        anyhow::ensure!(ready.as_deref() == Some("ready"), "the child said {ready:?}");
        Ok(Process { child, answers })
    }

    async fn run(&mut self) -> anyhow::Result<f64> {
        self.child.stdin.as_mut().context("the child's input")?.write_all(b"go\n").await?;
        let answer = self.answers.next_line().await?.context("the child ended")?;
        Ok(answer.parse()?)
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(
        arguments.place.database.is_some(),
        "several nodes need a PostgreSQL: name one with --database"
    );
    let opened = arguments.place.open().await?;
    let mut nodes = Vec::new();
    for _ in 0..arguments.nodes {
        nodes.push(Process::start(&opened.url, &arguments).await?);
    }
    let (mut alone, mut together, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=arguments.rounds {
        let one = nodes.first_mut().context("at least one node")?.run().await?;
        let all = futures_util::future::try_join_all(nodes.iter_mut().map(Process::run)).await?;
        let all: f64 = all.iter().sum();
        eprintln!("round {round}: {one:.0} sagas/s alone, {all:.0} together");
        alone.push(one);
        together.push(all);
        ratios.push(all / one);
    }
    let (one, all, ratio) =
        (probe::median(&mut alone), probe::median(&mut together), probe::median(&mut ratios));
    let lines = [format!(
        "{} nodes: {all:.0} sagas/s together, {one:.0} one alone; {:.0} % ({:.0} to {:.0})",
        arguments.nodes,
        100.0 * ratio,
        100.0 * ratios[0],
        100.0 * ratios[ratios.len() - 1]
    )];
    let json = json!({"nodes": arguments.nodes, "together_per_s": all, "alone_per_s": one, "ratio": ratio});
    arguments.place.report(&lines, &json);
    Ok(())
}
