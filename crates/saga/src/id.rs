//! Ids as types, and the marks by which a step finds at the provider what it made.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The id of one saga: a UUIDv7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SagaId(pub Uuid);

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for SagaId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<SagaId, uuid::Error> {
        Uuid::parse_str(text).map(SagaId)
    }
}

impl From<SagaId> for arcadia_sql::Value {
    fn from(id: SagaId) -> arcadia_sql::Value {
        id.0.into()
    }
}

/// What the step at one place of one saga leaves on the things it makes. Whole ids, never a part: the
/// first characters of a UUIDv7 are a clock that sagas of the same minute share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark {
    /// `arcadia-saga-<saga id>`
    pub saga: String,
    /// `arcadia-step-<saga id>-<step idx>`
    pub step: String,
}

impl Mark {
    /// The mark of step `idx` of saga `id`.
    #[must_use]
    pub fn of(id: SagaId, idx: usize) -> Mark {
        Mark { saga: format!("arcadia-saga-{id}"), step: format!("arcadia-step-{id}-{idx}") }
    }
}
