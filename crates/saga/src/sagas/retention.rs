//! What is kept no longer: ended sagas with their ledger and history, and old idempotency keys, in bounded batches.

use super::Sagas;
use crate::SagaId;
use crate::schedule::JOB;
use crate::store;
use arcadia_sql::{Error, args};
use jiff::Timestamp;
use uuid::Uuid;

/// Whose past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// Background work: there is much of it, and its schedule shows how the last run ended.
    Jobs,
    /// Everything that somebody asked for.
    Sagas,
}

impl Sagas {
    /// Sagas that ended before `before` and need nobody, oldest first, after the cursor `after`: background work, or
    /// all the others. Which of them something at the provider still bears the mark of, only the caller knows.
    ///
    /// # Errors
    /// The database.
    pub async fn forgettable(
        &self,
        of: Past,
        before: Timestamp,
        after: Option<SagaId>,
        limit: u32,
    ) -> Result<Vec<SagaId>, Error> {
        let after = after.map_or(Uuid::nil(), |id| id.0);
        let args = args![before, after, i64::from(limit), JOB, of == Past::Jobs];
        let rows = self.db.fetch_all::<(Uuid,)>(&store::FORGETTABLE, args).await?;
        Ok(rows.into_iter().map(|(id,)| SagaId(id)).collect())
    }

    /// Deletes ended sagas with all that was written about them, in one transaction. Answers how many there were;
    /// one that has not ended stays whole.
    ///
    /// # Errors
    /// The database; nothing was deleted then.
    pub async fn forget(&self, ids: &[SagaId]) -> Result<u64, Error> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let mut tx = self.db.begin().await?;
        let forgotten = tx.fetch_all::<(Uuid,)>(&store::FORGET_SAGAS, args![ids]).await?;
        let ids: Vec<Uuid> = forgotten.into_iter().map(|(id,)| id).collect();
        for of_them in [&store::FORGET_STEPS, &store::FORGET_EVENTS, &store::FORGET_SIGNALS] {
            tx.execute(of_them, args![ids.clone()]).await?;
        }
        tx.commit().await?;
        Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
    }

    /// Deletes at most `limit` idempotency keys first used before `before`; answers how many.
    ///
    /// # Errors
    /// The database.
    pub async fn forget_keys(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        self.db.execute(&store::FORGET_KEYS, args![before, i64::from(limit)]).await
    }
}
