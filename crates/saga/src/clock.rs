//! The only place of the crate that asks the machine for time, ids and randomness. A test hands out its own.

use arcadia_sql::ManualNow;
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Time, ids and randomness for one node.
#[derive(Clone)]
pub struct Clock {
    source: Source,
    speed: f64,
    random: Arc<Mutex<fastrand::Rng>>,
}

#[derive(Clone)]
enum Source {
    Machine,
    Manual(ManualNow),
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("now", &self.now()).field("speed", &self.speed).finish_non_exhaustive()
    }
}

impl Clock {
    /// The machine's clock. Waits and polls run `speed` times faster; leases and time-outs do not.
    #[must_use]
    pub fn machine(speed: f64) -> Clock {
        let random = Arc::new(Mutex::new(fastrand::Rng::new()));
        Clock { source: Source::Machine, speed, random }
    }

    /// A clock that moves only when `now` is moved, with ids and jitter from `seed`.
    #[must_use]
    pub fn manual(now: ManualNow, seed: u64) -> Clock {
        let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        Clock { source: Source::Manual(now), speed: 1.0, random }
    }

    /// The present moment by this node's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::Machine => Timestamp::now(),
            Source::Manual(now) => now.get(),
        }
    }

    /// Time since some fixed moment, never running backwards, in the units of leases. A suspended machine's counts too.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.source {
            Source::Machine => since_boot(),
            Source::Manual(now) => {
                Duration::from_micros(u64::try_from(now.get().as_microsecond()).unwrap_or_default())
            }
        }
    }

    /// How many times faster than real time waits run.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// How long a wait of `wait` really lasts.
    #[must_use]
    pub fn scaled(&self, wait: Duration) -> Duration {
        wait.div_f64(self.speed)
    }

    /// `from` plus a wait of `wait`, at this clock's speed.
    #[must_use]
    pub fn after(&self, from: Timestamp, wait: Duration) -> Timestamp {
        let real = SignedDuration::try_from(self.scaled(wait)).unwrap_or(SignedDuration::MAX);
        from.checked_add(real).unwrap_or(Timestamp::MAX)
    }

    /// Sleeps `real`; on a manual clock not at all, since whoever moves it drives the runner too.
    pub async fn sleep(&self, real: Duration) {
        match &self.source {
            Source::Machine => tokio::time::sleep(real).await,
            Source::Manual(_) => tokio::task::yield_now().await,
        }
    }

    /// The clock that a test moves, if this is one.
    #[must_use]
    pub fn as_manual(&self) -> Option<&ManualNow> {
        match &self.source {
            Source::Machine => None,
            Source::Manual(now) => Some(now),
        }
    }

    /// A new UUIDv7 at the present moment.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        let mut bytes = [0; 10];
        self.random().fill(&mut bytes);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// A number in `0..below`, for jitter.
    #[must_use]
    pub fn random_below(&self, below: u64) -> u64 {
        self.random().u64(..below.max(1))
    }

    fn random(&self) -> std::sync::MutexGuard<'_, fastrand::Rng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lease runs out while the machine sleeps: the others do not.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(now).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(now).unwrap_or_default()
}
