//! How sagas come to a node: claimed when due, taken over from the dead, begun in place.

use super::{CLAIM_EVERY, CLAIM_MAX, Claimed, Flights, Launch, Runner};
use crate::flight::Flight;
use crate::ledger::Claim;
use crate::rows::SagaRow;
use crate::sagas::BeginHere;
use arcadia_sql::Error;
use std::sync::Arc;
use std::time::Duration;

impl<C: Send + Sync + 'static> Runner<C> {
    /// Claims until nothing is due or every place is taken; answers how long to sleep.
    pub(super) async fn claim_due(&self, flights: &Flights) -> Duration {
        self.alarm.clear();
        match self.claim_all(flights, Claimed::Due).await {
            Ok(_) => self.until_next_due().await.unwrap_or(self.settings.safety_poll),
            Err(error) => {
                tracing::warn!(%error, "claiming failed; trying again");
                self.settings.safety_poll
            }
        }
    }

    /// What dead nodes left behind.
    pub(super) async fn take_over_all(&self, flights: &Flights) {
        let taken = async {
            let ledger = self.ledger().await?;
            if ledger.bury_expired().await? > 0 {
                tracing::warn!("a node died; taking over its sagas");
            }
            if ledger.dead_nodes().await? > 0 {
                self.claim_all(flights, Claimed::FromTheDead).await?;
                ledger.forget_dead().await?;
            }
            Ok::<(), Error>(())
        };
        if let Err(error) = taken.await {
            tracing::warn!(%error, "taking over failed; trying again");
        }
    }

    pub(super) async fn claim_all(&self, flights: &Flights, which: Claimed) -> Result<usize, Error> {
        let ledger = self.ledger().await?;
        let mut driven = 0;
        loop {
            let limit = self.places.available_permits().min(CLAIM_MAX);
            if limit == 0 {
                return Ok(driven);
            }
            let (runner, now) = (flights.lease.runner(), self.sagas.clock.now());
            let claim = Claim { runner, now, known_steps: self.known_steps.clone(), limit };
            let rows = match which {
                Claimed::Due => ledger.claim_due(claim).await?,
                Claimed::FromTheDead => ledger.take_over(claim).await?,
            };
            let claimed = rows.len();
            driven += claimed;
            for row in rows {
                self.spawn(flights, row, which).await?;
            }
            if claimed < limit {
                return Ok(driven);
            }
        }
    }

    pub(super) async fn spawn(&self, flights: &Flights, row: SagaRow, which: Claimed) -> Result<(), Error> {
        let driver = self.driver(&flights.lease).await?;
        let launch = Launch::new(self, flights);
        launch.spawn(async move { driver.fly(row, which == Claimed::FromTheDead).await });
        Ok(())
    }

    /// From now on a saga that is started on this node begins here, without being claimed first.
    pub(super) async fn begin_here(&self, flights: &Flights) {
        let driver = match self.driver(&flights.lease).await {
            Ok(driver) => Arc::new(driver),
            Err(error) => {
                tracing::warn!(%error, "no journal yet; sagas are claimed, not begun in place");
                return;
            }
        };
        let (launch, journal) = (Launch::new(self, flights), driver.journal.clone());
        let fly = move |flight: Flight| {
            let driver = Arc::clone(&driver);
            launch.spawn(async move { driver.drive_from(flight).await });
        };
        let places = Arc::clone(&self.places);
        self.sagas.begin_here(BeginHere {
            journal,
            lease: Arc::clone(&flights.lease),
            places,
            fly: Box::new(fly),
        });
    }

    pub(super) async fn until_next_due(&self) -> Result<Duration, Error> {
        let due = self.ledger().await?.next_due(self.known_steps.clone()).await?;
        let Some((due, now)) = due else { return Ok(self.settings.safety_poll) };
        let until = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        Ok(until.clamp(CLAIM_EVERY, self.settings.safety_poll))
    }
}
