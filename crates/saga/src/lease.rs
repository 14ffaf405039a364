//! A node's lease as the node itself sees it: counted from before the renewal was sent, so that it never
//! believes to hold longer than the database does.

use crate::Clock;
use crate::hold::Hold;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The life of one runner id. A runner that lost it takes a new id and a new lease.
#[derive(Debug)]
pub(crate) struct Lease {
    runner: Uuid,
    until_us: AtomicU64,
    hold: Hold,
}

impl Lease {
    pub(crate) fn new(runner: Uuid, hold: Hold) -> Lease {
        Lease { runner, until_us: AtomicU64::new(0), hold }
    }

    pub(crate) fn runner(&self) -> Uuid {
        self.runner
    }

    /// The renewal that was sent at `sent` was answered.
    pub(crate) fn renewed(&self, sent: Duration, length: Duration) {
        self.until_us.store(micros(sent + length), Ordering::SeqCst);
    }

    /// Nothing may be begun under this lease any more.
    pub(crate) fn end(&self) {
        self.until_us.store(0, Ordering::SeqCst);
    }

    pub(crate) fn outlasts(&self, clock: &Clock, needed: Duration) -> Result<(), String> {
        if let Some(why) = self.hold.reason() {
            return Err(format!("claims are held: {why}"));
        }
        let until = self.until_us.load(Ordering::SeqCst);
        if micros(clock.monotonic() + needed) <= until {
            return Ok(());
        }
        Err(format!("this node's lease does not outlast a call of {} ms", needed.as_millis()))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
