//! `arcadia serve`: the HTTP API and a runner in one process.

use super::{GivenSettings, log, print_line, stop, worker};
use crate::cloud::Service;
use crate::config::Config;
use crate::http;
use crate::recovery::Watch;
use crate::tokens::Verifier;
use anyhow::Context as _;
use clap::Args;
use std::future::IntoFuture as _;
use std::time::Duration;
use tokio::net::TcpListener;

/// A connection that does not come to an end is cut so long after a stop was asked for.
const CONNECTIONS_GRACE: Duration = Duration::from_secs(35);

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The address of the API; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

impl Flags {
    pub(super) fn settings(&self) -> GivenSettings {
        vec![("listen", self.listen.clone())]
    }
}

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    log::start(config.log_format);
    let secret = config.jwt_secret.as_ref().context(
        "no secret to verify tokens with; set `ARCADIA_JWT_SECRET` to at least 32 bytes shared with their issuer",
    )?;
    let verifier = Verifier::new(secret);
    let service = Service::open(&config).await?;
    let listener = TcpListener::bind(&config.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let stop = stop::on_signal()?;
    let watch = Watch::begin(&service.cloud, Some(&config.data_dir));
    let runner = service.runner(worker::settings(&config));
    let router = http::router(service.cloud.clone(), verifier);
    print_line(format_args!("listening on http://{address}"))?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");

    let serving = http::serve(listener, router, stop.clone()).into_future();
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(CONNECTIONS_GRACE).await;
    };
    let served = async {
        let served = tokio::select! { served = serving => served, () = overdue => Ok(()) };
        // A server that ends by itself takes the runner with it.
        stop.cancel();
        served
    };
    let (served, ran, ()) = tokio::join!(served, worker::run_until(&runner, &stop), watch.keep(stop.clone()));
    service.cloud.db.close().await;
    ran?;
    Ok(served?)
}
