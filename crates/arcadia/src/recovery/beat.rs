//! A number that a process counts up in a row of its own. Whoever reads back no more than it wrote itself, now or in
//! its life before, reads a database that went back in time.

use super::store;
use arcadia_sql::{Error, Tx, args};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The greatest number that this process knows to have been committed.
#[derive(Debug)]
pub(super) struct Beat {
    writer: Uuid,
    highest: i64,
    file: Option<BeatFile>,
}

/// Counted, and not committed yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    beat: i64,
    /// Commits of ours are missing where it is not.
    pub(super) is_ahead: bool,
}

/// The number outlives the process beside the database, where the data directory does. Bound to the installation, so
/// that a new database is not taken for an old one.
#[derive(Debug)]
struct BeatFile {
    path: PathBuf,
    installation: String,
}

impl Beat {
    /// Goes on from what the life before wrote into `folder`, where it left anything; else as `fresh`.
    pub(super) fn resumed(folder: Option<&Path>, installation: &str, fresh: Uuid) -> Beat {
        let file = folder.map(|folder| BeatFile {
            path: folder.join("arcadia-beat"),
            installation: installation.to_owned(),
        });
        let (writer, highest) = file.as_ref().and_then(BeatFile::read).unwrap_or((fresh, 0));
        Beat { writer, highest, file }
    }

    /// Counts on.
    pub(super) async fn count(&self, tx: &mut Tx) -> Result<Counted, Error> {
        let (beat,): (i64,) = tx.fetch_one(&store::BEAT, args![self.writer]).await?;
        Ok(Counted { beat, is_ahead: beat > self.highest })
    }

    /// The count is durable, and so is what followed from it.
    pub(super) fn committed(&mut self, counted: Counted) {
        self.highest = counted.beat;
        if let Some(Err(error)) = self.file.as_ref().map(|file| file.write(self.writer, counted.beat)) {
            tracing::debug!(%error, "the beat could not be written beside the database");
        }
    }
}

impl BeatFile {
    fn read(&self) -> Option<(Uuid, i64)> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let mut words = text.split_whitespace();
        if words.next()? != self.installation {
            return None;
        }
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    }

    /// Whole or not at all. Two processes may share the folder; the smaller number proves less, never more.
    fn write(&self, writer: Uuid, beat: i64) -> std::io::Result<()> {
        let unfinished = self.path.with_extension(std::process::id().to_string());
        std::fs::write(&unfinished, format!("{} {writer} {beat}\n", self.installation))?;
        std::fs::rename(&unfinished, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::Beat;
    use arcadia_sql::testing::TestDb;
    use arcadia_sql::{Db, Engine, MIGRATIONS, Options};
    use uuid::Uuid;

    async fn is_ahead(beat: &mut Beat, db: &Db) -> bool {
        let mut tx = db.begin().await.unwrap();
        let counted = beat.count(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        beat.committed(counted);
        counted.is_ahead
    }

    #[tokio::test]
    async fn a_copy_of_an_hour_ago_counts_behind_what_was_written_since() {
        let folder = tempfile::TempDir::new().unwrap();
        let fresh = || TestDb::fresh(Engine::Sqlite, Options::default(), &MIGRATIONS);
        let (db, older, new) = (fresh().await, fresh().await, fresh().await);
        let life = |installation| Beat::resumed(Some(folder.path()), installation, Uuid::new_v4());
        let mut first = life("one");
        assert!(is_ahead(&mut first, &db).await && is_ahead(&mut first, &db).await);
        assert!(is_ahead(&mut life("one"), &db).await);

        let mut restored = life("one");
        assert!(!is_ahead(&mut restored, &older).await, "the loss went unnoticed");
        assert!(is_ahead(&mut restored, &older).await, "one loss was told twice");
        assert!(is_ahead(&mut life("another"), &new).await, "a new database was taken for an old one");
    }

    #[tokio::test]
    async fn another_process_s_counting_hides_no_loss() {
        let fresh = || TestDb::fresh(Engine::Sqlite, Options::default(), &MIGRATIONS);
        let (db, older) = (fresh().await, fresh().await);
        let process = || Beat::resumed(None, "one", Uuid::new_v4());
        let (mut ours, mut theirs) = (process(), process());
        assert!(is_ahead(&mut ours, &db).await);
        assert!(is_ahead(&mut theirs, &older).await && is_ahead(&mut theirs, &older).await);
        assert!(!is_ahead(&mut ours, &older).await, "the loss went unnoticed");
    }
}
