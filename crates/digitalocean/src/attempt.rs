//! The way of a call: wait for the budget, ask the guards, send, learn from the headers, report, perhaps again.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, select};
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::{
    BudgetSnapshot, CallInfo, CallReport, Client, Error, ErrorKind, Limits, Purpose,
    answer::{Answer, Unread, rate_headers, read_body, refusal, request_id, transport},
    budget::Budget,
    call::Call,
};

/// A wait for the budget is looked at again this often: an answer meanwhile may have shortened it.
const LONGEST_NAP: Duration = Duration::from_secs(5);

/// One token with its budget, and the queues before it.
pub(crate) struct Lane {
    token: SecretString,
    pub(crate) bearer: HeaderValue,
    budget: Mutex<Budget>,
    /// First come, first served; background calls queue apart, so that they hold up no provisioning.
    provisioning_queue: tokio::sync::Mutex<()>,
    background_queue: tokio::sync::Mutex<()>,
}

impl Lane {
    pub(crate) fn new(token: SecretString, bearer: HeaderValue, limits: Limits, is_shared: bool) -> Self {
        Self {
            token,
            bearer,
            budget: Mutex::new(Budget::new(limits, is_shared)),
            provisioning_queue: tokio::sync::Mutex::default(),
            background_queue: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn snapshot(&self, now: Timestamp) -> BudgetSnapshot {
        self.budget().snapshot(now)
    }

    /// `text` without the token, should the provider have echoed it.
    pub(crate) fn redact(&self, text: String) -> String {
        let token = self.token.expose_secret();
        if text.contains(token) { text.replace(token, "[token]") } else { text }
    }

    fn queue(&self, purpose: Purpose) -> &tokio::sync::Mutex<()> {
        match purpose {
            Purpose::Provisioning => &self.provisioning_queue,
            Purpose::Sync | Purpose::Billing => &self.background_queue,
        }
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        // The budget holds only counts: one that a panic left behind is as good as any.
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}

impl Client {
    /// Sends the call, again where [`crate::Retry`] allows it.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let (mut attempt, mut tried, mut in_doubt, mut spent) = (1, 0, false, Duration::ZERO);
        loop {
            let started = Instant::now();
            let error = match self.attempt(call, attempt).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            spent = spent.saturating_add(started.elapsed());
            tried += u32::from(was_tried(error.kind()));
            in_doubt |= error.is_in_doubt();
            let Some(wait) = self.shared.retry.wait_after(&error, attempt, spent, fastrand::f64()) else {
                return Err(error.over(tried, in_doubt));
            };
            self.shared.clock.sleep(wait).await;
            spent = spent.saturating_add(wait);
            attempt += 1;
        }
    }

    async fn attempt(&self, call: &Call, attempt: u32) -> Result<Answer, Error> {
        if let Some(why) = call.invalid {
            return Err(call.error(ErrorKind::Invalid, why));
        }
        let Some(lane) = self.lane() else {
            return Err(call.error(ErrorKind::NoToken, format!("no token for {}", self.purpose)));
        };
        let waited = self.wait_for_budget(call, lane).await?;
        let info = CallInfo {
            purpose: self.purpose,
            method: &call.method,
            path: &call.path,
            route: call.route,
            timeout: self.timeout,
            attempt,
        };
        if let Err(why) = self.guards.check(&info) {
            lane.budget().refund(self.may_use_reserve());
            return Err(call.error(ErrorKind::Refused, why));
        }
        let started = Instant::now();
        let (outcome, status, request_id) = self.exchange(call, lane, attempt).await;
        let failure = outcome.as_ref().err().map(Error::kind);
        if failure == Some(ErrorKind::NotSent) {
            lane.budget().refund(self.may_use_reserve());
        }
        self.report(&CallReport {
            call: info,
            status,
            request_id: request_id.as_deref(),
            elapsed: started.elapsed(),
            waited,
            failure,
        });
        outcome
    }

    fn may_use_reserve(&self) -> bool {
        self.purpose == Purpose::Provisioning
    }

    /// Takes a place in the budget; says how long that took, in the clock's time.
    async fn wait_for_budget(&self, call: &Call, lane: &Lane) -> Result<Duration, Error> {
        let clock = &self.shared.clock;
        let started_at = clock.now();
        let may_use_reserve = self.may_use_reserve();
        let over_budget = |wait| {
            let error = call.error(ErrorKind::OverBudget, "");
            error.with_retry_after(Some(wait))
        };
        let turn = Box::pin(lane.queue(self.purpose).lock());
        let _turn = match select(turn, clock.sleep(self.shared.patience)).await {
            Either::Left((turn, _)) => turn,
            Either::Right(_) => return Err(over_budget(self.shared.patience)),
        };
        loop {
            let now = clock.now();
            let waited = Duration::try_from(now.duration_since(started_at)).unwrap_or_default();
            let wait = match lane.budget().admit(now, may_use_reserve) {
                Ok(()) => return Ok(waited),
                Err(wait) => wait,
            };
            if waited.saturating_add(wait) > self.shared.patience {
                return Err(over_budget(wait));
            }
            clock.sleep(wait.min(LONGEST_NAP)).await;
        }
    }

    async fn exchange(
        &self,
        call: &Call,
        lane: &Lane,
        attempt: u32,
    ) -> (Result<Answer, Error>, Option<u16>, Option<String>) {
        let mut response = match self.request(call, lane).send().await {
            Ok(response) => response,
            Err(source) => return (Err(transport(call, lane, &source)), None, None),
        };
        let status = response.status().as_u16();
        let id = request_id(response.headers(), lane);
        let seen = rate_headers(status, response.headers());
        let now = self.shared.clock.now();
        lane.budget().observe(now, &seen);
        let body = read_body(&mut response, self.shared.longest_body).await;
        if !response.status().is_success() {
            let retry_after = seen.wanted_wait(now);
            let body = body.unwrap_or_default();
            let error = refusal(call, lane, status, id.clone(), &body).with_retry_after(retry_after);
            return (Err(error), Some(status), id);
        }
        let outcome = match body {
            Ok(body) => Ok(Answer { status, request_id: id.clone(), body, attempts: attempt }),
            Err(Unread::TooLarge) => {
                let limit = self.shared.longest_body;
                Err(call
                    .error(ErrorKind::Undecodable, format!("more than {limit} bytes"))
                    .with_status(status))
            }
            Err(Unread::Broken(source)) => Err(transport(call, lane, &source)),
        };
        (outcome.map_err(|error| error.with_request_id(id.clone())), Some(status), id)
    }

    fn request(&self, call: &Call, lane: &Lane) -> reqwest::RequestBuilder {
        let url = format!("{}{}", self.shared.base_url, call.path);
        let mut request = self
            .shared
            .http
            .request(call.method.clone(), url)
            .header(AUTHORIZATION, lane.bearer.clone())
            .timeout(self.timeout);
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        request
    }

    fn report(&self, report: &CallReport<'_>) {
        tracing::debug!(
            method = %report.call.method,
            path = report.call.path,
            purpose = %report.call.purpose,
            status = report.status,
            request_id = report.request_id,
            attempt = report.call.attempt,
            elapsed_ms = report.elapsed.as_secs_f64() * 1e3,
            waited_ms = report.waited.as_secs_f64() * 1e3,
            failure = report.failure.map(tracing::field::debug),
            "called the provider"
        );
        if let Some(on_call) = &self.shared.on_call {
            on_call(report);
        }
    }
}

/// Whether an attempt with this outcome came as far as sending.
fn was_tried(kind: ErrorKind) -> bool {
    use ErrorKind::{Answered, ConnectionLost, NotSent, TimedOut, Undecodable};
    matches!(kind, Answered | ConnectionLost | NotSent | TimedOut | Undecodable)
}
