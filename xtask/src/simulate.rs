//! `cargo xtask simulate`: seeds of the engine's simulation, shared out among the machine's cores. Every failing seed
//! is printed with the command that replays it.

use std::ops::Range;
use std::process::Stdio;
use std::thread::available_parallelism;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::command::{self, Group};
use crate::postgres::{self, Server};

/// What a person asks for.
#[derive(Args)]
pub(crate) struct Simulate {
    /// One seed, with the trace of its last events when it fails
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// A range of seeds, such as 0..10000
    #[arg(long, value_parser = range, default_value = "0..1000")]
    seeds: Range<u64>,
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    database: Database,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    fn word(self) -> &'static str {
        match self {
            Database::Sqlite => "sqlite",
            Database::Postgres => "postgres",
        }
    }
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("a range is two numbers, such as 0..1000")?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    let seeds = number(from)?..number(to)?;
    if seeds.is_empty() { Err("the range is empty".to_owned()) } else { Ok(seeds) }
}

pub(crate) async fn run(asked: Simulate) -> Result<()> {
    let seeds = asked.seed.map_or(asked.seeds, |seed| seed..seed + 1);
    let server = if asked.database == Database::Postgres { Some(Server::ready().await?) } else { None };
    let mut build = command::cargo();
    build.args(["build", "--quiet", "--package", "arcadia-saga", "--example", "simulate"]);
    command::quietly(&mut build).await?;

    let begun = Instant::now();
    let shares = shares(&seeds, available_parallelism().map_or(1, usize::from));
    let mut running = Vec::new();
    for share in shares {
        running.push(Box::pin(follow(share, asked.database, server.as_ref().map(Server::url))));
    }
    let mut failed = 0;
    for share in join(running).await {
        failed += share?;
    }
    let count = seeds.end - seeds.start;
    println!("xtask: {count} seeds on {}, {} s", asked.database.word(), begun.elapsed().as_secs());
    ensure!(failed == 0, "{failed} of {count} seeds failed");
    Ok(())
}

/// Drives all together, since each is a process of its own.
async fn join<F: Future + Send + 'static>(running: Vec<F>) -> Vec<F::Output>
where
    F::Output: Send + 'static,
{
    let tasks: Vec<_> = running.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        if let Ok(output) = task.await {
            done.push(output);
        }
    }
    done
}

fn shares(seeds: &Range<u64>, cores: usize) -> Vec<Range<u64>> {
    let cores = u64::try_from(cores).unwrap_or(1).min(seeds.end - seeds.start).max(1);
    let length = (seeds.end - seeds.start).div_ceil(cores);
    let starts = (0..cores).map(|core| seeds.start + core * length);
    starts.filter(|from| *from < seeds.end).map(|from| from..(from + length).min(seeds.end)).collect()
}

/// Runs a share and answers how many of its seeds failed.
async fn follow(seeds: Range<u64>, database: Database, url: Option<String>) -> Result<usize> {
    let mut simulate = command::dying_with_us("TERM", program());
    simulate.args([seeds.start.to_string(), seeds.end.to_string(), database.word().to_owned()]);
    if let Some(url) = url {
        simulate.env(postgres::VARIABLE, url);
    }
    in_memory(&mut simulate);
    let mut group = Group::start(simulate.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let output = group.child().stdout.take().context("the simulation has no output")?;
    let mut lines = BufReader::new(output).lines();
    let (mut failed, mut ended) = (0, false);
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
        ended |= line.starts_with("held: ");
        if let Some(rest) = line.strip_prefix("failed: seed ") {
            failed += 1;
            let seed = rest.split(' ').next().unwrap_or_default();
            println!("  replay: cargo xtask simulate --database {} --seed {seed}", database.word());
        }
    }
    let status = group.child().wait().await?;
    if !ended {
        bail!("the simulation of seeds {}..{} ended before its last ({status})", seeds.start, seeds.end);
    }
    Ok(failed)
}

fn program() -> std::path::PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| command::workspace().join("target"), std::path::PathBuf::from);
    target.join("debug/examples/simulate")
}

/// SQLite's file lies in memory where the system has a place for that: a simulated crash is not a power loss, and
/// flushing would take most of the time.
fn in_memory(simulate: &mut Command) {
    let shared_memory = std::path::Path::new("/dev/shm");
    if shared_memory.is_dir() {
        simulate.env("TMPDIR", shared_memory);
    }
}
