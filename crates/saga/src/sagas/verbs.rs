//! What operators do to a saga that did not go well by itself. Each verb is one transaction, conditional on where
//! the saga stands, and leaves an event with who and why.

mod skip;

use super::Sagas;
use crate::SagaId;
use crate::record::{Saga, Status, StepStatus};
use crate::rows::{SagaRow, SignalRow, StepRow};
use crate::store;
use arcadia_sql::{Error, Tx, args};
use serde_json::{Value, json};
use uuid::Uuid;

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

/// Events of operators share a seq with a runner's; their numbers start here.
const OPERATOR_EVENTS: i64 = 1_000_000;

/// Who does it and why; both stand in the saga's history.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// A user id.
    pub actor: &'a str,
    /// In the user's words.
    pub reason: &'a str,
}

/// A cancel may go without a reason.
impl<'a> From<&'a str> for By<'a> {
    fn from(actor: &'a str) -> By<'a> {
        By { actor, reason: "" }
    }
}

/// A saga held for one verb: nobody else writes it until the transaction ends.
struct Held {
    tx: Tx,
    row: SagaRow,
    status: Status,
    steps: Vec<String>,
}

/// Where a verb puts the saga.
struct Steered {
    status: Status,
    idx: i64,
    /// Stand at the step anew, without what was known of the last attempt.
    anew: bool,
    wake: bool,
    attention: Option<Value>,
    resolved: Option<Value>,
}

impl Sagas {
    /// Asks a saga to stop and undo what it did. A second request changes nothing.
    ///
    /// # Errors
    /// [`VerbError::Refused`] after its end or once its point of no return was begun.
    pub async fn cancel<'a>(&self, id: SagaId, by: impl Into<By<'a>>) -> Result<Saga, VerbError> {
        let by = by.into();
        let mut held = self.hold(id).await?;
        if held.status.is_terminal() {
            return Err(held.refused(format!("it is {} and cannot be cancelled", held.status.as_str())));
        }
        let (idx, begun) = (held.row.current_step_idx, held.row.step_state != "ready" || held.row.rewound);
        let pivot = self.catalog.pivot(&held.steps).and_then(|pivot| i64::try_from(pivot).ok());
        let forward_only = pivot.is_some_and(|pivot| idx > pivot || (idx == pivot && begun));
        if held.status == Status::Running && forward_only {
            return Err(held.refused("it is past its point of no return and only goes forward"));
        }
        // One that was parked in spite of an earlier request is woken again.
        let is_heard = held.row.cancel_requested && !held.is_parked();
        if is_heard || held.status == Status::Compensating {
            return self.get(id).await;
        }
        held.tx.execute(&store::REQUEST_CANCEL, args![id, self.clock.now()]).await?;
        self.finish(held, "cancel", by, json!({})).await
    }

    /// Tries again: the compensations that failed for good, or the step at which the saga waits or was parked.
    ///
    /// # Errors
    /// [`VerbError::Refused`] where there is nothing to try again, while a runner has it, or while another saga is under
    /// way under its unique key.
    pub async fn retry(&self, id: SagaId, by: By<'_>) -> Result<Saga, VerbError> {
        let mut held = self.hold(id).await?;
        let steered = match held.status {
            // Its locks are free: another saga may be changing the same things.
            Status::Failed if held.row.resolved.is_some() => {
                return Err(held.refused("it was settled by hand: there is nothing to try again"));
            }
            Status::Failed => {
                let Some(idx) = held.failed_compensations().await?.into_iter().max() else {
                    return Err(held.refused("no compensation of it failed: there is nothing to try again"));
                };
                held.tx.execute(&store::STAND_AGAIN, args![id]).await?;
                Steered { idx, anew: true, wake: true, ..held.stays(Status::Compensating) }
            }
            status if status.is_terminal() => {
                return Err(held.refused(format!("it is {}: there is nothing to try again", status.as_str())));
            }
            status => {
                held.not_running()?;
                Steered { wake: true, ..held.stays(status) }
            }
        };
        match self.steer(&mut held, steered, None).await {
            // Its end let go of its unique key.
            Err(VerbError::Database(error)) if error.is_unique_violation() => {
                Err(self.key_taken(held).await?)
            }
            steered => {
                steered?;
                self.finish(held, "retry", by, json!({})).await
            }
        }
    }

    async fn key_taken(&self, held: Held) -> Result<VerbError, Error> {
        let id = SagaId(held.row.id);
        held.tx.rollback().await?;
        let taken = self.db.fetch_optional::<(Uuid, String)>(&store::KEY_TAKEN_BY, args![id]).await?;
        let why = match taken {
            Some((saga, key)) => {
                format!("`{key}` is under way as saga {saga}, and may be only once: try again after its end")
            }
            None => {
                "another saga was under way under its unique key, and has just ended: try again".to_owned()
            }
        };
        Ok(VerbError::Refused { id, why })
    }

    /// What a rollback left is settled by hand: the saga needs nobody any more and lets go of its locks.
    ///
    /// # Errors
    /// [`VerbError::Refused`] for a saga that did not end or needs nobody.
    pub async fn resolve(&self, id: SagaId, by: By<'_>) -> Result<Saga, VerbError> {
        let mut held = self.hold(id).await?;
        if !held.status.is_terminal() {
            return Err(
                held.refused(format!("it is {}; `abandon` stops it where it stands", held.status.as_str()))
            );
        }
        if held.row.attention.is_none() {
            return Err(held.refused("it needs nobody"));
        }
        held.tx.execute(&store::FREE_LOCKS, args![id]).await?;
        let resolved = Some(self.resolution("resolve", by));
        let steered = Steered { resolved, ..held.stays(held.status) };
        self.steer(&mut held, steered, None).await?;
        self.finish(held, "resolve", by, json!({})).await
    }

    /// Stops a saga *without* undoing anything and frees its locks. What it did stays as it is: the answer's
    /// `resolved.standing` names each step that happened or may have happened, and a call that is under way
    /// right now may still take effect.
    ///
    /// # Errors
    /// [`VerbError::Refused`] after a good end.
    pub async fn abandon(&self, id: SagaId, by: By<'_>) -> Result<Saga, VerbError> {
        let mut held = self.hold(id).await?;
        if matches!(held.status, Status::Completed | Status::RolledBack) {
            return Err(held.refused(format!("it is {}: there is nothing to abandon", held.status.as_str())));
        }
        let standing = held.standing().await?;
        held.tx.execute(&store::TAKE_AWAY, args![id]).await?;
        held.tx.execute(&store::FREE_LOCKS, args![id]).await?;
        let mut resolved = self.resolution("abandon", by);
        resolved["standing"] = json!(standing);
        let error = json!({"reason": "abandoned", "message": by.reason, "compensate_from_idx": null});
        let steered = Steered { resolved: Some(resolved), ..held.stays(Status::Failed) };
        self.steer(&mut held, steered, Some(error)).await?;
        self.finish(held, "abandon", by, json!({"standing": standing})).await
    }

    /// Says `name` to a saga that waits for it, or will. Kept until it is used; used once.
    ///
    /// # Errors
    /// [`VerbError::Refused`] after the end, the second time, or when the wait for it has expired.
    pub async fn signal(&self, id: SagaId, name: &str, data: Value, by: By<'_>) -> Result<Saga, VerbError> {
        let mut held = self.hold(id).await?;
        if held.status.is_terminal() {
            return Err(held.refused(format!("it is {} and waits for nothing", held.status.as_str())));
        }
        let now = self.clock.now();
        let added = args![id, name, data.clone(), by.actor, false, now];
        if held.tx.execute(&store::ADD_SIGNAL, added).await? == 0 {
            let first = held.tx.fetch_one::<SignalRow>(&store::SIGNAL, args![id, name]).await?;
            let why = if first.expired { "the wait for it has expired" } else { "it was said before" };
            return Err(held.refused(format!("`{name}`: {why}")));
        }
        held.tx.execute(&store::NUDGE, args![id, now]).await?;
        self.finish(held, "signal", by, json!({"name": name, "data": data})).await
    }

    async fn hold(&self, id: SagaId) -> Result<Held, VerbError> {
        let mut tx = self.db.begin().await?;
        let row = tx.fetch_optional::<SagaRow>(&store::SAGA_FOR_UPDATE, args![id]).await?;
        let row = row.ok_or(VerbError::NotFound(id))?;
        let steps = row.step_names()?;
        let status = row.clone().into_saga()?.status;
        Ok(Held { tx, row, status, steps })
    }

    async fn steer(&self, held: &mut Held, to: Steered, error: Option<Value>) -> Result<(), VerbError> {
        let now = self.clock.now();
        let next_step = usize::try_from(to.idx).ok().and_then(|idx| held.steps.get(idx)).cloned();
        let state = if to.anew { "ready" } else { held.row.step_state.as_str() };
        let finished_at = to.status.is_terminal().then(|| held.row.finished_at.unwrap_or(now));
        let args = args![
            held.row.id,
            to.status.as_str(),
            to.idx,
            next_step.unwrap_or_default(),
            state,
            to.attention,
            to.resolved,
            held.row.error.clone().or(error),
            now,
            finished_at,
            to.anew,
            to.wake
        ];
        held.tx.execute(&store::STEER, args).await?;
        Ok(())
    }

    /// Writes who, why and what needed a person until then, commits, and wakes whoever has to know.
    async fn finish(
        &self,
        mut held: Held,
        verb: &str,
        by: By<'_>,
        mut data: Value,
    ) -> Result<Saga, VerbError> {
        data["reason"] = json!(by.reason);
        let row = &held.row;
        if let Some(attention) = &row.attention {
            data["was"] = attention.clone();
        }
        let number = OPERATOR_EVENTS + row.nudge;
        let event =
            args![row.id, row.seq, number, self.clock.now(), verb, row.current_step_idx, by.actor, data];
        held.tx.execute(&store::WRITE_EVENT, event).await?;
        held.tx.commit().await?;
        self.wake();
        self.get(SagaId(held.row.id)).await
    }

    fn resolution(&self, verb: &str, by: By<'_>) -> Value {
        json!({"verb": verb, "by": by.actor, "reason": by.reason, "at": self.clock.now()})
    }
}

impl Held {
    fn refused(&self, why: impl Into<String>) -> VerbError {
        VerbError::Refused { id: SagaId(self.row.id), why: why.into() }
    }

    /// Nothing but a verb moves it.
    fn is_parked(&self) -> bool {
        self.row.owner.is_none() && self.row.wake_at.is_none()
    }

    /// A verb that moves the cursor must not race with a call that is under way.
    fn not_running(&self) -> Result<(), VerbError> {
        match self.row.owner {
            Some(_) => Err(self.refused("a runner is at it right now; look again when it waits")),
            None => Ok(()),
        }
    }

    /// As it stands, in `status`, needing nobody.
    fn stays(&self, status: Status) -> Steered {
        let (idx, resolved) = (self.row.current_step_idx, self.row.resolved.clone());
        Steered { status, idx, anew: false, wake: false, attention: None, resolved }
    }

    /// What still needs a person once that step is settled.
    fn attention_without(&self, step_idx: i64) -> Option<Value> {
        let mut attention = self.row.attention.clone()?;
        if let Some(standing) = attention.get_mut("standing").and_then(Value::as_array_mut) {
            standing.retain(|step| step["step_idx"] != json!(step_idx));
        }
        Some(attention)
    }

    async fn failed_compensations(&mut self) -> Result<Vec<i64>, Error> {
        let ledger = self.tx.fetch_all::<StepRow>(&store::STEPS, args![self.row.id]).await?;
        let failed = ledger.iter().filter(|row| row.status == StepStatus::CompensationFailed.as_str());
        Ok(failed.map(|row| row.step_idx).collect())
    }

    /// Each step that happened or may have happened and is not undone.
    async fn standing(&mut self) -> Result<Vec<Value>, Error> {
        let ledger = self.tx.fetch_all::<StepRow>(&store::STEPS, args![self.row.id]).await?;
        let mut standing: Vec<Value> = ledger
            .iter()
            .filter(|row| row.status != StepStatus::Compensated.as_str())
            .filter(|row| row.status != StepStatus::Failed.as_str() || row.in_doubt)
            .map(|row| json!({"step_idx": row.step_idx, "step": row.step_name, "output": row.output}))
            .collect();
        let at = usize::try_from(self.row.current_step_idx).ok().and_then(|idx| self.steps.get(idx));
        let row = &self.row;
        let may_have_begun = row.step_state != "ready" || row.doubt_until.is_some() || row.rewound;
        let goes_forward = matches!(self.status, Status::Pending | Status::Running);
        if let (Some(name), true) = (at, goes_forward && may_have_begun) {
            let idx = self.row.current_step_idx;
            standing.push(json!({"step_idx": idx, "step": name, "output": null, "in_doubt": true}));
        }
        Ok(standing)
    }
}
