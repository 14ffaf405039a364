//! `arcadia demo`: the whole service beside a simulated DigitalOcean in one process. One deployment comes to
//! serve before the viewer's eyes, one is refused its name and rolls back, and then the account is searched for leftovers.

mod leftovers;
mod progress;
mod report;
mod stage;
mod visitor;

use super::{print_line, stop};
use crate::config::Config;
use anyhow::Context as _;
use clap::Args;
use digitalocean_sim::{Fault, FaultKind};
use progress::Watcher;
use report::Report;
use stage::{DOMAIN, Stage};
use std::io::Write as _;
use visitor::{Deployment, Visitor};

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// End after the two deployments instead of going on serving
    #[arg(long)]
    exit: bool,
    /// Print one JSON object as the last line on stdout
    #[arg(long)]
    json: bool,
    /// How many times faster than real time the provider and the waits run
    #[arg(long, default_value_t = 15.0)]
    speed: f64,
    /// The address of the API; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,
}

/// `database` is the one named by the flag; without it a temporary file serves.
pub(super) async fn run(config: Config, database: Option<String>, flags: Flags) -> anyhow::Result<()> {
    anyhow::ensure!(flags.speed.is_finite() && flags.speed > 0.0, "`--speed` must be above zero");
    if std::env::var_os("RUST_LOG").is_some() {
        super::log::start(config.log_format);
    }
    let stop = stop::on_signal()?;
    let stage = Stage::set(config, database, &flags.listen, flags.speed).await?;
    let played = tokio::select! {
        played = play(&stage, flags.json) => played,
        () = stop.cancelled() => Err(anyhow::anyhow!("interrupted")),
    };
    if played.is_ok() && !flags.exit {
        say(&stage.invitation())?;
        stop.cancelled().await;
    }
    stage.strike().await;
    played
}

async fn play(stage: &Stage, as_json: bool) -> anyhow::Result<()> {
    let visitor = Visitor::new(stage.address, &stage.token)?;
    let label = stage.random_label();
    say("A deployment for acme, from nothing to serving:")?;
    let provisioned = provision(&visitor, &format!("acme-{label}"), "Acme").await?;
    let refused = format!("globex-{label}");
    let message = "This name is not available.".to_owned();
    let fault = Fault::new("POST /v2/domains/{name}/records", FaultKind::Refuse { message });
    stage.simulator.inject(fault.matching(refused.as_str()));
    say("\nA deployment for globex, whose DNS record the provider refuses:")?;
    let rolled_back = provision(&visitor, &refused, "Globex").await?;
    let left_over = leftovers::find(&stage.simulator, &visitor).await?;

    let report = Report { provisioned, rolled_back, left_over };
    match as_json {
        true => print_line(report.json())?,
        false => print_line(report.table())?,
    }
    report.verdict()
}

/// Asks for a deployment as a user would, and shows its steps until its saga ends.
async fn provision(visitor: &Visitor, name: &str, display_name: &str) -> anyhow::Result<Deployment> {
    let hostname = format!("{name}.{DOMAIN}");
    let asked = visitor.create(name, display_name, &hostname).await?;
    let mut watcher = Watcher::new();
    let ended = visitor.follow(&asked.id, |deployment| watcher.show(deployment)).await;
    let ended = ended.with_context(|| format!("the deployment `{hostname}` did not come to an end"))?;
    watcher.finish(&ended)?;
    Ok(ended)
}

/// Talk goes to stderr, so that stdout holds data only.
fn say(words: &str) -> std::io::Result<()> {
    writeln!(anstream::stderr(), "{words}")
}
