//! Sync runs, and deletion on proof: only a complete listing strikes, only what was there before it began, and not where
//! more than a third is gone at once; the third strike in a row makes a tombstone.

use super::Change;
use super::store::runs::{self as store, Missed};
use super::{PROVIDER, ResourceId, Witness, bury};
use arcadia_saga::Clock;
use arcadia_sql::{Db, Error, Tx, args};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub use store::RunRow;

const STRIKES_MAX: i64 = 3;

/// So many rows are struck by one statement.
const BATCH: usize = 500;

/// A run that did not end for so long was interrupted.
const INTERRUPTED_AFTER: SignedDuration = SignedDuration::from_hours(6);

/// One sync that is under way.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: Uuid,
    /// The sync's name.
    pub kind: &'static str,
    pub started_at: Timestamp,
    pub actor: String,
}

/// What a run did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub pages: i64,
    /// What the provider announced, where it did.
    pub expected: Option<i64>,
    pub received: i64,
    pub discovered: i64,
    pub updated: i64,
    pub restored: i64,
    pub unchanged: i64,
    pub struck: i64,
    pub deleted: i64,
    pub suspicious: bool,
}

impl Tally {
    pub(super) fn count(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Discovered => self.discovered += 1,
                Change::Updated => self.updated += 1,
                Change::Restored => self.restored += 1,
                Change::Unchanged => self.unchanged += 1,
                Change::StillDeleted => {}
            }
        }
    }

    /// How many were there before and still are.
    fn kept(&self) -> i64 {
        self.unchanged + self.updated
    }
}

impl Run {
    /// Begins a run, and ends those of the same kind that were interrupted.
    ///
    /// # Errors
    /// The database.
    pub async fn begin(
        tx: &mut Tx,
        kind: &'static str,
        saga_id: Option<Uuid>,
        actor: &str,
        clock: &Clock,
    ) -> Result<Run, Error> {
        let run = Run { id: clock.new_id(), kind, started_at: clock.now(), actor: actor.to_owned() };
        let overdue = run.started_at - INTERRUPTED_AFTER;
        tx.execute(&store::END_INTERRUPTED, args![kind, saga_id, run.started_at, overdue]).await?;
        tx.execute(&store::BEGIN, args![run.id, kind, saga_id, actor, run.started_at]).await?;
        Ok(run)
    }

    /// Ends it. `error` says why it is not complete.
    ///
    /// # Errors
    /// The database.
    pub async fn end(
        &self,
        tx: &mut Tx,
        tally: &Tally,
        error: Option<String>,
        clock: &Clock,
    ) -> Result<(), Error> {
        let Tally {
            pages,
            expected,
            received,
            discovered,
            updated,
            restored,
            struck,
            deleted,
            suspicious,
            ..
        } = *tally;
        let args = args![
            self.id,
            clock.now().max(self.started_at),
            pages,
            expected,
            received,
            error.is_none(),
            suspicious,
            discovered,
            updated,
            restored,
            struck,
            deleted,
            error
        ];
        tx.execute(&store::END, args).await.map(drop)
    }

    /// The run as the one who saw or missed something.
    #[must_use]
    pub fn witness(&self) -> Witness {
        Witness {
            actor: self.actor.clone(),
            source: format!("sync:{}", self.id),
            asked_at: self.started_at,
            run: Some(self.id),
        }
    }

    /// Strikes what this complete listing of `kinds` did not see, and with `projects` the projects too; nothing where too
    /// much is gone at once. To be called before [`Run::end`].
    ///
    /// # Errors
    /// The database.
    pub async fn mark_stale(
        &self,
        tx: &mut Tx,
        kinds: Vec<String>,
        projects: Projects,
        tally: &mut Tally,
        clock: &Clock,
    ) -> Result<(), Error> {
        let ended = args![self.kind, self.started_at];
        let before = tx.fetch_optional::<(Timestamp,)>(&store::LAST_COMPLETE, ended).await?;
        let before = before.map(|(at,)| at);
        let missed: Vec<Missed> =
            tx.fetch_all(&store::MISSED, args![PROVIDER, kinds, self.started_at]).await?;
        let missed_projects: Vec<Missed> = match projects {
            Projects::Listed { .. } => {
                tx.fetch_all(&store::MISSED_PROJECTS, args![PROVIDER, self.started_at]).await?
            }
            Projects::NotListed => Vec::new(),
        };
        let kept = match projects {
            Projects::Listed { kept } => kept,
            Projects::NotListed => 0,
        };
        tally.suspicious =
            is_sudden(&missed, before, tally.kept()) || is_sudden(&missed_projects, before, kept);
        if tally.suspicious {
            return Ok(());
        }
        self.strike(tx, missed, tally, clock).await?;
        self.strike_projects(tx, missed_projects, tally, clock).await
    }

    async fn strike(
        &self,
        tx: &mut Tx,
        missed: Vec<Missed>,
        tally: &mut Tally,
        clock: &Clock,
    ) -> Result<(), Error> {
        let at = clock.now().max(self.started_at);
        for batch in missed.chunks(BATCH) {
            let ids: Vec<Uuid> = batch.iter().map(|row| row.id.0).collect();
            let args = args![ids, self.started_at, at, self.id];
            let struck: Vec<(ResourceId, i64)> = tx.fetch_all(&store::STRIKE, args).await?;
            tally.struck += i64::try_from(struck.len()).unwrap_or(i64::MAX);
            let gone = struck.into_iter().filter(|(_, strikes)| *strikes >= STRIKES_MAX);
            let gone: Vec<ResourceId> = gone.map(|(id, _)| id).collect();
            if !gone.is_empty() {
                let buried = bury(tx, gone, &self.witness(), clock).await?;
                tally.deleted += i64::try_from(buried).unwrap_or(i64::MAX);
            }
        }
        Ok(())
    }

    async fn strike_projects(
        &self,
        tx: &mut Tx,
        missed: Vec<Missed>,
        tally: &mut Tally,
        clock: &Clock,
    ) -> Result<(), Error> {
        if missed.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = missed.iter().map(|row| row.id.0).collect();
        let args = args![ids, self.started_at, clock.now().max(self.started_at), STRIKES_MAX];
        let struck: Vec<(i64,)> = tx.fetch_all(&store::STRIKE_PROJECTS, args).await?;
        for (strikes,) in struck {
            tally.struck += 1;
            tally.deleted += i64::from(strikes >= STRIKES_MAX);
        }
        Ok(())
    }
}

/// Whether a run listed the projects themselves, and how many of those were known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projects {
    Listed { kept: i64 },
    NotListed,
}

/// Past failures are counted up to here.
const FAILURES_MAX: i64 = 100;

/// The runs of one sync or of all, newest first, older than `before`.
///
/// # Errors
/// The database.
pub async fn list(
    db: &Db,
    kind: Option<String>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<RunRow>, Error> {
    let before = before.unwrap_or(Uuid::max());
    match kind {
        Some(kind) => db.fetch_all(&store::NEWEST_OF_KIND, args![kind, before, limit]).await,
        None => db.fetch_all(&store::NEWEST, args![before, limit]).await,
    }
}

/// The last run of a sync, its last complete one, and how many failed since that.
///
/// # Errors
/// The database.
pub async fn health(db: &Db, kind: &str) -> Result<(Option<RunRow>, Option<RunRow>, i64), Error> {
    let last: Option<RunRow> = db.fetch_optional(&store::LAST, args![kind]).await?;
    let complete: Option<RunRow> = db.fetch_optional(&store::LAST_IN_FULL, args![kind]).await?;
    let since = complete.as_ref().map_or(Timestamp::UNIX_EPOCH, |run| run.started_at);
    let (failures,): (i64,) = db.fetch_one(&store::FAILED_SINCE, args![kind, since, FAILURES_MAX]).await?;
    Ok((last, complete, failures))
}

/// More than a third of what the last complete run saw is gone: what it did not see either is no longer sudden, so that the
/// next complete run confirms.
fn is_sudden(missed: &[Missed], before: Option<Timestamp>, kept: i64) -> bool {
    let newly = missed.iter().filter(|row| before.is_none_or(|before| row.last_seen_at >= before)).count();
    let newly = i64::try_from(newly).unwrap_or(i64::MAX / 4);
    newly * 3 > newly + kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sudden(gone: usize, kept: i64) -> bool {
        let row = Missed { id: ResourceId(Uuid::nil()), last_seen_at: Timestamp::UNIX_EPOCH };
        is_sudden(&vec![row; gone], None, kept)
    }

    #[test]
    fn more_than_a_third_is_sudden_and_a_third_is_not() {
        assert!(!sudden(0, 0));
        assert!(sudden(1, 0));
        assert!(sudden(1, 1));
        assert!(!sudden(1, 2));
        assert!(!sudden(33, 67));
        assert!(sudden(34, 66));
    }
}
