//! `arcadia-bench`: measures what docs/performance.md claims, each figure beside the machine's own limit of the
//! same run. Called by `cargo xtask bench`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod history;
mod nodes;
mod place;
mod probe;
mod recovery;
mod sagas;
mod schedules;
mod steady;
mod waiting;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures what docs/performance.md claims")]
struct Arguments {
    #[command(subcommand)]
    area: Area,
}

#[derive(Subcommand)]
enum Area {
    /// The engine: throughput, latency, rollback, waiting, recovery.
    Sagas(sagas::Arguments),
    /// The engine's throughput for a minute.
    Steady(steady::Arguments),
    /// The engine with millions of sagas waiting for a timer: memory, processor when idle.
    Waiting(waiting::Arguments),
    /// The engine with millions of ended sagas in its tables.
    History(history::Arguments),
    /// Several nodes on one PostgreSQL.
    Nodes(nodes::Arguments),
    /// A thousand schedules due at once.
    Schedules(schedules::Arguments),
    /// Holds sagas in flight until it is killed; used by the recovery measurement.
    #[command(hide = true)]
    Hold(recovery::HoldArguments),
    /// A node of the measurement with several nodes.
    #[command(hide = true)]
    Load(nodes::LoadArguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().area {
        Area::Sagas(arguments) => sagas::run(arguments).await,
        Area::Steady(arguments) => steady::run(arguments).await,
        Area::Waiting(arguments) => waiting::run(arguments).await,
        Area::History(arguments) => history::run(arguments).await,
        Area::Nodes(arguments) => nodes::run(arguments).await,
        Area::Schedules(arguments) => schedules::run(arguments).await,
        Area::Hold(arguments) => recovery::hold(arguments).await,
        Area::Load(arguments) => nodes::load(arguments).await,
    }
}
