//! The faults in force and what each has done. One with `times` is spent after so many strikes, but stays listed
//! until it is cleared.

use serde::Serialize;
use tokio::sync::watch;

use super::{Fault, FaultId, FaultKind, Struck};

/// A fault that applies to a request, with the gate at which the request may have to wait.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    pub(crate) kind: FaultKind,
    pub(crate) gate: Gate,
}

/// Where held requests wait. A release lets go those that were struck before it.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    releases: watch::Sender<u64>,
    held: watch::Sender<usize>,
    struck_at: u64,
}

impl Gate {
    fn new() -> Gate {
        Gate { releases: watch::Sender::new(0), held: watch::Sender::new(0), struck_at: 0 }
    }

    /// Waits for the release; counts as held until it returns or is dropped.
    pub(crate) async fn wait(&self) {
        let _held = Held::begin(&self.held);
        let struck_at = self.struck_at;
        // The sender lives as long as this gate, so that waiting for it cannot fail.
        let _ = self.releases.subscribe().wait_for(|released| *released > struck_at).await;
    }
}

struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    fn begin(held: &'a watch::Sender<usize>) -> Held<'a> {
        held.send_modify(|count| *count += 1);
        Held(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[derive(Debug)]
struct Entry {
    id: FaultId,
    fault: Fault,
    random: fastrand::Rng,
    matched: u64,
    strikes: u64,
    gate: Gate,
}

/// An injected fault with what it has done so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultReport {
    pub id: FaultId,
    #[serde(flatten)]
    pub fault: Fault,
    /// Requests that fitted route and match.
    pub matched: u64,
    /// Requests that were struck.
    pub strikes: u64,
    /// Requests that it holds at this moment.
    pub held: usize,
}

#[derive(Debug, Default)]
pub(crate) struct FaultBook {
    entries: Vec<Entry>,
    last_id: FaultId,
}

impl FaultBook {
    pub(crate) fn add(&mut self, fault: Fault) -> FaultId {
        self.last_id += 1;
        let id = self.last_id;
        let random = fastrand::Rng::with_seed(fault.seed.unwrap_or(id));
        self.entries.push(Entry { id, fault, random, matched: 0, strikes: 0, gate: Gate::new() });
        id
    }

    pub(crate) fn reports(&self) -> Vec<FaultReport> {
        let report = |entry: &Entry| FaultReport {
            id: entry.id,
            fault: entry.fault.clone(),
            matched: entry.matched,
            strikes: entry.strikes,
            held: *entry.gate.held.borrow(),
        };
        self.entries.iter().map(report).collect()
    }

    /// Removes one fault or all of them, letting go what they hold. Answers whether there was any.
    pub(crate) fn clear(&mut self, id: Option<FaultId>) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| {
            let goes = id.is_none_or(|id| id == entry.id);
            if goes {
                entry.gate.releases.send_modify(|count| *count += 1);
            }
            !goes
        });
        self.entries.len() < before
    }

    /// Lets go what a fault holds now; answers how many requests that are, or nothing for an unknown fault.
    pub(crate) fn release(&mut self, id: FaultId) -> Option<usize> {
        let entry = self.entries.iter().find(|entry| entry.id == id)?;
        let held = *entry.gate.held.borrow();
        entry.gate.releases.send_modify(|count| *count += 1);
        Some(held)
    }

    /// Follows how many requests a fault holds.
    pub(crate) fn watch_held(&self, id: FaultId) -> Option<watch::Receiver<usize>> {
        self.entries.iter().find(|entry| entry.id == id).map(|entry| entry.gate.held.subscribe())
    }

    pub(crate) fn strike(&mut self, request: &Struck<'_>) -> Vec<Strike> {
        self.entries.iter_mut().filter_map(|entry| entry.strike(request)).collect()
    }
}

impl Entry {
    fn strike(&mut self, request: &Struck<'_>) -> Option<Strike> {
        let spent = self.fault.times.is_some_and(|times| self.strikes >= times);
        if spent || !self.fault.matches(request) {
            return None;
        }
        self.matched += 1;
        if self.matched <= self.fault.after {
            return None;
        }
        if self.fault.probability.is_some_and(|probability| self.random.f64() >= probability) {
            return None;
        }
        self.strikes += 1;
        let struck_at = *self.gate.releases.borrow();
        Some(Strike { kind: self.fault.kind.clone(), gate: Gate { struck_at, ..self.gate.clone() } })
    }
}
