//! SQLite: one writer, four readers, a write-ahead log that survives power loss, and a lock beside the file
//! that keeps a second process out for as long as this one lives.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteExecutor, SqlitePool, SqlitePoolOptions};
use sqlx::{Arguments, Executor, Sqlite, Transaction};

use crate::db::{Call, Db};
use crate::row::{EngineRow, Row};
use crate::value::{Kind, Value};
use crate::{Error, Options, SqliteSession};

const READERS: u32 = 4;
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
const CACHED_STATEMENTS: usize = 512;

/// Durable writes; the log is checkpointed by the megabyte, not by the page.
pub(crate) const WRITER_PRAGMAS: [(&str, &str); 4] = [
    ("journal_mode", "WAL"),
    ("synchronous", "FULL"),
    ("foreign_keys", "ON"),
    ("wal_autocheckpoint", "4000"),
];

/// Whose turn it is to write: fair, so that a hot path and everybody else wait equally long.
pub(crate) type Turn = Arc<tokio::sync::Mutex<()>>;

/// A transaction, and the turn that it holds.
pub(crate) struct Writing {
    pub(crate) transaction: Transaction<'static, Sqlite>,
    // After the transaction: a turn ends when its transaction has.
    _turn: tokio::sync::OwnedMutexGuard<()>,
}

/// The connections to one file.
pub(crate) struct Pools {
    path: PathBuf,
    turn: Turn,
    writer: SqlitePool,
    readers: SqlitePool,
    lock: Mutex<Option<HeldFile>>,
}

impl Pools {
    pub(crate) async fn open(path: &Path, options: &Options) -> Result<Pools, Error> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Connect {
            target: path.display().to_string(),
            source,
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
        }
        let lock = if options.lock_file { Some(hold(path)?) } else { None };

        let shared = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(CACHED_STATEMENTS);
        let write = WRITER_PRAGMAS
            .iter()
            .fold(shared.clone(), |connect, (name, value)| connect.pragma(*name, *value));
        let read = shared.pragma("query_only", "ON");
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
        };
        let writer = pool().max_connections(1).connect_with(write).await.map_err(|e| failed(e.into()))?;
        let readers =
            pool().max_connections(READERS).connect_with(read).await.map_err(|e| failed(e.into()))?;
        let turn = Turn::default();
        Ok(Pools { path: path.to_owned(), turn, writer, readers, lock: Mutex::new(lock) })
    }

    /// BEGIN IMMEDIATE: the lock is taken now, so that no later statement of the transaction finds it gone.
    pub(crate) async fn begin(&self) -> Result<Writing, sqlx::Error> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Writing { transaction, _turn: turn })
    }

    pub(crate) async fn execute(&self, call: Call) -> Result<u64, sqlx::Error> {
        let _turn = self.turn.lock().await;
        execute(&self.writer, call).await
    }

    pub(crate) async fn fetch_all(&self, call: Call) -> Result<Vec<Row>, sqlx::Error> {
        if call.rendered.reads {
            return fetch_all(&self.readers, call).await;
        }
        let _turn = self.turn.lock().await;
        fetch_all(&self.writer, call).await
    }

    pub(crate) fn session(&self, db: Db) -> Result<SqliteSession, Error> {
        SqliteSession::open(db, &self.path, Arc::clone(&self.turn))
    }

    pub(crate) async fn prepare(&self, text: &'static str) -> Result<(), sqlx::Error> {
        self.writer.prepare(sqlx::SqlSafeStr::into_sql_str(text)).await.map(drop)
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        let mut lock = self.lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *lock = None;
    }
}

pub(crate) async fn execute(on: impl SqliteExecutor<'_>, call: Call) -> Result<u64, sqlx::Error> {
    let text = call.rendered.text.as_str();
    let done = sqlx::query_with(text, arguments(call)?).execute(on).await?;
    Ok(done.rows_affected())
}

pub(crate) async fn fetch_all(on: impl SqliteExecutor<'_>, call: Call) -> Result<Vec<Row>, sqlx::Error> {
    let text = call.rendered.text.as_str();
    let rows = sqlx::query_with(text, arguments(call)?).fetch_all(on).await?;
    Ok(rows.into_iter().map(|row| Row(EngineRow::Sqlite(row))).collect())
}

/// A locked file. A child process that is just being started has a copy of the handle, so closing ours is not enough.
struct HeldFile(File);

impl Drop for HeldFile {
    fn drop(&mut self) {
        // What fails here, the end of the last handle still does.
        let _ = self.0.unlock();
    }
}

/// The operating system drops the lock with the process, however that ends.
fn hold(path: &Path) -> Result<HeldFile, Error> {
    let failed =
        |error: std::io::Error| Error::Connect { target: path.display().to_string(), source: error.into() };
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_path(path).map_err(failed)?)
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(HeldFile(lock)),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// `<file>.lock` beside the file itself, so that every name for the file leads to the same lock.
fn lock_path(path: &Path) -> Result<PathBuf, std::io::Error> {
    let mut real = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(_) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let mut real = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
            real.push(path.file_name().unwrap_or_default());
            real
        }
    }
    .into_os_string();
    real.push(".lock");
    Ok(real.into())
}

fn arguments(call: Call) -> Result<SqliteArguments, sqlx::Error> {
    let mut bound = SqliteArguments::default();
    let now = call.rendered.wants_now.then(|| call.now.map_or(Value::Null(Kind::Time), Value::Time));
    for value in call.args.into_values().into_iter().chain(now) {
        let added = match value {
            Value::Null(_) => bound.add(None::<i64>),
            Value::Bool(it) => bound.add(it),
            Value::Int(it) => bound.add(it),
            Value::Text(it) => bound.add(it),
            Value::Uuid(it) => bound.add(it.to_string()),
            Value::Time(it) => bound.add(it.as_microsecond()),
            Value::Json(it) => bound.add(it.to_string()),
            Value::Bytes(it) => bound.add(it),
            lists => bound.add(list_text(&lists)),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

/// A list as JSON text, for `json_each`.
pub(crate) fn list_text(value: &Value) -> String {
    fn list<T>(items: &[Option<T>], to_json: impl Fn(&T) -> serde_json::Value) -> String {
        let items = items.iter().map(|item| item.as_ref().map_or(serde_json::Value::Null, &to_json));
        serde_json::Value::Array(items.collect()).to_string()
    }
    match value {
        Value::Ints(it) => list(it, |number| (*number).into()),
        Value::Texts(it) => list(it, |text| text.as_str().into()),
        Value::Uuids(it) => list(it, |id| id.to_string().into()),
        Value::Times(it) => list(it, |time| time.as_microsecond().into()),
        other => list(std::slice::from_ref(&Some(other)), |_| serde_json::Value::Null),
    }
}
