//! When a failed request is sent again. Pure: it is told the time that passed and the dice.

use std::time::Duration;

use reqwest::Method;

use crate::{Error, ErrorKind};

/// How the client repeats GET, DELETE and PUT. POST and PATCH are never repeated: they are reported, and the caller decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// Requests in all, the first included.
    pub attempts: u32,
    /// The longest wait before the second attempt; it doubles from there. The wait itself is drawn
    /// evenly between nothing and this (full jitter).
    pub first_delay: Duration,
    /// No drawn wait is longer.
    pub longest_delay: Duration,
    /// No attempt starts once waits and requests have taken this long; a wait the provider asks for must fit as well.
    pub deadline: Duration,
}

impl Default for Retry {
    /// Five attempts within two minutes; 1 s doubling to 30 s.
    fn default() -> Self {
        Self {
            attempts: 5,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
            deadline: Duration::from_secs(120),
        }
    }
}

impl Retry {
    /// Each request is sent once.
    pub fn none() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// How long to wait before the next attempt, or `None` when there is none. `spent` is what the attempts
    /// and waits so far took, `dice` an even draw from 0.0 to 1.0.
    pub(crate) fn wait_after(
        &self,
        error: &Error,
        attempt: u32,
        spent: Duration,
        dice: f64,
    ) -> Option<Duration> {
        if attempt >= self.attempts || !is_idempotent(error.method()) || !is_transient(error) {
            return None;
        }
        let ceiling = self.first_delay.saturating_mul(1 << (attempt - 1).min(20)).min(self.longest_delay);
        let drawn = ceiling.mul_f64(dice.clamp(0.0, 1.0));
        let wait = drawn.max(error.retry_after().unwrap_or_default());
        (spent.saturating_add(wait) < self.deadline).then_some(wait)
    }
}

fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::DELETE | Method::PUT)
}

/// A time-out is not among them: it has cost its patience already.
fn is_transient(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::NotSent | ErrorKind::ConnectionLost => true,
        ErrorKind::Answered => matches!(error.status(), Some(429 | 500 | 502 | 503 | 504)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn answered(method: Method, status: u16) -> Error {
        Error::answered(&method, "/v2/x", status, "")
    }

    #[test]
    fn only_idempotent_methods_are_repeated() {
        let retry = Retry::default();
        for method in [Method::GET, Method::DELETE, Method::PUT] {
            assert!(retry.wait_after(&answered(method, 503), 1, S(0), 0.5).is_some());
        }
        for method in [Method::POST, Method::PATCH] {
            assert_eq!(retry.wait_after(&answered(method.clone(), 503), 1, S(0), 0.5), None);
            assert_eq!(retry.wait_after(&answered(method, 429), 1, S(0), 0.5), None);
        }
    }

    #[test]
    fn only_passing_failures_are_repeated() {
        let retry = Retry::default();
        for status in [401, 403, 404, 422, 501] {
            assert_eq!(retry.wait_after(&answered(Method::GET, status), 1, S(0), 0.5), None, "{status}");
        }
        for kind in [ErrorKind::Refused, ErrorKind::TimedOut, ErrorKind::Undecodable, ErrorKind::OverBudget] {
            let error = Error::new(kind, &Method::GET, "/v2/x", "");
            assert_eq!(retry.wait_after(&error, 1, S(0), 0.5), None, "{kind:?}");
        }
        for kind in [ErrorKind::NotSent, ErrorKind::ConnectionLost] {
            assert!(retry.wait_after(&Error::new(kind, &Method::GET, "/v2/x", ""), 1, S(0), 0.5).is_some());
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_drawn_from_nothing() {
        let retry = Retry { attempts: 99, deadline: S(10_000), ..Retry::default() };
        let error = answered(Method::GET, 500);
        let longest: Vec<_> =
            (1..=7).map(|n| retry.wait_after(&error, n, S(0), 1.0).unwrap().as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(retry.wait_after(&error, 7, S(0), 0.0), Some(S(0)));
        assert_eq!(retry.wait_after(&error, 98, S(0), 1.0), Some(S(30)));
    }

    #[test]
    fn the_provider_s_wait_is_obeyed_where_it_fits_the_deadline() {
        let retry = Retry::default();
        let told = |wait| answered(Method::GET, 429).with_retry_after(Some(wait));
        assert_eq!(retry.wait_after(&told(S(40)), 1, S(0), 1.0), Some(S(40)));
        assert_eq!(retry.wait_after(&told(S(40)), 1, S(90), 1.0), None);
    }

    #[test]
    fn attempts_end() {
        let error = answered(Method::GET, 500);
        assert_eq!(Retry::none().wait_after(&error, 1, S(0), 0.0), None);
        assert!(Retry::default().wait_after(&error, 4, S(0), 0.0).is_some());
        assert_eq!(Retry::default().wait_after(&error, 5, S(0), 0.0), None);
        assert_eq!(Retry::default().wait_after(&error, 1, S(120), 0.0), None);
    }
}
