//! Rate limits as a sliding log: every request counts for exactly a minute and an hour of simulated time.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::faults::Limit;
use crate::options::RateLimits;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// What the headers announce where nothing is limited.
const ANNOUNCED_PER_HOUR: u32 = 5_000;

/// One log for each token.
pub(crate) struct Limiter {
    limits: RateLimits,
    logs: HashMap<String, TokenLog>,
}

#[derive(Debug, Default)]
struct TokenLog {
    requests: VecDeque<Timestamp>,
    key_lists: VecDeque<Timestamp>,
}

/// What the three headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// When the oldest counted request leaves the window, in seconds since 1970.
    pub(crate) reset_s: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) limit: Limit,
    pub(crate) retry_after_s: i64,
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits) -> Limiter {
        Limiter { limits, logs: HashMap::new() }
    }

    /// Counts a request, unless it is refused: a refused one was not executed and costs nothing.
    pub(crate) fn count(&mut self, token: &str, now: Timestamp, key_list: bool) -> (Budget, Option<Refused>) {
        let limits = self.limits;
        let log = self.logs.entry(token.to_owned()).or_default();
        forget(&mut log.requests, now, HOUR);
        forget(&mut log.key_lists, now, MINUTE);
        let refused = log.refusal(limits, now, key_list);
        let counts = limits.per_minute.is_some() || limits.per_hour.is_some();
        if refused.is_none() && counts {
            log.requests.push_back(now);
        }
        if refused.is_none() && key_list {
            log.key_lists.push_back(now);
        }
        let mut budget = budget(limits, log.requests.len(), log.requests.front().copied(), now);
        if refused.is_some() {
            budget.remaining = 0;
        }
        (budget, refused)
    }

    /// The headers for somebody whose requests are not counted.
    pub(crate) fn untouched(&self, now: Timestamp) -> Budget {
        budget(self.limits, 0, None, now)
    }
}

fn budget(limits: RateLimits, used: usize, oldest: Option<Timestamp>, now: Timestamp) -> Budget {
    let limit = limits.per_hour.unwrap_or(ANNOUNCED_PER_HOUR);
    let used = if limits.per_hour.is_some() { u32::try_from(used).unwrap_or(u32::MAX) } else { 0 };
    let reset_s = leaves(oldest.unwrap_or(now), HOUR).as_second();
    Budget { limit, remaining: limit.saturating_sub(used), reset_s }
}

impl TokenLog {
    fn refusal(&self, limits: RateLimits, now: Timestamp, key_list: bool) -> Option<Refused> {
        let full = |limit: Option<u32>, used: usize| limit.is_some_and(|limit| used >= limit as usize);
        if full(limits.per_hour, self.requests.len()) {
            return Some(Refused { limit: Limit::Hourly, retry_after_s: 0 });
        }
        let minute_began = self.requests.partition_point(|at| leaves(*at, MINUTE) <= now);
        let burst = full(limits.per_minute, self.requests.len() - minute_began);
        let keys = key_list && full(limits.key_lists_per_minute, self.key_lists.len());
        let oldest = match (burst, keys) {
            (_, true) => self.key_lists.front(),
            (true, false) => self.requests.get(minute_began),
            (false, false) => return None,
        };
        let free_at = leaves(oldest.copied().unwrap_or(now), MINUTE);
        let wait_ms = free_at.duration_since(now).as_millis();
        let retry_after_s = i64::try_from(wait_ms.div_euclid(1000) + i128::from(wait_ms % 1000 != 0))
            .unwrap_or(60)
            .clamp(1, 60);
        Some(Refused { limit: Limit::Burst, retry_after_s })
    }
}

fn forget(log: &mut VecDeque<Timestamp>, now: Timestamp, window: SignedDuration) {
    while log.front().is_some_and(|at| leaves(*at, window) <= now) {
        log.pop_front();
    }
}

fn leaves(at: Timestamp, window: SignedDuration) -> Timestamp {
    at.checked_add(window).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number of seconds is a time")
    }

    #[test]
    fn each_request_counts_for_exactly_a_minute_and_an_hour() {
        let limits = RateLimits { per_minute: Some(2), per_hour: Some(3), key_lists_per_minute: None };
        let mut limiter = Limiter::new(limits);
        let mut ask = |second| limiter.count("token", at(second), false);
        assert_eq!(ask(0).0, Budget { limit: 3, remaining: 2, reset_s: 3_600 });
        assert_eq!(ask(10).1, None);
        assert_eq!(ask(59).1, Some(Refused { limit: Limit::Burst, retry_after_s: 1 }));
        assert_eq!(ask(60).1, None, "the first request has left the minute");
        assert_eq!(ask(3_599).1, Some(Refused { limit: Limit::Hourly, retry_after_s: 0 }));
        assert_eq!(ask(3_600).0, Budget { limit: 3, remaining: 0, reset_s: 3_610 });
    }
}
