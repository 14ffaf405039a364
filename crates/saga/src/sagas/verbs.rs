//! What operators do to a saga that did not go well by itself. Each verb is one transaction, conditional on where
//! the saga stands, and leaves an event with who and why.

use super::Sagas;
use crate::SagaId;
use crate::record::{Saga, Status};
use crate::rows::SagaRow;
use crate::store;
use arcadia_sql::{Error, args};
use serde_json::json;

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

impl Sagas {
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
}
