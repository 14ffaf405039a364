//! Five broken engines, each a double of the database port, and the kit that must find what is wrong with each.

use super::shelf::ShelfWorld;
use crate::journal::{Change, Entry};
use crate::ledger::{Answer, Claim, FromQueue, Ledger, NewNode};
use crate::rows::{SagaRow, Standing, StepRow, Written};
use crate::testing::drive::Between;
use crate::testing::{Report, Scene, Trial};
use arcadia_sql::{Db, Engine, Error, args, statements};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

statements! {
    /// What a claim that forgets to bump the epoch leaves behind.
    LOWER_EPOCH = "UPDATE saga_runs SET epoch = epoch - 1 WHERE id = $1";
    /// What opens a fence to whoever comes.
    FORGE_FENCE = "UPDATE saga_runs SET owner = $2, epoch = $3, seq = $4 WHERE id = $1";
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// A write whose fence held goes through all the same.
    UnfencedWrite,
    /// The intent is held back until the step's outcome is written.
    LateIntent,
    /// The rollback ends with the first compensation that fails.
    StopsAtFirstFailure,
    /// A claim leaves the epoch as it was.
    SameEpoch,
    /// A wait forgets the nudge that came meanwhile.
    LostWakeUp,
}

#[derive(Debug)]
struct Broken {
    fault: Fault,
    inner: Arc<dyn Ledger>,
    db: Db,
    held: Mutex<BTreeMap<Uuid, Entry>>,
}

impl Broken {
    async fn submit_unfenced(&self, entry: Entry) -> Result<Option<Written>, Error> {
        let (id, steps, frees_locks) = (entry.id, entry.steps.clone(), entry.frees_locks);
        let Change::Update(row) = &entry.change else { return self.inner.submit(entry).await };
        let again = row.clone();
        if let Some(written) = self.inner.submit(entry).await? {
            return Ok(Some(written));
        }
        let fence = args![id, again.owner, again.epoch, again.seq];
        self.db.execute(&FORGE_FENCE, fence).await?;
        let change = Change::Update(again);
        self.inner.submit(Entry { id, change, steps, events: Vec::new(), frees_locks }).await
    }

    async fn submit_late(&self, entry: Entry) -> Result<Option<Written>, Error> {
        let held = self.held.lock().unwrap().remove(&entry.id);
        if let Some(held) = held {
            self.inner.submit(held).await?;
        }
        let Change::Update(row) = &entry.change else { return self.inner.submit(entry).await };
        if row.step_state != "running" || row.released {
            return self.inner.submit(entry).await;
        }
        let written = Written { nudge: row.nudge, cancel_requested: false };
        self.held.lock().unwrap().insert(entry.id, entry);
        Ok(Some(written))
    }

    async fn submit_stopping(&self, mut entry: Entry) -> Result<Option<Written>, Error> {
        let failed = entry.steps.iter().find(|step| step.status == "compensation_failed");
        if let (Some(step), Change::Update(row)) = (failed, &mut entry.change) {
            "failed".clone_into(&mut row.status);
            let standing = json!([{"step_idx": step.step_idx, "step": step.step_name}]);
            row.attention = Some(json!({"reason": "compensation_failed", "standing": standing}).to_string());
            (row.current_step_idx, row.released, row.wake_in_ms) = (-1, true, None);
            row.finished_at = Some(row.updated_at);
            "ready".clone_into(&mut row.step_state);
            row.next_step.clear();
        }
        self.inner.submit(entry).await
    }

    async fn submit_forgetful(&self, mut entry: Entry) -> Result<Option<Written>, Error> {
        let standing = self.inner.standing(entry.id).await?;
        if let (Some(standing), Change::Update(row)) = (standing, &mut entry.change) {
            row.nudge = standing.nudge;
        }
        self.inner.submit(entry).await
    }

    async fn lower(&self, mut rows: Vec<SagaRow>) -> Result<Vec<SagaRow>, Error> {
        // The first claim of all has nothing to be confused with.
        for row in rows.iter_mut().filter(|row| self.fault == Fault::SameEpoch && row.epoch > 1) {
            self.db.execute(&LOWER_EPOCH, args![row.id]).await?;
            row.epoch -= 1;
        }
        Ok(rows)
    }
}

impl Ledger for Broken {
    fn submit(&self, entry: Entry) -> Answer<'_, Option<Written>> {
        match self.fault {
            Fault::UnfencedWrite => Box::pin(self.submit_unfenced(entry)),
            Fault::LateIntent => Box::pin(self.submit_late(entry)),
            Fault::StopsAtFirstFailure => Box::pin(self.submit_stopping(entry)),
            Fault::LostWakeUp => Box::pin(self.submit_forgetful(entry)),
            Fault::SameEpoch => self.inner.submit(entry),
        }
    }

    fn claim_due(&self, claim: Claim, queue: FromQueue) -> Answer<'_, Vec<SagaRow>> {
        Box::pin(async move { self.lower(self.inner.claim_due(claim, queue).await?).await })
    }

    fn take_over(&self, claim: Claim) -> Answer<'_, Vec<SagaRow>> {
        Box::pin(async move { self.lower(self.inner.take_over(claim).await?).await })
    }

    fn standing(&self, id: Uuid) -> Answer<'_, Option<Standing>> {
        self.inner.standing(id)
    }

    fn steps(&self, id: Uuid) -> Answer<'_, Vec<StepRow>> {
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
        self.inner.park_poisoned(id, runner, epoch, attention, now)
    }

    fn next_due(&self, known: Vec<String>, queue: String) -> Answer<'_, Option<(Timestamp, Timestamp)>> {
        self.inner.next_due(known, queue)
    }

    fn enlist(&self, node: NewNode) -> Answer<'_, ()> {
        self.inner.enlist(node)
    }

    fn renew(&self, runner: Uuid, lease_ms: i64) -> Answer<'_, bool> {
        self.inner.renew(runner, lease_ms)
    }

    fn sign_off(&self, runner: Uuid) -> Answer<'_, ()> {
        self.inner.sign_off(runner)
    }

    fn bury_expired(&self, runner: Uuid) -> Answer<'_, u64> {
        self.inner.bury_expired(runner)
    }

    fn bury_others(&self, runner: Uuid) -> Answer<'_, ()> {
        self.inner.bury_others(runner)
    }

    fn dead_nodes(&self) -> Answer<'_, i64> {
        self.inner.dead_nodes()
    }

    fn forget_dead(&self) -> Answer<'_, ()> {
        self.inner.forget_dead()
    }

    fn owned_by(&self, runner: Uuid) -> Answer<'_, Vec<(Uuid, i64)>> {
        self.inner.owned_by(runner)
    }

    fn give_back_stray(&self, id: Uuid, runner: Uuid, epoch: i64, now: Timestamp) -> Answer<'_, ()> {
        self.inner.give_back_stray(id, runner, epoch, now)
    }

    fn park_unknown(&self, known: Vec<String>, now: Timestamp) -> Answer<'_, u64> {
        self.inner.park_unknown(known, now)
    }
}

async fn try_out(engine: Engine, fault: Fault, hazard: &'static str) -> Report {
    let between: Between = Arc::new(move |inner, db: &Db| -> Arc<dyn Ledger> {
        Arc::new(Broken { fault, inner, db: db.clone(), held: Mutex::default() })
    });
    let steps = &["make", "wait_listed", "make"];
    let trial = Trial::of(|scene: Scene| async move { ShelfWorld::new(scene, steps) });
    trial.through(between, hazard).on(engine).await
}

/// What the kit says of it; the hazard's name must be in the case that does not hold.
async fn is_found(engine: Engine, fault: Fault, hazard: &'static str, words: &str) {
    let report = try_out(engine, fault, hazard).await;
    let found = report.violations().iter().any(|it| it.case.contains(hazard) && it.why.contains(words));
    assert!(found, "{fault:?} was not found by {hazard} ({words}):\n{report}");
}

macro_rules! found_on_both_databases {
    ($($test:ident: $fault:ident by $hazard:literal, for $words:literal;)*) => {$(
        mod $test {
            use super::*;

            #[tokio::test]
            async fn sqlite() {
                is_found(Engine::Sqlite, Fault::$fault, $hazard, $words).await;
            }

            #[tokio::test]
            async fn postgres() {
                is_found(Engine::Postgres, Fault::$fault, $hazard, $words).await;
            }
        }
    )*};
}

found_on_both_databases! {
    an_unfenced_write_is_found: UnfencedWrite by "zombie", for "the zombie wrote";
    an_intent_written_after_the_call_is_found_by_the_world: LateIntent by "dies-after-call", for "on the shelf";
    a_rollback_that_stops_at_the_first_failure_is_found: StopsAtFirstFailure by "undo-1", for "it is completed";
    a_claim_that_does_not_bump_the_epoch_is_found: SameEpoch by "/forward", for "did not bump the epoch";
    a_lost_wake_up_is_found: LostWakeUp by "cancel", for "sleeps on";
}
