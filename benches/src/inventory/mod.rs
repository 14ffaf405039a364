//! The inventory: what a sync of unchanged resources costs, that it writes what changed and nothing else, its memory,
//! and how long first pages and lists of the past take.

mod account;
mod fill;
mod pages;

use crate::place::Place;
use crate::probe::{own_busy, resident_mib};
use account::Account;
use anyhow::ensure;
use arcadia::inventory::sync::run_now;
use clap::Args;
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Droplets that are synced again and again.
    #[arg(long, default_value_t = 10_000)]
    droplets: usize,
    /// Droplets during whose sync memory is measured.
    #[arg(long, default_value_t = 100_000)]
    many: usize,
    /// Resources that are listed; each has ten events and states.
    #[arg(long, default_value_t = 100_000)]
    resources: usize,
    /// Rounds; figures of processor time are medians.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Calls of each list.
    #[arg(long, default_value_t = 500)]
    calls: usize,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let opened = arguments.place.open().await?;
    let mut account = Account::new(opened.db.clone()).await?;
    let (mut lines, mut json) = (Vec::new(), json!({}));

    account.make(arguments.droplets)?;
    account.sync().await?;
    let (each_us, beyond_us) = unchanged(&account, arguments.droplets, arguments.rounds).await?;
    lines.push(format!(
        "I1 a sync of {} unchanged droplets: {beyond_us:.1} µs of processor time each beyond listing ({each_us:.1} with it and the simulator)",
        arguments.droplets
    ));
    json["I1"] = json!({"droplets": arguments.droplets, "each_us": each_us, "beyond_listing_us": beyond_us});

    let changed = (arguments.droplets / 100).max(1);
    let events = fill::count_events(&opened.db).await?;
    account.rename(changed)?;
    let tally = account.sync().await?;
    let added = fill::count_events(&opened.db).await? - events;
    ensure!(
        usize::try_from(tally.updated)? == changed && usize::try_from(added)? == changed,
        "{changed} changed, {added} events, {tally:?}"
    );
    lines.push(format!("I2 of {} droplets {changed} changed: {added} events", arguments.droplets));
    json["I2"] = json!({"changed": changed, "events": added});

    account.make(arguments.many.saturating_sub(arguments.droplets))?;
    let growth_mib = memory(&account).await?;
    lines.push(format!("I3 memory during a sync of {} droplets: {growth_mib:.1} MiB over idle, the simulator's answers among them", arguments.many));
    json["I3"] = json!({"droplets": arguments.many, "growth_mib": growth_mib});

    fill::clear(&opened.db).await?;
    fill::fill(&opened.db, arguments.resources).await?;
    let figures = pages::measure(&opened.db, arguments.resources, arguments.calls).await?;
    lines.extend(figures.iter().map(|figure| format!("I4 {figure}")));
    json["I4"] = figures.iter().map(pages::Figure::json).collect();
    arguments.place.report(&lines, &json);
    Ok(())
}

/// Processor time of each droplet in a sync that changes nothing, in microseconds: all of it, and without what listing
/// alone takes.
async fn unchanged(account: &Account, droplets: usize, rounds: usize) -> anyhow::Result<(f64, f64)> {
    let events = fill::count_events(account.db()).await?;
    let (mut syncs, mut beyond) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let began = own_busy()?;
        account.list(droplets).await?;
        let listed = own_busy()?;
        let tally = account.sync().await?;
        let synced = own_busy()?;
        ensure!(usize::try_from(tally.unchanged)? == droplets, "{tally:?}");
        let each_us = |time: Duration| time.as_secs_f64() * 1e6 / droplets as f64;
        syncs.push(each_us(synced - listed));
        beyond.push(each_us(synced - listed) - each_us(listed - began));
    }
    ensure!(fill::count_events(account.db()).await? == events, "what did not change has events");
    Ok((crate::probe::median(&mut syncs), crate::probe::median(&mut beyond)))
}

async fn memory(account: &Account) -> anyhow::Result<f64> {
    account.sync().await?;
    let (idle, most) = (resident_mib(), Mutex::new(0.0_f64));
    let look = |_: &_| {
        if let Ok(mut most) = most.lock() {
            *most = most.max(resident_mib());
        }
    };
    run_now(&account.cloud, "droplets", "bench", &look).await?;
    let most = most.into_inner().unwrap_or_default().max(resident_mib());
    Ok(most - idle)
}
