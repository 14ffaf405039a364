//! `arcadia sync [KIND…]`: looks at the account now, in this process, and says what it found.

use super::{log, print_line};
use crate::cloud::Service;
use crate::config::Config;
use crate::inventory::runs::Tally;
use crate::inventory::sync::{self, NAMES};
use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

const SPIN_EVERY: Duration = Duration::from_millis(80);

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// What to look at; everything where nothing is named
    #[arg(value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(NAMES))]
    kinds: Vec<String>,
}

pub(super) async fn run(config: &Config, flags: Flags) -> anyhow::Result<()> {
    log::start(config.log_format);
    let service = Service::open(config).await.context(
        "cannot sync in this process; where a server uses the database, run the schedule there: POST /api/v1/schedules/<kind>/run",
    )?;
    let wanted: Vec<&str> = match flags.kinds.as_slice() {
        [] => NAMES.into_iter().filter(|name| *name != "droplet_statuses").collect(),
        kinds => NAMES.into_iter().filter(|name| kinds.iter().any(|kind| kind == name)).collect(),
    };
    let mut failed = 0;
    for name in &wanted {
        failed += usize::from(!one(&service, name).await?);
    }
    service.cloud.db.close().await;
    if failed > 0 {
        bail!("{failed} of {} syncs failed; nothing was deleted by them", wanted.len());
    }
    Ok(())
}

/// Answers whether the listing was complete.
async fn one(service: &Service, name: &str) -> anyhow::Result<bool> {
    let bar =
        ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {prefix} {msg}")?);
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(SPIN_EVERY);
    let progress =
        |tally: &Tally| bar.set_message(format!("{} pages, {} received", tally.pages, tally.received));
    let done = sync::run_now(&service.cloud, name, "cli", &progress).await;
    bar.finish_and_clear();
    match done {
        Ok(done) => {
            let tally = done.map(|done| done.tally).unwrap_or_default();
            print_line(format_args!("{name}: {}", words(&tally)))?;
            Ok(true)
        }
        Err(stop) => {
            print_line(format_args!("{name}: failed: {stop}"))?;
            Ok(false)
        }
    }
}

fn words(tally: &Tally) -> String {
    let counts = [
        (tally.discovered, "discovered"),
        (tally.updated, "updated"),
        (tally.restored, "restored"),
        (tally.struck, "not seen"),
        (tally.deleted, "deleted"),
    ];
    let changed = counts.iter().filter(|(count, _)| *count > 0);
    let mut words = vec![format!("{} received", tally.received)];
    words.extend(changed.map(|(count, what)| format!("{count} {what}")));
    if tally.suspicious {
        words.push("suspicious: more than a third is gone, the next sync confirms or clears it".to_owned());
    }
    words.join(", ")
}
