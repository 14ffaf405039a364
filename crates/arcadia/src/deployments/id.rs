//! The id of a deployment, as a type.

use arcadia_sql::{Argument, Cell, Column, Error, Kind, Value};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A UUIDv7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeploymentId(pub Uuid);

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Argument for DeploymentId {
    const KIND: Kind = Kind::Uuid;

    fn into_value(self) -> Value {
        Value::Uuid(self.0)
    }
}

impl Column for DeploymentId {
    fn from_cell(cell: &Cell<'_>) -> Result<DeploymentId, Error> {
        Uuid::from_cell(cell).map(DeploymentId)
    }
}
