//! `arcadia recover`: what the provider has that the ledger does not know, and the reverse. It changes nothing at the
//! provider, ever; with `--release` it lets claims go on.

use super::{log, print_line};
use crate::cloud::Service;
use crate::config::Config;
use crate::recovery::destroyers::Destroyer;
use crate::recovery::report::Report;
use crate::recovery::{Difference, Released, release};
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};
use std::io::Write as _;

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// How the report looks
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Let claims go on: a person has looked at every difference
    #[arg(long, requires = "reason")]
    release: bool,
    /// Why they may go on; recorded
    #[arg(long, value_name = "TEXT", requires = "release")]
    reason: Option<String>,
    /// Who says so; recorded
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator")]
    by: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub(super) async fn run(config: &Config, flags: Flags) -> anyhow::Result<()> {
    log::start(config.log_format);
    let reason = flags.reason.as_deref().map(str::trim);
    if reason.is_some_and(str::is_empty) {
        bail!("say why claims may go on: `--reason` is empty");
    }
    let service = Service::open_beside(config).await?;
    let report = Report::make(&service.cloud).await.context("nothing was compared, nothing was changed")?;
    match flags.output {
        Output::Table => print_table(&report)?,
        Output::Json => print_line(serde_json::to_string_pretty(&report)?)?,
    }
    if let (true, Some(reason)) = (flags.release, reason) {
        let released = release(&service.cloud, &report, &flags.by, reason).await?;
        tell(released)?;
    }
    service.cloud.db.close().await;
    Ok(())
}

fn tell(released: Released) -> anyhow::Result<()> {
    let words = match released {
        Released::GoOn { in_doubt } => {
            format!("claims go on; {in_doubt} unfinished sagas look before each of their steps")
        }
        Released::NothingHeld => "claims are not held; nothing was changed".to_owned(),
    };
    Ok(writeln!(anstream::stderr(), "{words}")?)
}

fn print_table(report: &Report) -> anyhow::Result<()> {
    if !report.differences.is_empty() {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["thing", "marks", "a month", "the ledger says", "proposal"]);
        for difference in &report.differences {
            table.add_row(row(difference));
        }
        print_line(table)?;
    }
    for Destroyer { saga, kind, status, because, .. } in &report.would_destroy {
        print_line(format_args!("after a release saga {saga} ({kind}, {status}) goes on: {because}"))?;
    }
    let held = match &report.held {
        Some(hold) => format!("claims are held since {}: {}", hold.held_at, hold.reason),
        None => "claims are not held".to_owned(),
    };
    print_line(format_args!(
        "{} differences; {} unfinished sagas; {held}",
        report.differences.len(),
        report.unfinished_sagas
    ))?;
    if !report.would_destroy.is_empty() {
        print_line("hint: cancel or abandon before the release what was called back in the lost commits")?;
    }
    if report.held.is_some() {
        print_line(
            "hint: `arcadia recover --release --reason \"…\"` lets claims go on; by itself it destroys nothing",
        )?;
    }
    Ok(())
}

fn row(difference: &Difference) -> [String; 5] {
    let Difference { thing, name, .. } = difference;
    let known = if difference.known { " (known)" } else { "" };
    [
        format!("{} {}\n{name}", thing.kind, thing.id),
        difference.marks.join("\n"),
        difference.monthly_cost_usd.as_ref().map_or_else(String::new, |cost| format!("${cost}")),
        format!("{}{known}\n{}", difference.disagreement.as_str(), difference.ledger),
        format!("{}\n{}", difference.proposal.as_str(), difference.advice),
    ]
}
