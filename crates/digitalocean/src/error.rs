//! One error type that answers what a caller must decide: did it happen, and what was wrong.
//! It never holds a token, a query string or a body.

use std::{fmt, time::Duration};

use reqwest::Method;

/// Whether a failed call may have changed something at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// It was not executed: it never left, or the provider said no.
    Certain,
    /// It may have been executed. For a read this has no consequence.
    InDoubt,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A guard forbade the request; see [`crate::Client::guarded`].
    Refused,
    /// The call cannot be expressed: an empty id, a body that does not serialise.
    Invalid,
    /// There is no token for the purpose.
    NoToken,
    /// The rate budget would not have allowed the request within the client's patience.
    OverBudget,
    /// No connection came about (refused, name not found, TLS): nothing was sent.
    NotSent,
    /// The time-out passed before the answer was read.
    TimedOut,
    /// The connection broke after the request may have been sent.
    ConnectionLost,
    /// The provider answered with something other than success.
    Answered,
    /// A success whose body is not what was asked for, or is too large.
    Undecodable,
    /// A listing that does not come to an end.
    EndlessListing,
}

impl ErrorKind {
    fn words(self) -> &'static str {
        match self {
            Self::Refused => "was refused before it was sent",
            Self::Invalid => "cannot be expressed as a request",
            Self::NoToken => "has no token",
            Self::OverBudget => "would exceed the rate budget",
            Self::NotSent => "could not be sent",
            Self::TimedOut => "timed out",
            Self::ConnectionLost => "lost its connection",
            Self::Answered => "was answered",
            Self::Undecodable => "was answered with an unusable body",
            Self::EndlessListing => "did not come to an end",
        }
    }
}

/// A call that failed. Cheap to move; everything is behind accessors.
#[derive(Clone)]
pub struct Error(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    kind: ErrorKind,
    certainty: Certainty,
    method: Method,
    path: String,
    status: Option<u16>,
    id: Option<String>,
    message: String,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
}

/// The wait assumed after a 429 that does not say how long: the length of the burst window.
const UNKNOWN_RETRY_AFTER: Duration = Duration::from_secs(60);

impl Error {
    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the call may have been executed, over all its attempts.
    pub fn certainty(&self) -> Certainty {
        self.0.certainty
    }

    /// Short for `certainty() == Certainty::InDoubt`.
    pub fn is_in_doubt(&self) -> bool {
        self.0.certainty == Certainty::InDoubt
    }

    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The path with its ids, without the query.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The HTTP status, where an answer came.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// DigitalOcean's `id` (`unprocessable_entity`), where the body had one.
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// DigitalOcean's `message`, else our own words; at most a thousand characters.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// From the body, else from the header `x-request-id`.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the provider (or the budget) asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many times it was tried to send it; 0 when it did not come to that.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// 404. Straight after a creation this can mean "not yet": the caller knows, the client cannot.
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(404)
    }

    /// How long to wait when the rate limit, theirs or our budget of it, stopped the call. Certain: not executed.
    pub fn is_rate_limited(&self) -> Option<Duration> {
        let limited = self.0.status == Some(429) || self.0.kind == ErrorKind::OverBudget;
        limited.then(|| self.0.retry_after.unwrap_or(UNKNOWN_RETRY_AFTER))
    }

    /// Another action runs on the droplet: wait for it, then try again.
    pub fn is_pending_event(&self) -> bool {
        self.says(422, &["pending event"])
    }

    /// 401: the token is missing, wrong or revoked.
    pub fn is_unauthorized(&self) -> bool {
        self.0.status == Some(401)
    }

    /// 403: a missing scope, a billing block, some account limits.
    pub fn is_forbidden(&self) -> bool {
        self.0.status == Some(403)
    }

    /// 409: the name is taken, or something still holds the resource.
    pub fn is_conflict(&self) -> bool {
        self.0.status == Some(409)
    }

    /// 400 or 422 about the request itself, not about a passing state of the resource.
    pub fn is_validation(&self) -> bool {
        matches!(self.0.status, Some(400 | 422))
            && !self.is_pending_event()
            && !self.already_satisfied()
            && !self.needs_power_off()
            && !self.asks_to_try_again()
    }

    /// The droplet already is what the action would make it. Verify by reading it.
    pub fn already_satisfied(&self) -> bool {
        const WORDS: &[&str] = &[
            "already powered off",
            "already powered on",
            "already off",
            "already set to this size",
            "already been disabled",
        ];
        self.says(422, WORDS)
    }

    /// The action wants a droplet that is off.
    pub fn needs_power_off(&self) -> bool {
        self.says(422, &["currently on"])
    }

    /// A transient refusal of a creation.
    pub fn asks_to_try_again(&self) -> bool {
        self.says(422, &["please try again"])
    }

    /// An account limit is reached; trying again does not help.
    pub fn is_limit_reached(&self) -> bool {
        self.says(422, &["droplet limit", "volume limit"]) || self.says(403, &["volume limit"])
    }

    /// The size or image is not to be had in the region now.
    pub fn is_unavailable(&self) -> bool {
        self.says(422, &["not available in this region", "is unavailable"])
    }

    fn says(&self, status: u16, any_of: &[&str]) -> bool {
        if self.0.status != Some(status) {
            return false;
        }
        let message = self.0.message.to_lowercase();
        any_of.iter().any(|words| message.contains(words))
    }
}

/// Making errors, inside the crate.
impl Error {
    pub(crate) fn new(kind: ErrorKind, method: &Method, path: &str, message: impl Into<String>) -> Self {
        let certainty = match kind {
            ErrorKind::TimedOut | ErrorKind::ConnectionLost | ErrorKind::Undecodable => Certainty::InDoubt,
            _ => Certainty::Certain,
        };
        Self(Box::new(Details {
            kind,
            certainty,
            method: method.clone(),
            path: path.to_owned(),
            status: None,
            id: None,
            message: message.into(),
            request_id: None,
            retry_after: None,
            attempts: 0,
        }))
    }

    /// An answer that is not a success. A 408, a 5xx and an unfollowed redirect leave in doubt what was done.
    pub(crate) fn answered(method: &Method, path: &str, status: u16, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::Answered, method, path, message).with_status(status);
        if status == 408 || !(400..500).contains(&status) {
            error.0.certainty = Certainty::InDoubt;
        }
        error
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_id(mut self, id: Option<String>) -> Self {
        self.0.id = id;
        self
    }

    pub(crate) fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.0.request_id = request_id;
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// The verdict over all attempts: one attempt in doubt leaves the call in doubt, whatever came after.
    pub(crate) fn over(mut self, attempts: u32, in_doubt: bool) -> Self {
        self.0.attempts = attempts;
        if in_doubt {
            self.0.certainty = Certainty::InDoubt;
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { kind, method, path, status, id, message, request_id, .. } = &*self.0;
        write!(f, "{method} {path} {}", kind.words())?;
        if let Some(status) = status {
            write!(f, " {status}")?;
        }
        if let Some(id) = id {
            write!(f, " {id}")?;
        }
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        if let Some(request_id) = request_id {
            write!(f, " (request {request_id})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, message: &str) -> Error {
        Error::answered(&Method::POST, "/v2/droplets/1/actions", status, message)
    }

    #[test]
    fn only_what_the_provider_refused_is_certain() {
        for status in [400, 401, 403, 404, 409, 412, 422, 429] {
            assert_eq!(answered(status, "").certainty(), Certainty::Certain, "{status}");
        }
        for status in [302, 408, 500, 501, 502, 503, 504] {
            assert_eq!(answered(status, "").certainty(), Certainty::InDoubt, "{status}");
        }
    }

    #[test]
    fn the_wording_decides_what_a_422_means() {
        assert!(answered(422, "Droplet already has a pending event.").is_pending_event());
        assert!(answered(422, "Droplet is already powered off.").already_satisfied());
        assert!(
            answered(422, "Droplet is currently on. Please power it off to run this event.")
                .needs_power_off()
        );
        assert!(
            answered(422, "creating this/these droplet(s) will exceed your droplet limit").is_limit_reached()
        );
        assert!(answered(422, "Size is not available in this region.").is_unavailable());
        assert!(answered(422, "Something failed, please try again").asks_to_try_again());

        assert!(answered(422, "You specified an invalid size for Droplet creation.").is_validation());
        assert!(!answered(422, "Droplet already has a pending event.").is_validation());
        assert!(!answered(404, "already has a pending event").is_pending_event());
    }

    #[test]
    fn one_attempt_in_doubt_leaves_the_call_in_doubt() {
        assert_eq!(answered(404, "gone").over(2, true).certainty(), Certainty::InDoubt);
        assert_eq!(answered(404, "gone").over(2, false).certainty(), Certainty::Certain);
    }

    #[test]
    fn a_429_without_a_wait_asks_for_a_burst_window() {
        assert_eq!(answered(429, "").is_rate_limited(), Some(UNKNOWN_RETRY_AFTER));
        let told = answered(429, "").with_retry_after(Some(Duration::from_secs(7)));
        assert_eq!(told.is_rate_limited(), Some(Duration::from_secs(7)));
        assert_eq!(answered(422, "").is_rate_limited(), None);
    }
}
