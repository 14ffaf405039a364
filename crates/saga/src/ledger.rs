//! What the engine asks of the database, as one port: nothing else in this crate reads or writes a saga that runs.
//! The test kit puts its own in between, to kill a node before and after each write.

use crate::journal::{Entry, Queues};
use crate::rows::{SagaRow, Standing, StepRow, Written};
use crate::store;
use arcadia_sql::{Db, Engine, Error, Statement, Tx, args};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::pin::Pin;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A claim: for whom, when, of which steps, how many.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) runner: Uuid,
    pub(crate) now: Timestamp,
    pub(crate) known_steps: Vec<String>,
    pub(crate) limit: usize,
}

/// From which queue, and how many of it may run on all nodes together.
#[derive(Debug, Clone)]
pub(crate) struct FromQueue {
    pub(crate) name: String,
    pub(crate) over_all: Option<usize>,
}

pub(crate) trait Ledger: Send + Sync + std::fmt::Debug {
    /// Resolves when nothing can be written here any more.
    fn broken(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    /// One durable point. Durable when it answers; nothing where the fence held.
    fn submit(&self, entry: Entry) -> Answer<'_, Option<Written>>;
    fn standing(&self, id: Uuid) -> Answer<'_, Option<Standing>>;
    fn steps(&self, id: Uuid) -> Answer<'_, Vec<StepRow>>;
    /// Nobody claims it until a person looked.
    fn park_poisoned(
        &self,
        id: Uuid,
        runner: Uuid,
        epoch: i64,
        attention: Value,
        now: Timestamp,
    ) -> Answer<'_, ()>;

    /// Due and unowned; each claim bumps the epoch.
    fn claim_due(&self, claim: Claim, queue: FromQueue) -> Answer<'_, Vec<SagaRow>>;
    /// What dead nodes owned.
    fn take_over(&self, claim: Claim) -> Answer<'_, Vec<SagaRow>>;
    /// When the next saga is due, and the time now, both by the database's clock.
    fn next_due(&self, known_steps: Vec<String>, queue: String)
    -> Answer<'_, Option<(Timestamp, Timestamp)>>;

    fn enlist(&self, node: NewNode) -> Answer<'_, ()>;
    /// False when no living row was found.
    fn renew(&self, runner: Uuid, lease_ms: i64) -> Answer<'_, bool>;
    fn sign_off(&self, runner: Uuid) -> Answer<'_, ()>;
    /// Marks the other nodes dead whose lease has run out, and answers how many.
    fn bury_expired(&self, runner: Uuid) -> Answer<'_, u64>;
    /// Whoever else is in the table is dead: this process holds the database alone.
    fn bury_others(&self, runner: Uuid) -> Answer<'_, ()>;
    /// Dead nodes, and sagas of nodes that are not even in the table.
    fn dead_nodes(&self) -> Answer<'_, i64>;
    /// Forgets dead nodes that own nothing any more.
    fn forget_dead(&self) -> Answer<'_, ()>;
    /// What a node has, each with the epoch of its claim.
    fn owned_by(&self, runner: Uuid) -> Answer<'_, Vec<(Uuid, i64)>>;
    /// In doubt and due at once, unless it was claimed anew.
    fn give_back_stray(&self, id: Uuid, runner: Uuid, epoch: i64, now: Timestamp) -> Answer<'_, ()>;
    /// Gives back what dead nodes had and this build cannot take over; parks what no live node knows.
    fn park_unknown(&self, known_steps: Vec<String>, now: Timestamp) -> Answer<'_, u64>;
}

/// A runner that enters the table of nodes.
#[derive(Debug, Clone)]
pub(crate) struct NewNode {
    pub(crate) runner: Uuid,
    pub(crate) name: String,
    pub(crate) now: Timestamp,
    pub(crate) lease_ms: i64,
    pub(crate) known_steps: Vec<String>,
}

/// Their rows are held before it is asked again, in a statement of its own, whether their owners live: one statement sees
/// a row's newest owner, but only the nodes that there were when it began.
async fn hold_orphans(tx: &mut Tx, steps: &[String], known: bool, limit: i64) -> Result<Vec<Uuid>, Error> {
    tx.fetch_all(&store::HOLD_ORPHANS, args![steps.to_vec(), known, limit]).await
}

/// So long a saga may be due before its unknown step is a person's matter: another node may just be starting.
const UNKNOWN_FOR_MS: i64 = 10_000;

/// The real one.
#[derive(Debug)]
pub(crate) struct SqlLedger {
    db: Db,
    /// For claims: their plan must use the index of what is due, however large and however new the table is.
    hot: Db,
    queues: Queues,
}

/// One for the claims of due sagas and one for taking over.
const CLAIM_CONNECTIONS: u32 = 2;

impl SqlLedger {
    pub(crate) async fn open(db: Db) -> Result<SqlLedger, Error> {
        let (queues, hot) = (Queues::open(&db).await?, db.batch_connections(CLAIM_CONNECTIONS).await?);
        Ok(SqlLedger { db, hot, queues })
    }

    pub(crate) fn writer_ended(&self) -> &CancellationToken {
        self.queues.writer_ended()
    }

    fn run(&self, statement: &'static Statement, args: arcadia_sql::Args) -> Answer<'_, ()> {
        Box::pin(async move { self.db.execute(statement, args).await.map(drop) })
    }
}

impl Ledger for SqlLedger {
    fn broken(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.writer_ended().cancelled())
    }

    fn submit(&self, entry: Entry) -> Answer<'_, Option<Written>> {
        Box::pin(self.queues.submit(entry))
    }

    fn standing(&self, id: Uuid) -> Answer<'_, Option<Standing>> {
        Box::pin(self.db.fetch_optional(&store::STANDING, args![id]))
    }

    fn steps(&self, id: Uuid) -> Answer<'_, Vec<StepRow>> {
        Box::pin(self.db.fetch_all(&store::STEPS, args![id]))
    }

    fn park_poisoned(
        &self,
        id: Uuid,
        runner: Uuid,
        epoch: i64,
        attention: Value,
        now: Timestamp,
    ) -> Answer<'_, ()> {
        Box::pin(async move {
            let park = args![id, runner, epoch, attention.clone(), now];
            let mut tx = self.db.begin().await?;
            let parked = tx.fetch_optional::<(i64, i64)>(&store::PARK_POISONED, park.clone()).await?;
            let Some((seq, idx)) = parked else { return Ok(()) };
            let event = args![id, seq, 0_i64, now, "parked", idx, format!("runner:{runner}"), attention];
            match tx.execute(&store::WRITE_EVENT, event).await {
                Ok(_) => tx.commit().await,
                Err(error) if error.is_retryable() => Err(error),
                // The history may be what the database refuses: nobody claims the saga all the same.
                Err(_) => {
                    tx.rollback().await?;
                    self.db.execute(&store::PARK_POISONED, park).await.map(drop)
                }
            }
        })
    }

    fn claim_due(&self, claim: Claim, queue: FromQueue) -> Answer<'_, Vec<SagaRow>> {
        Box::pin(async move {
            let Claim { runner, now, known_steps, limit } = claim;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let Some(over_all) = queue.over_all else {
                let args = args![runner, now, known_steps, limit, queue.name];
                return self.hot.fetch_all(&store::CLAIM_DUE, args).await;
            };
            // Counted under the queue's lock, so that two nodes cannot both take the last place.
            let mut tx = self.hot.begin().await?;
            tx.execute(&store::ADD_QUEUE, args![queue.name.as_str()]).await?;
            tx.fetch_optional::<(String,)>(&store::LOCK_QUEUE, args![queue.name.as_str()]).await?;
            let running =
                tx.fetch_one::<(i64,)>(&store::RUNNING_IN_QUEUE, args![queue.name.as_str()]).await?.0;
            let free = i64::try_from(over_all).unwrap_or(i64::MAX) - running;
            let args = args![runner, now, known_steps, limit.min(free).max(0), queue.name];
            let claimed = tx.fetch_all(&store::CLAIM_DUE, args).await?;
            tx.commit().await?;
            Ok(claimed)
        })
    }

    fn take_over(&self, claim: Claim) -> Answer<'_, Vec<SagaRow>> {
        let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
        Box::pin(async move {
            let mut tx = self.hot.begin().await?;
            let orphans = hold_orphans(&mut tx, &claim.known_steps, true, limit).await?;
            if orphans.is_empty() {
                return Ok(Vec::new());
            }
            let taken = tx.fetch_all(&store::TAKE_OVER, args![claim.runner, claim.now, orphans]).await?;
            tx.commit().await?;
            Ok(taken)
        })
    }

    fn next_due(
        &self,
        known_steps: Vec<String>,
        queue: String,
    ) -> Answer<'_, Option<(Timestamp, Timestamp)>> {
        Box::pin(async move {
            let due =
                self.hot.fetch_optional::<(Timestamp,)>(&store::NEXT_DUE, args![known_steps, queue]).await?;
            Ok(match due {
                Some((due,)) => Some((due, self.db.now().await?)),
                None => None,
            })
        })
    }

    fn enlist(&self, node: NewNode) -> Answer<'_, ()> {
        Box::pin(async move {
            let NewNode { runner, name, now, lease_ms, known_steps } = node;
            let args = args![runner, name, now, lease_ms, json!(known_steps)];
            self.db.execute(&store::ADD_NODE, args).await?;
            self.db.execute(&store::UNPARK_KNOWN, args![now, known_steps]).await.map(drop)
        })
    }

    fn renew(&self, runner: Uuid, lease_ms: i64) -> Answer<'_, bool> {
        Box::pin(async move {
            let renewed = self.db.execute(&store::RENEW_LEASE, args![runner, lease_ms]).await?;
            Ok(renewed > 0)
        })
    }

    fn sign_off(&self, runner: Uuid) -> Answer<'_, ()> {
        self.run(&store::BURY_SELF, args![runner])
    }

    fn bury_expired(&self, runner: Uuid) -> Answer<'_, u64> {
        Box::pin(self.db.execute(&store::BURY_EXPIRED, args![runner]))
    }

    fn bury_others(&self, runner: Uuid) -> Answer<'_, ()> {
        match self.db.engine() {
            Engine::Sqlite => self.run(&store::BURY_OTHERS, args![runner]),
            Engine::Postgres => Box::pin(async { Ok(()) }),
        }
    }

    fn dead_nodes(&self) -> Answer<'_, i64> {
        Box::pin(async move { Ok(self.db.fetch_one::<(i64,)>(&store::DEAD_NODES, args![]).await?.0) })
    }

    fn owned_by(&self, runner: Uuid) -> Answer<'_, Vec<(Uuid, i64)>> {
        Box::pin(self.db.fetch_all(&store::OWNED_BY, args![runner]))
    }

    fn give_back_stray(&self, id: Uuid, runner: Uuid, epoch: i64, now: Timestamp) -> Answer<'_, ()> {
        self.run(&store::GIVE_BACK_STRAY, args![id, runner, epoch, now])
    }

    fn forget_dead(&self) -> Answer<'_, ()> {
        self.run(&store::FORGET_DEAD, args![])
    }

    fn park_unknown(&self, known_steps: Vec<String>, now: Timestamp) -> Answer<'_, u64> {
        Box::pin(async move {
            let mut tx = self.db.begin().await?;
            let orphans = hold_orphans(&mut tx, &known_steps, false, i64::MAX).await?;
            if !orphans.is_empty() {
                tx.execute(&store::RELEASE_UNKNOWN, args![now, orphans]).await?;
            }
            tx.commit().await?;
            let nodes = self.db.fetch_all::<(Value,)>(&store::LIVE_STEPS, args![]).await?;
            let steps = nodes.iter().flat_map(|(steps,)| steps.as_array().into_iter().flatten());
            let known: Vec<String> = steps.filter_map(|name| name.as_str().map(str::to_owned)).collect();
            let attention = json!({"reason": "unknown_step", "message": "no live node knows the next step"});
            let queues: Vec<(String,)> = self.db.fetch_all(&store::QUEUES, args![]).await?;
            let queues: Vec<String> = queues.into_iter().map(|(name,)| name).collect();
            let unknown = args![attention, now, -UNKNOWN_FOR_MS, known, queues];
            let parked = self.db.execute(&store::PARK_UNKNOWN, unknown).await?;
            // Another node may have parked it while this one enlisted. That there is no last look is found out by trying.
            let ours: Vec<String> = known_steps.into_iter().filter(|name| !name.is_empty()).collect();
            self.db.execute(&store::UNPARK_KNOWN, args![now, ours]).await?;
            Ok(parked)
        })
    }
}
