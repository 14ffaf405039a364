//! A number that every process counts up in the database. Whoever reads back no more than it wrote itself, now or in
//! its life before, reads a database that went back in time.

use super::store;
use arcadia_sql::{Db, Error, args};
use std::path::{Path, PathBuf};

/// The greatest number that this process knows to have been committed.
#[derive(Debug)]
pub(super) struct Beat {
    highest: i64,
    file: Option<BeatFile>,
}

/// The number outlives the process beside the database, where the data directory does. Bound to the installation, so
/// that a new database is not taken for an old one.
#[derive(Debug)]
struct BeatFile {
    path: PathBuf,
    installation: String,
}

impl Beat {
    /// Goes on from what the life before wrote into `folder`, where it left anything.
    pub(super) fn resumed(folder: Option<&Path>, installation: &str) -> Beat {
        let file = folder.map(|folder| BeatFile {
            path: folder.join("arcadia-beat"),
            installation: installation.to_owned(),
        });
        Beat { highest: file.as_ref().and_then(BeatFile::read).unwrap_or(0), file }
    }

    /// Counts on. `false` when commits of ours are missing.
    pub(super) async fn count(&mut self, db: &Db) -> Result<bool, Error> {
        let (beat,): (i64,) = db.fetch_one(&store::BEAT, args![]).await?;
        let is_ahead = beat > self.highest;
        self.highest = beat;
        if let Some(Err(error)) = self.file.as_ref().map(|file| file.write(beat)) {
            tracing::debug!(%error, "the beat could not be written beside the database");
        }
        Ok(is_ahead)
    }
}

impl BeatFile {
    fn read(&self) -> Option<i64> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let (installation, beat) = text.trim().split_once(' ')?;
        (installation == self.installation).then(|| beat.parse().ok())?
    }

    /// Whole or not at all. Two processes may share the folder; the smaller number proves less, never more.
    fn write(&self, beat: i64) -> std::io::Result<()> {
        let unfinished = self.path.with_extension(std::process::id().to_string());
        std::fs::write(&unfinished, format!("{} {beat}\n", self.installation))?;
        std::fs::rename(&unfinished, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::Beat;
    use arcadia_sql::testing::TestDb;
    use arcadia_sql::{Engine, MIGRATIONS, Options};

    #[tokio::test]
    async fn a_copy_of_an_hour_ago_counts_behind_what_was_written_since() {
        let folder = tempfile::TempDir::new().unwrap();
        let fresh = || TestDb::fresh(Engine::Sqlite, Options::default(), &MIGRATIONS);
        let (db, older) = (fresh().await, fresh().await);
        let mut beat = Beat::resumed(Some(folder.path()), "one");
        assert!(beat.count(&db).await.unwrap());
        assert!(beat.count(&db).await.unwrap());
        let mut next_life = Beat::resumed(Some(folder.path()), "one");
        assert!(next_life.count(&db).await.unwrap());

        let mut restored = Beat::resumed(Some(folder.path()), "one");
        assert!(!restored.count(&older).await.unwrap(), "the loss went unnoticed");
        assert!(restored.count(&older).await.unwrap(), "one loss was told twice");
        let mut another = Beat::resumed(Some(folder.path()), "another");
        assert!(another.count(&fresh().await).await.unwrap(), "a new database was taken for an old one");
    }
}
