//! What callers can do with sagas: start, read, steer. It knows the steps by name only, so that every part of
//! a service can hold it.

mod read;
mod retention;
mod start;
mod verbs;

pub use read::Filter;
pub use retention::Past;
pub(crate) use start::PROVISIONING;
pub use start::{Idempotency, StartError, StartSaga, Started};
pub use verbs::{By, VerbError};

use crate::acknowledged::Acknowledged;
use crate::flight::Flight;
use crate::hints::Hints;
use crate::hold::Hold;
use crate::journal::Journal;
use crate::lease::Lease;
use crate::plan::{PlanError, Registry};
use crate::record::Status;
use crate::runner::{Held, Place};
use crate::schedule::Schedules;
use crate::{Clock, Field, SagaId};
use arcadia_sql::Db;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

pub(crate) trait Catalog: Send + Sync {
    fn check(&self, kind: &str, steps: &[String], inputs: &[&str]) -> Result<(), PlanError>;
    fn plan_steps(&self, name: &str) -> Result<Vec<String>, PlanError>;
    fn plan_inputs(&self, name: &str) -> Result<&'static [Field], PlanError>;
    fn pivot(&self, steps: &[String]) -> Option<usize>;
    fn prepares(&self, step: &str) -> bool;
    fn check_queue(&self, queue: &str) -> Result<(), PlanError>;
    fn schedules(&self) -> &Schedules;
}

impl<C: Send + Sync + 'static> Catalog for Registry<C> {
    fn check(&self, kind: &str, steps: &[String], inputs: &[&str]) -> Result<(), PlanError> {
        self.check_list(kind, steps, inputs)
    }

    fn plan_steps(&self, name: &str) -> Result<Vec<String>, PlanError> {
        Registry::plan_steps(self, name)
    }

    fn plan_inputs(&self, name: &str) -> Result<&'static [Field], PlanError> {
        Registry::plan_inputs(self, name)
    }

    fn pivot(&self, steps: &[String]) -> Option<usize> {
        Registry::pivot(self, steps)
    }

    fn prepares(&self, step: &str) -> bool {
        self.find(step).is_some_and(|step| step.prepares())
    }

    fn check_queue(&self, queue: &str) -> Result<(), PlanError> {
        Registry::check_queue(self, queue)
    }

    fn schedules(&self) -> &Schedules {
        Registry::schedules(self)
    }
}

/// The sagas of one database.
#[derive(Clone)]
pub struct Sagas {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) woken: Arc<Notify>,
    pub(crate) hints: Hints,
    pub(crate) catalog: Arc<dyn Catalog>,
    here: Arc<RwLock<Option<Arc<BeginHere>>>>,
    pub(crate) ends: Ends,
    pub(crate) hold: Hold,
    pub(crate) schedules_trouble: Trouble,
    pub(crate) acknowledged: Acknowledged,
}

/// Why something that is tried again and again does not succeed, while it does not.
#[derive(Clone, Default)]
pub(crate) struct Trouble(Arc<RwLock<Option<String>>>);

impl Trouble {
    pub(crate) fn say(&self, why: Option<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

/// The runner of this very process, where one runs: a saga that is asked for here begins here.
pub(crate) struct BeginHere {
    pub(crate) journal: Journal,
    pub(crate) lease: Arc<Lease>,
    /// One that is free in the queue of what begins here.
    pub(crate) place: Box<dyn Fn() -> Option<Place> + Send + Sync>,
    /// Says that the claim is on its way to its task, before it is written.
    pub(crate) hold: Box<dyn Fn((Uuid, i64)) -> Held + Send + Sync>,
    pub(crate) fly: Box<dyn Fn(Flight, Held, Place) + Send + Sync>,
}

impl std::fmt::Debug for Sagas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sagas").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Sagas {
    /// The sagas in `db`, made of the steps in `registry`.
    #[must_use]
    pub fn new<C: Send + Sync + 'static>(db: Db, clock: Clock, registry: &Arc<Registry<C>>) -> Sagas {
        let catalog = Arc::clone(registry) as Arc<dyn Catalog>;
        let hints = Hints::on(db.clone(), clock.new_id());
        Sagas {
            db,
            clock,
            woken: Arc::default(),
            hints,
            catalog,
            here: Arc::default(),
            ends: Ends::default(),
            hold: Hold::default(),
            schedules_trouble: Trouble::default(),
            acknowledged: Acknowledged::default(),
        }
    }

    /// The steps of a plan, for [`StartSaga::steps`].
    ///
    /// # Errors
    /// [`PlanError::UnknownPlan`] with the nearest known names.
    pub fn plan_steps(&self, name: &str) -> Result<Vec<String>, PlanError> {
        self.catalog.plan_steps(name)
    }

    /// What sagas of a plan start with, for [`StartSaga::inputs`].
    ///
    /// # Errors
    /// [`PlanError::UnknownPlan`] with the nearest known names.
    pub fn plan_inputs(&self, name: &str) -> Result<&'static [Field], PlanError> {
        self.catalog.plan_inputs(name)
    }

    /// Resolves with the saga's end, if it ends on this node; ask before it is started. Elsewhere, read.
    #[must_use]
    pub fn end_here(&self, id: SagaId) -> oneshot::Receiver<Status> {
        self.ends.expect(id)
    }

    /// Why this process could not enter its build's schedules, while it could not: what is new among them does not tick.
    #[must_use]
    pub fn schedules_missing(&self) -> Option<String> {
        self.schedules_trouble.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A new id, for [`StartSaga::id`].
    #[must_use]
    pub fn new_id(&self) -> SagaId {
        SagaId(self.clock.new_id())
    }

    /// A hint that something may be due, here or on another node.
    pub fn wake(&self) {
        self.woken.notify_waiters();
        self.hints.give();
    }

    /// The runner of this process and a place there, while it has one free and a lease.
    pub(crate) fn begins_here(&self) -> Option<(Arc<BeginHere>, Place)> {
        let here = self.here.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        here.lease.outlasts(&self.clock, Duration::ZERO).ok()?;
        let place = (here.place)()?;
        Some((here, place))
    }

    pub(crate) fn begin_here(&self, here: BeginHere) {
        *self.here.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(here));
    }

    pub(crate) fn stop_beginning_here(&self) {
        *self.here.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Who waits in this process for a saga's end.
#[derive(Clone, Default)]
pub(crate) struct Ends(Arc<Mutex<HashMap<SagaId, oneshot::Sender<Status>>>>);

impl Ends {
    fn expect(&self, id: SagaId) -> oneshot::Receiver<Status> {
        let (tell, told) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, tell);
        told
    }

    pub(crate) fn tell(&self, id: SagaId, status: Status) {
        if let Some(tell) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) {
            // Whoever asked may have gone away.
            let _ = tell.send(status);
        }
    }
}
