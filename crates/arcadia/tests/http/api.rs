//! A server over a story's world, and people who call it.

#![allow(dead_code, reason = "each crate of stories uses its own part of the kit")]

use crate::world::World;
use arcadia::http;
use arcadia::tokens::{Claims, Verifier, mint};
use arcadia_sql::{args, statements};
use arcadia_test_record::{keep, needle};
use reqwest::{Method, RequestBuilder};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

pub const SECRET: &str = concat!("a secret of more than thirty-two bytes ", needle!());
/// The year 2100.
pub const FAR_AWAY: i64 = 4_102_444_800;

statements! {
    pub(crate) ROWS = "
        SELECT (SELECT COUNT(*) FROM cloud_deployments) + (SELECT COUNT(*) FROM cloud_deployment_events)
            + (SELECT COUNT(*) FROM cloud_deployment_keys) + (SELECT COUNT(*) FROM saga_runs)
            + (SELECT COUNT(*) FROM saga_locks) AS rows";
    pub(crate) DEPLOYMENTS = "SELECT COUNT(*) FROM cloud_deployments";
}

/// A server that ends with the story.
pub struct Api {
    pub base: String,
    pub http: reqwest::Client,
    _stop: DropGuard,
}

/// Someone with a token.
pub struct Person<'a> {
    api: &'a Api,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Api {
    pub async fn over(world: &World) -> Api {
        let verifier = Verifier::new(&SecretString::from(SECRET));
        Api::serving(http::router(world.service.cloud.clone(), verifier)).await
    }

    pub async fn serving(router: axum::Router) -> Api {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(http::serve(listener, router, stop.clone()));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Api { base, http, _stop: stop.drop_guard() }
    }

    pub fn admin(&self) -> Person<'_> {
        self.person(&json!({"sub": "root", "roles": ["platform-admin"], "exp": FAR_AWAY}))
    }

    pub fn tenant(&self, tenant: &str) -> Person<'_> {
        let subject = format!("user-of-{tenant}");
        self.person(&json!({"sub": subject, "tenant_id": tenant, "roles": ["admin"], "exp": FAR_AWAY}))
    }

    pub fn person(&self, claims: &Value) -> Person<'_> {
        let claims: Claims = serde_json::from_value(claims.clone()).unwrap();
        self.bearer(mint(&SecretString::from(SECRET), &claims).unwrap())
    }

    pub fn bearer(&self, token: String) -> Person<'_> {
        Person { api: self, token }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }
}

impl Person<'_> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.api.request(method, path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn create(&self, body: &Value) -> Answer {
        self.post("/api/v1/deployments", body).await
    }

    pub async fn create_once(&self, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, "/api/v1/deployments").header("Idempotency-Key", key);
        answer(request.json(body)).await
    }

    pub async fn show(&self, id: &Value) -> Answer {
        self.get(&format!("/api/v1/deployments/{}", id.as_str().unwrap())).await
    }
}

pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    keep(&format!("{response:?}"));
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    keep(&String::from_utf8_lossy(&bytes));
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status, headers, body }
}

impl Answer {
    /// The answer, which must have that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.body);
        if status >= 400 {
            assert_eq!(self.headers["content-type"], "application/problem+json");
            assert_eq!(self.body["status"], status);
            assert_eq!(self.headers["x-request-id"], self.body["request_id"].as_str().unwrap());
        }
        self
    }

    /// The fields that a problem names, sorted.
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut fields: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        fields.sort_unstable();
        fields
    }

    /// The last part of a problem's type.
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().unwrap().rsplit(':').next().unwrap()
    }
}

/// A body that is right in every way, for a tenant.
pub fn wanted(name: &str) -> Value {
    json!({
        "slug": name, "display_name": name, "hostname": format!("{name}.arcadia-demo.com"), "region": "nyc3",
        "plan": {"size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": ["env:test"], "backups": false},
        "provision": true,
    })
}

/// The same with some fields replaced; `null` takes one out.
pub fn wanted_with(name: &str, other: Value) -> Value {
    let mut body = wanted(name);
    for (path, value) in other.as_object().unwrap() {
        let (object, key) = match path.split_once('.') {
            Some((object, key)) => (&mut body[object], key),
            None => (&mut body, path.as_str()),
        };
        object[key] = value.clone();
    }
    body
}

/// All rows that a request could have written.
pub async fn rows(world: &World) -> i64 {
    let (rows,): (i64,) = world.service.cloud.db.fetch_one(&ROWS, args![]).await.unwrap();
    rows
}

pub async fn deployment_count(world: &World) -> i64 {
    let (rows,): (i64,) = world.service.cloud.db.fetch_one(&DEPLOYMENTS, args![]).await.unwrap();
    rows
}
