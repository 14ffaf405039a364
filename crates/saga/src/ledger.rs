//! What the engine asks of the database, as one port: nothing else in this crate reads or writes a saga that runs.
//! The test kit puts its own in between, to kill a node before and after each write.

use crate::journal::{Entry, Queues};
use crate::rows::{SagaRow, Standing, StepRow, Written};
use crate::store;
use arcadia_sql::{Db, Engine, Error, Statement, args};
use jiff::Timestamp;
use serde_json::Value;
use std::pin::Pin;
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

pub(crate) trait Ledger: Send + Sync + std::fmt::Debug {
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
    fn claim_due(&self, claim: Claim) -> Answer<'_, Vec<SagaRow>>;
    /// What dead nodes owned.
    fn take_over(&self, claim: Claim) -> Answer<'_, Vec<SagaRow>>;
    /// When the next saga is due, and the time now, both by the database's clock.
    fn next_due(&self, known_steps: Vec<String>) -> Answer<'_, Option<(Timestamp, Timestamp)>>;

    fn enlist(&self, runner: Uuid, name: String, now: Timestamp, lease_ms: i64) -> Answer<'_, ()>;
    /// False when no living row was found.
    fn renew(&self, runner: Uuid, lease_ms: i64) -> Answer<'_, bool>;
    fn sign_off(&self, runner: Uuid) -> Answer<'_, ()>;
    /// Marks nodes dead whose lease has run out, and answers how many.
    fn bury_expired(&self) -> Answer<'_, u64>;
    /// Whoever else is in the table is dead: this process holds the database alone.
    fn bury_others(&self, runner: Uuid) -> Answer<'_, ()>;
    fn dead_nodes(&self) -> Answer<'_, i64>;
    /// Forgets dead nodes that own nothing any more.
    fn forget_dead(&self) -> Answer<'_, ()>;
}

/// The real one.
#[derive(Debug)]
pub(crate) struct SqlLedger {
    db: Db,
    queues: Queues,
}

impl SqlLedger {
    pub(crate) async fn open(db: Db) -> Result<SqlLedger, Error> {
        let queues = Queues::open(&db).await?;
        Ok(SqlLedger { db, queues })
    }

    fn claim(&self, statement: &'static Statement, claim: Claim) -> Answer<'_, Vec<SagaRow>> {
        let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
        let args = args![claim.runner, claim.now, claim.known_steps, limit];
        Box::pin(self.db.fetch_all(statement, args))
    }

    fn run(&self, statement: &'static Statement, args: arcadia_sql::Args) -> Answer<'_, ()> {
        Box::pin(async move { self.db.execute(statement, args).await.map(drop) })
    }
}

impl Ledger for SqlLedger {
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
        self.run(&store::PARK_POISONED, args![id, runner, epoch, attention, now])
    }

    fn claim_due(&self, claim: Claim) -> Answer<'_, Vec<SagaRow>> {
        self.claim(&store::CLAIM_DUE, claim)
    }

    fn take_over(&self, claim: Claim) -> Answer<'_, Vec<SagaRow>> {
        self.claim(&store::TAKE_OVER, claim)
    }

    fn next_due(&self, known_steps: Vec<String>) -> Answer<'_, Option<(Timestamp, Timestamp)>> {
        Box::pin(async move {
            let due = self.db.fetch_optional::<(Timestamp,)>(&store::NEXT_DUE, args![known_steps]).await?;
            Ok(match due {
                Some((due,)) => Some((due, self.db.now().await?)),
                None => None,
            })
        })
    }

    fn enlist(&self, runner: Uuid, name: String, now: Timestamp, lease_ms: i64) -> Answer<'_, ()> {
        self.run(&store::ADD_NODE, args![runner, name, now, lease_ms])
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

    fn bury_expired(&self) -> Answer<'_, u64> {
        Box::pin(self.db.execute(&store::BURY_EXPIRED, args![]))
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

    fn forget_dead(&self) -> Answer<'_, ()> {
        self.run(&store::FORGET_DEAD, args![])
    }
}
