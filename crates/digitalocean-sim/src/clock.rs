//! Simulated time, and the only place that looks at real time.
//! A flowing clock is start + elapsed × speed; every change of mode or speed keeps it continuous.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::options::ClockMode;

#[derive(Debug, Clone, Copy)]
struct Reading {
    simulated: Timestamp,
    taken: Instant,
    speed: f64,
    flows: bool,
}

impl Reading {
    fn now(&self) -> Timestamp {
        if !self.flows {
            return self.simulated;
        }
        after(self.simulated, self.taken.elapsed().mul_f64(self.speed))
    }
}

/// Saturates at the end of representable time, which no simulation reaches in earnest.
pub(crate) fn after(moment: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| moment.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}

pub(crate) fn after_ms(moment: Timestamp, ms: u64) -> Timestamp {
    after(moment, Duration::from_millis(ms))
}

#[derive(Debug)]
pub(crate) struct Clock {
    reading: watch::Sender<Reading>,
}

/// What `/_sim/time` shows.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Time {
    pub now: Timestamp,
    pub speed: f64,
    pub mode: TimeMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeMode {
    Flow,
    Manual,
}

impl Clock {
    pub(crate) fn new(mode: ClockMode) -> Clock {
        let taken = Instant::now();
        let reading = match mode {
            ClockMode::Flow { speed } => {
                let simulated = Timestamp::now();
                Reading { simulated, taken, speed: sane(speed), flows: true }
            }
            ClockMode::Manual { start } => Reading { simulated: start, taken, speed: 1.0, flows: false },
        };
        Clock { reading: watch::Sender::new(reading) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.reading.borrow().now()
    }

    pub(crate) fn time(&self) -> Time {
        let reading = *self.reading.borrow();
        let mode = if reading.flows { TimeMode::Flow } else { TimeMode::Manual };
        Time { now: reading.now(), speed: reading.speed, mode }
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.reset(|reading| reading.simulated = after(reading.simulated, duration));
    }

    /// Moves to any moment, also a past one.
    pub(crate) fn set(&self, now: Timestamp) {
        self.reset(|reading| reading.simulated = now);
    }

    pub(crate) fn set_speed(&self, speed: f64) {
        self.reset(|reading| reading.speed = sane(speed));
    }

    pub(crate) fn set_mode(&self, mode: TimeMode) {
        self.reset(|reading| reading.flows = mode == TimeMode::Flow);
    }

    pub(crate) fn flows(&self) -> bool {
        self.reading.borrow().flows
    }

    /// Returns when simulated time has reached `due`; on a manual clock that takes somebody who advances it.
    pub(crate) async fn sleep_until(&self, due: Timestamp) {
        let mut changes = self.reading.subscribe();
        loop {
            let reading = *changes.borrow_and_update();
            let missing = due.duration_since(reading.now());
            let Ok(missing) = Duration::try_from(missing) else { return };
            if missing.is_zero() {
                return;
            }
            if reading.flows {
                // Rounded up to a millisecond, so that a rest too small to sleep is not spun through.
                let real = missing.div_f64(reading.speed).max(Duration::from_millis(1));
                tokio::select! {
                    () = tokio::time::sleep(real) => {}
                    _ = changes.changed() => {}
                }
            } else if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn reset(&self, change: impl FnOnce(&mut Reading)) {
        self.reading.send_modify(|reading| {
            reading.simulated = reading.now();
            reading.taken = Instant::now();
            change(reading);
        });
    }
}

/// A speed that is no number, zero or negative would stop or turn time; those become the smallest step forward.
fn sane(speed: f64) -> f64 {
    if speed.is_finite() { speed.clamp(0.001, 1_000_000.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_advanced() {
        let clock = Clock::new(ClockMode::Manual { start: Timestamp::UNIX_EPOCH });
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now().as_second(), 5);
    }

    #[test]
    fn a_change_of_mode_or_speed_does_not_move_time_back() {
        let clock = Clock::new(ClockMode::Flow { speed: 1_000.0 });
        let before = clock.now();
        clock.set_speed(2.0);
        clock.set_mode(TimeMode::Manual);
        let stopped = clock.now();
        assert!(stopped >= before);
        assert_eq!(clock.now(), stopped);
        clock.set_mode(TimeMode::Flow);
        assert!(clock.now() >= stopped);
    }
}
