//! The hold in the database: one row that every process sees, opened by whoever finds the ledger behind, closed only
//! by a person.

use super::report::Report;
use super::{Error, ThingId, store};
use crate::cloud::Cloud;
use arcadia_sql::{Db, Tx, args};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashSet;

/// An open hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// What was found, in words.
    pub reason: String,
    pub held_at: Timestamp,
}

/// What a release did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// Claims go on. So many unfinished sagas look before each of their steps from now on.
    GoOn { in_doubt: u64 },
    /// There was nothing to release.
    NothingHeld,
}

/// The hold, while one is open.
///
/// # Errors
/// The database.
pub async fn open_hold(db: &Db) -> Result<Option<Hold>, arcadia_sql::Error> {
    let row = db.fetch_optional::<store::HoldRow>(&store::OPEN_HOLD, args![]).await?;
    Ok(row.map(|store::HoldRow { reason, held_at }| Hold { reason, held_at }))
}

/// Opens a hold, unless one is open.
pub(super) async fn open(cloud: &Cloud, tx: &mut Tx, reason: &str) -> Result<(), arcadia_sql::Error> {
    let args = args![cloud.clock.new_id(), reason, cloud.clock.now()];
    tx.execute(&store::HOLD, args).await.map(drop)
}

/// Things about which a person knows already that they differ.
pub(super) async fn known(db: &Db) -> Result<HashSet<ThingId>, arcadia_sql::Error> {
    let rows: Vec<(Value,)> = db.fetch_all(&store::KNOWN, args![]).await?;
    let lists = rows.into_iter().filter_map(|(known,)| serde_json::from_value::<Vec<ThingId>>(known).ok());
    Ok(lists.flatten().collect())
}

/// A person has looked at `report` and lets claims go on. What differs now is known from here on and holds nothing
/// again; unfinished sagas look before each of their steps, because the ledger may have lost some of them.
///
/// # Errors
/// The database; nothing changed then.
pub async fn release(cloud: &Cloud, report: &Report, by: &str, because: &str) -> Result<Released, Error> {
    let known: Vec<&ThingId> = report.differences.iter().map(|it| &it.thing).collect();
    let now = cloud.clock.now();
    let mut tx = cloud.db.begin().await?;
    if report.is_behind() {
        // Nobody has started since: the look of a process that starts next finds nothing new.
        open(cloud, &mut tx, "released before any process found out").await?;
    }
    if tx.execute(&store::RELEASE, args![json!(known), by, because, now]).await? == 0 {
        tx.rollback().await?;
        return Ok(Released::NothingHeld);
    }
    let in_doubt = cloud.sagas.doubt_unfinished(&mut tx).await?;
    tx.commit().await?;
    Ok(Released::GoOn { in_doubt })
}
