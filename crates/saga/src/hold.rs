//! The switch that keeps a process from driving anything: set while the ledger cannot be trusted. Every lease asks it,
//! so that it stops claims and calls alike, and at once.

use crate::{Sagas, store};
use arcadia_sql::{Error, Tx, args};
use std::sync::{Arc, PoisonError, RwLock};

/// Why everything is held, if it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hold(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    number: u64,
    reason: Option<Arc<str>>,
}

/// One call of [`Sagas::hold_claims`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimsHeld(u64);

impl Hold {
    pub(crate) fn reason(&self) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).reason.clone()
    }
}

impl Sagas {
    /// From now on this process claims nothing, takes nothing over, begins and ticks nothing, and no guarded call of a
    /// step leaves it ([`crate::Run::call_guard`]). What is in flight comes to rest as a wait. Reading, starting and
    /// the operators' verbs go on; what is started waits. Other processes are not concerned.
    pub fn hold_claims(&self, reason: impl Into<String>) -> ClaimsHeld {
        let mut state = self.hold.0.write().unwrap_or_else(PoisonError::into_inner);
        state.number += 1;
        state.reason = Some(reason.into().into());
        ClaimsHeld(state.number)
    }

    /// Ends that hold. Where claims were held once more since then they stay held, and the answer is `false`.
    pub fn release_claims(&self, held: ClaimsHeld) -> bool {
        {
            let mut state = self.hold.0.write().unwrap_or_else(PoisonError::into_inner);
            if state.number != held.0 {
                return false;
            }
            state.reason = None;
        }
        self.wake();
        true
    }

    /// Why nothing is driven here, if nothing is.
    #[must_use]
    pub fn claims_held(&self) -> Option<String> {
        self.hold.reason().map(|reason| reason.to_string())
    }

    /// The ledger has lost commits: whatever is unfinished may have come further than it knows. Takes all of it away
    /// from whoever has it, and from now on each of its steps begins in doubt, looking before it does anything.
    /// Answers how many there are.
    ///
    /// # Errors
    /// The database.
    pub async fn doubt_unfinished(&self, tx: &mut Tx) -> Result<u64, Error> {
        tx.execute(&store::DOUBT_UNFINISHED, args![self.clock.now()]).await
    }
}
