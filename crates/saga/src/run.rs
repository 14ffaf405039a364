//! What a step is handed: the saga's data, its marks, the clock, fenced transactions, and nothing it could
//! break the ledger with.

use crate::lease::Lease;
use crate::rows::SignalRow;
use crate::step::{from_json, pick};
use crate::{Clock, Field, Halt, Mark, Outcome, SagaId, store};
use arcadia_sql::{Db, Tx, args};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// A thing made by a call in doubt counts as absent only after this many looks …
const LOOKS: u64 = 3;
/// … of which the last comes this long after the moment the call could last have been under way.
const ABSENT_AFTER: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What a person said to a waiting saga.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Who said it.
    pub actor: String,
    /// With what.
    pub data: Value,
}

/// One attempt at one step, or at its compensation.
pub struct Run<C> {
    /// What the whole service is handed: database, client, configuration.
    pub cloud: Arc<C>,
    pub(crate) saga: SagaId,
    pub(crate) kind: String,
    pub(crate) idx: usize,
    pub(crate) deployment_id: Option<Uuid>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) triggered_by: String,
    pub(crate) inputs: Arc<Map<String, Value>>,
    pub(crate) context: Arc<Map<String, Value>>,
    pub(crate) prior: Option<Value>,
    pub(crate) memo: Option<Value>,
    pub(crate) attempt: u32,
    pub(crate) waits: u32,
    pub(crate) started_at: Timestamp,
    pub(crate) doubt_until: Option<Timestamp>,
    pub(crate) put: Mutex<Map<String, Value>>,
    pub(crate) cancel: Arc<AtomicBool>,
    pub(crate) clock: Clock,
    pub(crate) db: Db,
    pub(crate) lease: Arc<Lease>,
    pub(crate) epoch: i64,
}

impl<C> std::fmt::Debug for Run<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("saga", &self.saga).field("idx", &self.idx).finish_non_exhaustive()
    }
}

impl<C> Run<C> {
    /// The saga.
    pub fn saga_id(&self) -> SagaId {
        self.saga
    }

    /// The saga's kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// This step's place, from 0.
    pub fn idx(&self) -> usize {
        self.idx
    }

    /// What this step's things bear at the provider.
    pub fn mark(&self) -> Mark {
        Mark::of(self.saga, self.idx)
    }

    /// The deployment that the saga changes.
    pub fn deployment_id(&self) -> Option<Uuid> {
        self.deployment_id
    }

    /// The tenant for whom it runs.
    pub fn tenant_id(&self) -> Option<&str> {
        self.tenant_id.as_deref()
    }

    /// Who started the saga: a user id or `system:<reason>`.
    pub fn triggered_by(&self) -> &str {
        &self.triggered_by
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How often this step has waited so far.
    pub fn waits(&self) -> u32 {
        self.waits
    }

    /// When the first attempt's intent was written.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Whether an earlier attempt may have had its effect: look before doing it again.
    pub fn in_doubt(&self) -> bool {
        self.doubt_until.is_some()
    }

    /// Whether a cancel was asked for. A long step may stop early; the engine looks between steps by itself.
    pub fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// An immutable input.
    ///
    /// # Errors
    /// [`Halt::Undecodable`] names the key and the wanted type.
    pub fn input<T: DeserializeOwned>(&self, key: &str) -> Outcome<T> {
        let value = self.inputs.get(key).cloned().unwrap_or(Value::Null);
        from_json(&format!("input `{key}`"), value)
    }

    /// What an earlier step put.
    ///
    /// # Errors
    /// [`Halt::Undecodable`] names the key and the wanted type.
    pub fn output<T: DeserializeOwned>(&self, key: &str) -> Outcome<T> {
        let value = self.context.get(key).cloned().unwrap_or(Value::Null);
        from_json(&format!("output `{key}`"), value)
    }

    /// Adds to the context beside what the step gives; kept when the step completes.
    pub fn put_output(&self, key: impl Into<String>, value: impl Into<Value>) {
        self.put.lock().unwrap_or_else(PoisonError::into_inner).insert(key.into(), value.into());
    }

    /// What `prepare` saw.
    ///
    /// # Errors
    /// [`Halt::Undecodable`] names the wanted type.
    pub fn prior<T: DeserializeOwned>(&self) -> Outcome<Option<T>> {
        self.prior.clone().map(|value| from_json("prior", value)).transpose()
    }

    /// What this step left for itself with its last [`Halt::wait_with`].
    ///
    /// # Errors
    /// [`Halt::Undecodable`] names the wanted type.
    pub fn memo<T: DeserializeOwned>(&self) -> Outcome<Option<T>> {
        self.memo.clone().map(|value| from_json("memo", value)).transpose()
    }

    /// For [`Halt::wait_with`]: what was left there, an object, with this field beside the others.
    pub fn noting(&self, field: &str, value: impl Into<Value>) -> Value {
        let mut noted = match &self.memo {
            Some(Value::Object(noted)) => noted.clone(),
            _ => Map::new(),
        };
        noted.insert(field.to_owned(), value.into());
        Value::Object(noted)
    }

    /// A transaction that is refused when this runner no longer owns the saga. Steps change our own tables
    /// only through it.
    ///
    /// # Errors
    /// [`Halt::Lost`] for a runner that lost its lease; [`Halt::Unknown`] when the database fails.
    pub async fn tx(&self) -> Outcome<Tx> {
        let mut tx = self.db.begin().await?;
        let fence = args![self.saga, self.lease.runner(), self.epoch];
        match tx.fetch_optional::<(Uuid,)>(&store::FENCE, fence).await? {
            Some(_) => Ok(tx),
            None => Err(Halt::Lost),
        }
    }

    /// The database, for reading.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Whether this node's lease outlasts a call of at most `timeout`: asked before every provider call, so
    /// that none of ours is under way when another node takes over.
    ///
    /// # Errors
    /// A sentence, when the lease is too short. Nothing was sent then.
    pub fn may_call(&self, timeout: Duration) -> Result<(), String> {
        self.lease.outlasts(&self.clock, timeout)
    }

    /// The same question as a function that outlives this borrow.
    pub fn call_guard(&self) -> impl Fn(Duration) -> Result<(), String> + Send + Sync + 'static {
        let (lease, clock) = (Arc::clone(&self.lease), self.clock.clone());
        move |timeout| lease.outlasts(&clock, timeout)
    }

    /// To be called after a look by mark that found nothing, while in doubt. `Ok` means it counts as absent:
    /// three looks, the last 60 s after a call of ours could still have been under way.
    ///
    /// # Errors
    /// [`Halt::Wait`] until the next look.
    pub fn seen_nothing(&self) -> Outcome<()> {
        let Some(settled_from) = self.doubt_until else { return Ok(()) };
        let now = self.clock.now();
        let looks = self.memo.as_ref().and_then(|memo| memo.get("looks")).and_then(Value::as_u64);
        let looks = looks.unwrap_or(0) + u64::from(now >= settled_from);
        if looks >= LOOKS && now >= self.clock.after(settled_from, ABSENT_AFTER) {
            return Ok(());
        }
        let until_settled = Duration::try_from(settled_from.duration_since(now)).unwrap_or_default();
        let delay = LOOK_EVERY + until_settled.mul_f64(self.clock.speed());
        let noted = self.noting("looks", looks);
        Err(Halt::wait_with(delay, "looking again for what may have been made", noted))
    }

    /// The signal `name`, if it was given. `None` when it did not come within `expiry` of this step's begin
    /// (provider time): from then on it is refused.
    ///
    /// # Errors
    /// [`Halt::Wait`] while it is neither here nor too late; it ends early when the signal comes.
    pub async fn signal(&self, name: &str, expiry: Duration) -> Outcome<Option<Signal>> {
        let expires_at = self.clock.after(self.started_at, expiry);
        let now = self.clock.now();
        let mut tx = self.tx().await?;
        if now >= expires_at {
            // It takes the signal's own place: whichever commits first wins.
            let expired = args![self.saga, name, json!({}), "system:expiry", true, now];
            tx.execute(&store::ADD_SIGNAL, expired).await?;
        }
        let row = tx.fetch_optional::<SignalRow>(&store::SIGNAL, args![self.saga, name]).await?;
        tx.commit().await?;
        match row {
            Some(row) if row.expired => Ok(None),
            Some(row) => Ok(Some(Signal { actor: row.actor, data: row.data })),
            None => {
                let left = Duration::try_from(expires_at.duration_since(now)).unwrap_or_default();
                Err(Halt::wait(left.mul_f64(self.clock.speed()), format!("someone to say `{name}`")))
            }
        }
    }

    /// What the step needs: each field from what earlier steps put, else from the inputs.
    pub(crate) fn needs<T: DeserializeOwned>(&self, fields: &[Field]) -> Outcome<T> {
        pick("what the step needs", fields, |key| self.context.get(key).or_else(|| self.inputs.get(key)))
    }
}
