//! The project's chores, as `cargo xtask <chore>`.
//! Every chore runs on a fresh machine with Rust alone: what it needs besides, it finds or installs, and says so.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its user")]

mod bench;
mod command;
mod count;
mod node;
mod openapi;
mod postgres;
mod python;
mod simulate;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run all tests on both databases, or those whose names contain a filter
    Test { filters: Vec<String> },
    /// Simulate several nodes, seed by seed; a failing seed is printed with the command that replays it
    Simulate(simulate::Simulate),
    /// Measure an area (sagas); `--database postgres` starts a server for it, `--json` ends with one object
    Bench {
        area: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chore = async {
        match arguments.chore {
            Chore::Test { filters } => test::run(&filters).await,
            Chore::Simulate(asked) => simulate::run(asked).await,
            Chore::Bench { area, arguments } => bench::run(&area, &arguments).await,
        }
    };
    // What a chore has started is ended by dropping it, so an interrupt only has to stop waiting for the chore.
    let done = tokio::select! {
        done = chore => done,
        signal = command::interrupted() => Err(anyhow::anyhow!("stopped by {signal}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
