//! A server's client for the commands that ask one: its address and the token come from the settings. What goes wrong
//! has an exit code of its own, so that scripts can tell.

use crate::config::Config;
use anyhow::Context as _;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;

/// A little longer than a server takes at most.
const PATIENCE: Duration = Duration::from_secs(35);

/// Why a server did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    NotAllowed(String),
    #[error("the server at {server} cannot be reached")]
    Unreachable { server: String, source: reqwest::Error },
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// 1 is everything else, 2 a command that is not understood.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Failure::Refused(_) => 1,
            Failure::NotFound(_) => 3,
            Failure::NotAllowed(_) => 4,
            Failure::Unreachable { .. } => 5,
        }
    }
}

/// A server, and as whom it is asked.
#[derive(Debug)]
pub(super) struct Server {
    client: Client,
    base: Url,
    token: SecretString,
}

impl Server {
    pub(super) fn of(config: &Config) -> anyhow::Result<Server> {
        // Already installed is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let token = config.server_token.clone().context(
            "no token to ask the server with; set `ARCADIA_TOKEN` (`arcadia token` prints one for local use)",
        )?;
        let unusable = || format!("`server_url` (ARCADIA_SERVER) `{}` is not an address", config.server_url);
        let mut base: Url = config.server_url.parse().with_context(unusable)?;
        anyhow::ensure!(["http", "https"].contains(&base.scheme()), unusable());
        base.path_segments_mut().map_err(|()| anyhow::anyhow!(unusable()))?.pop_if_empty();
        let client = Client::builder().timeout(PATIENCE).build()?;
        Ok(Server { client, base, token })
    }

    /// The answer to a GET of `/api/v1/<path…>`; each part of the path is escaped.
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Value> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(self.client.request(Method::GET, url)).await
    }

    /// The answer to a PATCH of `/api/v1/<path…>`.
    pub(super) async fn patch(&self, path: &[&str], body: &Value) -> anyhow::Result<Value> {
        self.send(self.client.request(Method::PATCH, self.url(path)).json(body)).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // A base was made sure of in `of`.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(["api", "v1"]).extend(path);
        }
        url
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let server = self.base.to_string();
        let unreachable = |source| Failure::Unreachable { server: server.clone(), source };
        let answer = request.bearer_auth(self.token.expose_secret()).send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        let body: Option<Value> = serde_json::from_slice(&body).ok();
        if status.is_success() {
            return body.with_context(|| format!("{server} is no arcadia server: its answer is not JSON"));
        }
        let said = words(status, body.as_ref());
        Err(match status {
            StatusCode::NOT_FOUND => Failure::NotFound(said),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::NotAllowed(said),
            _ => Failure::Refused(said),
        }
        .into())
    }
}

/// A problem as a person reads it.
fn words(status: StatusCode, problem: Option<&Value>) -> String {
    let detail = problem.and_then(|problem| problem["detail"].as_str());
    let mut said = detail.map_or_else(|| format!("the server answered {status}"), str::to_owned);
    let fields = problem.and_then(|problem| problem["errors"].as_array()).into_iter().flatten();
    for field in fields {
        let [name, message] = ["field", "message"].map(|key| field[key].as_str().unwrap_or_default());
        said += &format!("\n  `{name}` {message}");
    }
    said
}
