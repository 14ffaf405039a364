//! When a node must look for due sagas next: the earliest of the waits it wrote itself. A hint; the database
//! decides what is due.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Alarm {
    at_us: AtomicU64,
    moved_earlier: Notify,
}

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm { at_us: AtomicU64::new(NEVER), moved_earlier: Notify::new() }
    }
}

impl Alarm {
    /// Something is due at that moment of the monotonic clock.
    pub(crate) fn set(&self, at: Duration) {
        let at = u64::try_from(at.as_micros()).unwrap_or(NEVER);
        if at < self.at_us.fetch_min(at, Ordering::SeqCst) {
            self.moved_earlier.notify_one();
        }
    }

    /// Forgets what was set: the caller is about to look.
    pub(crate) fn clear(&self) {
        self.at_us.store(NEVER, Ordering::SeqCst);
    }

    /// How long until the alarm, if one is set.
    pub(crate) fn remaining(&self, now: Duration) -> Option<Duration> {
        let at = self.at_us.load(Ordering::SeqCst);
        (at != NEVER).then(|| Duration::from_micros(at).saturating_sub(now))
    }

    /// Resolves when an alarm was set that is earlier than the one before.
    pub(crate) async fn moved_earlier(&self) {
        self.moved_earlier.notified().await;
    }
}
