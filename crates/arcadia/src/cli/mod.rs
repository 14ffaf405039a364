//! The command line, one file per command. Data goes to stdout, talk to stderr; exit code 0 is success, 1 a failure,
//! 2 a command that was not understood; of a server that was asked, 3 says that there is no such thing, 4 that it is not
//! allowed, 5 that nobody answers.

mod client;
mod config;
mod demo;
mod inventory;
mod log;
mod migrate;
mod output;
mod recover;
mod serve;
mod simulate;
mod stop;
mod sync;
mod token;
mod worker;

use crate::config::{Config, Sources};
use clap::{Args, Parser, Subcommand};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(
    name = "arcadia",
    version,
    about = "Cloud operations for companies that host one deployment per tenant"
)]
struct Arcadia {
    #[command(flatten)]
    settings: SettingFlags,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
struct SettingFlags {
    /// The settings file [default: arcadia.toml, where it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database: `sqlite://<file>` or `postgres://…`
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// How log lines look
    #[arg(long, global = true, value_name = "FORMAT", value_parser = ["auto", "human", "json"])]
    log_format: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See it all beside a simulated DigitalOcean: a deployment that succeeds, and one that rolls back
    Demo(demo::Flags),
    /// Serve the HTTP API and drive the sagas
    Serve(serve::Flags),
    /// Drive the sagas, without HTTP
    Worker(worker::Flags),
    /// Serve a simulated DigitalOcean
    Simulate(simulate::Flags),
    /// Look at the account now and bring the inventory up to date
    Sync(sync::Flags),
    /// Bring the database up to date
    Migrate,
    /// Compare the provider with a restored or failed-over database; let claims go on
    Recover(recover::Flags),
    /// Print a token for local development
    Token(token::Flags),
    /// Look at a server's inventory
    #[command(subcommand)]
    Inventory(inventory::Command),
    /// Print the effective settings, secrets masked
    Config,
}

/// Runs what the command line asks for.
#[must_use]
pub fn main() -> ExitCode {
    let arcadia = Arcadia::parse();
    let done = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(arcadia)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell when stderr is gone.
            let _ = writeln!(anstream::stderr(), "error: {error:#}");
            let failure = error.downcast_ref::<client::Failure>();
            failure.map_or(ExitCode::FAILURE, |failure| ExitCode::from(failure.exit_code()))
        }
    }
}

async fn run(arcadia: Arcadia) -> anyhow::Result<()> {
    let Arcadia { settings, command } = arcadia;
    let load = |flags| settings.load(flags);
    match command {
        Command::Demo(flags) => demo::run(load(Vec::new())?, settings.database.clone(), flags).await,
        Command::Serve(flags) => serve::run(load(flags.settings())?).await,
        Command::Worker(flags) => worker::run(load(flags.settings())?).await,
        Command::Simulate(flags) => simulate::run(&load(Vec::new())?, flags).await,
        Command::Sync(flags) => sync::run(&load(Vec::new())?, flags).await,
        Command::Migrate => migrate::run(&load(Vec::new())?).await,
        Command::Recover(flags) => recover::run(&load(Vec::new())?, flags).await,
        Command::Token(flags) => token::run(&load(Vec::new())?, &flags),
        Command::Inventory(command) => inventory::run(&load(Vec::new())?, command).await,
        Command::Config => config::run(&load(Vec::new())?),
    }
}

/// Settings by name, as flags gave them.
type GivenSettings = Vec<(&'static str, Option<String>)>;

impl SettingFlags {
    fn load(&self, given: GivenSettings) -> anyhow::Result<Config> {
        let shared = [("database_url", self.database.clone()), ("log_format", self.log_format.clone())];
        let flags =
            shared.into_iter().chain(given).filter_map(|(name, value)| Some((name, value?))).collect();
        Ok(Config::load(&Sources { file: self.config.clone(), flags })?)
    }
}

/// A line of data.
fn print_line(line: impl std::fmt::Display) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
