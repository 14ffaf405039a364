//! A connection for a hot path, beside the pools: on SQLite blocking, for a thread of its own (a statement through
//! the pool costs a hop between threads); on PostgreSQL kept between calls (a pool asks the server once more whenever it
//! gets one back), and it plans for small batches.

use std::sync::Arc;
use std::time::Instant;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, ffi};

use crate::db::Db;
use crate::lent::Lent;
use crate::postgres::{Pool, TRUSTED_IDLE};
use crate::sqlite::{self, Turn};
use crate::value::{Kind, Value};
use crate::{Args, Error, FromRow, Statement};

/// SQLite's second writer. It takes turns with [`Db::begin`], so that neither starves nor finds the file busy.
pub struct SqliteSession {
    connection: Connection,
    turn: Turn,
    // Keeps the file locked for as long as this session lives.
    db: Db,
}

impl std::fmt::Debug for SqliteSession {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SqliteSession").field("db", &self.db).finish_non_exhaustive()
    }
}

/// The statements of one transaction of a [`SqliteSession`].
#[derive(Debug)]
pub struct SqliteTx<'s> {
    connection: &'s Connection,
    db: &'s Db,
}

impl SqliteSession {
    pub(crate) fn open(db: Db, path: &std::path::Path, turn: Turn) -> Result<SqliteSession, Error> {
        let failed = |error: rusqlite::Error| Error::Connect {
            target: path.display().to_string(),
            source: Box::new(error),
        };
        let connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(sqlite::BUSY_TIMEOUT).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        for (name, value) in sqlite::WRITER_PRAGMAS {
            connection.pragma_update(None, name, value).map_err(failed)?;
        }
        Ok(SqliteSession { connection, turn, db })
    }

    /// Runs `work` as one transaction: committed when it answers `Ok`, else rolled back. Blocks this thread.
    pub fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut SqliteTx<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _turn = Arc::clone(&self.turn).blocking_lock_owned();
        let run = |text: &'static str| {
            let done = self.connection.prepare_cached(text).and_then(|mut statement| statement.execute([]));
            done.map(drop).map_err(|error| from_rusqlite(text, error))
        };
        run("BEGIN IMMEDIATE")?;
        let done = work(&mut SqliteTx { connection: &self.connection, db: &self.db });
        match done.and_then(|value| run("COMMIT").map(|()| value)) {
            Ok(value) => Ok(value),
            Err(error) => {
                if !self.connection.is_autocommit() {
                    run("ROLLBACK")?;
                }
                Err(error)
            }
        }
    }
}

impl SqliteTx<'_> {
    /// Runs a statement and answers how many rows it changed.
    pub fn execute(&mut self, statement: &'static Statement, args: Args) -> Result<u64, Error> {
        let (mut prepared, args) = self.bind(statement, args)?;
        let changed = prepared.execute(rusqlite::params_from_iter(args.iter().map(Bound)));
        changed.map(|rows| rows as u64).map_err(|error| from_rusqlite(statement.name(), error))
    }

    /// The whole numbers of the first row, NULL as 0, or nothing when there is no row.
    pub fn fetch_numbers<const N: usize>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Option<[i64; N]>, Error> {
        let (mut prepared, args) = self.bind(statement, args)?;
        let failed = |error| from_rusqlite(statement.name(), error);
        let mut rows = prepared.query(rusqlite::params_from_iter(args.iter().map(Bound))).map_err(failed)?;
        let mut first = None;
        // Read to the end: only then has a statement that writes done all of it.
        while let Some(row) = rows.next().map_err(failed)? {
            if first.is_none() {
                let mut numbers = [0; N];
                for (index, number) in numbers.iter_mut().enumerate() {
                    *number = row.get::<_, Option<i64>>(index).map_err(failed)?.unwrap_or(0);
                }
                first = Some(numbers);
            }
        }
        Ok(first)
    }

    fn bind(
        &self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<(rusqlite::CachedStatement<'_>, Vec<Value>), Error> {
        let call = self.db.call(statement, args)?;
        let mut values = call.args.into_values();
        if call.rendered.wants_now {
            values.push(call.now.map_or(Value::Null(Kind::Time), Value::Time));
        }
        let prepared = self.connection.prepare_cached(&call.rendered.text);
        Ok((prepared.map_err(|error| from_rusqlite(statement.name(), error))?, values))
    }
}

/// PostgreSQL's: one call after the other on the same connection, for as long as it answers.
pub struct PostgresSession {
    db: Db,
    pool: Pool,
    kept: Option<(Lent, Instant)>,
}

impl std::fmt::Debug for PostgresSession {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PostgresSession").field("db", &self.db).finish_non_exhaustive()
    }
}

impl PostgresSession {
    pub(crate) fn new(db: Db, pool: Pool) -> PostgresSession {
        PostgresSession { db, pool, kept: None }
    }

    /// All rows of one statement, which is a transaction of its own.
    pub async fn fetch_all<R: FromRow>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Vec<R>, Error> {
        let call = self.db.call(statement, args)?;
        let failed = |error| Error::from_driver(statement.name(), error);
        let mut lent = self.lend().await.map_err(failed)?;
        // After an error it goes back to the pool, which finds out whether the server is there still.
        let rows = lent.fetch_all(call).await.map_err(failed)?;
        self.kept = Some((lent, Instant::now()));
        rows.iter().map(R::from_row).collect()
    }

    async fn lend(&mut self) -> Result<Lent, sqlx::Error> {
        match self.kept.take() {
            Some((lent, since)) if since.elapsed() < TRUSTED_IDLE => Ok(lent),
            rested => {
                drop(rested);
                self.pool.lend().await
            }
        }
    }
}

/// A value as this driver binds it; the same forms as the pool's.
struct Bound<'v>(&'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null(_) => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Bool(it) => ToSqlOutput::from(*it),
            Value::Int(it) => ToSqlOutput::from(*it),
            Value::Text(it) => ToSqlOutput::from(it.as_str()),
            Value::Uuid(it) => ToSqlOutput::from(it.to_string()),
            Value::Time(it) => ToSqlOutput::from(it.as_microsecond()),
            Value::Json(it) => ToSqlOutput::from(it.to_string()),
            Value::Bytes(it) => ToSqlOutput::from(it.as_slice()),
            Value::Ints(_) | Value::Texts(_) | Value::Uuids(_) | Value::Times(_) => {
                ToSqlOutput::from(sqlite::list_text(self.0))
            }
        })
    }
}

fn from_rusqlite(statement: &'static str, error: rusqlite::Error) -> Error {
    let detail = error.to_string();
    match error.sqlite_error().map(|failure| (failure.code, failure.extended_code)) {
        Some((
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull,
            _,
        )) => Error::Busy { statement, detail },
        Some((_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)) => {
            Error::UniqueViolation { statement, constraint: None, detail }
        }
        Some((_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY)) => {
            Error::ForeignKeyViolation { statement, constraint: None, detail }
        }
        Some((_, ffi::SQLITE_CONSTRAINT_CHECK)) => {
            Error::CheckViolation { statement, constraint: None, detail }
        }
        Some((_, ffi::SQLITE_CONSTRAINT_NOTNULL)) => Error::NotNullViolation { statement, detail },
        _ => Error::Other { statement, source: Box::new(error) },
    }
}
