//! What callers can do with sagas: start, read, cancel. It knows the steps by name only, so that every part
//! of a service can hold it.

use crate::flight::Flight;
use crate::journal::{Inserted, Journal};
use crate::lease::Lease;
use crate::plan::{PlanError, Registry};
use crate::record::{Event, Saga, Status, StepResult, StepStatus};
use crate::store::{self, EventRow, KeyHolder, SagaRow, StepRow, check_storable};
use crate::{Clock, SagaId};
use arcadia_sql::{Db, Error, Tx, args};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, oneshot};
use uuid::Uuid;

/// A saga to be started.
#[derive(Debug, Clone, Default)]
pub struct StartSaga {
    /// Chosen beforehand, or `None`.
    pub id: Option<SagaId>,
    /// `provision_deployment`, `test`, …
    pub kind: String,
    /// The steps' names in order.
    pub steps: Vec<String>,
    /// What the steps read.
    pub inputs: Map<String, Value>,
    /// For whom it runs.
    pub tenant_id: Option<String>,
    /// The deployment it changes.
    pub deployment_id: Option<Uuid>,
    /// A user id or `system:<reason>`.
    pub triggered_by: String,
    /// Starting twice under one key returns the first saga.
    pub idempotency: Option<Idempotency>,
    /// The queue; `provisioning` when empty.
    pub queue: String,
    /// What it changes: `deployment:<id>`, `droplet:<id>`, `dns:<domain>/<type>/<name>`.
    pub locks: Vec<String>,
    /// Not before this much provider time has passed.
    pub start_in: Duration,
    /// Only the row: nobody runs it until it is driven by hand.
    pub not_runnable: bool,
}

impl StartSaga {
    pub(crate) fn queue_name(&self) -> String {
        if self.queue.is_empty() { "provisioning".to_owned() } else { self.queue.clone() }
    }
}

/// The caller's key for one request, and the hash of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Keys of different tenants never meet.
    pub tenant_id: String,
    /// As the caller sent it.
    pub key: String,
    /// The same key with another body is an error.
    pub body_hash: String,
}

/// What became of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// A new saga.
    New(SagaId),
    /// The saga that the same key started before; nothing was written.
    Replayed(SagaId),
}

impl Started {
    /// The saga, new or not.
    #[must_use]
    pub fn id(self) -> SagaId {
        match self {
            Started::New(id) | Started::Replayed(id) => id,
        }
    }
}

/// Why a saga was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The list of steps cannot run.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The inputs cannot be stored.
    #[error("the inputs {0}")]
    Inputs(String),
    /// The id that the caller chose is another saga's.
    #[error("there is a saga {0} already")]
    Taken(SagaId),
    /// An unfinished saga changes the same thing.
    #[error("`{lock}` is being changed by saga {saga}")]
    Conflict {
        /// The thing.
        lock: String,
        /// Who holds it.
        saga: SagaId,
    },
    /// The key was used with another body.
    #[error("the idempotency key `{key}` was used before with another body (saga {saga})")]
    KeyReused {
        /// The key.
        key: String,
        /// What it started.
        saga: SagaId,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Why a verb was refused.
#[derive(Debug, thiserror::Error)]
pub enum VerbError {
    /// No such saga.
    #[error("there is no saga {0}")]
    NotFound(SagaId),
    /// It does not fit where the saga stands.
    #[error("saga {id}: {why}")]
    Refused {
        /// The saga.
        id: SagaId,
        /// What stands against it.
        why: String,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Which sagas to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this status.
    pub status: Option<Status>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only of this deployment.
    pub deployment_id: Option<Uuid>,
    /// Only of this tenant.
    pub tenant_id: Option<String>,
    /// Only started by this one.
    pub triggered_by: Option<String>,
    /// Only older than this saga: the cursor.
    pub before: Option<SagaId>,
    /// Only inserted at or after.
    pub from: Option<Timestamp>,
    /// Only inserted before.
    pub until: Option<Timestamp>,
    /// At most so many; 50 when 0.
    pub limit: u32,
}

trait Catalog: Send + Sync {
    fn check(&self, kind: &str, steps: &[String], inputs: &[&str]) -> Result<(), PlanError>;
    fn plan_steps(&self, name: &str) -> Result<Vec<String>, PlanError>;
    fn pivot(&self, steps: &[String]) -> Option<usize>;
    fn prepares(&self, step: &str) -> bool;
}

impl<C: Send + Sync + 'static> Catalog for Registry<C> {
    fn check(&self, kind: &str, steps: &[String], inputs: &[&str]) -> Result<(), PlanError> {
        self.check_list(kind, steps, inputs)
    }

    fn plan_steps(&self, name: &str) -> Result<Vec<String>, PlanError> {
        Registry::plan_steps(self, name)
    }

    fn pivot(&self, steps: &[String]) -> Option<usize> {
        Registry::pivot(self, steps)
    }

    fn prepares(&self, step: &str) -> bool {
        self.find(step).is_some_and(|step| step.prepares())
    }
}

/// The sagas of one database.
#[derive(Clone)]
pub struct Sagas {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) woken: Arc<Notify>,
    catalog: Arc<dyn Catalog>,
    here: Arc<RwLock<Option<Arc<BeginHere>>>>,
    pub(crate) ends: Ends,
}

/// The runner of this very process, where one runs: a saga that is asked for here begins here.
pub(crate) struct BeginHere {
    pub(crate) journal: Journal,
    pub(crate) lease: Arc<Lease>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) fly: Box<dyn Fn(Flight) + Send + Sync>,
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
        Sagas { db, clock, woken: Arc::default(), catalog, here: Arc::default(), ends: Ends::default() }
    }

    /// The steps of a plan, for [`StartSaga::steps`].
    ///
    /// # Errors
    /// [`PlanError::UnknownPlan`] with the nearest known names.
    pub fn plan_steps(&self, name: &str) -> Result<Vec<String>, PlanError> {
        self.catalog.plan_steps(name)
    }

    /// Starts a saga in a transaction of its own.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was written then.
    pub async fn start(&self, start: StartSaga) -> Result<Started, StartError> {
        let alone = start.locks.is_empty() && start.idempotency.is_none();
        let at_once = start.start_in.is_zero() && !start.not_runnable;
        if let (true, true, Some(here)) = (alone, at_once, self.begins_here()) {
            return self.start_here(&here, start).await;
        }
        let mut tx = self.db.begin().await?;
        let started = self.start_in(&mut tx, start).await?;
        if let Started::New(_) = started {
            tx.commit().await?;
            self.wake();
        }
        Ok(started)
    }

    /// The runner of this process, while it has a place free and a lease.
    fn begins_here(&self) -> Option<Arc<BeginHere>> {
        let here = self.here.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let ready = here.places.available_permits() > 0;
        (ready && here.lease.outlasts(&self.clock, Duration::ZERO).is_ok()).then_some(here)
    }

    pub(crate) fn begin_here(&self, here: BeginHere) {
        *self.here.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(here));
    }

    pub(crate) fn stop_beginning_here(&self) {
        *self.here.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// One durable point: the row goes in already claimed, with the first step's intent.
    async fn start_here(&self, here: &BeginHere, start: StartSaga) -> Result<Started, StartError> {
        self.check(&start)?;
        let (id, now) = (start.id.unwrap_or_else(|| SagaId(self.clock.new_id())), self.clock.now());
        let row = SagaRow::begun(id, start, here.lease.runner(), now);
        let pivot = |steps: &[String]| self.catalog.pivot(steps);
        let mut flight = Flight::new(row, here.lease.runner(), pivot)?;
        if !flight.at_pivot() && !self.catalog.prepares(flight.step_name()) {
            flight.intend(now, None);
        }
        let inserted = Inserted {
            kind: flight.row.kind.clone(),
            steps: flight.row.steps.to_string(),
            inputs: Value::Object(flight.inputs.as_ref().clone()).to_string(),
            tenant_id: flight.row.tenant_id.clone(),
            deployment_id: flight.row.deployment_id,
            triggered_by: flight.row.triggered_by.clone(),
            queue: flight.row.queue.clone(),
            priority: 0,
            next_step: flight.step_name().to_owned(),
            intended: flight.intent_is_ours,
            owner: flight.runner,
            at: now,
        };
        if !here.journal.insert(id.0, inserted).await? {
            return Err(StartError::Taken(id));
        }
        (here.fly)(flight);
        Ok(Started::New(id))
    }

    fn check(&self, start: &StartSaga) -> Result<(), StartError> {
        let keys: Vec<&str> = start.inputs.keys().map(String::as_str).collect();
        self.catalog.check(&start.kind, &start.steps, &keys)?;
        check_storable(&start.inputs).map_err(StartError::Inputs)
    }

    /// Starts a saga in the caller's transaction, with the rows that it belongs to. After the commit call
    /// [`Sagas::wake`]. After [`Started::Replayed`] or an error roll back.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start_in(&self, tx: &mut Tx, start: StartSaga) -> Result<Started, StartError> {
        self.check(&start)?;
        let (id, now) = (start.id.unwrap_or_else(|| SagaId(self.clock.new_id())), self.clock.now());
        if let Some(idempotency) = &start.idempotency
            && let Some(first) = take_key(tx, idempotency, id, now).await?
        {
            return Ok(Started::Replayed(first));
        }
        take_locks(tx, &start.locks, id).await?;
        let delay = i64::try_from(self.clock.scaled(start.start_in).as_millis()).unwrap_or(i64::MAX);
        let queue = start.queue_name();
        let first_step = start.steps.first().cloned().unwrap_or_default();
        let args = args![
            id,
            start.kind,
            json!(start.steps),
            Value::Object(start.inputs),
            json!({}),
            start.tenant_id,
            start.deployment_id,
            start.triggered_by,
            queue,
            0_i64,
            first_step,
            (!start.not_runnable).then_some(delay),
            now
        ];
        tx.execute(&store::INSERT_SAGA, args).await?;
        Ok(Started::New(id))
    }

    /// Resolves with the saga's end, if it ends on this node; ask before it is started. Elsewhere, read.
    #[must_use]
    pub fn end_here(&self, id: SagaId) -> oneshot::Receiver<Status> {
        self.ends.expect(id)
    }

    /// A new id, for [`StartSaga::id`].
    #[must_use]
    pub fn new_id(&self) -> SagaId {
        SagaId(self.clock.new_id())
    }

    /// A hint that something may be due.
    pub fn wake(&self) {
        self.woken.notify_waiters();
    }

    /// One saga.
    ///
    /// # Errors
    /// [`VerbError::NotFound`].
    pub async fn get(&self, id: SagaId) -> Result<Saga, VerbError> {
        let row = self.db.fetch_optional::<SagaRow>(&store::SAGA, args![id]).await?;
        Ok(row.ok_or(VerbError::NotFound(id))?.into_saga()?)
    }

    /// Newest first.
    ///
    /// # Errors
    /// The database.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Saga>, Error> {
        let limit = if filter.limit == 0 { 50 } else { i64::from(filter.limit) };
        let args = args![
            filter.status.map(Status::as_str),
            filter.kind.clone(),
            filter.deployment_id,
            filter.tenant_id.clone(),
            filter.triggered_by.clone(),
            filter.before.map(|id| id.0),
            filter.from,
            filter.until,
            limit
        ];
        let rows = self.db.fetch_all::<SagaRow>(&store::LIST, args).await?;
        rows.into_iter().map(SagaRow::into_saga).collect()
    }

    /// Every step of a saga, begun or not.
    ///
    /// # Errors
    /// [`VerbError::NotFound`].
    pub async fn list_step_results(&self, id: SagaId) -> Result<Vec<StepResult>, VerbError> {
        let row = self.db.fetch_optional::<SagaRow>(&store::SAGA, args![id]).await?;
        let row = row.ok_or(VerbError::NotFound(id))?;
        let ledger = self.db.fetch_all::<StepRow>(&store::STEPS, args![id]).await?;
        Ok(steps_of(&row, ledger)?)
    }

    /// The history, oldest first.
    ///
    /// # Errors
    /// The database.
    pub async fn events(&self, id: SagaId) -> Result<Vec<Event>, Error> {
        let rows = self.db.fetch_all::<EventRow>(&store::EVENTS, args![id]).await?;
        Ok(rows.into_iter().map(Event::from).collect())
    }

    /// Asks a saga to stop and undo what it did. A second request changes nothing.
    ///
    /// # Errors
    /// [`VerbError::Refused`] after its end or once its point of no return was begun.
    pub async fn cancel(&self, id: SagaId, actor: &str) -> Result<Saga, VerbError> {
        let mut tx = self.db.begin().await?;
        let row = tx.fetch_optional::<SagaRow>(&store::SAGA_FOR_UPDATE, args![id]).await?;
        let row = row.ok_or(VerbError::NotFound(id))?;
        let (steps, seq, nudge) = (row.step_names()?, row.seq, row.nudge);
        let (idx, begun) = (row.current_step_idx, row.step_state != "ready");
        let mut saga = row.into_saga()?;
        let refused = |why: String| VerbError::Refused { id, why };
        if saga.status.is_terminal() {
            return Err(refused(format!("it is {} and cannot be cancelled", saga.status.as_str())));
        }
        let pivot = self.catalog.pivot(&steps).and_then(|pivot| i64::try_from(pivot).ok());
        let forward_only = pivot.is_some_and(|pivot| idx > pivot || (idx == pivot && begun));
        if saga.status == Status::Running && forward_only {
            return Err(refused("it is past its point of no return and only goes forward".to_owned()));
        }
        if saga.cancel_requested || saga.status == Status::Compensating {
            return Ok(saga);
        }
        let now = self.clock.now();
        tx.execute(&store::REQUEST_CANCEL, args![id, now]).await?;
        let number = OPERATOR_EVENTS + nudge;
        let event = args![id, seq, number, now, "cancel", idx, actor, json!({})];
        tx.execute(&store::WRITE_EVENT, event).await?;
        tx.commit().await?;
        self.wake();
        saga.cancel_requested = true;
        Ok(saga)
    }

    /// How many sagas have not ended.
    ///
    /// # Errors
    /// The database.
    pub async fn unfinished(&self) -> Result<i64, Error> {
        Ok(self.db.fetch_one::<(i64,)>(&store::UNFINISHED, args![]).await?.0)
    }

    /// Every lock that is held.
    ///
    /// # Errors
    /// The database.
    pub async fn locks(&self) -> Result<Vec<String>, Error> {
        let rows = self.db.fetch_all::<(String,)>(&store::LOCKS, args![]).await?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    /// How many runners live.
    ///
    /// # Errors
    /// The database.
    pub async fn live_runners(&self) -> Result<i64, Error> {
        Ok(self.db.fetch_one::<(i64,)>(&store::LIVE_NODES, args![]).await?.0)
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

/// Events of operators share a seq with a runner's; their numbers start here.
const OPERATOR_EVENTS: i64 = 1_000_000;

async fn take_key(
    tx: &mut Tx,
    idempotency: &Idempotency,
    id: SagaId,
    now: Timestamp,
) -> Result<Option<SagaId>, StartError> {
    let Idempotency { tenant_id, key, body_hash } = idempotency;
    let args = args![tenant_id.as_str(), key.as_str(), body_hash.as_str(), id, now];
    if tx.execute(&store::TAKE_KEY, args).await? == 1 {
        return Ok(None);
    }
    let args = args![tenant_id.as_str(), key.as_str()];
    let holder = tx.fetch_one::<KeyHolder>(&store::KEY_HOLDER, args).await?;
    let saga = SagaId(holder.saga_id);
    if holder.body_hash == *body_hash {
        Ok(Some(saga))
    } else {
        Err(StartError::KeyReused { key: key.clone(), saga })
    }
}

/// All or none, in sorted order, so that two sagas can never wait for each other.
async fn take_locks(tx: &mut Tx, locks: &[String], id: SagaId) -> Result<(), StartError> {
    let mut locks = locks.to_vec();
    locks.sort();
    locks.dedup();
    for lock in locks {
        if tx.execute(&store::TAKE_LOCK, args![lock.as_str(), id]).await? == 0 {
            let holder = tx.fetch_one::<(Uuid,)>(&store::LOCK_HOLDER, args![lock.as_str()]).await?;
            return Err(StartError::Conflict { lock, saga: SagaId(holder.0) });
        }
    }
    Ok(())
}

/// The ledger, with the step at the cursor as the saga's own row knows it.
fn steps_of(row: &SagaRow, ledger: Vec<StepRow>) -> Result<Vec<StepResult>, Error> {
    let names = row.step_names()?;
    let mut steps: Vec<StepResult> = (0_i64..).zip(names).map(|(idx, name)| not_begun(idx, name)).collect();
    for entry in ledger {
        let result = entry.into_result()?;
        if let Some(step) = usize::try_from(result.idx).ok().and_then(|idx| steps.get_mut(idx)) {
            *step = result;
        }
    }
    let at_cursor = usize::try_from(row.current_step_idx).ok().and_then(|idx| steps.get_mut(idx));
    let unfinished = Status::parse(&row.status).is_some_and(|status| !status.is_terminal());
    if let (Some(step), true, true) = (at_cursor, unfinished, row.step_state != "ready") {
        if row.status == Status::Compensating.as_str() {
            step.status = StepStatus::Compensating;
            step.compensation_attempts = row.step_attempts;
            step.compensation_started_at = row.step_started_at;
        } else {
            let waits = row.step_state == "waiting" && row.owner.is_none();
            step.status = if waits { StepStatus::Waiting } else { StepStatus::Running };
            step.attempts = row.step_attempts;
            step.started_at = row.step_started_at;
            step.prior.clone_from(&row.step_prior);
            (step.runner, step.epoch) = (row.owner, Some(row.epoch));
        }
    }
    Ok(steps)
}

fn not_begun(idx: i64, name: String) -> StepResult {
    StepResult {
        idx,
        name,
        status: StepStatus::Pending,
        attempts: 0,
        compensation_attempts: 0,
        in_doubt: false,
        prior: None,
        output: None,
        error: None,
        runner: None,
        epoch: None,
        started_at: None,
        finished_at: None,
        compensation_started_at: None,
        compensation_finished_at: None,
    }
}
