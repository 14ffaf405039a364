//! A step as the kit's registry holds it: the real one, with a place to strike before and after, and the case's
//! missteps.

use super::hazard::{How, Kind, Misstep, On, Side};
use super::stage::{Stage, lock};
use crate::step::{AnyStep, Boxed};
use crate::{Class, Field, Halt, Outcome, Policy, Run, SagaId, Undo};
use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

/// How long a first call could still be under way when the second is made.
const DOUBT: SignedDuration = SignedDuration::from_secs(6);

/// What is to go wrong inside the steps.
#[derive(Debug, Default)]
pub(crate) struct Script {
    left: Mutex<BTreeMap<(On, usize, Misstep), usize>>,
    doubted: Mutex<BTreeMap<(SagaId, usize), Timestamp>>,
    undone: Mutex<BTreeSet<usize>>,
}

impl Script {
    pub(crate) fn plan(&self, on: On, idx: usize, misstep: Misstep, times: usize) {
        lock(&self.left).insert((on, idx, misstep), times);
    }

    /// The steps whose compensation was called at all.
    pub(crate) fn undone(&self) -> BTreeSet<usize> {
        lock(&self.undone).clone()
    }

    fn meets(&self, on: On, idx: usize, wanted: impl Fn(Misstep) -> bool) -> Option<Misstep> {
        let mut left = lock(&self.left);
        let found = left.iter_mut().find(|((at, place, misstep), times)| {
            *at == on && *place == idx && **times > 0 && wanted(*misstep)
        });
        let (&(_, _, misstep), times) = found?;
        *times -= 1;
        Some(misstep)
    }

    fn fails(&self, on: On, idx: usize, at: Side) -> Outcome<()> {
        let here = |misstep| matches!(misstep, Misstep::Fails { side, .. } if side == at);
        let words = format!("the kit: {on:?} {idx} fails {at:?} its effect");
        match self.meets(on, idx, here) {
            Some(Misstep::Fails { how: How::Certain, .. }) => Err(Halt::failed(words)),
            Some(Misstep::Fails { how: How::InDoubt, .. }) => Err(Halt::unknown(words)),
            // Unlike `panic!` this tells no hook, so that hundreds of cases do not fill the test's output.
            Some(Misstep::Fails { how: How::Panic, .. }) => std::panic::resume_unwind(Box::new(words)),
            Some(Misstep::Twice) | None => Ok(()),
        }
    }

    fn twice(&self, on: On, idx: usize) -> bool {
        self.meets(on, idx, |misstep| misstep == Misstep::Twice).is_some()
    }
}

pub(crate) struct Staged<C> {
    pub(crate) inner: Arc<dyn AnyStep<C>>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) script: Arc<Script>,
}

impl<C: Send + Sync + 'static> Staged<C> {
    /// Once more, as a runner would that did not hear the answer of the first time.
    async fn execute_again(&self, run: &Run<C>, doubt_until: Timestamp) -> Outcome<Map<String, Value>> {
        let again = in_doubt(run, doubt_until);
        let gave = self.inner.execute(&again).await;
        lock(&run.put).append(&mut lock(&again.put));
        gave
    }

    fn fails(&self, idx: usize, side: Side) -> Outcome<()> {
        let failed = self.script.fails(On::Step, idx, side);
        if failed.is_err() {
            self.stage.turn();
        }
        failed
    }

    async fn with_missteps(&self, run: &Run<C>) -> Outcome<Map<String, Value>> {
        self.fails(run.idx, Side::Before)?;
        let gave = self.executed(run).await?;
        self.fails(run.idx, Side::After)?;
        Ok(gave)
    }

    async fn undo_with_missteps(&self, run: &Run<C>, prior: Option<Value>, gave: Option<Value>) -> Undo {
        self.script.fails(On::Undo, run.idx, Side::Before)?;
        self.inner.compensate(run, prior.clone(), gave.clone()).await?;
        if self.script.twice(On::Undo, run.idx) {
            self.inner.compensate(run, prior, gave).await?;
        }
        self.script.fails(On::Undo, run.idx, Side::After)
    }

    async fn executed(&self, run: &Run<C>) -> Outcome<Map<String, Value>> {
        let key = (run.saga, run.idx);
        let doubted = lock(&self.script.doubted).get(&key).copied();
        if let Some(until) = doubted {
            return self.execute_again(run, until).await;
        }
        let gave = self.inner.execute(run).await?;
        if !self.script.twice(On::Step, run.idx) {
            return Ok(gave);
        }
        let until = run.clock.now().checked_add(DOUBT).unwrap_or(Timestamp::MAX);
        lock(&self.script.doubted).insert(key, until);
        self.execute_again(run, until).await
    }
}

impl<C: Send + Sync + 'static> AnyStep<C> for Staged<C> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn class(&self) -> Class {
        self.inner.class()
    }

    fn leaves_marks(&self) -> bool {
        self.inner.leaves_marks()
    }

    fn outlives_ledger(&self) -> bool {
        self.inner.outlives_ledger()
    }

    fn policy(&self) -> Policy {
        self.inner.policy()
    }

    fn prepares(&self) -> bool {
        self.inner.prepares()
    }

    fn needs(&self) -> &'static [Field] {
        self.inner.needs()
    }

    fn gives(&self) -> &'static [Field] {
        self.inner.gives()
    }

    fn prepare<'a>(&'a self, run: &'a Run<C>) -> Boxed<'a, Outcome<Option<Value>>> {
        self.inner.prepare(run)
    }

    fn execute<'a>(&'a self, run: &'a Run<C>) -> Boxed<'a, Outcome<Map<String, Value>>> {
        Box::pin(async move {
            let number = self.stage.before(Kind::Execute).await.map_err(unheard)?;
            let gave = AssertUnwindSafe(self.with_missteps(run)).catch_unwind().await;
            self.stage.after(Kind::Execute, number).await.map_err(unheard)?;
            gave.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn compensate<'a>(
        &'a self,
        run: &'a Run<C>,
        prior: Option<Value>,
        gave: Option<Value>,
    ) -> Boxed<'a, Undo> {
        Box::pin(async move {
            lock(&self.script.undone).insert(run.idx);
            let number = self.stage.before(Kind::Compensate).await.map_err(unheard)?;
            let undone = AssertUnwindSafe(self.undo_with_missteps(run, prior, gave)).catch_unwind().await;
            self.stage.after(Kind::Compensate, number).await.map_err(unheard)?;
            undone.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn compensate_lost<'a>(&'a self, run: &'a Run<C>) -> Boxed<'a, Undo> {
        self.inner.compensate_lost(run)
    }
}

fn unheard(cut: super::Cut) -> Halt {
    Halt::unknown(cut.to_string())
}

fn in_doubt<C>(run: &Run<C>, until: Timestamp) -> Run<C> {
    Run {
        cloud: Arc::clone(&run.cloud),
        saga: run.saga,
        kind: run.kind.clone(),
        idx: run.idx,
        deployment_id: run.deployment_id,
        tenant_id: run.tenant_id.clone(),
        triggered_by: run.triggered_by.clone(),
        inputs: Arc::clone(&run.inputs),
        context: Arc::clone(&run.context),
        prior: run.prior.clone(),
        memo: run.memo.clone(),
        attempt: run.attempt + 1,
        waits: run.waits,
        started_at: run.started_at,
        doubt_until: Some(run.doubt_until.map_or(until, |known| known.max(until))),
        put: Mutex::default(),
        cancel: Arc::clone(&run.cancel),
        clock: run.clock.clone(),
        db: run.db.clone(),
        lease: Arc::clone(&run.lease),
        epoch: run.epoch,
    }
}
