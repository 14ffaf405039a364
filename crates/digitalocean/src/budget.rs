//! The rate budget of one token: a sliding log of what we sent, corrected by what the provider's headers say.
//! Pure: the present is an argument, waits are answers.

mod manners;

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use manners::Manners;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

/// One part in five of either window is kept for provisioning where a token is shared.
const RESERVED_PART: u32 = 5;

/// The burst limit is this part of the hourly one: 250 of 5,000.
const BURST_PART: u32 = 20;

/// When the budget is used up by others and no answer has said when theirs ends: ask again then.
const UNKNOWN_WAIT_MS: i64 = 5_000;

/// Requests a token may make. The hourly limit is corrected by the header `ratelimit-limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub per_minute: u32,
    pub per_hour: u32,
}

impl Default for Limits {
    /// DigitalOcean's published limits.
    fn default() -> Self {
        Self { per_minute: 250, per_hour: 5_000 }
    }
}

impl Limits {
    /// No waiting before a request and no learning from headers; a 429 is still obeyed.
    pub fn unlimited() -> Self {
        Self { per_minute: u32::MAX, per_hour: u32::MAX }
    }

    fn is_unlimited(self) -> bool {
        self == Self::unlimited()
    }
}

/// What is left of a token's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetSnapshot {
    /// Requests per hour.
    pub limit: u32,
    /// Of these, how many are left now, others' use of the token included as far as known.
    pub remaining: u32,
    /// Requests per minute.
    pub minute_limit: u32,
    /// Of these, how many are left now.
    pub minute_remaining: u32,
    /// When the oldest request leaves the hour, as the provider last said.
    pub reset: Option<Timestamp>,
    /// Until when a 429 told us to keep still.
    pub blocked_until: Option<Timestamp>,
}

/// The rate headers of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RateHeaders {
    pub(crate) limit: Option<u32>,
    pub(crate) remaining: Option<u32>,
    pub(crate) reset_epoch_s: Option<i64>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) is_429: bool,
}

impl RateHeaders {
    /// How long the answer asks us to keep still: `retry-after`, for a 429 without it until the reset.
    pub(crate) fn wanted_wait(&self, now: Timestamp) -> Option<Duration> {
        let until_reset = || {
            let left_s = self.reset_epoch_s?.saturating_sub(now.as_second()).clamp(0, HOUR_MS / 1_000);
            Some(Duration::from_secs(left_s.unsigned_abs()))
        };
        self.retry_after.or_else(|| if self.is_429 { until_reset() } else { None })
    }
}

#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    floor: Limits,
    /// When each of our requests of the last hour was admitted, oldest first, in epoch milliseconds.
    sent_ms: VecDeque<i64>,
    /// Requests of the last hour that the provider counted and we did not send, and when we learnt of them.
    foreign: u32,
    foreign_seen_ms: i64,
    reset_ms: Option<i64>,
    blocked_until_ms: i64,
    /// Where the token is shared: what keeps the background from being in provisioning's way.
    manners: Option<Manners>,
}

impl Budget {
    pub(crate) fn new(limits: Limits, has_reserve: bool) -> Self {
        Self {
            limits,
            floor: limits,
            sent_ms: VecDeque::new(),
            foreign: 0,
            foreign_seen_ms: 0,
            reset_ms: None,
            blocked_until_ms: i64::MIN,
            manners: has_reserve.then(Manners::default),
        }
    }

    /// Counts one request as sent now, or says how long to wait before asking again.
    pub(crate) fn admit(&mut self, now: Timestamp, may_use_reserve: bool) -> Result<(), Duration> {
        let now_ms = now.as_millisecond();
        self.forget_old(now_ms);
        let background = self.manners.as_mut().filter(|_| !may_use_reserve && !self.limits.is_unlimited());
        let polite_ms = background.map_or(i64::MIN, |it| it.free_at(now_ms, self.limits.per_minute));
        let until_ms = [
            polite_ms,
            self.blocked_until_ms,
            self.minute_free_at(now_ms, may_use_reserve),
            self.hour_free_at(now_ms, may_use_reserve),
        ]
        .into_iter()
        .fold(i64::MIN, i64::max);
        if until_ms > now_ms {
            return Err(Duration::from_millis(until_ms.abs_diff(now_ms)));
        }
        if !self.limits.is_unlimited() {
            self.sent_ms.push_back(now_ms);
            if let Some(manners) = &mut self.manners {
                manners.count(now_ms, may_use_reserve);
            }
        }
        Ok(())
    }

    /// Takes back the newest admission: its request never left.
    pub(crate) fn refund(&mut self, may_use_reserve: bool) {
        self.sent_ms.pop_back();
        if let Some(manners) = &mut self.manners {
            manners.refund(may_use_reserve);
        }
    }

    pub(crate) fn observe(&mut self, now: Timestamp, seen: &RateHeaders) {
        let now_ms = now.as_millisecond();
        self.forget_old(now_ms);
        let reset_ms = seen.reset_epoch_s.map(|s| s.saturating_mul(1_000));
        if seen.is_429 {
            let asked_ms = seen.retry_after.map(|wait| now_ms.saturating_add(millis(wait)));
            let until_ms = asked_ms.or(reset_ms).unwrap_or(now_ms).min(now_ms + HOUR_MS);
            self.blocked_until_ms = self.blocked_until_ms.max(until_ms);
        }
        if self.floor.is_unlimited() {
            return;
        }
        if let Some(limit) = seen.limit.filter(|limit| *limit > 0) {
            self.limits.per_hour = limit;
            self.limits.per_minute = self.floor.per_minute.max(limit / BURST_PART);
        }
        // A burst's 429 says `remaining: 0` about the minute, not about the hour.
        let about_the_hour = !(seen.is_429 && seen.retry_after.is_some());
        if let Some(remaining) = seen.remaining.filter(|_| about_the_hour) {
            let counted = self.limits.per_hour.saturating_sub(remaining);
            self.foreign = counted.saturating_sub(self.sent());
            self.foreign_seen_ms = now_ms;
            self.reset_ms = reset_ms.map(|reset| reset.min(now_ms + HOUR_MS));
        }
    }

    pub(crate) fn snapshot(&mut self, now: Timestamp) -> BudgetSnapshot {
        let now_ms = now.as_millisecond();
        self.forget_old(now_ms);
        let used = self.sent().saturating_add(self.foreign);
        let blocked = self.blocked_until_ms > now_ms;
        BudgetSnapshot {
            limit: self.limits.per_hour,
            remaining: self.limits.per_hour.saturating_sub(used),
            minute_limit: self.limits.per_minute,
            minute_remaining: self
                .limits
                .per_minute
                .saturating_sub(count(self.sent_ms.len() - self.minute_start(now_ms))),
            reset: self.reset_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            blocked_until: blocked.then(|| Timestamp::from_millisecond(self.blocked_until_ms).ok()).flatten(),
        }
    }

    fn forget_old(&mut self, now_ms: i64) {
        while self.sent_ms.front().is_some_and(|sent_ms| sent_ms + HOUR_MS <= now_ms) {
            self.sent_ms.pop_front();
        }
        if self.foreign_seen_ms + HOUR_MS <= now_ms {
            self.foreign = 0;
        }
        // At the reset one counted request leaves; how many more do, only the next answer tells.
        if self.reset_ms.is_some_and(|reset_ms| reset_ms <= now_ms) {
            self.reset_ms = None;
            self.foreign = self.foreign.saturating_sub(1);
        }
    }

    fn minute_free_at(&self, now_ms: i64, may_use_reserve: bool) -> i64 {
        let start = self.minute_start(now_ms);
        let allowed = self.allowed(self.limits.per_minute, may_use_reserve);
        let used = count(self.sent_ms.len() - start);
        if used < allowed {
            return now_ms;
        }
        self.sent_ms.get(start + (used - allowed) as usize).map_or(now_ms, |sent_ms| sent_ms + MINUTE_MS)
    }

    fn hour_free_at(&self, now_ms: i64, may_use_reserve: bool) -> i64 {
        let allowed = self.allowed(self.limits.per_hour, may_use_reserve);
        let used = self.sent().saturating_add(self.foreign);
        if used < allowed {
            return now_ms;
        }
        let ours = self.sent_ms.get((used - allowed) as usize).map(|sent_ms| sent_ms + HOUR_MS);
        let others = (self.foreign > 0).then(|| self.reset_ms.unwrap_or(now_ms + UNKNOWN_WAIT_MS));
        ours.into_iter().chain(others).min().unwrap_or(now_ms + UNKNOWN_WAIT_MS)
    }

    fn allowed(&self, limit: u32, may_use_reserve: bool) -> u32 {
        let kept = if self.manners.is_some() && !may_use_reserve { limit.div_ceil(RESERVED_PART) } else { 0 };
        limit.saturating_sub(kept).max(1)
    }

    fn minute_start(&self, now_ms: i64) -> usize {
        self.sent_ms.partition_point(|sent_ms| sent_ms + MINUTE_MS <= now_ms)
    }

    fn sent(&self) -> u32 {
        count(self.sent_ms.len())
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn millis(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap_or(HOUR_MS)
}

#[cfg(test)]
mod tests;
