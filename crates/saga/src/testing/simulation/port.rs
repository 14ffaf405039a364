//! The ledger as a simulated node sees it: every question takes a turn, and a turn may go wrong.

use super::super::history::{History, Note};
use super::turns::{Fate, Kind, NETWORK, Turns};
use crate::journal::Entry;
use crate::ledger::{Answer, Claim, FromQueue, Ledger, NewNode};
use crate::rows::{SagaRow, Standing, StepRow, Written};
use arcadia_sql::Error;
use jiff::Timestamp;
use serde_json::Value;
use std::future::pending;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Debug)]
pub(super) struct SimulatedLedger {
    pub(super) node: usize,
    pub(super) inner: Arc<dyn Ledger>,
    pub(super) turns: Arc<Turns>,
    pub(super) history: Arc<History>,
}

fn lost() -> Error {
    Error::ConnectionLost { statement: "the simulation", detail: "the connection broke".to_owned() }
}

impl SimulatedLedger {
    fn take<'a, T: Send + 'a>(
        &'a self,
        what: &'static str,
        call: Answer<'a, T>,
        seen: impl FnOnce(&Result<T, Error>) + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let turn = self.turns.ask(self.node, Kind::Database, what).await;
            match turn.fate {
                Fate::FailsBefore => return Err(lost()),
                Fate::DiesBefore => {
                    drop(turn);
                    return pending().await;
                }
                _ => {}
            }
            let answer = call.await;
            seen(&answer);
            let fate = turn.fate;
            drop(turn);
            self.after(fate, answer).await
        })
    }

    async fn after<T>(&self, fate: Fate, answer: Result<T, Error>) -> Result<T, Error> {
        match fate {
            Fate::LosesAnswer => Err(lost()),
            Fate::DiesAfter => pending().await,
            Fate::AnswersLate => {
                drop(self.turns.ask(self.node, Kind::Network, "answer").await);
                answer
            }
            _ => answer,
        }
    }

    async fn record(&self, entry: Entry) -> Result<Option<Written>, Error> {
        let (note, what) = (Note::of(&entry), Note::of(&entry).to_string());
        let turn = self.turns.ask(self.node, Kind::Record, what).await;
        let fate = turn.fate;
        match fate {
            Fate::FailsBefore => return Err(lost()),
            Fate::DiesBefore => {
                drop(turn);
                return pending().await;
            }
            Fate::ArrivesLate => {
                let (inner, turns, history) =
                    (Arc::clone(&self.inner), Arc::clone(&self.turns), Arc::clone(&self.history));
                tokio::spawn(async move {
                    let turn = turns.ask(NETWORK, Kind::Network, "late record").await;
                    history.wrote(note, &inner.submit(entry).await);
                    drop(turn);
                });
                return Err(lost());
            }
            _ => {}
        }
        let answer = self.inner.submit(entry).await;
        self.history.wrote(note, &answer);
        drop(turn);
        self.after(fate, answer).await
    }
}

impl Ledger for SimulatedLedger {
    fn submit(&self, entry: Entry) -> Answer<'_, Option<Written>> {
        Box::pin(self.record(entry))
    }

    fn standing(&self, id: Uuid) -> Answer<'_, Option<Standing>> {
        self.take("standing", self.inner.standing(id), |_| ())
    }

    fn steps(&self, id: Uuid) -> Answer<'_, Vec<StepRow>> {
        self.take("steps", self.inner.steps(id), |_| ())
    }

    fn park_poisoned(
        &self,
        id: Uuid,
        runner: Uuid,
        epoch: i64,
        attention: Value,
        now: Timestamp,
    ) -> Answer<'_, ()> {
        self.take("park_poisoned", self.inner.park_poisoned(id, runner, epoch, attention, now), |_| ())
    }

    fn claim_due(&self, claim: Claim, queue: FromQueue) -> Answer<'_, Vec<SagaRow>> {
        let rows = self.inner.claim_due(claim.clone(), queue);
        self.take("claim_due", rows, move |rows| self.history.answered(&claim, rows))
    }

    fn take_over(&self, claim: Claim) -> Answer<'_, Vec<SagaRow>> {
        let rows = self.inner.take_over(claim.clone());
        self.take("take_over", rows, move |rows| self.history.answered(&claim, rows))
    }

    /// Only how long to sleep hangs on it, and a simulated node does not sleep.
    fn next_due(&self, _: Vec<String>, _: String) -> Answer<'_, Option<(Timestamp, Timestamp)>> {
        Box::pin(async { Ok(None) })
    }

    fn enlist(&self, node: NewNode) -> Answer<'_, ()> {
        self.take("enlist", self.inner.enlist(node), |_| ())
    }

    fn renew(&self, runner: Uuid, lease_ms: i64) -> Answer<'_, bool> {
        self.take("renew", self.inner.renew(runner, lease_ms), |_| ())
    }

    fn sign_off(&self, runner: Uuid) -> Answer<'_, ()> {
        self.take("sign_off", self.inner.sign_off(runner), |_| ())
    }

    fn bury_expired(&self, runner: Uuid) -> Answer<'_, u64> {
        self.take("bury_expired", self.inner.bury_expired(runner), |_| ())
    }

    fn bury_others(&self, runner: Uuid) -> Answer<'_, ()> {
        self.inner.bury_others(runner)
    }

    fn dead_nodes(&self) -> Answer<'_, i64> {
        self.take("dead_nodes", self.inner.dead_nodes(), |_| ())
    }

    fn forget_dead(&self) -> Answer<'_, ()> {
        self.take("forget_dead", self.inner.forget_dead(), |_| ())
    }

    fn owned_by(&self, runner: Uuid) -> Answer<'_, Vec<(Uuid, i64)>> {
        self.take("owned_by", self.inner.owned_by(runner), |_| ())
    }

    fn give_back_stray(&self, id: Uuid, runner: Uuid, epoch: i64, now: Timestamp) -> Answer<'_, ()> {
        self.take("give_back_stray", self.inner.give_back_stray(id, runner, epoch, now), |_| ())
    }

    fn park_unknown(&self, known: Vec<String>, now: Timestamp) -> Answer<'_, u64> {
        self.take("park_unknown", self.inner.park_unknown(known, now), |_| ())
    }
}
