//! The only use of time beside the HTTP time-outs: what the client calls now, and how it waits.
//! A simulator that runs fast needs a client whose waits run as fast.

use std::{fmt::Debug, future::Future, pin::Pin, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Time as the client sees it. `sleep` takes a duration of this same time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present; must not run backwards.
    fn now(&self) -> Timestamp;
    /// Resolves after `wait` of this clock's time.
    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The system's time when it was made, moved on by a monotonic clock at `speed` times its pace.
#[derive(Debug)]
pub struct SteadyClock {
    started_at: Timestamp,
    origin: Instant,
    speed: f64,
}

impl SteadyClock {
    /// `speed` 1.0 is real time, 60.0 a minute in each second; anything not above zero counts as 1.0.
    pub fn new(speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { started_at: Timestamp::now(), origin: Instant::now(), speed }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.origin.elapsed().as_secs_f64() * self.speed;
        let elapsed = SignedDuration::try_from_secs_f64(elapsed).unwrap_or(SignedDuration::MAX);
        self.started_at.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // At most a day of real time: beyond it the division could overflow, and nothing waits that long.
        let real_s = (wait.as_secs_f64() / self.speed).min(86_400.0);
        Box::pin(tokio::time::sleep(Duration::from_secs_f64(real_s)))
    }
}
