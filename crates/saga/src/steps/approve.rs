//! `approve`: waits for a person to say so, through [`Sagas::signal`](crate::Sagas::signal).

use crate::{Halt, Outcome, Run, Step};
use std::time::Duration;

const EXPIRES_AFTER_MS: u64 = 7 * 24 * 60 * 60 * 1000;

crate::shape! {
    /// What `approve` reads.
    pub struct ApproveNeeds {
        /// The signal's name; `approve` when absent.
        pub signal: Option<String>,
        /// Provider time; seven days when absent.
        pub expires_after_ms: Option<u64>,
    }
}

/// Goes on when the signal was given, and fails when that did not happen in time.
#[derive(Debug, Clone, Copy)]
pub struct Approve;

impl<C: Send + Sync + 'static> Step<C> for Approve {
    const NAME: &'static str = "approve";
    type Needs = ApproveNeeds;
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<C>, needs: ApproveNeeds) -> Outcome<()> {
        let name = needs.signal.as_deref().unwrap_or("approve");
        let expiry = Duration::from_millis(needs.expires_after_ms.unwrap_or(EXPIRES_AFTER_MS));
        let Some(signal) = run.signal(name, expiry).await? else {
            return Err(Halt::failed(format!("nobody said `{name}` in time")));
        };
        run.put_output(format!("approved_at_step_{}", run.idx()), signal.actor);
        Ok(())
    }
}
