//! A node that moves only when it is told to, for tests on a manual clock.

use super::{Flights, Runner};
use crate::ledger::Ledger;
use arcadia_sql::Error;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// Driving by hand, for tests on a manual clock.
impl<C: Send + Sync + 'static> Runner<C> {
    /// The test kit stands between a runner and its database.
    pub(crate) fn through(self, ledger: Arc<dyn Ledger>) -> Runner<C> {
        Runner { ledger: OnceCell::new_with(Some(ledger)), ..self }
    }

    /// Leaves all other queues alone.
    pub(crate) fn only(self, queue: &str) -> Runner<C> {
        let queues = self.queues.into_iter().filter(|lane| lane.name == queue).collect();
        Runner { queues, ..self }
    }

    /// Claims and drives what is due now, together, to its next pause. Answers how many there were.
    ///
    /// # Errors
    /// The database.
    pub async fn round(&self) -> Result<usize, Error> {
        if self.sagas.claims_held().is_some() {
            return Ok(0);
        }
        let flights = Flights::under(self.enlist().await?, CancellationToken::new());
        // A round that is dropped is a node that dies: its tasks must not live on.
        let died = flights.dropped.clone().drop_guard();
        self.sagas.enter_schedules().await?;
        self.sagas.tick().await?;
        let ledger = self.ledger().await?;
        ledger.bury_expired(flights.lease.runner()).await?;
        let mut driven = self.claim_from_the_dead(&flights).await?;
        ledger.forget_dead().await?;
        ledger.park_unknown(self.known_steps.clone(), self.sagas.clock.now()).await?;
        driven += self.claim_queues(&flights).await?;
        flights.tasks.close();
        flights.tasks.wait().await;
        drop(died);
        ledger.sign_off(flights.lease.runner()).await?;
        Ok(driven)
    }

    /// Drives until nothing is due, moving the manual clock from one due time to the next. `moved` is told
    /// each step of the clock, so that a simulator can move along. Stops at `until`, and where claims are held.
    ///
    /// # Errors
    /// The database.
    pub async fn settle(&self, until: Timestamp, moved: impl Fn(Duration)) -> Result<(), Error> {
        loop {
            if self.round().await? > 0 {
                continue;
            }
            if self.sagas.claims_held().is_some() {
                return Ok(());
            }
            let Some(clock) = self.sagas.clock.as_manual() else { return Ok(()) };
            let due = self.next_due().await?.map(|(due, _)| due);
            let next = [due, self.sagas.next_tick_at().await?].into_iter().flatten().min();
            let Some(due) = next.filter(|due| *due <= until) else { return Ok(()) };
            let ahead = Duration::try_from(due.duration_since(clock.get())).unwrap_or_default();
            clock.advance(ahead);
            moved(ahead);
        }
    }
}
