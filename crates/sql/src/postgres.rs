//! PostgreSQL 15 or later: a pool whose connections give up on a lock as soon as SQLite's do.
//! Idle connections are tried before use, so that a restarted server costs at most one failed call.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgExecutor, PgListener, PgPool, PgPoolOptions};
use sqlx::{Arguments, Connection, Executor};

use crate::db::Call;
use crate::lent::{Lent, Transaction};
use crate::row::{EngineRow, Row};
use crate::servers::Servers;
use crate::value::{Kind, Value};
use crate::{Error, Options};

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A server that was cut off says nothing for ever: after this long the connection counts as lost.
const SILENCE_MAX: Duration = Duration::from_secs(60);
pub(crate) const TRUSTED_IDLE: Duration = Duration::from_secs(1);
const CACHED_STATEMENTS: usize = 512;
const SESSION: &str = "SET lock_timeout = '5s'; SET TIME ZONE 'UTC'";
// A host that vanishes in the middle of a transaction must not hold its row locks until the server's kernel notices, which
// takes two hours. No transaction of ours rests that long between two statements. Relatives of PostgreSQL may lack some.
const VANISHED: &str = "SELECT set_config(wanted.name, wanted.setting, FALSE)
    FROM (VALUES ('idle_in_transaction_session_timeout', '20s'), ('tcp_keepalives_idle', '10'),
        ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '25s'))
        AS wanted (name, setting)
    WHERE wanted.name IN (SELECT name FROM pg_settings)";
// With a default plan a batch of some hundred rows is joined by reading the whole table, and the first of what is due
// are found by reading all that is due. A scan that cannot be avoided then looks so dear that the plan would be compiled
// first, which takes longer than running it. Planned anew for each small batch, a batch took a third of the server's time
// for its plan, which came out the same.
const BATCH_SESSION: &str = "SET lock_timeout = '1s'; SET TIME ZONE 'UTC';
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan";

/// The connections to one database.
pub(crate) struct Pool {
    pool: PgPool,
    /// Shared with the pools made from this one.
    servers: Arc<Servers>,
}

impl Pool {
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Pool, Error> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(|_| Error::Url { problem: "it is not postgres://user:password@host:port/database" })?;
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name("arcadia"),
        };
        let connect = connect.statement_cache_capacity(CACHED_STATEMENTS);
        Pool::connect(connect, options.max_connections, SESSION, Arc::default()).await
    }

    pub(crate) async fn for_batches(&self, connections: u32) -> Result<Pool, Error> {
        let connect = PgConnectOptions::clone(&self.pool.connect_options());
        Pool::connect(connect, connections, BATCH_SESSION, Arc::clone(&self.servers)).await
    }

    async fn connect(
        connect: PgConnectOptions,
        connections: u32,
        session: &'static str,
        servers: Arc<Servers>,
    ) -> Result<Pool, Error> {
        let (target, seen) = (target(&connect), Arc::clone(&servers));
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, held| {
                Box::pin(async move { Ok(held.idle_for < TRUSTED_IDLE || connection.ping().await.is_ok()) })
            })
            .after_connect(move |connection, _| {
                let servers = Arc::clone(&seen);
                Box::pin(async move {
                    connection.execute(sqlx::raw_sql(session)).await?;
                    connection.execute(sqlx::raw_sql(VANISHED)).await?;
                    servers.look(connection).await;
                    Ok(())
                })
            });
        // One connection first: the pool itself would try again until its time is up and then not say why.
        let first = sqlx::PgConnection::connect_with(&connect).await;
        let opened = match first {
            Ok(first) => {
                let _ = first.close().await;
                pool.connect_with(connect).await
            }
            Err(error) => Err(error),
        };
        opened
            .map(|pool| Pool { pool, servers })
            .map_err(|error| Error::Connect { target, source: Box::new(error) })
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.servers
    }

    pub(crate) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        Transaction::begin(self.lend().await?).await
    }

    pub(crate) async fn execute(&self, call: Call) -> Result<u64, sqlx::Error> {
        self.lend().await?.execute(call).await
    }

    pub(crate) async fn fetch_all(&self, call: Call) -> Result<Vec<Row>, sqlx::Error> {
        self.lend().await?.fetch_all(call).await
    }

    pub(crate) async fn lend(&self) -> Result<Lent, sqlx::Error> {
        Lent::by(&self.pool).await.map_err(|error| self.explain(error))
    }

    /// A connection of its own that hears what is said on `channel`.
    pub(crate) async fn listen(&self, channel: &str) -> Result<PgListener, sqlx::Error> {
        let connect = PgConnectOptions::clone(&self.pool.connect_options());
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(connect)).await?;
        listener.listen(channel).await?;
        Ok(listener)
    }

    /// Leaves nothing in the connection's cache: the types are guessed here, and given by the arguments in a call.
    pub(crate) async fn prepare(&self, text: &'static str) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await.map_err(|error| self.explain(error))?;
        let prepared = connection.prepare(sqlx::SqlSafeStr::into_sql_str(text)).await.map(drop);
        connection.clear_cached_statements().await?;
        prepared
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// The pool tries in vain to reach a server until its time is up: then it is smaller than it may be.
    fn explain(&self, error: sqlx::Error) -> sqlx::Error {
        let could_grow = self.pool.size() < self.pool.options().get_max_connections();
        match error {
            sqlx::Error::PoolTimedOut if could_grow => sqlx::Error::Io(std::io::Error::new(
                std::io::ErrorKind::NotConnected,
                "the server does not answer",
            )),
            other => other,
        }
    }
}

/// Host, port and database; never the user's password.
fn target(options: &PgConnectOptions) -> String {
    let place = match options.get_socket() {
        Some(folder) => format!("{}, port {}", folder.display(), options.get_port()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!("{} at {place}", options.get_database().unwrap_or(options.get_username()))
}

pub(crate) async fn execute(on: impl PgExecutor<'_>, call: Call) -> Result<u64, sqlx::Error> {
    let text = call.rendered.text.as_str();
    let done = in_time(sqlx::query_with(text, arguments(call)?).execute(on)).await?;
    Ok(done.rows_affected())
}

pub(crate) async fn fetch_all(on: impl PgExecutor<'_>, call: Call) -> Result<Vec<Row>, sqlx::Error> {
    let text = call.rendered.text.as_str();
    let rows = in_time(sqlx::query_with(text, arguments(call)?).fetch_all(on)).await?;
    Ok(rows.into_iter().map(|row| Row(EngineRow::Postgres(row))).collect())
}

pub(crate) async fn in_time<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(SILENCE_MAX, answer).await.unwrap_or_else(|_| {
        let kind = std::io::ErrorKind::TimedOut;
        Err(sqlx::Error::Io(std::io::Error::new(kind, "the server stopped answering")))
    })
}

fn arguments(call: Call) -> Result<PgArguments, sqlx::Error> {
    let mut bound = PgArguments::default();
    let now = call.rendered.wants_now.then(|| call.now.map_or(Value::Null(Kind::Time), Value::Time));
    for value in call.args.into_values().into_iter().chain(now) {
        let added = match value {
            Value::Null(kind) => add_null(&mut bound, kind),
            Value::Bool(it) => bound.add(it),
            Value::Int(it) => bound.add(it),
            Value::Text(it) => bound.add(it),
            Value::Uuid(it) => bound.add(it),
            Value::Time(it) => bound.add(whole_micros(it)),
            Value::Json(it) => bound.add(it),
            Value::Bytes(it) => bound.add(it),
            Value::Ints(it) => bound.add(it),
            Value::Texts(it) => bound.add(it),
            Value::Uuids(it) => bound.add(it),
            Value::Times(it) => {
                bound.add(it.into_iter().map(|time| time.map(whole_micros)).collect::<Vec<_>>())
            }
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

fn add_null(bound: &mut PgArguments, kind: Kind) -> Result<(), sqlx::error::BoxDynError> {
    match kind {
        Kind::Bool => bound.add(None::<bool>),
        Kind::Int => bound.add(None::<i64>),
        Kind::Text => bound.add(None::<String>),
        Kind::Uuid => bound.add(None::<uuid::Uuid>),
        Kind::Time => bound.add(None::<jiff_sqlx::Timestamp>),
        Kind::Json => bound.add(None::<serde_json::Value>),
        Kind::Bytes => bound.add(None::<Vec<u8>>),
        Kind::Ints => bound.add(None::<Vec<i64>>),
        Kind::Texts => bound.add(None::<Vec<String>>),
        Kind::Uuids => bound.add(None::<Vec<uuid::Uuid>>),
        Kind::Times => bound.add(None::<Vec<jiff_sqlx::Timestamp>>),
    }
}

/// Both engines keep microseconds; cut here, so that both cut alike.
fn whole_micros(time: Timestamp) -> jiff_sqlx::Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time).to_sqlx()
}
