//! The processes of the simulation: each drives sagas and takes requests, until it is killed.

use super::port::SimulatedLedger;
use super::shelf::Node;
use super::turns::{Fate, Kind, Turns};
use crate::{Runner, Sagas, StartSaga};
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinHandle;

/// One place for a process; a killed one can be started again.
pub(super) struct Slot {
    pub(super) process: Option<Process>,
    /// Stands still until then.
    pub(super) frozen_until: Timestamp,
}

pub(super) struct Process {
    sagas: Sagas,
    runner: JoinHandle<()>,
    requests: Vec<JoinHandle<()>>,
}

/// A killed process does nothing more, from one moment to the next.
impl Drop for Process {
    fn drop(&mut self) {
        self.runner.abort();
        self.requests.iter().for_each(JoinHandle::abort);
    }
}

impl Process {
    pub(super) fn boot(node: usize, runner: Runner<Node>, sagas: Sagas, turns: &Arc<Turns>) -> Process {
        let turns = Arc::clone(turns);
        let runner = tokio::spawn(live(node, runner, turns));
        Process { sagas, runner, requests: Vec::new() }
    }

    /// Whoever asked last for a saga hangs up. True when there was a request under way.
    pub(super) fn hang_up(&mut self) -> bool {
        self.requests.retain(|request| !request.is_finished());
        self.requests.pop().inspect(JoinHandle::abort).is_some()
    }

    /// A request to start a saga here. `acknowledged` is set when the caller hears that it is started.
    pub(super) fn start(
        &mut self,
        node: usize,
        start: StartSaga,
        acknowledged: Arc<AtomicBool>,
        turns: &Arc<Turns>,
    ) {
        let (sagas, turns) = (self.sagas.clone(), Arc::clone(turns));
        self.requests.push(tokio::spawn(async move {
            let turn = turns.ask(node, Kind::Network, "request to start").await;
            // In place the runner's own port takes the turns; else it is one transaction, within this one.
            let held = sagas.begins_here().is_none().then_some(turn);
            if sagas.start(start).await.is_ok() {
                acknowledged.store(true, Ordering::SeqCst);
            }
            drop(held);
        }));
    }
}

async fn live(node: usize, runner: Runner<Node>, turns: Arc<Turns>) {
    loop {
        let Ok(mut life) = runner.begin_life().await else {
            drop(turns.ask(node, Kind::Idle, "not enlisted").await);
            continue;
        };
        loop {
            let turn = turns.ask(node, Kind::Idle, "idle").await;
            let fate = turn.fate;
            drop(turn);
            if fate != Fate::Renew {
                runner.look(&mut life).await;
            } else if !runner.stay(&life).await {
                break;
            }
        }
    }
}

pub(super) fn port(
    node: usize,
    inner: &Arc<dyn crate::ledger::Ledger>,
    turns: &Arc<Turns>,
    history: &Arc<super::super::history::History>,
) -> Arc<SimulatedLedger> {
    let (inner, turns, history) = (Arc::clone(inner), Arc::clone(turns), Arc::clone(history));
    Arc::new(SimulatedLedger { node, inner, turns, history })
}
