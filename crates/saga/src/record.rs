//! The records as others read them: a saga with its steps, its ledger, its events.

use crate::{Mark, SagaId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Where a saga stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not yet begun.
    Pending,
    /// Going forward.
    Running,
    /// All steps happened.
    Completed,
    /// Going back.
    Compensating,
    /// All steps were undone.
    RolledBack,
    /// The rollback could not be finished: a person is needed.
    Failed,
}

impl Status {
    /// Every status, in the order of a saga's life.
    pub const ALL: [Status; 6] = [
        Status::Pending,
        Status::Running,
        Status::Completed,
        Status::Compensating,
        Status::RolledBack,
        Status::Failed,
    ];

    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Running => "running",
            Status::Completed => "completed",
            Status::Compensating => "compensating",
            Status::RolledBack => "rolled_back",
            Status::Failed => "failed",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Completed, rolled back or failed: it never changes again by itself.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Status::Completed | Status::RolledBack | Status::Failed)
    }
}

/// Where one step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not yet begun.
    Pending,
    /// Its intent is durable: it may be happening.
    Running,
    /// It waits for a time or a signal.
    Waiting,
    /// It happened.
    Completed,
    /// It failed, certainly or in doubt.
    Failed,
    /// It is being undone.
    Compensating,
    /// It is undone.
    Compensated,
    /// Undoing it failed for good.
    CompensationFailed,
}

impl StepStatus {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            StepStatus::Pending => "pending",
            StepStatus::Running => "running",
            StepStatus::Waiting => "waiting",
            StepStatus::Completed => "completed",
            StepStatus::Failed => "failed",
            StepStatus::Compensating => "compensating",
            StepStatus::Compensated => "compensated",
            StepStatus::CompensationFailed => "compensation_failed",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<StepStatus> {
        use StepStatus::*;
        [Pending, Running, Waiting, Completed, Failed, Compensating, Compensated, CompensationFailed]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// One saga.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saga {
    /// Its id.
    pub id: SagaId,
    /// `provision_deployment`, `test`, …: an open set.
    pub kind: String,
    /// Where it stands.
    pub status: Status,
    /// The step it is at; `steps.len()` when it completed; -1 after a rollback.
    pub current_step_idx: i64,
    /// The steps' names, fixed at the start.
    pub steps: Vec<String>,
    /// Immutable.
    pub inputs: Map<String, Value>,
    /// What the steps put.
    pub context: Map<String, Value>,
    /// For whom it runs.
    pub tenant_id: Option<String>,
    /// The deployment it changes.
    pub deployment_id: Option<Uuid>,
    /// A user id or `system:<reason>`.
    pub triggered_by: String,
    /// Whether someone asked to stop and undo it.
    pub cancel_requested: bool,
    /// The first failure: `reason`, `compensate_from_idx`, `step`, `step_idx`, `message`, `in_doubt`.
    pub error: Option<Value>,
    /// Why a person is needed, if one is.
    pub attention: Option<Value>,
    /// After a rollback: `true`, or what still bears its mark.
    pub clean: Option<Value>,
    /// Who settled it by hand, with which verb and why.
    pub resolved: Option<Value>,
    /// The queue it runs on.
    pub queue: String,
    /// What it waits for, in words.
    pub waiting_for: Option<String>,
    /// When it goes on.
    pub wake_at: Option<Timestamp>,
    /// The runner that has it now.
    pub owner: Option<Uuid>,
    /// Bumped by each claim.
    pub epoch: i64,
    /// When it was asked for.
    pub inserted_at: Timestamp,
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The last write.
    pub updated_at: Timestamp,
}

impl Saga {
    /// The mark of this saga's step `idx`.
    #[must_use]
    pub fn mark(&self, idx: usize) -> Mark {
        Mark::of(self.id, idx)
    }
}

/// One step of one saga, as the ledger and the cursor together know it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepResult {
    /// From 0.
    pub idx: i64,
    /// The step.
    pub name: String,
    /// Where it stands.
    pub status: StepStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// How often its compensation was tried.
    pub compensation_attempts: i64,
    /// Whether its failure left open what happened.
    pub in_doubt: bool,
    /// What it saw before it changed anything.
    pub prior: Option<Value>,
    /// What it gave.
    pub output: Option<Value>,
    /// Its last failure.
    pub error: Option<Value>,
    /// The runner of the last write.
    pub runner: Option<Uuid>,
    /// The epoch of the last write.
    pub epoch: Option<i64>,
    /// The first attempt's intent.
    pub started_at: Option<Timestamp>,
    /// Its end.
    pub finished_at: Option<Timestamp>,
    /// The first attempt to undo it.
    pub compensation_started_at: Option<Timestamp>,
    /// The end of that.
    pub compensation_finished_at: Option<Timestamp>,
}

/// One entry of a saga's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// The saga's write that it belongs to.
    pub seq: i64,
    /// Its place in that write.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// `retry`, `wait`, `compensating`, `cancel`, …
    pub kind: String,
    /// The step, if it is about one.
    pub step_idx: Option<i64>,
    /// Who: `runner:<id>` or a user.
    pub actor: String,
    /// The rest.
    pub data: Value,
}
