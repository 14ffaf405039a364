//! Where a benchmark writes: a PostgreSQL that was named, or a SQLite file on the disk to be measured.

use arcadia_sql::{Db, MIGRATIONS, Options};
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;

#[derive(Args, Clone)]
pub struct Place {
    /// Where to write: an empty PostgreSQL database's URL; a SQLite file in --folder when absent.
    #[arg(long)]
    pub database: Option<String>,
    /// The disk to measure on.
    #[arg(long, default_value = ".")]
    pub folder: PathBuf,
    /// One JSON object as the last line on stdout.
    #[arg(long)]
    pub json: bool,
}

/// An open, migrated database, and its folder, which is removed when dropped.
pub struct Opened {
    pub db: Db,
    pub url: String,
    pub folder: TempDir,
}

impl Place {
    pub async fn open(&self) -> anyhow::Result<Opened> {
        let folder = tempfile::Builder::new().prefix("arcadia-bench-").tempdir_in(&self.folder)?;
        let sqlite = format!("sqlite://{}", folder.path().join("bench.db").display());
        let url = self.database.clone().unwrap_or(sqlite);
        let db = Db::connect(&url, Options::default()).await?;
        db.migrate(&MIGRATIONS).await?;
        Ok(Opened { db, url, folder })
    }

    /// What was measured, for people and, if asked for, for programs.
    pub fn report(&self, lines: &[String], json: &Value) {
        for line in lines {
            println!("{line}");
        }
        if self.json {
            println!("{json}");
        }
    }
}
