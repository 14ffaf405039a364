//! A handle on a database: cheap to clone, the same face on both engines.
//! Single statements commit by themselves; several that belong together go through [`Db::begin`].

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::options::Target;
use crate::render::Rendered;
use crate::{
    Args, Engine, Error, FromRow, Listener, ManualNow, Options, PostgresSession, Row, SqliteSession,
    Statement, Tx, args, postgres, sqlite,
};

crate::statements! {
    /// The database's clock.
    pub(crate) CURRENT_TIME = "SELECT {now} AS now";
}

/// An open database.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    backend: Backend,
    manual_now: Option<ManualNow>,
}

enum Backend {
    Sqlite(sqlite::Pools),
    Postgres(Box<postgres::Pool>),
}

/// One call of a statement, ready for its engine.
pub(crate) struct Call {
    pub(crate) rendered: &'static Rendered,
    pub(crate) args: Args,
    pub(crate) now: Option<Timestamp>,
}

impl Db {
    /// Opens `sqlite://path` (made if missing) or `postgres://…`. Messages name the target without its password.
    pub async fn connect(url: &str, options: Options) -> Result<Db, Error> {
        let backend = match Target::parse(url)? {
            Target::Sqlite(path) => Backend::Sqlite(sqlite::Pools::open(&path, &options).await?),
            Target::Postgres(url) => Backend::Postgres(Box::new(postgres::Pool::open(&url, &options).await?)),
        };
        Ok(Db(Arc::new(Inner { backend, manual_now: options.manual_now })))
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        match self.0.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// The clock that a test moves, if this handle was opened with one.
    pub fn manual_now(&self) -> Option<&ManualNow> {
        self.0.manual_now.as_ref()
    }

    /// Begins a transaction. On SQLite it waits for the one writer and holds it; a dropped transaction is rolled back.
    pub async fn begin(&self) -> Result<Tx, Error> {
        match &self.0.backend {
            Backend::Sqlite(pools) => pools.begin().await.map(|tx| Tx::on_sqlite(self.clone(), tx)),
            Backend::Postgres(pool) => pool.begin().await.map(|tx| Tx::on_postgres(self.clone(), tx)),
        }
        .map_err(|error| Error::from_driver("BEGIN", error))
    }

    /// Runs a statement and answers how many rows it changed.
    pub async fn execute(&self, statement: &'static Statement, args: Args) -> Result<u64, Error> {
        let call = self.call(statement, args)?;
        match &self.0.backend {
            Backend::Sqlite(pools) => pools.execute(call).await,
            Backend::Postgres(pool) => pool.execute(call).await,
        }
        .map_err(|error| Error::from_driver(statement.name(), error))
    }

    /// All rows. A statement that only reads goes to SQLite's readers, and sees all that was committed before.
    pub async fn fetch_all<R: FromRow>(
        &self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Vec<R>, Error> {
        self.rows(statement, args).await?.iter().map(R::from_row).collect()
    }

    /// The first row, if there is one.
    pub async fn fetch_optional<R: FromRow>(
        &self,
        statement: &'static Statement,
        args: Args,
    ) -> Result<Option<R>, Error> {
        self.rows(statement, args).await?.first().map(R::from_row).transpose()
    }

    /// The first row; [`Error::NotFound`] when there is none.
    pub async fn fetch_one<R: FromRow>(&self, statement: &'static Statement, args: Args) -> Result<R, Error> {
        let found = self.fetch_optional(statement, args).await?;
        found.ok_or(Error::NotFound { statement: statement.name() })
    }

    /// Has the engine parse a statement against the schema, without running it.
    pub async fn prepare(&self, statement: &'static Statement) -> Result<(), Error> {
        let text = statement.rendered(self.engine()).text.as_str();
        match &self.0.backend {
            Backend::Sqlite(pools) => pools.prepare(text).await,
            Backend::Postgres(pool) => pool.prepare(text).await,
        }
        .map_err(|error| Error::from_driver(statement.name(), error))
    }

    /// The time on which all nodes agree: the database's, or the manual one.
    pub async fn now(&self) -> Result<Timestamp, Error> {
        self.fetch_one(&CURRENT_TIME, args![]).await
    }

    /// A blocking writer for a thread of its own, where this is SQLite.
    ///
    /// # Errors
    /// When the file cannot be opened once more.
    pub fn sqlite_session(&self) -> Result<Option<SqliteSession>, Error> {
        match &self.0.backend {
            Backend::Sqlite(pools) => pools.session(self.clone()).map(Some),
            Backend::Postgres(_) => Ok(None),
        }
    }

    /// A connection for small batches on large tables, planned as [`Db::batch_connections`] are, where this is PostgreSQL.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn postgres_session(&self) -> Result<Option<PostgresSession>, Error> {
        match &self.0.backend {
            Backend::Sqlite(_) => Ok(None),
            Backend::Postgres(pool) => {
                Ok(Some(PostgresSession::new(self.clone(), pool.for_batches(1).await?)))
            }
        }
    }

    /// On PostgreSQL `connections` of their own for small batches on large tables: never a sequential scan, and
    /// a lock is waited for a second at most. On SQLite this handle itself.
    ///
    /// # Errors
    /// When they cannot be opened.
    pub async fn batch_connections(&self, connections: u32) -> Result<Db, Error> {
        match &self.0.backend {
            Backend::Sqlite(_) => Ok(self.clone()),
            Backend::Postgres(pool) => {
                let backend = Backend::Postgres(Box::new(pool.for_batches(connections).await?));
                Ok(Db(Arc::new(Inner { backend, manual_now: self.0.manual_now.clone() })))
            }
        }
    }

    /// Hears what is said on `channel`, on a connection of its own; nothing on SQLite, which one process has alone.
    ///
    /// # Errors
    /// When the server is away.
    pub async fn listen(&self, channel: &str) -> Result<Option<Listener>, Error> {
        match &self.0.backend {
            Backend::Sqlite(_) => Ok(None),
            Backend::Postgres(pool) => {
                let listener = pool.listen(channel).await;
                listener
                    .map(|listener| Some(Listener::new(listener)))
                    .map_err(|error| Error::from_driver("LISTEN", error))
            }
        }
    }

    /// `told` is called when a connection leads to another server than all before it: after a restart, a failover, or
    /// the return of an older copy. Nothing goes through that connection until it has returned. One listener at
    /// a time; on SQLite, whose file is held for life, it is never called.
    pub fn on_another_server(&self, told: impl Fn() + Send + Sync + 'static) {
        if let Backend::Postgres(pool) = &self.0.backend {
            pool.servers().listen(Arc::new(told));
        }
    }

    /// Closes every connection and lets go of the file; calls on other clones fail from then on.
    pub async fn close(&self) {
        match &self.0.backend {
            Backend::Sqlite(pools) => pools.close().await,
            Backend::Postgres(pool) => pool.close().await,
        }
    }

    pub(crate) fn call(&self, statement: &'static Statement, args: Args) -> Result<Call, Error> {
        statement.check(self.engine(), &args)?;
        let now = self.0.manual_now.as_ref().map(ManualNow::get);
        Ok(Call { rendered: statement.rendered(self.engine()), args, now })
    }

    async fn rows(&self, statement: &'static Statement, args: Args) -> Result<Vec<Row>, Error> {
        let call = self.call(statement, args)?;
        match &self.0.backend {
            Backend::Sqlite(pools) => pools.fetch_all(call).await,
            Backend::Postgres(pool) => pool.fetch_all(call).await,
        }
        .map_err(|error| Error::from_driver(statement.name(), error))
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Db").field("engine", &self.engine()).finish_non_exhaustive()
    }
}
