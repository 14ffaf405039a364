//! The desired state of what we made. Works in a transaction handed in; whoever opened it commits it.

pub mod store;

use crate::inventory::ResourceId;
use arcadia_saga::SagaId;
use arcadia_sql::{Error, Tx, args};
use jiff::Timestamp;
use serde_json::Value;

/// Records what a resource should be, and answers the version. The same saga with the same spec is a step run
/// twice: the version stays.
///
/// # Errors
/// The database.
pub async fn record_provisioned(
    tx: &mut Tx,
    resource: ResourceId,
    spec: Value,
    saga: SagaId,
    now: Timestamp,
) -> Result<i64, Error> {
    let (version,): (i64,) = tx.fetch_one(&store::RECORD, args![resource, spec, saga, now]).await?;
    Ok(version)
}

/// Forgets what a resource should be: it is gone, or its making was undone.
///
/// # Errors
/// The database.
pub async fn forget_provisioned(tx: &mut Tx, resource: ResourceId) -> Result<(), Error> {
    tx.execute(&store::FORGET, args![resource]).await.map(|_| ())
}
