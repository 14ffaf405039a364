//! A node's life in the simulation: the deeds of [`Runner::run`], one at a time, in the order it is told.

use super::strays::Suspects;
use super::{Flights, Runner};
use arcadia_sql::Error;
use tokio_util::sync::{CancellationToken, DropGuard};

/// One runner id, from its first lease on. Dropping it is the death of the process.
pub(crate) struct Life {
    pub(super) flights: Flights,
    suspects: Suspects,
    _died: DropGuard,
}

impl<C: Send + Sync + 'static> Runner<C> {
    pub(crate) async fn begin_life(&self) -> Result<Life, Error> {
        let flights = Flights::under(self.enlist().await?, CancellationToken::new());
        let died = flights.dropped.clone().drop_guard();
        self.begin_here(&flights).await;
        Ok(Life { flights, suspects: Suspects::new(), _died: died })
    }

    /// What the safety poll does: takes over what the dead left, claims what is due.
    pub(crate) async fn look(&self, life: &mut Life) {
        if self.holds(&life.flights) {
            self.take_over_all(&life.flights, &mut life.suspects).await;
        }
        if self.holds(&life.flights) {
            self.claim_due(&life.flights).await;
        }
    }

    /// False when the lease was lost; then every saga is dropped.
    pub(crate) async fn stay(&self, life: &Life) -> bool {
        if self.renew(&life.flights.lease).await {
            return true;
        }
        self.sagas.stop_beginning_here();
        life.flights.drop_all().await;
        false
    }
}
