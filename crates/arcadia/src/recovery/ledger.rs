//! What the ledger knows of the sagas whose marks were found, read after the provider was: what was made before the
//! look has its intent in the ledger by then, unless the ledger lost it.

use super::store::{self, SagaFacts};
use arcadia_saga::{SagaId, Status};
use arcadia_sql::{Db, Error, args};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// See the file's head.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    sagas: HashMap<Uuid, SagaFacts>,
    begun: HashSet<(Uuid, i64)>,
    deployments: HashSet<Uuid>,
}

impl Ledger {
    pub(super) async fn of(db: &Db, sagas: &HashSet<SagaId>) -> Result<Ledger, Error> {
        let ids: Vec<Uuid> = sagas.iter().map(|saga| saga.0).collect();
        if ids.is_empty() {
            return Ok(Ledger::default());
        }
        // The runs first: what a saga did between the two reads is then in the second at least.
        let rows: Vec<SagaFacts> = db.fetch_all(&store::SAGAS, args![ids.clone()]).await?;
        let begun: Vec<(Uuid, i64)> = db.fetch_all(&store::BEGUN, args![ids]).await?;
        let wanted: Vec<Uuid> = rows.iter().filter_map(|row| row.deployment_id).collect();
        let deployments: Vec<(Uuid,)> = db.fetch_all(&store::DEPLOYMENTS, args![wanted]).await?;
        Ok(Ledger {
            sagas: rows.into_iter().map(|row| (row.id, row)).collect(),
            begun: begun.into_iter().collect(),
            deployments: deployments.into_iter().map(|(id,)| id).collect(),
        })
    }

    pub(super) fn saga(&self, id: SagaId) -> Option<&SagaFacts> {
        self.sagas.get(&id.0)
    }

    /// Whether the step's intent is known: by its own row, or by the saga's.
    pub(super) fn was_begun(&self, saga: &SagaFacts, idx: i64) -> bool {
        let goes_forward = saga.status == Status::Running.as_str();
        let at_cursor = saga.current_step_idx == idx && saga.step_state != "ready";
        at_cursor || (goes_forward && idx < saga.current_step_idx) || self.begun.contains(&(saga.id, idx))
    }

    /// The deployment that the saga names and that has no row.
    pub(super) fn missing_deployment(&self, saga: &SagaFacts) -> Option<Uuid> {
        saga.deployment_id.filter(|id| !self.deployments.contains(id))
    }
}

impl SagaFacts {
    pub(super) fn has_ended(&self) -> bool {
        Status::parse(&self.status).is_some_and(Status::is_terminal)
    }

    /// The place of the step of that name.
    pub(super) fn idx_of(&self, step: &str) -> Option<i64> {
        let at = self.steps.as_array()?.iter().position(|name| name == step)?;
        i64::try_from(at).ok()
    }

    /// The name of the step at that place.
    pub(super) fn step_at(&self, idx: i64) -> &str {
        let at = usize::try_from(idx).ok();
        at.and_then(|at| self.steps.get(at)?.as_str()).unwrap_or("?")
    }
}
