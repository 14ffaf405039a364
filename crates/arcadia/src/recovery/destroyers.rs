//! Unfinished sagas that destroy something once claims go on. Someone may have called them back in the commits that are
//! lost, so a person is told of each before the release.

use super::store::{self, SagaFacts};
use arcadia_saga::Status;
use arcadia_sql::{Db, Error, args};
use serde::Serialize;
use uuid::Uuid;

const DESTROYING_STEP: &str = "destroy_droplet";

/// See the file's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Destroyer {
    pub saga: Uuid,
    pub kind: String,
    pub status: String,
    pub deployment_id: Option<Uuid>,
    /// What it is about to do, for a person.
    pub because: String,
}

/// All of them, oldest first.
pub(super) async fn destroyers(db: &Db) -> Result<Vec<Destroyer>, Error> {
    let rows: Vec<SagaFacts> = db.fetch_all(&store::DESTROYERS, args![]).await?;
    Ok(rows.into_iter().filter_map(destroyer).collect())
}

fn destroyer(saga: SagaFacts) -> Option<Destroyer> {
    let because = if saga.status == Status::Compensating.as_str() {
        format!("it undoes what it made, from step {} on", saga.current_step_idx)
    } else {
        match saga.idx_of(DESTROYING_STEP) {
            // Behind it: what is left of the saga destroys nothing.
            Some(idx) if idx < saga.current_step_idx => return None,
            Some(idx) => format!("its step {idx} ({DESTROYING_STEP}) has no way back"),
            None => "it was cancelled and will undo what it made".to_owned(),
        }
    };
    let SagaFacts { id, kind, status, deployment_id, .. } = saga;
    Some(Destroyer { saga: id, kind, status, deployment_id, because })
}
