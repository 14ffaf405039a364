//! `arcadia-bench`: measures what docs/performance.md claims, each figure beside the machine's own limit of the
//! same run. Called by `cargo xtask bench`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod probe;
mod recovery;
mod sagas;
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
    /// Holds sagas in flight until it is killed; used by the recovery measurement.
    #[command(hide = true)]
    Hold(recovery::HoldArguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().area {
        Area::Sagas(arguments) => sagas::run(arguments).await,
        Area::Hold(arguments) => recovery::hold(arguments).await,
    }
}
