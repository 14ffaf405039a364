//! What this process was told is durable: of each saga the last seq, as far back as a durable point that came after it.
//! Whoever reads less reads a database that lost commits.

use crate::{Sagas, store};
use arcadia_sql::{Error, Tx, args};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Nothing is kept before somebody asks for it, since nobody would ever clear it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Acknowledged(Arc<Mutex<Option<Seqs>>>);

#[derive(Debug, Default)]
struct Seqs {
    /// Since the last durable point was begun.
    since: HashMap<Uuid, i64>,
    /// Before that, while it is not known to be durable.
    before: HashMap<Uuid, i64>,
}

impl Acknowledged {
    /// The commit that wrote this was answered.
    pub(crate) fn note(&self, saga: Uuid, seq: i64) {
        if let Some(seqs) = self.seqs().as_mut() {
            let highest = seqs.since.entry(saga).or_insert(seq);
            *highest = seq.max(*highest);
        }
    }

    fn seqs(&self) -> MutexGuard<'_, Option<Seqs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sagas {
    /// From now on what is written here is kept in mind for [`Sagas::has_lost_writes`]; what was before is not.
    pub fn remember_writes(&self) {
        *self.acknowledged.seqs() = Some(Seqs::default());
    }

    /// A transaction begins here. Commits come back in their order or not at all: where this one is found, so is all
    /// that was acknowledged before.
    pub fn begin_durable_point(&self) {
        if let Some(seqs) = self.acknowledged.seqs().as_mut() {
            let since = std::mem::take(&mut seqs.since);
            seqs.before.extend(since);
        }
    }

    /// That transaction is durable.
    pub fn reached_durable_point(&self) {
        if let Some(seqs) = self.acknowledged.seqs().as_mut() {
            seqs.before = HashMap::new();
        }
    }

    /// Whether the database shows less than was acknowledged to this process.
    ///
    /// # Errors
    /// The database.
    pub async fn has_lost_writes(&self, tx: &mut Tx) -> Result<bool, Error> {
        // Before the rows are read: what is acknowledged meanwhile may be younger than they.
        let noted = match self.acknowledged.seqs().as_ref() {
            Some(Seqs { since, before }) => {
                let mut noted = before.clone();
                noted.extend(since);
                noted
            }
            None => return Ok(false),
        };
        if noted.is_empty() {
            return Ok(false);
        }
        let asked: Vec<Uuid> = noted.keys().copied().collect();
        let rows: Vec<(Uuid, i64)> = tx.fetch_all(&store::SEQS, args![asked]).await?;
        let found: HashMap<Uuid, i64> = rows.into_iter().collect();
        Ok(noted.iter().any(|(saga, seq)| found.get(saga).is_none_or(|found| found < seq)))
    }
}
