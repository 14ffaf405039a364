//! The steps of the simulation: make a thing, wait for it, turn a dial, pass the point of no return.

use super::super::stage::lock;
use super::shelf::Node;
use crate::{Class, Halt, Outcome, Policy, Registry, Run, Step, Undo, Undoing, shape};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn registry() -> Registry<Node> {
    Registry::new().step(Make).step(Dwell).step(Turn).step(Seal).last_look(LastLook)
}

/// Patient enough that only a run of bad luck leaves something standing.
fn policy() -> Policy {
    Policy { attempts: 4, compensation_attempts: 6, ..Policy::default() }
}

struct Make;

impl Step<Node> for Make {
    const NAME: &'static str = "make";
    const LEAVES_MARKS: bool = true;
    type Needs = ();
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        policy()
    }

    async fn execute(&self, run: &Run<Node>, (): ()) -> Outcome<()> {
        let mark = run.mark().step;
        if run.in_doubt() {
            if run.cloud.call(run, "list", &|goods, now, _| goods.is_listed(&mark, now)).await? {
                return Ok(());
            }
            run.seen_nothing()?;
        }
        run.cloud.call(run, "make", &|goods, now, late_ms| goods.make(&mark, now, late_ms)).await
    }

    async fn compensate(&self, run: &Run<Node>, undoing: Undoing<(), (), ()>) -> Undo {
        let mark = run.mark().step;
        if undoing.gave.is_none()
            && !run.cloud.call(run, "list", &|goods, now, _| goods.is_listed(&mark, now)).await?
        {
            run.seen_nothing()?;
        }
        run.cloud.call(run, "destroy", &|goods, now, _| goods.destroy(&mark, now)).await
    }
}

/// Waits a few times, as a step does that polls.
struct Dwell;

impl Step<Node> for Dwell {
    const NAME: &'static str = "dwell";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        policy()
    }

    async fn execute(&self, run: &Run<Node>, (): ()) -> Outcome<()> {
        run.cloud.call(run, "poll", &|_, _, _| ()).await?;
        let polls: u64 = run.memo::<u64>()?.unwrap_or_default();
        if polls >= 2 {
            return Ok(());
        }
        Err(Halt::wait_with(Duration::from_secs(7), "the next poll", json!(polls + 1)))
    }
}

/// Turns a dial of its own and turns it back to what it showed.
struct Turn;

impl Step<Node> for Turn {
    const NAME: &'static str = "turn";
    type Needs = ();
    type Gives = ();
    type Prior = String;

    fn policy(&self) -> Policy {
        policy()
    }

    async fn prepare(&self, run: &Run<Node>, (): ()) -> Outcome<Option<String>> {
        let dial = run.mark().step;
        let shown = |goods: &mut super::shelf::Goods, _, _| goods.dials.get(&dial).cloned();
        let shown = run.cloud.look_before(run, "read", &shown).await?;
        Ok(Some(shown.unwrap_or_else(|| "unset".to_owned())))
    }

    async fn execute(&self, run: &Run<Node>, (): ()) -> Outcome<()> {
        let dial = run.mark().step;
        run.cloud
            .call(run, "turn", &|goods, _, _| {
                goods.dials.insert(dial.clone(), "set".to_owned());
            })
            .await
    }

    async fn compensate(&self, run: &Run<Node>, undoing: Undoing<(), String, ()>) -> Undo {
        let Some(prior) = undoing.prior else { return Err(Halt::failed("no prior was kept")) };
        let dial = run.mark().step;
        run.cloud
            .call(run, "turn back", &|goods, _, _| {
                goods.dials.insert(dial.clone(), prior.clone());
            })
            .await
    }
}

struct Seal;

impl Step<Node> for Seal {
    const NAME: &'static str = "seal";
    const CLASS: Class = Class::Pivot;
    type Needs = ();
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<Node>, (): ()) -> Outcome<()> {
        let dial = run.mark().step;
        run.cloud
            .call(run, "seal", &|goods, _, _| {
                goods.dials.insert(dial.clone(), "sealed".to_owned());
            })
            .await
    }
}

shape! {
    /// What still bears the saga's mark.
    pub(super) struct Left { left: Vec<Value> }
}

struct LastLook;

impl Step<Node> for LastLook {
    const NAME: &'static str = "last_look";
    type Needs = ();
    type Gives = Left;
    type Prior = ();

    fn policy(&self) -> Policy {
        policy()
    }

    async fn execute(&self, run: &Run<Node>, (): ()) -> Outcome<Left> {
        let prefix = format!("arcadia-step-{}", run.saga_id());
        let any = run.cloud.call(run, "last look", &|goods, now, _| goods.lists_any(&prefix, now)).await?;
        Ok(Left { left: if any { vec![json!(prefix)] } else { Vec::new() } })
    }
}

/// What the dial of a step must show, and whether a thing must live, once its saga has ended.
pub(super) fn dial(goods: &super::shelf::Shelf, mark: &str) -> String {
    lock(&goods.goods).dials.get(mark).cloned().unwrap_or_else(|| "unset".to_owned())
}
