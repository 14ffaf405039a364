//! Lock step: whoever wants to talk to the database or the provider asks for a turn, and only one has it. So the
//! order of everything is the conductor's choice, and a seed is the whole run.

use super::super::stage::lock;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, oneshot};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A question to the database or a write.
    Database,
    /// A write that can still arrive when nobody waits for it any more.
    Record,
    Provider,
    /// An answer, or a packet, that is under way.
    Network,
    /// A node that has nothing to do asks what to do.
    Idle,
}

/// What becomes of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    Goes,
    /// It never arrives, and the caller hears so.
    FailsBefore,
    /// It arrives; the answer does not.
    LosesAnswer,
    /// The caller hears that it failed, and then it arrives.
    ArrivesLate,
    /// It arrives; the answer takes its time.
    AnswersLate,
    DiesBefore,
    DiesAfter,
    /// The provider says no.
    Refused,
    /// For an idle node: look for work, or renew the lease.
    Look,
    Renew,
}

/// No node: a packet on its way.
pub(super) const NETWORK: usize = usize::MAX;

pub(super) struct Ask {
    pub(super) node: usize,
    pub(super) kind: Kind,
    pub(super) what: String,
    grant: oneshot::Sender<Fate>,
}

impl Ask {
    /// False when whoever asked is gone.
    pub(super) fn grant(self, fate: Fate) -> bool {
        self.grant.send(fate).is_ok()
    }
}

#[derive(Default)]
pub(super) struct Turns {
    asks: Mutex<Vec<Ask>>,
    over: Notify,
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

/// The one turn. It ends when it is dropped.
pub(super) struct Turn {
    pub(super) fate: Fate,
    turns: Arc<Turns>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.over.notify_one();
    }
}

impl Turns {
    pub(super) async fn ask(self: &Arc<Self>, node: usize, kind: Kind, what: impl Into<String>) -> Turn {
        let (grant, granted) = oneshot::channel();
        lock(&self.asks).push(Ask { node, kind, what: what.into(), grant });
        match granted.await {
            Ok(fate) => Turn { fate, turns: Arc::clone(self) },
            // The run is over, or the node is dead: nothing of it goes on.
            Err(_) => std::future::pending().await,
        }
    }

    /// Who asks just now.
    pub(super) fn with_asks<T>(&self, look: impl FnOnce(&mut Vec<Ask>) -> T) -> T {
        let mut asks = lock(&self.asks);
        asks.retain(|ask| !ask.grant.is_closed());
        look(&mut asks)
    }

    pub(super) async fn over(&self) {
        self.over.notified().await;
    }
}
