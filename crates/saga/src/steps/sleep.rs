//! `sleep`: waits as a row, not as a task.

use crate::{Halt, Outcome, Run, Step};
use std::time::Duration;

crate::shape! {
    /// What `sleep` reads.
    pub struct SleepNeeds {
        /// Provider time.
        pub sleep_ms: u64,
    }
}

/// Waits `sleep_ms` once.
#[derive(Debug, Clone, Copy)]
pub struct Sleep;

impl<C: Send + Sync + 'static> Step<C> for Sleep {
    const NAME: &'static str = "sleep";
    type Needs = SleepNeeds;
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<C>, needs: SleepNeeds) -> Outcome<()> {
        let until = run.clock().after(run.started_at(), Duration::from_millis(needs.sleep_ms));
        let left = Duration::try_from(until.duration_since(run.clock().now())).unwrap_or_default();
        if left.is_zero() {
            return Ok(());
        }
        Err(Halt::wait(left.mul_f64(run.clock().speed()), format!("{} ms to pass", needs.sleep_ms)))
    }
}
