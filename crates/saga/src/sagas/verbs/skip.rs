//! The verb that takes a step as settled by hand, on the way forward or back.

use super::{By, Held, Steered, VerbError};
use crate::flight::{LAST_LOOK, RollbackEnd};
use crate::record::{Saga, Status, StepStatus};
use crate::rows::StepRow;
use crate::{SagaId, Sagas, store};
use arcadia_sql::args;
use jiff::Timestamp;
use serde_json::{Value, json};

impl Sagas {
    /// Takes a step as settled by hand: a compensation that failed for good, or the step at which the saga stands, on its
    /// way forward or back. The last look at the end of a rollback is step -1.
    ///
    /// # Errors
    /// [`VerbError::Refused`] where the step is not one of these, or where later steps need what it would have given.
    pub async fn skip(&self, id: SagaId, step_idx: i64, by: By<'_>) -> Result<Saga, VerbError> {
        let mut held = self.hold(id).await?;
        let note = json!({"skipped_by": by.actor, "reason": by.reason});
        if held.status == Status::Failed {
            let mut failed = held.failed_compensations().await?;
            if !failed.contains(&step_idx) {
                return Err(held.refused(format!("the compensation of step {step_idx} did not fail")));
            }
            failed.retain(|idx| *idx != step_idx);
            let marked = args![id, step_idx, StepStatus::Compensated.as_str(), note];
            held.tx.execute(&store::MARK_STEP, marked).await?;
            let steered = if failed.is_empty() {
                held.tx.execute(&store::FREE_LOCKS, args![id]).await?;
                let resolved = Some(self.resolution("skip", by));
                Steered { resolved, ..held.stays(Status::RolledBack) }
            } else {
                let attention = held.attention_without(step_idx);
                Steered { attention, ..held.stays(Status::Failed) }
            };
            self.steer(&mut held, steered, None).await?;
            return self.finish(held, "skip", by, json!({"step_idx": step_idx})).await;
        }
        if held.status == Status::Compensating && step_idx == LAST_LOOK {
            self.skip_last_look(&mut held, by).await?;
        } else if held.status == Status::Compensating {
            self.skip_back(&mut held, step_idx, note).await?;
        } else {
            self.skip_forward(&mut held, step_idx, &note).await?;
        }
        self.finish(held, "skip", by, json!({"step_idx": step_idx})).await
    }

    /// The rest is undone all the same.
    async fn skip_back(&self, held: &mut Held, step_idx: i64, note: Value) -> Result<(), VerbError> {
        if held.row.current_step_idx != step_idx || step_idx < 0 {
            return Err(held.refused(format!("it does not stand at step {step_idx}, undoing it")));
        }
        held.not_running()?;
        let marked = args![held.row.id, step_idx, StepStatus::Compensated.as_str(), note];
        held.tx.execute(&store::MARK_STEP, marked).await?;
        let steered =
            Steered { idx: step_idx - 1, anew: true, wake: true, ..held.stays(Status::Compensating) };
        self.steer(held, steered, None).await
    }

    /// Somebody looked himself: the rollback ends as it would have ended with a look.
    async fn skip_last_look(&self, held: &mut Held, by: By<'_>) -> Result<(), VerbError> {
        if held.row.current_step_idx != LAST_LOOK {
            return Err(held.refused("it does not stand at its last look"));
        }
        held.not_running()?;
        let id = held.row.id;
        let clean = json!({"not_seen": format!("{} passed over the last look: {}", by.actor, by.reason)});
        held.tx.execute(&store::SAY_CLEAN, args![id, clean.clone()]).await?;
        let ledger: Vec<StepRow> = held.tx.fetch_all(&store::STEPS, args![id]).await?;
        let end = RollbackEnd::of(&held.row.kind, &ledger, Some(&clean));
        let steered = if end.is_undone {
            held.tx.execute(&store::FREE_LOCKS, args![id]).await?;
            Steered { resolved: Some(self.resolution("skip", by)), ..held.stays(end.status) }
        } else {
            Steered { attention: end.attention, ..held.stays(end.status) }
        };
        self.steer(held, steered, None).await
    }

    async fn skip_forward(&self, held: &mut Held, step_idx: i64, note: &Value) -> Result<(), VerbError> {
        if held.status != Status::Running || held.row.current_step_idx != step_idx {
            return Err(held.refused(format!("it does not stand at step {step_idx}, going forward")));
        }
        held.not_running()?;
        let next = usize::try_from(step_idx + 1).unwrap_or(usize::MAX);
        let rest = held.steps.get(next..).unwrap_or_default().to_vec();
        let keys = |value: &Value| -> Vec<String> {
            value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
        };
        let known = [keys(&held.row.inputs), keys(&held.row.context)].concat();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        if !rest.is_empty()
            && let Err(missing) = self.catalog.check(&held.row.kind, &rest, &known)
        {
            return Err(held.refused(format!("step {step_idx} cannot be skipped: {missing}")));
        }
        let (row, now) = (&held.row, self.clock.now());
        let name = held.steps.get(next - 1).cloned().unwrap_or_default();
        let entry = args![
            row.id,
            step_idx,
            name,
            StepStatus::Completed.as_str(),
            row.step_state != "ready" || row.doubt_until.is_some() || row.rewound,
            row.step_prior.clone(),
            // What it would have given is not known: should the saga turn back, it is undone by its mark.
            None::<Value>,
            Some(note.clone()),
            row.step_attempts,
            0_i64,
            uuid::Uuid::nil(),
            row.epoch,
            row.step_started_at.unwrap_or(now),
            now,
            None::<Timestamp>,
            None::<Timestamp>
        ];
        held.tx.execute(&store::WRITE_STEP, entry).await?;
        let status = if rest.is_empty() { Status::Completed } else { Status::Running };
        if rest.is_empty() {
            held.tx.execute(&store::FREE_LOCKS, args![held.row.id]).await?;
        }
        let steered = Steered { idx: step_idx + 1, anew: true, wake: !rest.is_empty(), ..held.stays(status) };
        self.steer(held, steered, None).await
    }
}
