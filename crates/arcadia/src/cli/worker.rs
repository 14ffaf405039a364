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
    let usual = Settings::default();
    Settings {
        node_name: format!("arcadia-{}", std::process::id()),
        lease: config.lease,
        call_timeout: config.call_timeout,
        // A stop that did not wait for a call to be answered or given up would leave a saga in doubt.
        grace: usual.grace.max(config.call_timeout),
        ..usual
    }
}

#[cfg(test)]
mod tests {
    use super::settings;
    use crate::config::{Config, Sources};
    use std::time::Duration;

    #[test]
    fn a_stop_waits_at_least_for_as_long_as_a_call_may_take() {
        let grace = |call_timeout_ms: &str| {
            let variable = |name: &str| match name {
                "ARCADIA_LEASE_MS" => Some("300000".to_owned()),
                "ARCADIA_CALL_TIMEOUT_MS" => Some(call_timeout_ms.to_owned()),
                _ => None,
            };
            settings(&Config::load_with(&Sources::default(), variable).unwrap()).grace
        };
        assert_eq!(grace("120000"), Duration::from_secs(120));
        assert_eq!(grace("6000"), Duration::from_secs(20));
    }
}
