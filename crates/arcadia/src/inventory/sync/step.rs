//! A sync as background work: one step of a job.

use super::Synced;
use super::walk::{Hand, Stop, sync};
use crate::cloud::Cloud;
use arcadia_saga::{Halt, Outcome, Policy, Run, Step, shape};
use std::marker::PhantomData;
use std::time::Duration;
use uuid::Uuid;

/// A large account takes its time under the rate limit.
const LONGEST: Duration = Duration::from_secs(45 * 60);

shape! {
    /// What a sync did.
    pub struct Report {
        /// Its row in `sync_runs`.
        pub sync_run_id: Uuid,
        /// How many pages were read.
        pub pages: i64,
        /// How many resources came.
        pub received: i64,
        /// How many of them are new.
        pub discovered: i64,
        /// How many changed.
        pub updated: i64,
        /// How many came back.
        pub restored: i64,
        /// How many known ones did not come.
        pub struck: i64,
        /// How many of those are taken for gone.
        pub deleted: i64,
        /// More than a third was gone at once: nothing was struck.
        pub suspicious: bool,
    }
}

/// See the file's head.
pub struct SyncStep<S>(PhantomData<S>);

impl<S> SyncStep<S> {
    /// The step of that sync.
    #[must_use]
    pub fn new() -> SyncStep<S> {
        SyncStep(PhantomData)
    }
}

impl<S> Default for SyncStep<S> {
    fn default() -> SyncStep<S> {
        SyncStep::new()
    }
}

impl<S> std::fmt::Debug for SyncStep<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SyncStep")
    }
}

impl<S: Synced> Step<Cloud> for SyncStep<S> {
    const NAME: &'static str = S::STEP;
    type Needs = ();
    type Gives = Report;
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy { timeout: LONGEST, ..Policy::background() }
    }

    async fn execute(&self, run: &Run<Cloud>, (): ()) -> Outcome<Report> {
        let synced = sync::<S>(Hand::Step(run), &|_| ()).await;
        let (done, tally) = synced.map_err(|stop| match stop {
            Stop::Halted(halt) => halt,
            other => Halt::failed(other.to_string()),
        })?;
        Ok(Report {
            sync_run_id: done.id,
            pages: tally.pages,
            received: tally.received,
            discovered: tally.discovered,
            updated: tally.updated,
            restored: tally.restored,
            struck: tally.struck,
            deleted: tally.deleted,
            suspicious: tally.suspicious,
        })
    }
}
