//! Reading sagas, their steps and their history.

use super::{Sagas, VerbError};
use crate::SagaId;
use crate::record::{Event, Saga, Status, StepResult, StepStatus};
use crate::rows::{EventRow, SagaRow, StepRow};
use crate::store;
use arcadia_sql::{Error, args};
use jiff::Timestamp;
use uuid::Uuid;

const UNCLAIMED_FOR_MS: i64 = 60_000;
/// No step may take so long between two things that it writes.
const SILENT_FOR_MS: i64 = 30 * 60_000;

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
    /// Only those that need a person.
    pub needs_attention: bool,
    /// At most so many; 50 when 0.
    pub limit: u32,
}

impl Sagas {
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
            limit,
            filter.needs_attention
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

    /// Unfinished sagas that nothing moves though nobody has to be waited for: due for a minute without being
    /// claimed, or claimed and silent for half an hour. An engine in good health has none. At most `limit`.
    ///
    /// # Errors
    /// The database.
    pub async fn stuck(&self, limit: u32) -> Result<Vec<Saga>, Error> {
        let args = args![-UNCLAIMED_FOR_MS, -SILENT_FOR_MS, i64::from(limit)];
        let rows = self.db.fetch_all::<SagaRow>(&store::STUCK, args).await?;
        rows.into_iter().map(SagaRow::into_saga).collect()
    }

    /// How many sagas have not ended.
    ///
    /// # Errors
    /// The database.
    pub async fn unfinished(&self) -> Result<i64, Error> {
        Ok(self.db.fetch_one::<(i64,)>(&store::UNFINISHED, args![]).await?.0)
    }

    /// How many sagas a runner has right now.
    ///
    /// # Errors
    /// The database.
    pub async fn owned(&self) -> Result<i64, Error> {
        Ok(self.db.fetch_one::<(i64,)>(&store::OWNED, args![]).await?.0)
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
