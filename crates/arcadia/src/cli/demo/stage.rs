//! What the demo plays on: the simulator, a database, the server and a runner, all in this process.

use crate::cli::worker;
use crate::cloud::Service;
use crate::config::Config;
use crate::http;
use crate::tokens::{Claims, Verifier, mint};
use anyhow::Context as _;
use arcadia_saga::Clock;
use digitalocean::Purpose;
use digitalocean_sim::{ClockMode, Options, Simulator};
use jiff::SignedDuration;
use secrecy::SecretString;
use std::net::SocketAddr;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The demo's only zone.
pub(super) const DOMAIN: &str = "arcadia-demo.com";

/// How long the pasted token is good for.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(12);

/// Two runs on one database begin somewhere in so many ids: their accounts have none in common.
const IDS: u64 = 1_000_000_000;

pub(super) struct Stage {
    pub(super) simulator: Simulator,
    pub(super) address: SocketAddr,
    pub(super) token: String,
    simulator_address: SocketAddr,
    service: Arc<Service>,
    stop: CancellationToken,
    running: JoinSet<()>,
    /// Holds the embedded database; gone with the demo.
    _folder: TempDir,
}

impl Stage {
    pub(super) async fn set(
        mut config: Config,
        database: Option<String>,
        listen: &str,
        speed: f64,
    ) -> anyhow::Result<Stage> {
        let folder = TempDir::new().context("cannot make a temporary folder")?;
        let (stop, mut running) = (CancellationToken::new(), JoinSet::new());
        let simulator = simulator(speed)?;
        let simulator_listener = TcpListener::bind("127.0.0.1:0").await?;
        let simulator_address = simulator_listener.local_addr()?;
        let (simulated, simulated_until) = (simulator.clone(), stop.clone());
        running.spawn(async move {
            if let Err(error) = simulated.serve(simulator_listener, simulated_until).await {
                tracing::error!(%error, "the simulator ended");
            }
        });

        let embedded = || format!("sqlite://{}", folder.path().join("demo.db").display());
        config.database_url = database.unwrap_or_else(embedded).into();
        config.digitalocean_api_url = format!("http://{simulator_address}");
        config.tokens = Purpose::ALL.map(|purpose| (purpose, SecretString::from("demo"))).into();
        config.tenant_zones = vec![DOMAIN.to_owned()];
        config.speed = speed;
        let service = Arc::new(Service::open(&config).await?);
        check_unused(&service).await?;
        let secret = secret()?;
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let router = http::router(Arc::clone(&service.cloud), Verifier::new(&secret));
        let served_until = stop.clone();
        running.spawn(async move {
            if let Err(error) = http::serve(listener, router, served_until).await {
                tracing::error!(%error, "the server ended");
            }
        });
        let (runner, run_until) = (service.runner(worker::settings(&config)), stop.clone());
        running.spawn(async move {
            if let Err(error) = runner.run(run_until).await {
                tracing::error!(%error, "the runner ended");
            }
        });
        let token = token(&secret, &service.cloud.clock)?;
        Ok(Stage { simulator, address, token, simulator_address, service, stop, running, _folder: folder })
    }

    /// Takes everything down.
    pub(super) async fn strike(mut self) {
        self.stop.cancel();
        while self.running.join_next().await.is_some() {}
        self.service.cloud.db.close().await;
    }

    /// Keeps the names of several runs on one database apart.
    pub(super) fn random_label(&self) -> String {
        let letters: Vec<char> = ('a'..='z').chain('2'..='9').collect();
        let clock = &self.service.cloud.clock;
        let letter = || usize::try_from(clock.random_below(letters.len() as u64)).unwrap_or_default();
        (0..6).map(|_| letters[letter()]).collect()
    }

    /// What the viewer may do next.
    pub(super) fn invitation(&self) -> String {
        let Stage { address, simulator_address, token, .. } = self;
        format!(
            "\nStill serving on http://{address} (DigitalOcean, simulated: http://{simulator_address}/_sim/account).\n\
             Try:\n\n  curl -H 'Authorization: Bearer {token}' http://{address}/api/v1/deployments\n\n\
             Ctrl-C ends it."
        )
    }
}

/// Two worlds on one database would drive each other's sagas: the demo another's against its simulator, and another
/// node the demo's against the real account.
async fn check_unused(service: &Service) -> anyhow::Result<()> {
    let sagas = &service.cloud.sagas;
    let (unfinished, runners) = (sagas.unfinished().await?, sagas.live_runners().await?);
    anyhow::ensure!(
        unfinished == 0 && runners == 0,
        "the database is in use ({unfinished} unfinished sagas, {runners} live nodes); the demo needs one of its own"
    );
    Ok(())
}

fn simulator(speed: f64) -> anyhow::Result<Simulator> {
    let clock = Clock::machine(1.0);
    let simulator = Simulator::new(Options {
        seed: clock.random_below(u64::MAX),
        clock: ClockMode::Flow { speed },
        ids_skipped: clock.random_below(IDS),
        ..Options::default()
    });
    simulator.add_domain(DOMAIN)?;
    Ok(simulator)
}

/// Nobody else knows it, so nobody else can sign a token for the demo.
fn secret() -> anyhow::Result<SecretString> {
    let mut bytes = [0; 32];
    let filled = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes);
    filled.map_err(|_| anyhow::anyhow!("the system has no randomness to give"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

fn token(secret: &SecretString, clock: &Clock) -> anyhow::Result<String> {
    let exp = clock.now().checked_add(TOKEN_LIFE)?.as_second();
    let roles = vec!["platform-admin".to_owned()];
    Ok(mint(secret, &Claims { sub: "demo".to_owned(), tenant_id: None, roles, exp })?)
}
