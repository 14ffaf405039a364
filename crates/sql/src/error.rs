//! What can go wrong, named for what a caller does about it.
//! Statements appear by name; neither arguments nor a URL's password are ever part of a message.

use std::path::PathBuf;

use sqlx::error::{DatabaseError, ErrorKind};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A unique index or primary key refused a row. PostgreSQL names the constraint, SQLite only tells its columns.
    #[error("statement {statement}: not unique ({detail})")]
    UniqueViolation { statement: &'static str, constraint: Option<String>, detail: String },

    /// A row refers to one that is not there, or is referred to.
    #[error("statement {statement}: foreign key violated ({detail})")]
    ForeignKeyViolation { statement: &'static str, constraint: Option<String>, detail: String },

    /// A CHECK refused a value.
    #[error("statement {statement}: check violated ({detail})")]
    CheckViolation { statement: &'static str, constraint: Option<String>, detail: String },

    /// A NULL where the table wants a value.
    #[error("statement {statement}: value missing ({detail})")]
    NotNullViolation { statement: &'static str, detail: String },

    /// Somebody else is in the way: a lock, a deadlock, a serialisation failure, no free connection. Nothing was done.
    #[error("statement {statement}: the database is busy ({detail})")]
    Busy { statement: &'static str, detail: String },

    /// The connection broke. Whether the statement, or the COMMIT, was carried out is not known.
    #[error("statement {statement}: the connection to the database was lost ({detail})")]
    ConnectionLost { statement: &'static str, detail: String },

    /// `fetch_one` found no row.
    #[error("statement {statement}: no row")]
    NotFound { statement: &'static str },

    /// The transaction was lost to an earlier failure and has been rolled back.
    #[error("the transaction had already failed in statement {statement} and was rolled back")]
    TransactionFailed { statement: &'static str },

    /// The database has a migration that this binary does not know.
    #[error("the database is newer than this program: it has migration {migration}")]
    NewerDatabase { migration: String },

    /// A migration was edited after it was applied.
    #[error("migration {migration} was changed after it had been applied to this database")]
    ChangedMigration { migration: String },

    /// A migration's text failed; nothing of it was kept.
    #[error("migration {migration} failed")]
    Migration { migration: &'static str, source: Source },

    /// Another process (or another handle of this one) has the SQLite file.
    #[error("another process is using the database {}", path.display())]
    Locked { path: PathBuf },

    /// The database could not be opened; `target` is a path, or host, port and database.
    #[error("cannot open the database {target}")]
    Connect { target: String, source: Source },

    /// The URL is not one of ours.
    #[error("the database's URL is not usable: {problem}")]
    Url { problem: &'static str },

    /// A column does not hold what the program reads from it.
    #[error("column {column}: wanted {wanted}, found {found}")]
    Decode { column: String, wanted: &'static str, found: String },

    /// The statement was called with other arguments than it takes.
    #[error("statement {statement}: {problem}")]
    Arguments { statement: &'static str, problem: String },

    /// Everything else.
    #[error("statement {statement} failed")]
    Other { statement: &'static str, source: Source },
}

impl Error {
    /// Somebody else was in the way and nothing was done.
    pub fn is_busy(&self) -> bool {
        matches!(self, Error::Busy { .. })
    }

    /// The connection broke, and with it the knowledge of what was done.
    pub fn is_connection_lost(&self) -> bool {
        matches!(self, Error::ConnectionLost { .. })
    }

    /// The same again may succeed. After a lost connection this is safe only for what may be done twice.
    pub fn is_retryable(&self) -> bool {
        self.is_busy() || self.is_connection_lost()
    }

    /// `fetch_one` found no row.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::NotFound { .. })
    }

    /// A unique index or primary key refused a row.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Error::UniqueViolation { .. })
    }

    pub(crate) fn from_driver(statement: &'static str, error: sqlx::Error) -> Error {
        match error {
            sqlx::Error::Database(database) => from_database(statement, database),
            // What speaks for an absent server, such as a balancer, breaks the protocol by hanging up in the middle of it.
            sqlx::Error::Io(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_) => Error::ConnectionLost { statement, detail: error.to_string() },
            sqlx::Error::PoolTimedOut => {
                Error::Busy { statement, detail: "no connection became free in time".to_owned() }
            }
            other => Error::Other { statement, source: Box::new(other) },
        }
    }
}

fn from_database(statement: &'static str, error: Box<dyn DatabaseError>) -> Error {
    let constraint = error.constraint().map(str::to_owned);
    let detail = error.message().to_owned();
    match error.kind() {
        ErrorKind::UniqueViolation => return Error::UniqueViolation { statement, constraint, detail },
        ErrorKind::ForeignKeyViolation => {
            return Error::ForeignKeyViolation { statement, constraint, detail };
        }
        ErrorKind::CheckViolation => return Error::CheckViolation { statement, constraint, detail },
        ErrorKind::NotNullViolation => return Error::NotNullViolation { statement, detail },
        _ => {}
    }
    let code = error.code().unwrap_or_default().into_owned();
    let is_sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
    if is_sqlite && sqlite_is_busy(&code) || !is_sqlite && postgres_is_busy(&code) {
        Error::Busy { statement, detail }
    } else if !is_sqlite && postgres_has_gone(&code) {
        Error::ConnectionLost { statement, detail }
    } else {
        Error::Other { statement, source: Box::new(sqlx::Error::Database(error)) }
    }
}

/// SQLITE_BUSY and SQLITE_LOCKED, a file that cannot be written just now (READONLY, IOERR, FULL); extended codes carry
/// them in the lowest byte.
fn sqlite_is_busy(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13))
}

/// Serialisation failure, deadlock, lock time-out; a server that only reads just now, as before a promotion; one that
/// lacks room, memory or connections; a statement that somebody cancelled.
fn postgres_is_busy(code: &str) -> bool {
    matches!(code, "40001" | "40P01" | "55P03" | "25006" | "57014") || code.starts_with("53")
}

/// Connection exceptions, the server shutting down or starting up, sessions it has ended, and a database that is just
/// being replaced.
fn postgres_has_gone(code: &str) -> bool {
    code.starts_with("08")
        || matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "3D000" | "55000")
}
