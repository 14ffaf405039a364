//! Starting sagas: alone, with the rows they belong to, or in place on this node.

use super::{BeginHere, Sagas};
use crate::SagaId;
use crate::flight::Flight;
use crate::journal::Inserted;
use crate::plan::PlanError;
use crate::rows::{KeyHolder, SagaRow, check_storable};
use crate::runner::Place;
use crate::store;
use arcadia_sql::{Error, Tx, args};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;
use uuid::Uuid;

/// The queue of what users ask for; sagas on it begin at once where they are started.
pub(crate) const PROVISIONING: &str = "provisioning";

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
    /// While a saga with this key is unfinished, a second one is refused.
    pub unique_key: Option<String>,
    /// Only the row: nobody runs it until it is driven by hand.
    pub not_runnable: bool,
}

impl StartSaga {
    pub(crate) fn queue_name(&self) -> String {
        if self.queue.is_empty() { PROVISIONING.to_owned() } else { self.queue.clone() }
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
    /// An unfinished saga has the same unique key.
    #[error("`{key}` is under way already (saga {saga})")]
    UnderWay {
        /// The key.
        key: String,
        /// Who has it.
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

impl Sagas {
    /// Starts a saga in a transaction of its own.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was written then.
    pub async fn start(&self, start: StartSaga) -> Result<Started, StartError> {
        let alone = start.locks.is_empty() && start.idempotency.is_none() && start.unique_key.is_none();
        let at_once = start.start_in.is_zero() && !start.not_runnable;
        let ours = start.queue_name() == PROVISIONING;
        if alone
            && at_once
            && ours
            && let Some((here, place)) = self.begins_here()
        {
            return self.start_here(&here, place, start).await;
        }
        let mut tx = self.db.begin().await?;
        let started = self.start_in(&mut tx, start).await?;
        if let Started::New(_) = started {
            tx.commit().await?;
            self.wake();
        }
        Ok(started)
    }

    /// One durable point: the row goes in already claimed, with the first step's intent.
    async fn start_here(
        &self,
        here: &BeginHere,
        place: Place,
        start: StartSaga,
    ) -> Result<Started, StartError> {
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
        let held = (here.hold)((id.0, flight.row.epoch));
        if !here.journal.insert(id.0, inserted).await? {
            return Err(StartError::Taken(id));
        }
        (here.fly)(flight, held, place);
        Ok(Started::New(id))
    }

    fn check(&self, start: &StartSaga) -> Result<(), StartError> {
        let keys: Vec<&str> = start.inputs.keys().map(String::as_str).collect();
        self.catalog.check(&start.kind, &start.steps, &keys)?;
        self.catalog.check_queue(&start.queue_name())?;
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
        let unique_key = start.unique_key;
        let args = || {
            args![
                id,
                start.kind.as_str(),
                json!(start.steps),
                Value::Object(start.inputs.clone()),
                json!({}),
                start.tenant_id.clone(),
                start.deployment_id,
                start.triggered_by.as_str(),
                queue.as_str(),
                0_i64,
                first_step.as_str(),
                (!start.not_runnable).then_some(delay),
                now,
                unique_key.clone()
            ]
        };
        // Whoever stood in the way may have ended between our try and our look.
        loop {
            if tx.execute(&store::INSERT_SAGA, args()).await? == 1 {
                return Ok(Started::New(id));
            }
            if let Some((saga,)) =
                tx.fetch_optional::<(Uuid,)>(&store::UNIQUE_HOLDER, args![unique_key.clone()]).await?
            {
                return Err(StartError::UnderWay { key: unique_key.unwrap_or_default(), saga: SagaId(saga) });
            }
            if tx.fetch_optional::<SagaRow>(&store::SAGA, args![id]).await?.is_some() {
                return Err(StartError::Taken(id));
            }
        }
    }
}

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
        if let Some(saga) = take_lock(tx, &lock, id).await? {
            return Err(StartError::Conflict { lock, saga });
        }
    }
    Ok(())
}

/// Nothing, or who holds it. A holder may let go between our try and our look.
async fn take_lock(tx: &mut Tx, lock: &str, id: SagaId) -> Result<Option<SagaId>, Error> {
    loop {
        if tx.execute(&store::TAKE_LOCK, args![lock, id]).await? == 1 {
            return Ok(None);
        }
        if let Some((holder,)) = tx.fetch_optional::<(Uuid,)>(&store::LOCK_HOLDER, args![lock]).await? {
            return Ok(Some(SagaId(holder)));
        }
    }
}
