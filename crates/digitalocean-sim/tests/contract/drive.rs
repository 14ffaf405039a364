//! A simulator in profile `spec` whose every answer is held against the document as it comes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arcadia_test_record::{keep, needle};
use digitalocean_sim::{ClockMode, Options, Profile, RateLimits, Simulator, Timings};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::document::document;
use crate::schema::{Direction, faults};

pub(crate) const LIMITED_TOKEN: &str = concat!("dop_v1_", needle!(), "limited");
pub(crate) const TOKEN: &str = concat!("dop_v1_", needle!());

pub(crate) struct Driven {
    pub(crate) simulator: Simulator,
    base: String,
    client: reqwest::Client,
    shutdown: CancellationToken,
    pub(crate) wrong: BTreeSet<String>,
    /// How many answers of each operation were checked, by status.
    pub(crate) checked: BTreeMap<(String, u16), usize>,
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Driven {
    pub(crate) async fn start() -> Driven {
        arcadia_test_record::listen();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator = Simulator::new(Options {
            profile: Profile::Spec,
            clock: ClockMode::Manual { start: "2026-11-02T09:00:00Z".parse().unwrap() },
            limits: RateLimits::unlimited(),
            timings: Timings::instant(),
            ..Options::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let (served, stop) = (simulator.clone(), shutdown.clone());
        tokio::spawn(async move { served.serve(listener, stop).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Driven { simulator, base, client, shutdown, wrong: BTreeSet::new(), checked: BTreeMap::new() }
    }

    pub(crate) fn advance_s(&self, seconds: u64) {
        self.simulator.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn get(&mut self, path: &str) -> Value {
        self.ask(200, Method::GET, path, None).await
    }

    pub(crate) async fn post(&mut self, status: u16, path: &str, body: Value) -> Value {
        self.ask(status, Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&mut self, path: &str, body: Value) -> Value {
        self.ask(200, Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&mut self, path: &str, body: Value) -> Value {
        self.ask(200, Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&mut self, path: &str, body: Option<Value>) {
        self.ask(204, Method::DELETE, path, body).await;
    }

    /// All, the first page, one in the middle and the last, each with a single entry.
    pub(crate) async fn list(&mut self, path: &str) -> Value {
        let separator = if path.contains('?') { '&' } else { '?' };
        let all = self.get(&format!("{path}{separator}per_page=200")).await;
        let last = all["meta"]["total"].as_u64().unwrap_or(1).max(1);
        for page in [1, last.div_ceil(2), last] {
            self.get(&format!("{path}{separator}per_page=1&page={page}")).await;
        }
        all
    }

    /// What only the account's control interface can do.
    pub(crate) async fn mutate(&self, kind: &str, create: Value) -> Value {
        let body = json!({ "kind": kind, "create": create });
        let answer = self.client.post(format!("{}/_sim/mutate", self.base)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()["id"].take()
    }

    pub(crate) async fn ask(
        &mut self,
        wanted: u16,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        self.ask_as(TOKEN, wanted, method, path, body).await
    }

    pub(crate) async fn ask_as(
        &mut self,
        token: &str,
        wanted: u16,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let mut request =
            self.client.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let (status, media) =
            (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap().to_owned());
        for header in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
            assert!(answer.headers().contains_key(header), "{path}");
        }
        keep(&format!("{answer:?}"));
        let text = answer.text().await.unwrap();
        keep(&text);
        assert_eq!(status, wanted, "{method} {path} {body:?}: {text}");
        self.check(method.as_str(), path, status, &media, &text)
    }

    fn check(&mut self, method: &str, path: &str, status: u16, media: &str, text: &str) -> Value {
        let plain = path.split('?').next().unwrap();
        let Some(operation) = document().find(method, plain) else {
            self.wrong.insert(format!("{method} {plain} is not in the document"));
            return Value::Null;
        };
        *self.checked.entry((operation.name(), status)).or_default() += 1;
        let name = format!("{} {status}", operation.name());
        let declared = operation.response(&status.to_string());
        if text.is_empty() {
            let empty = declared.is_some_and(|it| it.get("content").is_none());
            if status != 204 || !empty {
                self.wrong.insert(format!("{name}: an empty body"));
            }
            return Value::Null;
        }
        let essence = media.split(';').next().unwrap();
        let content = declared.map(|it| document().at(it, "content"));
        if content.is_some_and(|content| content.get(essence).is_none()) {
            self.wrong.insert(format!("{name}: {essence} is not declared"));
        }
        if essence != "application/json" {
            return json!(text);
        }
        let value: Value = serde_json::from_str(text).unwrap();
        let schema = match content {
            Some(content) => &document().at(content, "application/json")["schema"],
            None if status >= 400 => document().error_schema(),
            None => {
                self.wrong.insert(format!("{name}: the status is not declared"));
                return value;
            }
        };
        self.wrong.extend(faults(&name, schema, Direction::Answer, &value));
        value
    }
}
