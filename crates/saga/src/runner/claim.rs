//! How sagas come to a node: claimed when due, taken over from the dead, begun in place.

use super::strays::{Held, Suspects};
use super::{CLAIM_EVERY, CLAIM_MAX, Claimed, Flights, Lane, Launch, Place, Runner};
use crate::flight::Flight;
use crate::ledger::{Claim, FromQueue};
use crate::rows::SagaRow;
use crate::sagas::{BeginHere, PROVISIONING};
use arcadia_sql::Error;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

impl<C: Send + Sync + 'static> Runner<C> {
    /// Claims until nothing is due or every place is taken; answers how long to sleep.
    pub(super) async fn claim_due(&self, flights: &Flights) -> Sleep {
        self.alarm.clear();
        let safety_poll = self.settings.safety_poll;
        match self.claim_queues(flights).await {
            Ok(_) => self.until_next_due().await.unwrap_or(Sleep::of(safety_poll)),
            Err(error) => {
                tracing::warn!(%error, "claiming failed; trying again");
                Sleep::of(safety_poll)
            }
        }
    }

    /// What dead nodes left behind.
    pub(super) async fn take_over_all(&self, flights: &Flights, suspects: &mut Suspects) {
        let taken = async {
            let ledger = self.ledger().await?;
            if ledger.bury_expired(flights.lease.runner()).await? > 0 {
                tracing::warn!("a node died; taking over its sagas");
            }
            if ledger.dead_nodes().await? > 0 {
                self.claim_from_the_dead(flights).await?;
                ledger.forget_dead().await?;
            }
            self.give_back_strays(flights, suspects).await?;
            let parked = ledger.park_unknown(self.known_steps.clone(), self.sagas.clock.now()).await?;
            if parked > 0 {
                tracing::error!(parked, "sagas stand before a step that no live node knows");
            }
            Ok::<(), Error>(())
        };
        if let Err(error) = taken.await {
            tracing::warn!(%error, "taking over failed; trying again");
        }
    }

    /// Claims from one queue after the other, in their order, while there are places.
    pub(super) async fn claim_queues(&self, flights: &Flights) -> Result<usize, Error> {
        let mut driven = 0;
        for queue in &self.queues {
            driven += self.claim_queue(flights, queue).await?;
        }
        Ok(driven)
    }

    pub(super) async fn claim_queue(&self, flights: &Flights, queue: &Lane) -> Result<usize, Error> {
        let ledger = self.ledger().await?;
        let mut driven = 0;
        loop {
            let free = queue.places.available_permits().min(self.places.available_permits());
            let limit = free.min(CLAIM_MAX);
            if limit == 0 {
                return Ok(driven);
            }
            let from = FromQueue { name: queue.name.clone(), over_all: queue.over_all };
            let rows = ledger.claim_due(self.claim(flights, limit), from).await?;
            let claimed = rows.len();
            driven += claimed;
            if claimed > 0 {
                queue.moved();
            }
            for row in rows {
                self.spawn(flights, row, Claimed::Due).await?;
            }
            if claimed < limit {
                return Ok(driven);
            }
        }
    }

    /// What dead nodes left is taken over whatever its queue's limits say: it runs already.
    pub(super) async fn claim_from_the_dead(&self, flights: &Flights) -> Result<usize, Error> {
        let ledger = self.ledger().await?;
        let mut driven = 0;
        loop {
            let rows = ledger.take_over(self.claim(flights, CLAIM_MAX)).await?;
            let claimed = rows.len();
            driven += claimed;
            for row in rows {
                self.spawn(flights, row, Claimed::FromTheDead).await?;
            }
            if claimed < CLAIM_MAX {
                return Ok(driven);
            }
        }
    }

    fn claim(&self, flights: &Flights, limit: usize) -> Claim {
        let (runner, now) = (flights.lease.runner(), self.sagas.clock.now());
        Claim { runner, now, known_steps: self.known_steps.clone(), limit }
    }

    pub(super) async fn spawn(&self, flights: &Flights, row: SagaRow, which: Claimed) -> Result<(), Error> {
        // For a step that waited its claim is the intent.
        self.sagas.acknowledged.note(row.id, row.seq);
        let driver = self.driver(flights).await?;
        let launch = Launch::new(self, flights, &row.queue);
        let held = flights.driven.hold((row.id, row.epoch));
        launch.spawn(
            held,
            launch.place(),
            async move { driver.fly(row, which == Claimed::FromTheDead).await },
        );
        Ok(())
    }

    /// From now on a saga that is started on this node begins here, without being claimed first.
    pub(super) async fn begin_here(&self, flights: &Flights) {
        let driver = match self.driver(flights).await {
            Ok(driver) => Arc::new(driver),
            Err(error) => {
                tracing::warn!(%error, "no journal yet; sagas are claimed, not begun in place");
                return;
            }
        };
        // Only a claim can count what runs on other nodes.
        if self.queues.iter().any(|lane| lane.name == PROVISIONING && lane.over_all.is_some()) {
            return;
        }
        let launch = Arc::new(Launch::new(self, flights, PROVISIONING));
        let (journal, driven, places) = (driver.journal.clone(), flights.driven.clone(), Arc::clone(&launch));
        let fly = move |flight: Flight, held: Held, place: Place| {
            let driver = Arc::clone(&driver);
            launch.spawn(held, place, async move { driver.drive_from(flight).await });
        };
        self.sagas.begin_here(BeginHere {
            journal,
            lease: Arc::clone(&flights.lease),
            place: Box::new(move || places.free_place()),
            hold: Box::new(move |claim| driven.hold(claim)),
            fly: Box::new(fly),
        });
    }

    /// The earliest due time of all queues, and the time now.
    pub(crate) async fn next_due(&self) -> Result<Option<(Timestamp, Timestamp)>, Error> {
        let mut earliest: Option<(Timestamp, Timestamp)> = None;
        for queue in &self.queues {
            let due = self.next_due_of(queue).await?;
            earliest = match (earliest, due) {
                (Some(first), Some(second)) if first.0 <= second.0 => Some(first),
                (first, second) => second.or(first),
            };
        }
        Ok(earliest)
    }

    pub(super) async fn next_due_of(&self, queue: &Lane) -> Result<Option<(Timestamp, Timestamp)>, Error> {
        self.ledger().await?.next_due(self.known_steps.clone(), queue.name.clone()).await
    }

    /// What is due in a queue without a free place wakes nobody: the next place that becomes free does. Where other
    /// nodes have the places, it is looked for ever more seldom.
    async fn until_next_due(&self) -> Result<Sleep, Error> {
        let mut sleep = Sleep::of(self.settings.safety_poll);
        for queue in &self.queues {
            if self.places.available_permits() == 0 || queue.places.available_permits() == 0 {
                sleep.full = true;
                continue;
            }
            let Some((due, now)) = self.next_due_of(queue).await? else { continue };
            let mut until = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            if until.is_zero() && queue.over_all.is_some() {
                sleep.full = true;
                until = queue.looked_in_vain();
            }
            sleep.real = sleep.real.min(until.max(CLAIM_EVERY));
        }
        Ok(sleep)
    }
}

/// Until when a node has nothing to claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sleep {
    pub(super) real: Duration,
    /// Something may be due for which there was no place.
    pub(super) full: bool,
}

impl Sleep {
    pub(super) fn of(real: Duration) -> Sleep {
        Sleep { real, full: false }
    }
}
