//! `arcadia worker`: a runner without HTTP. Several share one PostgreSQL.

use super::{GivenSettings, log, stop};
use crate::cloud::{Cloud, Service};
use crate::config::Config;
use crate::recovery::Watch;
use arcadia_saga::{JournalStopped, Runner, Settings};
use clap::Args;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Args)]
pub(super) struct Flags {}

impl Flags {
    pub(super) fn settings(&self) -> GivenSettings {
        Vec::new()
    }
}

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    log::start(config.log_format);
    let service = Service::open(&config).await?;
    let stop = stop::on_signal()?;
    let watch = Watch::begin(&service.cloud, Some(&config.data_dir));
    let runner = service.runner(settings(&config));
    let (ran, ()) = tokio::join!(run_until(&runner, &stop), watch.keep(stop.clone()));
    service.cloud.db.close().await;
    Ok(ran?)
}

/// A runner that can write nothing any more takes the rest of the process with it.
pub(super) async fn run_until(
    runner: &Runner<Cloud>,
    stop: &CancellationToken,
) -> Result<(), JournalStopped> {
    let ran = runner.run(stop.clone()).await;
    stop.cancel();
    ran
}

/// A node's settings.
pub(super) fn settings(config: &Config) -> Settings {
    if config.call_timeout * 5 > config.lease * 4 {
        tracing::warn!(
            "`call_timeout_ms` is close to `lease_ms`: most calls will have to wait for a fresh lease"
        );
    }
    Settings {
        node_name: format!("arcadia-{}", std::process::id()),
        lease: config.lease,
        call_timeout: config.call_timeout,
        ..Settings::default()
    }
}
