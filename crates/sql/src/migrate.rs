//! Migrations: numbered texts, each applied once, in a transaction with the row that says so.
//! A database that has one we do not know, or knows one with another text, is left alone.

use ring::digest;

use crate::{Db, Engine, Error, Tx, args, row};

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    pub name: &'static str,
    pub sql: Sql,
}

/// A migration's text: one for both engines, or twins where they must part.
#[derive(Debug, Clone, Copy)]
pub enum Sql {
    Both(&'static str),
    Twins { sqlite: &'static str, postgres: &'static str },
}

impl Migration {
    /// The text for an engine.
    pub fn text(&self, engine: Engine) -> &'static str {
        match (self.sql, engine) {
            (Sql::Both(text), _) => text,
            (Sql::Twins { sqlite, .. }, Engine::Sqlite) => sqlite,
            (Sql::Twins { postgres, .. }, Engine::Postgres) => postgres,
        }
    }
}

/// Migrations in the order they are applied.
#[derive(Debug)]
pub struct Migrations(&'static [Migration]);

impl Migrations {
    /// The list as it is: the order is the caller's.
    pub const fn new(list: &'static [Migration]) -> Migrations {
        Migrations(list)
    }

    /// The list.
    pub fn list(&self) -> &'static [Migration] {
        self.0
    }

    /// One checksum over all names and texts for an engine, for naming a schema.
    pub(crate) fn checksum(&self, engine: Engine) -> String {
        let all: Vec<_> =
            self.0.iter().flat_map(|migration| [migration.name, migration.text(engine)]).collect();
        checksum(&all.join("\n"))
    }
}

crate::statements! {
    /// What was applied before.
    pub(crate) APPLIED = "SELECT name, checksum FROM arcadia_migrations ORDER BY name";

    /// Remembers one as applied.
    pub(crate) REMEMBER = "INSERT INTO arcadia_migrations (name, checksum, applied_at) VALUES ($1, $2, {now})";
}

row! {
    struct Applied {
        name: String,
        checksum: String,
    }
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS arcadia_migrations (
    name TEXT NOT NULL PRIMARY KEY,
    checksum TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL
)";

/// Held to the end of each transaction; without the time-out, because another node's migration may take long.
const ALONE_ON_POSTGRES: &str =
    "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(4702394921427289929)";

impl Db {
    /// Applies what is missing and answers its names. Nodes that start together take turns.
    pub async fn migrate(&self, migrations: &'static Migrations) -> Result<Vec<String>, Error> {
        let mut applied = Vec::new();
        while let Some(name) = self.apply_next(migrations).await? {
            tracing::info!(migration = name, "migration applied");
            applied.push(name.to_owned());
        }
        Ok(applied)
    }

    async fn apply_next(&self, migrations: &'static Migrations) -> Result<Option<&'static str>, Error> {
        let mut tx = self.begin().await?;
        if self.engine() == Engine::Postgres {
            tx.run_text("LOCK_MIGRATIONS", ALONE_ON_POSTGRES).await?;
        }
        tx.run_text("CREATE_MIGRATIONS", TABLE).await?;
        let next = next(&mut tx, migrations, self.engine()).await?;
        if let Some(migration) = next {
            let text = migration.text(self.engine());
            tx.run_text(migration.name, text)
                .await
                .map_err(|error| Error::Migration { migration: migration.name, source: Box::new(error) })?;
            tx.execute(&REMEMBER, args![migration.name, checksum(text)]).await?;
        }
        tx.commit().await?;
        Ok(next.map(|migration| migration.name))
    }
}

async fn next(tx: &mut Tx, known: &Migrations, engine: Engine) -> Result<Option<&'static Migration>, Error> {
    let applied: Vec<Applied> = tx.fetch_all(&APPLIED, args![]).await?;
    for done in &applied {
        match known.0.iter().find(|migration| migration.name == done.name) {
            None => return Err(Error::NewerDatabase { migration: done.name.clone() }),
            Some(migration) if checksum(migration.text(engine)) != done.checksum => {
                return Err(Error::ChangedMigration { migration: done.name.clone() });
            }
            Some(_) => {}
        }
    }
    let is_applied = |migration: &&Migration| applied.iter().any(|done| done.name == migration.name);
    Ok(known.0.iter().find(|migration| !is_applied(migration)))
}

fn checksum(text: &str) -> String {
    let sum = digest::digest(&digest::SHA256, text.as_bytes());
    sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
