//! What may have happened stays in doubt until somebody looked: through a lost ledger, through a failed undo, and
//! before a step has begun.

use crate::world::{Shelf, Trouble, World, no_inputs, options};
use arcadia_saga::{
    By, Class, Filter, Halt, Outcome, Policy, Registry, Run, SagaId, Sagas, Status, Step, Undo, Undoing,
    VerbError,
};
use arcadia_sql::{MIGRATIONS, on_both_databases, testing::TestDb};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

const ADA: By = By { actor: "user:ada", reason: "looked at it myself" };
const LABEL: &str = "label";
const OURS: u32 = 7;
const THEIRS: u32 = 3;

/// What the label said before.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Before {
    said: Option<u32>,
    perhaps_ours: bool,
}

/// Overwrites the one label of the shelf, which bears no mark.
struct WriteLabel;

impl Step<Shelf> for WriteLabel {
    const NAME: &'static str = "write_label";
    type Needs = ();
    type Gives = ();
    type Prior = Before;

    fn policy(&self) -> Policy {
        Policy { attempts: 3, compensation_attempts: 2, ..Policy::default() }
    }

    async fn prepare(&self, run: &Run<Shelf>, (): ()) -> Outcome<Option<Before>> {
        run.cloud.meet(&format!("look:{}", run.idx())).await?;
        let said = run.cloud.things.lock().unwrap().get(LABEL).copied();
        Ok(Some(Before { said, perhaps_ours: run.in_doubt() && said == Some(OURS) }))
    }

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        if run.waits() > 0 || run.attempt() > 1 {
            return Err(Halt::failed("this is its first attempt"));
        }
        run.cloud.things.lock().unwrap().insert(LABEL.to_owned(), OURS);
        Ok(())
    }

    async fn compensate(&self, run: &Run<Shelf>, undoing: Undoing<(), Before, ()>) -> Undo {
        let mut things = run.cloud.things.lock().unwrap();
        match undoing.prior {
            Some(Before { perhaps_ours: true, .. }) => Err(Halt::failed("nobody knows who wrote the label")),
            None if run.in_doubt() && things.get(LABEL) == Some(&OURS) => {
                Err(Halt::failed("nobody knows who wrote the label"))
            }
            None => Ok(()),
            Some(before) => {
                things.remove(LABEL);
                things.extend(before.said.map(|said| (LABEL.to_owned(), said)));
                Ok(())
            }
        }
    }
}

/// The point of no return, after a look.
struct CommitLabel;

impl Step<Shelf> for CommitLabel {
    const NAME: &'static str = "commit_label";
    const CLASS: Class = Class::Pivot;
    type Needs = ();
    type Gives = ();
    type Prior = Before;

    async fn prepare(&self, run: &Run<Shelf>, (): ()) -> Outcome<Option<Before>> {
        run.cloud.meet(&format!("look:{}", run.idx())).await?;
        Ok(None)
    }

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        run.cloud.things.lock().unwrap().insert(LABEL.to_owned(), OURS);
        Ok(())
    }
}

fn world(db: TestDb) -> World {
    let world = World::new(db);
    let registry = Registry::new().step(crate::world::Make { attempts: 3 }).step(crate::world::Commit);
    let registry = Arc::new(registry.step(WriteLabel).step(CommitLabel));
    let clock = arcadia_saga::Clock::manual(world.now.clone(), 7);
    let sagas = Sagas::new((*world.db).clone(), clock, &registry);
    World { registry, sagas, ..world }
}

impl World {
    fn says(&self, label: u32) {
        self.shelf.things.lock().unwrap().insert(LABEL.to_owned(), label);
    }

    fn label(&self) -> Option<u32> {
        self.shelf.things.lock().unwrap().get(LABEL).copied()
    }

    /// The ledger went back to where it is now, and a person let claims go on.
    async fn lost_commits(&self) {
        let mut tx = self.db.begin().await.unwrap();
        assert_eq!(self.sagas.doubt_unfinished(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }

    /// Failed, with that step standing.
    async fn needs_a_person_for(&self, id: SagaId, idx: i64) {
        let saga = self.saga(id).await;
        assert_eq!(saga.status, Status::Failed, "{:?}", self.steps(id).await);
        assert_eq!(saga.attention.unwrap()["standing"][0]["step_idx"], idx);
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn what_a_lost_ledger_wrote_is_not_taken_for_what_was_there_before(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("make:1", [Trouble::FailBefore]);
        let id = world.start(&["write_label", "make"], no_inputs()).await;
        // Written by the very step, of which this ledger knows nothing; what was there before is lost with it.
        world.says(OURS);
        world.lost_commits().await;
        world.settle().await;
        world.needs_a_person_for(id, 0).await;
        assert_eq!(world.label(), Some(OURS), "left alone");
    }

    async fn what_was_prepared_before_the_ledger_was_lost_is_restored(db: TestDb) {
        let world = world(db);
        world.says(THEIRS);
        world.shelf.trouble("make:1", [Trouble::Wait(1_000), Trouble::UnknownBefore, Trouble::FailBefore]);
        let id = world.start(&["write_label", "make"], no_inputs()).await;
        world.runner().round().await.unwrap();
        world.lost_commits().await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.label(), Some(THEIRS));
    }

    async fn a_look_that_fails_after_a_lost_ledger_does_not_prove_that_nothing_was_done(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("look:0", [Trouble::FailBefore]);
        let id = world.start(&["write_label"], no_inputs()).await;
        world.says(OURS);
        world.lost_commits().await;
        world.settle().await;
        world.needs_a_person_for(id, 0).await;
    }

    async fn a_cancel_after_a_lost_ledger_undoes_the_step_that_may_have_been_done(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("look:1", [Trouble::Wait(60_000)]);
        let id = world.start(&["make", "write_label"], no_inputs()).await;
        world.runner().round().await.unwrap();
        world.says(OURS);
        world.lost_commits().await;
        world.sagas.cancel(id, ADA).await.unwrap();
        world.settle().await;
        world.needs_a_person_for(id, 1).await;
    }

    async fn a_pivot_that_a_lost_ledger_may_have_passed_is_settled_forward(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("look:1", [Trouble::Wait(60_000), Trouble::FailBefore]);
        let id = world.start(&["make", "commit_label"], no_inputs()).await;
        world.runner().round().await.unwrap();
        world.lost_commits().await;
        assert!(matches!(world.sagas.cancel(id, ADA).await, Err(VerbError::Refused { .. })));
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        assert_eq!(*world.shelf.undo_calls.lock().unwrap(), Vec::<String>::new());
    }

    async fn a_cancel_from_before_a_release_counts_before_the_pivot(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("look:1", [Trouble::Wait(60_000)]);
        let id = world.start(&["make", "commit_label"], no_inputs()).await;
        world.runner().round().await.unwrap();
        world.sagas.cancel(id, ADA).await.unwrap();
        world.lost_commits().await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.label(), None, "the point of no return was passed in spite of the cancel");
    }

    async fn an_undo_that_an_operator_has_tried_again_waits_for_what_is_listed_late(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("make:0", vec![Trouble::UnknownBefore; 3]);
        world.shelf.trouble("undo:0", vec![Trouble::UnknownBefore; 3]);
        let id = world.start(&["make"], no_inputs()).await;
        world.settle().await;
        world.needs_a_person_for(id, 0).await;

        world.sagas.retry(id, ADA).await.unwrap();
        world.runner().round().await.unwrap();
        assert_eq!(world.saga(id).await.status, Status::Compensating, "one look proves no absence");
        let saga = world.saga(id).await;
        world.shelf.things.lock().unwrap().insert(saga.mark(0).step, 1);
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn the_last_call_of_an_undo_that_failed_is_in_doubt_when_it_is_tried_again(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("make:0", vec![Trouble::UnknownBefore; 3]);
        world.shelf.trouble("undo:0", vec![Trouble::UnknownBefore; 3]);
        let id = world.start(&["make"], no_inputs()).await;
        world.settle().await;
        let tried_again = world.at();
        world.sagas.retry(id, ADA).await.unwrap();
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!(saga.status, Status::RolledBack);
        let took = saga.finished_at.unwrap().duration_since(tried_again);
        assert!(took.as_secs() >= 66, "a call's time-out and a minute: {took:?}");
    }

    async fn a_step_that_was_skipped_is_undone_by_its_mark(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("make:0", [Trouble::Wait(60_000)]);
        world.shelf.trouble("make:1", [Trouble::FailBefore]);
        let id = world.start(&["make", "make"], no_inputs()).await;
        world.runner().round().await.unwrap();
        let saga = world.saga(id).await;
        // The call was made all the same.
        world.shelf.things.lock().unwrap().insert(saga.mark(0).step, 1);
        world.sagas.skip(id, 0, ADA).await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack, "{:?}", world.saga(id).await.attention);
        assert_eq!(world.shelf.things(), Vec::<String>::new());
    }

    async fn an_answer_that_cannot_be_kept_leaves_its_call_in_doubt(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("make:0", [Trouble::Wait(1_000), Trouble::UndecodableAfter]);
        let id = world.start(&["make"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.attention.unwrap()["reason"], "undecodable");
        world.sagas.retry(id, ADA).await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed);
        let made: Vec<u32> = world.shelf.things.lock().unwrap().values().copied().collect();
        assert_eq!(made, [1], "found by its mark, not made again");
    }

    async fn a_look_that_fails_behind_the_pivot_is_named_with_what_to_do(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("look:1", vec![Trouble::FailBefore; 2]);
        world.shelf.trouble("look:1", vec![Trouble::UnknownBefore; 2]);
        let id = world.start(&["commit", "write_label"], no_inputs()).await;
        let needing = Filter { needs_attention: true, ..Filter::default() };
        for failures in 1..=4 {
            world.runner().round().await.unwrap();
            let saga = world.saga(id).await;
            let why = if failures <= 2 { "look:1 was refused" } else { "look:1 was cut" };
            assert_eq!(saga.waiting_for.as_deref(), Some(format!("another attempt after: {why}").as_str()));
            let listed = world.sagas.list(&needing).await.unwrap().len();
            assert_eq!(listed, usize::from(failures >= 3), "after {failures} of the three attempts it hoped for");
            world.now.advance(Duration::from_secs(30));
        }
        let attention = world.saga(id).await.attention.unwrap();
        assert_eq!((&attention["reason"], &attention["message"]), (&"stuck".into(), &"look:1 was cut".into()));
        let advice = attention["advice"].as_str().unwrap();
        assert!(["retry", "skip", "abandon"].iter().all(|verb| advice.contains(verb)), "{advice}");
        world.settle().await;
        let saga = world.saga(id).await;
        assert_eq!((saga.status, saga.attention), (Status::Completed, None));
    }

    async fn what_got_on_again_needs_nobody_while_it_goes_on(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("make:1", vec![Trouble::FailBefore; 3]);
        world.shelf.trouble("make:2", [Trouble::Wait(600_000)]);
        let id = world.start(&["commit", "make", "make"], no_inputs()).await;
        for _ in 0..3 {
            world.runner().round().await.unwrap();
            world.now.advance(Duration::from_secs(30));
        }
        assert_eq!(world.saga(id).await.attention.unwrap()["reason"], "stuck");
        world.runner().round().await.unwrap();
        let saga = world.saga(id).await;
        assert_eq!((saga.current_step_idx, saga.attention), (2, None));
    }

    async fn a_look_that_waits_long_has_failed_in_nothing(db: TestDb) {
        let world = world(db);
        let waits = vec![Trouble::Wait(1_000); 5];
        world.shelf.trouble("look:0", waits);
        world.shelf.trouble("look:0", [Trouble::UnknownBefore]);
        let id = world.start(&["write_label"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::Completed, "{:?}", world.saga(id).await.error);
        assert_eq!(world.event_kinds(id).await, ["wait", "retry"]);
        assert_eq!(world.steps(id).await[0].attempts, 1);
    }

    async fn a_look_has_as_many_attempts_as_its_step_and_changes_nothing(db: TestDb) {
        let world = world(db);
        world.shelf.trouble("look:1", vec![Trouble::UnknownBefore; 3]);
        let id = world.start(&["make", "write_label"], no_inputs()).await;
        world.settle().await;
        assert_eq!(world.saga(id).await.status, Status::RolledBack);
        let step = &world.steps(id).await[1];
        assert_eq!((step.status.as_str(), step.in_doubt, step.attempts), ("failed", false, 3));
    }
}
