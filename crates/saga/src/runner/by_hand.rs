//! A node that moves only when it is told to, for tests on a manual clock.

use super::{Flights, Runner};
use crate::ledger::Ledger;
use arcadia_sql::Error;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};

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
        let Some(shift) = self.begin_shift().await? else { return Ok(0) };
        let driven = shift.taken_over + self.claim_queues(&shift.flights).await?;
        shift.land().await;
        self.end_shift(shift).await?;
        Ok(driven)
    }

    /// Drives what is due now until nothing is; a queue's places are filled again and again. Answers when the next is
    /// due, and nothing where claims are held.
    async fn drive_all_due(&self) -> Result<Option<NextDue>, Error> {
        while let Some(shift) = self.begin_shift().await? {
            let (began, mut in_flight) = (self.sagas.clock.now(), shift.taken_over);
            loop {
                let (claimed, next) = self.claim_what_is_due(&shift.flights).await?;
                in_flight += claimed;
                if in_flight == 0 {
                    self.end_shift(shift).await?;
                    return Ok(Some(next));
                }
                shift.land().await;
                in_flight = 0;
                // A lease is only as long as the clock that a step may have moved says.
                if self.sagas.claims_held().is_some() || self.sagas.clock.now() != began {
                    break;
                }
            }
            self.end_shift(shift).await?;
        }
        Ok(None)
    }

    /// Claims once from each queue that has something due; answers when something else is.
    async fn claim_what_is_due(&self, flights: &Flights) -> Result<(usize, NextDue), Error> {
        let (mut claimed, mut next) = (0, NextDue(self.sagas.next_tick_at().await?));
        for queue in &self.queues {
            let Some((due, now)) = self.next_due_of(queue).await? else { continue };
            let taken = if due <= now { self.claim_queue(flights, queue).await? } else { 0 };
            claimed += taken;
            if taken == 0 {
                next.take(due);
            }
        }
        Ok((claimed, next))
    }

    /// A node's first look: the calendar, and what dead nodes left. Nothing where claims are held.
    async fn begin_shift(&self) -> Result<Option<Shift>, Error> {
        if self.sagas.claims_held().is_some() {
            return Ok(None);
        }
        let flights = Flights::under(self.enlist().await?, CancellationToken::new());
        // A round that is dropped is a node that dies: its tasks must not live on.
        let died = flights.dropped.clone().drop_guard();
        self.sagas.enter_schedules().await?;
        self.sagas.tick().await?;
        let ledger = self.ledger().await?;
        ledger.bury_expired(flights.lease.runner()).await?;
        let taken_over = self.claim_from_the_dead(&flights).await?;
        ledger.forget_dead().await?;
        ledger.park_unknown(self.known_steps.clone(), self.sagas.clock.now()).await?;
        Ok(Some(Shift { flights, died, taken_over }))
    }

    async fn end_shift(&self, shift: Shift) -> Result<(), Error> {
        drop(shift.died);
        self.ledger().await?.sign_off(shift.flights.lease.runner()).await
    }

    /// Drives until nothing is due, moving the manual clock from one due time to the next. `moved` is told
    /// each step of the clock, so that a simulator can move along. Stops at `until`, and where claims are held.
    ///
    /// # Errors
    /// The database.
    pub async fn settle(&self, until: Timestamp, moved: impl Fn(Duration)) -> Result<(), Error> {
        loop {
            let Some(next) = self.drive_all_due().await? else { return Ok(()) };
            let Some(clock) = self.sagas.clock.as_manual() else { return Ok(()) };
            let Some(due) = next.0.filter(|due| *due <= until) else { return Ok(()) };
            let ahead = Duration::try_from(due.duration_since(clock.get())).unwrap_or_default();
            clock.advance(ahead);
            moved(ahead);
        }
    }
}

/// A node from its first look to its last, on a clock that stands still.
struct Shift {
    flights: Flights,
    died: DropGuard,
    /// So many sagas were taken over from dead nodes and are driven now.
    taken_over: usize,
}

impl Shift {
    /// Waits until all that was claimed came to its next pause.
    async fn land(&self) {
        self.flights.tasks.close();
        self.flights.tasks.wait().await;
        self.flights.tasks.reopen();
    }
}

/// When something is due next.
#[derive(Debug)]
struct NextDue(Option<Timestamp>);

impl NextDue {
    fn take(&mut self, due: Timestamp) {
        self.0 = Some(self.0.map_or(due, |first| first.min(due)));
    }
}
