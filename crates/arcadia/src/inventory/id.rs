//! The id of a resource, as a type: ours, not the provider's.

use arcadia_sql::{Argument, Cell, Column, Error, Kind, Value};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A UUIDv7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceId(pub Uuid);

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Argument for ResourceId {
    const KIND: Kind = Kind::Uuid;

    fn into_value(self) -> Value {
        Value::Uuid(self.0)
    }
}

impl Column for ResourceId {
    fn from_cell(cell: &Cell<'_>) -> Result<ResourceId, Error> {
        Uuid::from_cell(cell).map(ResourceId)
    }
}
