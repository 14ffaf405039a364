//! Settings of a client, checked once.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use reqwest::{Url, header::HeaderValue, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use url::Host;

use crate::{
    CallReport, Client, Clock, Limits, Purpose, Retry, SteadyClock, attempt::Lane, client::Shared,
    hooks::Guards, listing::PER_PAGE,
};

/// Where the API lives.
pub const DEFAULT_BASE_URL: &str = "https://api.digitalocean.com";

const USER_AGENT: &str = concat!("arcadia-cloud/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A listing that goes on beyond this is a loop: two million objects.
const MOST_PAGES: u32 = 10_000;
const LONGEST_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    #[error(
        "the base URL must be `http://host[:port]` or `https://host[:port]`, without user, query or fragment"
    )]
    BaseUrl,
    #[error("no token was given")]
    NoToken,
    #[error("the token for {0} is empty or has characters that a header cannot carry")]
    Token(Purpose),
    #[error("no TLS provider is installed; install one at the start, for example rustls's ring provider")]
    NoTlsProvider,
    #[error("the HTTP client could not be set up: {0}")]
    Http(String),
}

/// Made by [`Client::builder`].
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    tokens: HashMap<Purpose, SecretString>,
    timeout: Duration,
    patience: Duration,
    retry: Retry,
    limits: Limits,
    speed: f64,
    clock: Option<Arc<dyn Clock>>,
    longest_body: usize,
    most_pages: u32,
    per_page: u64,
    on_call: Option<crate::OnCall>,
}

impl ClientBuilder {
    pub(crate) fn new(base_url: String) -> Self {
        Self {
            base_url,
            tokens: HashMap::new(),
            timeout: Duration::from_secs(30),
            patience: Duration::from_secs(300),
            retry: Retry::default(),
            limits: Limits::default(),
            speed: 1.0,
            clock: None,
            longest_body: LONGEST_BODY_BYTES,
            most_pages: MOST_PAGES,
            per_page: PER_PAGE,
            on_call: None,
        }
    }

    /// The token for a purpose. Purposes given the same token share one rate budget. A call whose purpose has
    /// no token fails with [`crate::ErrorKind::NoToken`].
    pub fn token(mut self, purpose: Purpose, token: impl Into<SecretString>) -> Self {
        self.tokens.insert(purpose, token.into());
        self
    }

    /// How long one attempt may take from connecting to the last byte, in real time. 30 s at first.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a call may wait for the rate budget, in the clock's time, before it fails with
    /// [`crate::ErrorKind::OverBudget`]. 5 minutes at first: a burst is waited out, an empty hour is reported.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How idempotent requests are repeated.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The rate limits to start from; answers correct the hourly one.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How much faster than real time the client's time runs: every wait is divided by it, HTTP time-outs are not.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// Another clock than the system's; `speed` is then the clock's own affair.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The largest answer that is read, in bytes after decompression. 64 MiB at first.
    pub fn longest_body(mut self, bytes: usize) -> Self {
        self.longest_body = bytes;
        self
    }

    /// How many objects listings ask for at once, 1 to 200, unless one says otherwise; 200 at first.
    pub fn per_page(mut self, size: u64) -> Self {
        self.per_page = size.clamp(1, PER_PAGE);
        self
    }

    /// The pages after which a listing counts as endless. 10,000 at first.
    pub fn most_pages(mut self, pages: u32) -> Self {
        self.most_pages = pages;
        self
    }

    /// Called after each attempt that left.
    pub fn on_call(mut self, report: impl Fn(&CallReport<'_>) + Send + Sync + 'static) -> Self {
        self.on_call = Some(Arc::new(report));
        self
    }

    /// Checks the settings. A TLS provider must be installed, even for `http://`.
    pub fn build(self) -> Result<Client, BuildError> {
        let base_url = checked_base_url(&self.base_url)?;
        let lanes = lanes(&self.tokens, self.limits)?;
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(BuildError::NoTlsProvider);
        }
        let mut http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            // Every request that leaves is one that a guard saw.
            .retry(retry::never());
        if is_loopback(&base_url) {
            http = http.no_proxy();
        }
        if base_url.scheme() == "http" {
            // It follows no redirect, so it never shows a certificate: reading the machine's would be in vain.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|source| BuildError::Http(source.to_string()))?;
        Ok(Client {
            shared: Arc::new(Shared {
                http,
                base_url: base_url.as_str().trim_end_matches('/').to_owned(),
                lanes,
                clock: self.clock.unwrap_or_else(|| Arc::new(SteadyClock::new(self.speed))),
                retry: self.retry,
                patience: self.patience,
                longest_body: self.longest_body,
                most_pages: self.most_pages,
                per_page: self.per_page,
                on_call: self.on_call,
            }),
            purpose: Purpose::Provisioning,
            guards: Guards::default(),
            timeout: self.timeout,
        })
    }
}

fn checked_base_url(text: &str) -> Result<Url, BuildError> {
    let url = Url::parse(text).map_err(|_| BuildError::BaseUrl)?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then_some(url).ok_or(BuildError::BaseUrl)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// One lane for each distinct token, shared by the purposes that have it.
fn lanes(
    tokens: &HashMap<Purpose, SecretString>,
    limits: Limits,
) -> Result<HashMap<Purpose, Arc<Lane>>, BuildError> {
    if tokens.is_empty() {
        return Err(BuildError::NoToken);
    }
    let mut by_token: HashMap<&str, Arc<Lane>> = HashMap::new();
    let mut lanes = HashMap::new();
    for (purpose, token) in tokens {
        let secret = token.expose_secret();
        let bearer = HeaderValue::from_str(&format!("Bearer {secret}"));
        let (false, Ok(mut bearer)) = (secret.trim().is_empty(), bearer) else {
            return Err(BuildError::Token(*purpose));
        };
        bearer.set_sensitive(true);
        let serves =
            |wanted: Purpose| tokens.get(&wanted).is_some_and(|other| other.expose_secret() == secret);
        let is_shared = serves(Purpose::Provisioning) && (serves(Purpose::Sync) || serves(Purpose::Billing));
        let lane = by_token
            .entry(secret)
            .or_insert_with(|| Arc::new(Lane::new(token.clone(), bearer, limits, is_shared)));
        lanes.insert(*purpose, Arc::clone(lane));
    }
    Ok(lanes)
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("purposes", &self.tokens.keys().collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .field("patience", &self.patience)
            .field("retry", &self.retry)
            .field("limits", &self.limits)
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_with_the_same_token_share_a_lane_and_its_header_is_sensitive() {
        let tokens = HashMap::from([
            (Purpose::Provisioning, SecretString::from("one")),
            (Purpose::Sync, SecretString::from("one")),
            (Purpose::Billing, SecretString::from("two")),
        ]);
        let lanes = lanes(&tokens, Limits::default()).unwrap();
        assert!(Arc::ptr_eq(&lanes[&Purpose::Provisioning], &lanes[&Purpose::Sync]));
        assert!(!Arc::ptr_eq(&lanes[&Purpose::Provisioning], &lanes[&Purpose::Billing]));
        assert!(lanes.values().all(|lane| lane.bearer.is_sensitive()));
    }
}
