//! A simulator that serves on a free port, and a client for it. Its time stands still until it is advanced.

use std::net::SocketAddr;
use std::time::Duration;

use arcadia_test_record::{keep, needle};
use digitalocean_sim::{ClockMode, Options, Profile, RateLimits, Simulator, Span, Timings};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) const TOKEN: &str = concat!("dop_v1_", needle!());
pub(crate) const FINANCE_SECRET: &str = concat!("finance ", needle!());

pub(crate) struct Site {
    pub(crate) simulator: Simulator,
    pub(crate) address: SocketAddr,
    client: reqwest::Client,
    shutdown: CancellationToken,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Exact durations, so that a test can step to either side of each.
pub(crate) fn timings() -> Timings {
    Timings {
        boot: Span::exactly(30_000),
        droplet_list_lag: Span::exactly(3_000),
        droplet_tag_lag: Span::exactly(5_000),
        droplet_linger: Span::exactly(8_000),
        power: Span::exactly(10_000),
        power_lag: Span::exactly(2_000),
        resize_flip: Span::exactly(15_000),
        resize: Span::exactly(45_000),
        snapshot: Span::exactly(60_000),
        snapshot_list_lag: Span::exactly(4_000),
        snapshot_linger: Span::exactly(3_000),
        ..Timings::instant()
    }
}

pub(crate) fn options() -> Options {
    Options {
        clock: ClockMode::Manual { start: "2026-11-02T09:00:00Z".parse().unwrap() },
        limits: RateLimits::unlimited(),
        timings: timings(),
        finance_secret: FINANCE_SECRET.into(),
        ..Options::default()
    }
}

pub(crate) fn droplet(name: &str) -> Value {
    json!({ "name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64" })
}

impl Site {
    pub(crate) async fn start() -> Site {
        Site::with(options()).await
    }

    /// Everything asynchronous is done by the next request.
    pub(crate) async fn instant() -> Site {
        Site::with(Options { timings: Timings::instant(), ..options() }).await
    }

    pub(crate) async fn spec() -> Site {
        Site::with(Options { profile: Profile::Spec, timings: Timings::instant(), ..options() }).await
    }

    pub(crate) async fn with(options: Options) -> Site {
        arcadia_test_record::listen();
        keep(&format!("{options:?}"));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator = Simulator::new(options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let (served, stop) = (simulator.clone(), shutdown.clone());
        tokio::spawn(async move { served.serve(listener, stop).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Site { simulator, address, client, shutdown }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
        let request = self.client.request(method, self.url(path)).bearer_auth(TOKEN);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        self.request(method, path, body).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        parts(self.send(Method::GET, path, None).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        parts(self.send(Method::POST, path, Some(body)).await).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        parts(self.send(Method::PUT, path, Some(body)).await).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        parts(self.send(Method::DELETE, path, None).await).await
    }

    pub(crate) fn advance_s(&self, seconds: u64) {
        self.simulator.advance(Duration::from_secs(seconds));
    }

    /// Creates a droplet and waits until it is active and listed everywhere.
    pub(crate) async fn active_droplet(&self, name: &str) -> u64 {
        let (status, body) = self.post("/v2/droplets", droplet(name)).await;
        assert_eq!(status, 202, "{body}");
        self.advance_s(30);
        body["droplet"]["id"].as_u64().unwrap()
    }

    pub(crate) async fn act(&self, id: u64, body: Value) -> (u16, Value) {
        self.post(&format!("/v2/droplets/{id}/actions"), body).await
    }

    pub(crate) async fn droplet(&self, id: u64) -> Value {
        self.get(&format!("/v2/droplets/{id}")).await.1["droplet"].take()
    }

    pub(crate) async fn total(&self, path: &str) -> u64 {
        self.get(path).await.1["meta"]["total"].as_u64().unwrap()
    }
}

pub(crate) async fn parts(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    keep(&format!("{response:?}"));
    let text = response.text().await.unwrap();
    keep(&text);
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
}

pub(crate) fn message(body: &Value) -> &str {
    body["message"].as_str().unwrap_or_default()
}
