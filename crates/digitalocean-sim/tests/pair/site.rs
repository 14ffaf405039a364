//! A simulator whose time stands still until everybody waits for it, and a client that lives by the same clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arcadia_test_record::{keep, needle};
use digitalocean::{CallReport, Client, ClientBuilder, Limits, Purpose, Retry};
use digitalocean_sim::{ClockMode, Kind, Mutation, Options, RateLimits, Simulator, Timings};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::log;
use crate::time::SharedClock;

/// In the form of DigitalOcean's own, so that a search for that form finds them.
pub(crate) const PROVISIONING_TOKEN: &str =
    concat!("dop_v1_a1b2c3d4e5f60718293a4b5c6d7e8f90", needle!(), "a1b2c3d4e5f60718293a");
pub(crate) const SYNC_TOKEN: &str =
    concat!("dop_v1_00112233445566778899aabbccddeeff", needle!(), "00112233445566778899");

/// One attempt: what was asked, which attempt it was, how it was answered.
pub(crate) type Attempt = (String, u32, Option<u16>);

pub(crate) struct Site {
    pub(crate) simulator: Simulator,
    pub(crate) clock: SharedClock,
    pub(crate) base: String,
    pub(crate) attempts: Arc<Mutex<Vec<Attempt>>>,
    /// Every report, as its debug output shows it.
    pub(crate) reports: Arc<Mutex<String>>,
    shutdown: CancellationToken,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.cancel();
        // A test that fails has its own say.
        if !std::thread::panicking() {
            no_token(&log::text());
            keep(&self.reports.lock().unwrap());
        }
    }
}

/// Fails when a token stands in `text`, or nothing does.
pub(crate) fn no_token(text: &str) {
    assert!(!text.is_empty(), "nothing was searched");
    for token in [PROVISIONING_TOKEN, SYNC_TOKEN] {
        let secret = token.trim_start_matches("dop_v1_");
        assert!(
            !text.contains(secret),
            "a token was shown: {:?}",
            text.lines().find(|line| line.contains(secret))
        );
    }
}

pub(crate) fn options() -> Options {
    Options {
        clock: ClockMode::Manual { start: "2026-11-02T09:00:00Z".parse().unwrap() },
        limits: RateLimits::unlimited(),
        timings: Timings::instant(),
        droplet_limit: 10_000,
        ..Options::default()
    }
}

pub(crate) fn droplet(name: &str, tag: &str) -> Value {
    json!({ "name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": [tag] })
}

impl Site {
    pub(crate) async fn start(options: Options) -> Site {
        log::listen();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator = Simulator::new(options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let (served, stop) = (simulator.clone(), shutdown.clone());
        tokio::spawn(async move { served.serve(listener, stop).await });
        let clock = SharedClock::new(simulator.clone());
        Site { simulator, clock, base, attempts: Arc::default(), reports: Arc::default(), shutdown }
    }

    /// A client with real limits for each purpose's token; the two may be the same.
    pub(crate) fn builder(&self, provisioning: &str, sync: &str) -> ClientBuilder {
        let (clock, attempts, reports) = (self.clock.clone(), self.attempts.clone(), self.reports.clone());
        let note = move |report: &CallReport<'_>| {
            clock.came_back();
            let asked = format!("{} {}", report.call.method, report.call.path);
            attempts.lock().unwrap().push((asked, report.call.attempt, report.status));
            *reports.lock().unwrap() += &format!("{report:?}\n");
        };
        Client::builder(&self.base)
            .token(Purpose::Provisioning, provisioning)
            .token(Purpose::Sync, sync)
            .clock(Arc::new(self.clock.clone()))
            .on_call(note)
    }

    pub(crate) fn finish(&self, builder: ClientBuilder) -> Client {
        let clock = self.clock.clone();
        builder.build().unwrap().guarded(move |_| {
            clock.left();
            Ok(())
        })
    }

    /// A client that repeats nothing, and waits for nothing but the end of a 429.
    pub(crate) fn plain_client(&self) -> Client {
        let builder = self.builder(PROVISIONING_TOKEN, SYNC_TOKEN).patience(Duration::from_secs(2 * 3_600));
        self.finish(builder.limits(Limits::unlimited()).retry(Retry::none()))
    }

    /// Creates a droplet past the API and its limits.
    pub(crate) fn make(&self, name: &str, tag: &str) -> u64 {
        let made = self.simulator.mutate(&Mutation::create(Kind::Droplet, droplet(name, tag)));
        made.unwrap().as_u64().unwrap()
    }

    pub(crate) fn destroy(&self, id: u64) {
        self.simulator.mutate(&Mutation::destroy(Kind::Droplet, id)).unwrap();
    }
}
