//! The database's clock, moved by hand: what `{now}` means where a test (or an accelerated demo) sets it.
//! Clones share one time, so that several nodes of a test agree on it as they would on a database's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// A time that moves only when told to, in whole microseconds.
#[derive(Debug, Clone)]
pub struct ManualNow(Arc<AtomicI64>);

impl ManualNow {
    /// Starts at `start`, cut to the microsecond.
    pub fn new(start: Timestamp) -> ManualNow {
        ManualNow(Arc::new(AtomicI64::new(start.as_microsecond())))
    }

    /// Jumps to `to`, forward or back.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.as_microsecond(), Ordering::SeqCst);
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        let by_us = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let moved = |now_us: i64| Some(now_us.saturating_add(by_us).min(Timestamp::MAX.as_microsecond()));
        // The closure always answers, so there is no refusal to look at.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
    }

    /// The time it shows.
    pub fn get(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }
}
