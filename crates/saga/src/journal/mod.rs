//! The one place where runners write. All transitions of a node go through one journal, which writes whatever
//! is waiting as one transaction: one fsync serves hundreds of steps. A runner that no longer owns a saga
//! cannot write a byte of it.

mod bare;
mod entry;
mod postgres;
mod sqlite;

pub use bare::bare_limit;
pub(crate) use entry::{Change, Entry, Inserted};

use crate::Clock;
use crate::acknowledged::Acknowledged;
use crate::flight::{Flight, Transition};
use crate::lease::Lease;
use crate::ledger::Ledger;
use crate::rows::{Standing, StepRow, Written, storable};
use arcadia_sql::{Db, Engine, Error};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const RETRY_AFTER: Duration = Duration::from_millis(100);
/// So many transitions are one transaction at most.
const BATCH_MAX: usize = 512;
/// So many may wait before callers do.
const QUEUE_MAX: usize = 8192;
/// PostgreSQL: enough to keep two cores busy; sagas are sharded by id, so that no two batches share a row.
const CONNECTIONS: usize = 2;

/// Why a transition was not written.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another runner owns the saga, or this one lost its lease. Drop it.
    Lost,
    /// A cancel came before the pivot.
    Cancelled,
    /// The database will never take it.
    Database(Error),
}

/// An entry and the one who waits for its answer: what the row says now, or nothing where the fence held.
struct Job {
    entry: Entry,
    answer: oneshot::Sender<Result<Option<Written>, Error>>,
}

/// The way into the batches: a thread (SQLite) or two tasks (PostgreSQL) that write. They end with this.
#[derive(Debug)]
pub(crate) struct Queues {
    shards: Vec<mpsc::Sender<Job>>,
    writer_ended: CancellationToken,
}

impl Queues {
    pub(crate) async fn open(db: &Db) -> Result<Queues, Error> {
        let (mut shards, writer_ended) = (Vec::new(), CancellationToken::new());
        match db.engine() {
            Engine::Sqlite => {
                let (queue, jobs) = mpsc::channel(QUEUE_MAX);
                sqlite::spawn(db, jobs, writer_ended.clone().drop_guard())?;
                shards.push(queue);
            }
            Engine::Postgres => {
                for _ in 0..CONNECTIONS {
                    let Some(session) = db.postgres_session().await? else { continue };
                    let (queue, jobs) = mpsc::channel(QUEUE_MAX);
                    let ended = writer_ended.clone().drop_guard();
                    tokio::spawn(async move {
                        postgres::write_all(session, jobs).await;
                        drop(ended);
                    });
                    shards.push(queue);
                }
            }
        }
        Ok(Queues { shards, writer_ended })
    }

    /// Cancelled when a writer ends although somebody may still submit: it panicked.
    pub(crate) fn writer_ended(&self) -> &CancellationToken {
        &self.writer_ended
    }

    pub(crate) async fn submit(&self, entry: Entry) -> Result<Option<Written>, Error> {
        // The last bytes of a UUIDv7 are random.
        let shard = usize::from(entry.id.as_bytes()[15]) % self.shards.len();
        let (answer, answered) = oneshot::channel();
        let gone =
            || Error::ConnectionLost { statement: "journal", detail: "the journal has stopped".to_owned() };
        self.shards[shard].send(Job { entry, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// A node's journal.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: Clock,
    pub(crate) acknowledged: Acknowledged,
}

impl Journal {
    /// A saga that begins here. False when its id is taken already.
    pub(crate) async fn insert(&self, id: Uuid, inserted: Inserted) -> Result<bool, Error> {
        let change = Change::Insert(Box::new(inserted));
        let entry = Entry { id, change, steps: Vec::new(), events: Vec::new(), frees_locks: false };
        let is_new = self.ledger.submit(entry).await?.is_some();
        if is_new {
            self.acknowledged.note(id, 0);
        }
        Ok(is_new)
    }

    /// Writes the flight's row and the transition. While the database is away it tries again: the end of the lease
    /// ends nothing, since an expired node that nobody buried may renew, and whoever loses more finds another epoch.
    /// A lost answer to COMMIT is settled by reading.
    pub(crate) async fn write(
        &self,
        lease: &Lease,
        flight: &mut Flight,
        transition: &Transition,
    ) -> Result<(), Refused> {
        loop {
            let entry = Entry::of(flight, transition, lease.runner(), self.clock.now());
            let written = match self.ledger.submit(entry).await {
                Ok(Some(written)) => Some(written),
                Ok(None) => self.standing(lease, flight, transition).await?,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(saga = %flight.id(), %error, "the ledger could not be written; trying again");
                    self.clock.sleep(RETRY_AFTER).await;
                    self.standing(lease, flight, transition).await?
                }
                Err(error) => return Err(Refused::Database(error)),
            };
            if let Some(written) = written {
                flight.row.seq += 1;
                self.acknowledged.note(flight.row.id, flight.row.seq);
                (flight.context_is_new, flight.error_is_new) = (false, false);
                flight.row.nudge = written.nudge;
                flight.cancel.store(written.cancel_requested, Ordering::Relaxed);
                return Ok(());
            }
        }
    }

    /// Reads where the saga stands: our next seq there means applied, our last one not applied (`None`).
    async fn standing(
        &self,
        lease: &Lease,
        flight: &Flight,
        transition: &Transition,
    ) -> Result<Option<Written>, Refused> {
        loop {
            let read = self.ledger.standing(flight.row.id).await;
            let standing = match read {
                Ok(Some(standing)) => standing,
                Ok(None) => return Err(Refused::Lost),
                Err(error) if error.is_retryable() => {
                    self.clock.sleep(RETRY_AFTER).await;
                    continue;
                }
                Err(error) => return Err(Refused::Database(error)),
            };
            let released = transition.release || transition.park.is_some();
            let Standing { owner, epoch, seq, nudge, cancel_requested } = standing;
            let is_ours = owner == Some(lease.runner());
            return match (epoch == flight.row.epoch, seq - flight.row.seq) {
                (true, 0) if is_ours && transition.refused_by_cancel && cancel_requested => {
                    Err(Refused::Cancelled)
                }
                (true, 0) if is_ours => Ok(None),
                (true, 1) if is_ours || released => Ok(Some(Written { nudge, cancel_requested })),
                _ => Err(Refused::Lost),
            };
        }
    }

    /// The saga's ledger. While the database is away it tries again.
    pub(crate) async fn steps(&self, id: Uuid) -> Result<Vec<StepRow>, Refused> {
        loop {
            match self.ledger.steps(id).await {
                Ok(rows) => return Ok(rows),
                Err(error) if error.is_retryable() => self.clock.sleep(RETRY_AFTER).await,
                Err(error) => return Err(Refused::Database(error)),
            }
        }
    }

    /// Last resort for a saga that cannot be read or written: nobody claims it until a person looked.
    pub(crate) async fn park_poisoned(&self, lease: &Lease, id: Uuid, epoch: i64, reason: &str, why: &Error) {
        let attention = json!({"reason": reason, "message": in_full(why)});
        loop {
            let now = self.clock.now();
            match self.ledger.park_poisoned(id, lease.runner(), epoch, attention.clone(), now).await {
                Ok(_) => return,
                Err(error) => tracing::error!(saga = %id, %error, "a poisoned saga could not be parked"),
            }
            if lease.outlasts(&self.clock, Duration::ZERO).is_err() {
                return;
            }
            self.clock.sleep(RETRY_AFTER).await;
        }
    }
}

/// The error and what caused it, as both databases store it: a statement's name alone helps nobody.
fn in_full(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let words = std::iter::once(error.to_string()).chain(causes.map(ToString::to_string));
    storable(words.collect::<Vec<_>>().join(": "))
}

/// The same failure for everyone in a batch.
fn same(error: &Error) -> Error {
    let (statement, detail) = ("journal", error.to_string());
    if error.is_busy() {
        Error::Busy { statement, detail }
    } else {
        Error::ConnectionLost { statement, detail }
    }
}
