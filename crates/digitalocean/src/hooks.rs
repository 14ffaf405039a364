//! What a caller may hang onto every request: a guard that can forbid it, and a report after it.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::Method;

use crate::{ErrorKind, Purpose};

/// A request that is about to leave.
#[derive(Debug, Clone)]
pub struct CallInfo<'a> {
    /// Whose token it carries.
    pub purpose: Purpose,
    pub method: &'a Method,
    /// The path with its ids, without the query.
    pub path: &'a str,
    /// The path with `{…}` in place of ids: few distinct values, fit for metrics.
    pub route: &'static str,
    /// How long this attempt may take at most, in real time.
    pub timeout: Duration,
    /// 1 for the first attempt.
    pub attempt: u32,
}

/// Called straight before each request leaves, after every wait: `Err` keeps it from leaving.
pub type Guard = Arc<dyn Fn(&CallInfo<'_>) -> Result<(), String> + Send + Sync>;

/// One attempt that left, and what came of it.
#[derive(Debug, Clone)]
pub struct CallReport<'a> {
    pub call: CallInfo<'a>,
    /// Absent when no answer came.
    pub status: Option<u16>,
    pub request_id: Option<&'a str>,
    /// Real time from the first byte sent to the last byte read.
    pub elapsed: Duration,
    /// The client's time spent waiting for the rate budget before it.
    pub waited: Duration,
    /// What went wrong. A body that turns out undecodable later is not in here.
    pub failure: Option<ErrorKind>,
}

/// Called after each attempt that left, whether it succeeded or not.
pub type OnCall = Arc<dyn Fn(&CallReport<'_>) + Send + Sync>;

/// Guards in the order they were added; all must agree.
#[derive(Clone, Default)]
pub(crate) struct Guards(Vec<Guard>);

impl Guards {
    pub(crate) fn and(&self, guard: Guard) -> Self {
        let mut guards = self.0.clone();
        guards.push(guard);
        Self(guards)
    }

    pub(crate) fn check(&self, call: &CallInfo<'_>) -> Result<(), String> {
        self.0.iter().try_for_each(|guard| guard(call))
    }
}

impl fmt::Debug for Guards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} guards", self.0.len())
    }
}
