//! A connection of PostgreSQL's pool while somebody has it. The pool takes one back only once its server has answered, and
//! would wait for one that was cut off without a word until the kernel gives up, a quarter of an hour, its place taken.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

use crate::db::Call;
use crate::postgres;
use crate::row::Row;

/// So long a transaction that was let go of may take to be rolled back; then its connection is closed instead.
const ROLLBACK_MAX: Duration = Duration::from_secs(5);

/// Closed, not given back, where it is let go of between a question and its answer.
pub(crate) struct Lent {
    connection: PoolConnection<Postgres>,
    is_asked: bool,
}

impl Lent {
    pub(crate) async fn by(pool: &PgPool) -> Result<Lent, sqlx::Error> {
        Ok(Lent { connection: pool.acquire().await?, is_asked: false })
    }

    pub(crate) async fn execute(&mut self, call: Call) -> Result<u64, sqlx::Error> {
        self.is_asked = true;
        let done = postgres::execute(&mut *self.connection, call).await;
        self.answered(done)
    }

    pub(crate) async fn fetch_all(&mut self, call: Call) -> Result<Vec<Row>, sqlx::Error> {
        self.is_asked = true;
        let rows = postgres::fetch_all(&mut *self.connection, call).await;
        self.answered(rows)
    }

    /// However long it takes.
    pub(crate) async fn run_text(&mut self, text: &'static str) -> Result<(), sqlx::Error> {
        self.is_asked = true;
        let done = sqlx::raw_sql(text).execute(&mut *self.connection).await;
        self.answered(done.map(drop))
    }

    fn answered<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_asked = matches!(answer, Err(sqlx::Error::Io(_)));
        answer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.is_asked {
            self.connection.close_on_drop();
        }
    }
}

/// A transaction on it; rolled back where it is let go of.
pub(crate) struct Transaction(Option<Lent>);

impl Transaction {
    pub(crate) async fn begin(mut on: Lent) -> Result<Transaction, sqlx::Error> {
        postgres::in_time(on.run_text("BEGIN")).await?;
        Ok(Transaction(Some(on)))
    }

    /// Nothing only where it is over.
    pub(crate) fn connection(&mut self) -> Result<&mut Lent, sqlx::Error> {
        self.0.as_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    pub(crate) async fn rollback(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<(), sqlx::Error> {
        match self.0.take() {
            Some(mut lent) => postgres::in_time(lent.run_text(how)).await,
            None => Ok(()),
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut lent) = self.0.take().filter(|lent| !lent.is_asked) else { return };
        // Until that is done nobody else may have it.
        lent.is_asked = true;
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(ROLLBACK_MAX, lent.run_text("ROLLBACK")).await;
            });
        }
    }
}
