//! A transaction. The first statement that fails ends it, on both engines: PostgreSQL does so by itself,
//! and there a COMMIT would then roll back without a word.

use std::fmt;

use crate::lent::Transaction;
use crate::{Args, Db, Error, FromRow, Row, Statement, sqlite};

/// Statements that happen together or not at all; dropped without [`Tx::commit`] it is rolled back.
pub struct Tx {
    connection: Connection,
    // Keeps the database open, and a SQLite file locked, until the transaction is over.
    db: Db,
    failed: Option<&'static str>,
}

enum Connection {
    Sqlite(sqlite::Writing),
    Postgres(Transaction),
}

impl Tx {
    pub(crate) fn on_sqlite(db: Db, writing: sqlite::Writing) -> Tx {
        Tx { connection: Connection::Sqlite(writing), db, failed: None }
    }

    pub(crate) fn on_postgres(db: Db, transaction: Transaction) -> Tx {
        Tx { connection: Connection::Postgres(transaction), db, failed: None }
    }

    /// Runs a statement and answers how many rows it changed.
    pub async fn execute(&mut self, statement: &'static Statement, args: Args) -> Result<u64, Error> {
        self.still_open()?;
        let call = self.db.call(statement, args)?;
        let done = match &mut self.connection {
            Connection::Sqlite(writing) => sqlite::execute(&mut *writing.transaction, call).await,
            Connection::Postgres(transaction) => match transaction.connection() {
                Ok(connection) => connection.execute(call).await,
                Err(error) => Err(error),
            },
        };
        done.map_err(|error| self.fail(statement.name(), error))
    }

    /// All rows.
    pub async fn fetch_all<R: FromRow>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Vec<R>, Error> {
        self.rows(statement, args).await?.iter().map(R::from_row).collect()
    }

    /// The first row, if there is one.
    pub async fn fetch_optional<R: FromRow>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Option<R>, Error> {
        self.rows(statement, args).await?.first().map(R::from_row).transpose()
    }

    /// The first row; [`Error::NotFound`], which does not end the transaction, when there is none.
    pub async fn fetch_one<R: FromRow>(
        &mut self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<R, Error> {
        let found = self.fetch_optional(statement, args).await?;
        found.ok_or(Error::NotFound { statement: statement.name() })
    }

    /// Makes it last. After [`Error::ConnectionLost`] it is not known whether it did.
    pub async fn commit(self) -> Result<(), Error> {
        if let Some(statement) = self.failed {
            self.rollback().await?;
            return Err(Error::TransactionFailed { statement });
        }
        match self.connection {
            Connection::Sqlite(writing) => writing.transaction.commit().await,
            Connection::Postgres(transaction) => transaction.commit().await,
        }
        .map_err(|error| Error::from_driver("COMMIT", error))
    }

    /// Undoes it, and waits until that is done.
    pub async fn rollback(self) -> Result<(), Error> {
        match self.connection {
            Connection::Sqlite(writing) => writing.transaction.rollback().await,
            Connection::Postgres(transaction) => transaction.rollback().await,
        }
        .map_err(|error| Error::from_driver("ROLLBACK", error))
    }

    /// Runs a text of several statements that take no arguments.
    pub(crate) async fn run_text(&mut self, name: &'static str, text: &'static str) -> Result<(), Error> {
        self.still_open()?;
        let done = match &mut self.connection {
            Connection::Sqlite(writing) => {
                sqlx::raw_sql(text).execute(&mut *writing.transaction).await.map(drop)
            }
            Connection::Postgres(transaction) => match transaction.connection() {
                Ok(connection) => connection.run_text(text).await,
                Err(error) => Err(error),
            },
        };
        done.map_err(|error| self.fail(name, error))
    }

    async fn rows(&mut self, statement: &'static Statement, args: Args) -> Result<Vec<Row>, Error> {
        self.still_open()?;
        let call = self.db.call(statement, args)?;
        let rows = match &mut self.connection {
            Connection::Sqlite(writing) => sqlite::fetch_all(&mut *writing.transaction, call).await,
            Connection::Postgres(transaction) => match transaction.connection() {
                Ok(connection) => connection.fetch_all(call).await,
                Err(error) => Err(error),
            },
        };
        rows.map_err(|error| self.fail(statement.name(), error))
    }

    fn still_open(&self) -> Result<(), Error> {
        match self.failed {
            Some(statement) => Err(Error::TransactionFailed { statement }),
            None => Ok(()),
        }
    }

    fn fail(&mut self, statement: &'static str, error: sqlx::Error) -> Error {
        self.failed = Some(statement);
        Error::from_driver(statement, error)
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tx")
            .field("db", &self.db)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
