//! An account of many droplets behind a simulator, and a service that syncs it.

use anyhow::{Context as _, ensure};
use arcadia::cloud::{Cloud, Parts, Service};
use arcadia::inventory::runs::Tally;
use arcadia::inventory::sync::run_now;
use arcadia_saga::Clock;
use arcadia_sql::Db;
use digitalocean::{Client, Limits, Purpose};
use digitalocean_sim::{Kind, Mutation, Options, RateLimits, Simulator};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub struct Account {
    pub cloud: Arc<Cloud>,
    simulator: Simulator,
    droplets: Vec<String>,
    _stop: DropGuard,
}

impl Account {
    pub async fn new(db: Db) -> anyhow::Result<Account> {
        // Already installed is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options =
            Options { limits: RateLimits::unlimited(), droplet_limit: u32::MAX, ..Options::default() };
        let simulator = Simulator::new(options);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, stop) = (listener.local_addr()?, CancellationToken::new());
        let (served, stopped) = (simulator.clone(), stop.clone());
        tokio::spawn(async move { served.serve(listener, stopped).await });
        let digitalocean = Client::builder(format!("http://{address}"))
            .token(Purpose::Provisioning, "dop_v1_bench")
            .token(Purpose::Sync, "dop_v1_bench")
            .limits(Limits::unlimited())
            .build()?;
        let clock = Clock::machine(1.0);
        let call_timeout = Duration::from_secs(30);
        let parts = Parts { db, digitalocean, clock, tenant_zones: Vec::new(), call_timeout };
        let cloud = Service::assemble(parts).await?.cloud;
        Ok(Account { cloud, simulator, droplets: Vec::new(), _stop: stop.drop_guard() })
    }

    pub fn db(&self) -> &Db {
        &self.cloud.db
    }

    pub fn make(&mut self, more: usize) -> anyhow::Result<()> {
        for _ in 0..more {
            let name = format!("web-{}", self.droplets.len());
            let body = json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64",
                "tags": ["env:bench"]});
            let id = self.simulator.mutate(&Mutation::create(Kind::Droplet, body))?;
            self.droplets.push(id.as_str().map_or_else(|| id.to_string(), str::to_owned));
        }
        // What boots changes by itself.
        self.simulator.advance(Duration::from_secs(3600));
        Ok(())
    }

    pub fn rename(&self, count: usize) -> anyhow::Result<()> {
        for id in &self.droplets[..count] {
            let fields = json!({"name": format!("renamed-{id}")});
            self.simulator.mutate(&Mutation::set(Kind::Droplet, id.as_str(), fields))?;
        }
        Ok(())
    }

    pub async fn sync(&self) -> anyhow::Result<Tally> {
        let done = run_now(&self.cloud, "droplets", "bench", &|_| ()).await?;
        Ok(done.context("there is a sync of droplets")?.tally)
    }

    /// The same listing, read and parsed and nothing more.
    pub async fn list(&self, droplets: usize) -> anyhow::Result<()> {
        let mut list = self.cloud.digitalocean.for_purpose(Purpose::Sync).droplets().list();
        let mut count = 0;
        while let Some(page) = list.next_page().await? {
            count += page.len();
        }
        ensure!(count == droplets, "{count} of {droplets} droplets were listed");
        Ok(())
    }
}
