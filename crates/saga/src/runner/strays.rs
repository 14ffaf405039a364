//! Sagas that this node owns and does not drive: the answer to a claim was lost on its way, whoever began one here
//! went away, its task died. The lease of a living node protects them from everybody else, so the node looks itself.

use super::{Flights, Runner};
use arcadia_sql::Error;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// A saga that was just written as ours may only be on its way to its task.
const STRAY_AFTER: Duration = Duration::from_secs(2);

/// A saga and the epoch of the claim.
type Claim = (Uuid, i64);

/// The claims that are being driven.
#[derive(Debug, Default, Clone)]
pub(crate) struct Driven(Arc<Mutex<HashSet<Claim>>>);

/// One of them, for as long as this lives: a task that panics lets go of it too.
pub(crate) struct Held(Driven, Claim);

impl Driven {
    pub(super) fn hold(&self, claim: Claim) -> Held {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(claim);
        Held(self.clone(), claim)
    }

    fn has(&self, claim: &Claim) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(claim)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// Since when each claim was seen without anybody driving it.
pub(super) type Suspects = HashMap<Claim, Duration>;

impl<C: Send + Sync + 'static> Runner<C> {
    /// Gives back what has not been driven for a while; whoever claims it next finds it in doubt.
    pub(super) async fn give_back_strays(
        &self,
        flights: &Flights,
        suspects: &mut Suspects,
    ) -> Result<(), Error> {
        let (ledger, runner) = (self.ledger().await?, flights.lease.runner());
        let mut owned = ledger.owned_by(runner).await?;
        owned.retain(|claim| !flights.driven.has(claim));
        let now = self.sagas.clock.monotonic();
        suspects.retain(|claim, _| owned.contains(claim));
        for (id, epoch) in owned {
            let since = *suspects.entry((id, epoch)).or_insert(now);
            if now.saturating_sub(since) >= STRAY_AFTER {
                tracing::error!(saga = %id, "ours, but nobody drives it; given back");
                ledger.give_back_stray(id, runner, epoch, self.sagas.clock.now()).await?;
            }
        }
        Ok(())
    }
}
