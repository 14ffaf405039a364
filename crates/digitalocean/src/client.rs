//! The client: a cheap handle that carries a purpose (whose token), guards and a time-out.
//! Everything else is shared by all handles of one client.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use crate::{
    BudgetSnapshot, CallInfo, Clock, Error, ErrorKind, OnCall, Retry,
    attempt::Lane,
    builder::ClientBuilder,
    call::Call,
    envelope::{self, Envelope},
    hooks::Guards,
};

/// What a call is for: which token it carries, and which part of the rate budget it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Changes to the cloud and what they wait for. Has the budget's reserve.
    Provisioning,
    /// Reading the inventory in the background.
    Sync,
    /// Reading invoices.
    Billing,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Provisioning, Self::Sync, Self::Billing];
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Provisioning => "provisioning",
            Self::Sync => "sync",
            Self::Billing => "billing",
        })
    }
}

/// DigitalOcean's API v2. Clone it freely: clones share connections, budgets and hooks.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) purpose: Purpose,
    pub(crate) guards: Guards,
    pub(crate) timeout: Duration,
}

pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    /// Without a trailing slash.
    pub(crate) base_url: String,
    pub(crate) lanes: HashMap<Purpose, Arc<Lane>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retry: Retry,
    pub(crate) patience: Duration,
    pub(crate) longest_body: usize,
    pub(crate) most_pages: u32,
    pub(crate) per_page: u64,
    pub(crate) on_call: Option<OnCall>,
}

impl Client {
    /// A client for the API at `base_url`, mostly [`crate::DEFAULT_BASE_URL`]; `http://` is for simulators.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(base_url.into())
    }

    /// The same client, speaking with another purpose's token. A new client speaks as `Provisioning`.
    pub fn for_purpose(&self, purpose: Purpose) -> Self {
        Self { purpose, ..self.clone() }
    }

    /// The same client, which asks `guard` (besides the guards it has) straight before each request leaves.
    /// A refused call is an error of kind [`ErrorKind::Refused`].
    pub fn guarded<G>(&self, guard: G) -> Self
    where
        G: Fn(&CallInfo<'_>) -> Result<(), String> + Send + Sync + 'static,
    {
        Self { guards: self.guards.and(Arc::new(guard)), ..self.clone() }
    }

    /// The same client with another time-out for each attempt, in real time.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// How long one attempt may take, in real time.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The time by which this client waits.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// What is left of the budget of the token for `purpose`; `None` without a token. Purposes with
    /// the same token share one budget.
    pub fn budget(&self, purpose: Purpose) -> Option<BudgetSnapshot> {
        Some(self.shared.lanes.get(&purpose)?.snapshot(self.shared.clock.now()))
    }

    /// The value under `key` of the answer.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call, key: &'static str) -> Result<T, Error> {
        Ok(self.fetch_envelope(&call, key).await?.value)
    }

    pub(crate) async fn fetch_envelope<T: DeserializeOwned>(
        &self,
        call: &Call,
        key: &'static str,
    ) -> Result<Envelope<T>, Error> {
        let answer = self.send(call).await?;
        envelope::open(&answer.body, key).map_err(|source| self.undecodable(call, &answer, &source))
    }

    /// A success whose body does not matter.
    pub(crate) async fn execute(&self, call: Call) -> Result<(), Error> {
        self.send(&call).await.map(drop)
    }

    pub(crate) fn undecodable(
        &self,
        call: &Call,
        answer: &crate::answer::Answer,
        source: &serde_json::Error,
    ) -> Error {
        let message = self.lane().map_or_else(String::new, |lane| lane.redact(source.to_string()));
        call.error(ErrorKind::Undecodable, message)
            .with_status(answer.status)
            .with_request_id(answer.request_id.clone())
            .over(answer.attempts, true)
    }

    pub(crate) fn lane(&self) -> Option<&Arc<Lane>> {
        self.shared.lanes.get(&self.purpose)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.shared.base_url)
            .field("purpose", &self.purpose)
            .field("timeout", &self.timeout)
            .field("guards", &self.guards)
            .finish_non_exhaustive()
    }
}
