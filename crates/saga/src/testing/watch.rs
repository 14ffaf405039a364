//! The ledger as the kit's runners see it: each durable write is a place where a case can strike, and what was
//! accepted goes into the history.

use super::hazard::Kind;
use super::history::{History, Note};
use super::stage::{Cut, Stage};
use crate::journal::Entry;
use crate::ledger::{Answer, Claim, FromQueue, Ledger, NewNode};
use crate::rows::{SagaRow, Standing, StepRow, Written};
use arcadia_sql::Error;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) inner: Arc<dyn Ledger>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) history: Arc<History>,
}

impl Watched {
    fn write<'a, T: Send + 'a>(
        &'a self,
        write: Answer<'a, T>,
        seen: impl FnOnce(&Result<T, Error>) + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let number = self.stage.before(Kind::Write).await.map_err(cut)?;
            let answer = write.await;
            seen(&answer);
            self.stage.after(Kind::Write, number).await.map_err(cut)?;
            answer
        })
    }

    fn claim<'a>(&'a self, claim: Claim, rows: Answer<'a, Vec<SagaRow>>) -> Answer<'a, Vec<SagaRow>> {
        self.write(rows, move |rows| self.history.answered(&claim, rows))
    }
}

fn cut(_: Cut) -> Error {
    Error::ConnectionLost { statement: "the kit", detail: "the connection broke".to_owned() }
}

impl Ledger for Watched {
    fn submit(&self, entry: Entry) -> Answer<'_, Option<Written>> {
        let note = Note::of(&entry);
        self.write(self.inner.submit(entry), move |answer| self.history.wrote(note, answer))
    }

    fn standing(&self, id: Uuid) -> Answer<'_, Option<Standing>> {
        self.stage.reads();
        self.inner.standing(id)
    }

    fn steps(&self, id: Uuid) -> Answer<'_, Vec<StepRow>> {
        self.stage.reads();
        self.inner.steps(id)
    }

    fn park_poisoned(
        &self,
        id: Uuid,
        runner: Uuid,
        epoch: i64,
        attention: Value,
        now: Timestamp,
    ) -> Answer<'_, ()> {
        self.write(self.inner.park_poisoned(id, runner, epoch, attention, now), |_| ())
    }

    fn claim_due(&self, claim: Claim, queue: FromQueue) -> Answer<'_, Vec<SagaRow>> {
        self.claim(claim.clone(), self.inner.claim_due(claim, queue))
    }

    fn take_over(&self, claim: Claim) -> Answer<'_, Vec<SagaRow>> {
        self.claim(claim.clone(), self.inner.take_over(claim))
    }

    fn next_due(&self, known: Vec<String>, queue: String) -> Answer<'_, Option<(Timestamp, Timestamp)>> {
        self.stage.reads();
        self.inner.next_due(known, queue)
    }

    fn enlist(&self, node: NewNode) -> Answer<'_, ()> {
        self.write(self.inner.enlist(node), |_| ())
    }

    fn renew(&self, runner: Uuid, lease_ms: i64) -> Answer<'_, bool> {
        self.write(self.inner.renew(runner, lease_ms), |_| ())
    }

    fn sign_off(&self, runner: Uuid) -> Answer<'_, ()> {
        self.write(self.inner.sign_off(runner), |_| ())
    }

    fn bury_expired(&self, runner: Uuid) -> Answer<'_, u64> {
        self.write(self.inner.bury_expired(runner), |_| ())
    }

    fn bury_others(&self, runner: Uuid) -> Answer<'_, ()> {
        self.stage.reads();
        self.inner.bury_others(runner)
    }

    fn dead_nodes(&self) -> Answer<'_, i64> {
        self.stage.reads();
        self.inner.dead_nodes()
    }

    fn forget_dead(&self) -> Answer<'_, ()> {
        self.write(self.inner.forget_dead(), |_| ())
    }

    fn owned_by(&self, runner: Uuid) -> Answer<'_, Vec<(Uuid, i64)>> {
        self.stage.reads();
        self.inner.owned_by(runner)
    }

    fn give_back_stray(&self, id: Uuid, runner: Uuid, epoch: i64, now: Timestamp) -> Answer<'_, ()> {
        self.write(self.inner.give_back_stray(id, runner, epoch, now), |_| ())
    }

    fn park_unknown(&self, known: Vec<String>, now: Timestamp) -> Answer<'_, u64> {
        self.write(self.inner.park_unknown(known, now), |_| ())
    }
}
