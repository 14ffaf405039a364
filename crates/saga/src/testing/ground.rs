//! The databases that cases are played in. One on PostgreSQL takes longer to make than a case to play, so there
//! it is emptied and used again.

use super::stage::lock;
use crate::ledger::{Ledger, SqlLedger};
use arcadia_sql::testing::TestDb;
use arcadia_sql::{Engine, Error, ManualNow, Migrations, Options, args, statements};
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex};

statements! {
    /// Every table but the list of migrations, whatever refers to what.
    EMPTY = sqlite "SELECT 1" postgres "
        DO 'DECLARE name TEXT; BEGIN
            PERFORM set_config(''session_replication_role'', ''replica'', TRUE);
            FOR name IN SELECT tablename FROM pg_tables
                WHERE schemaname = ''public'' AND tablename <> ''arcadia_migrations''
            LOOP EXECUTE ''DELETE FROM '' || quote_ident(name); END LOOP;
        END'";

    EMPTY_RUNS = "DELETE FROM saga_runs";
    EMPTY_STEPS = "DELETE FROM saga_step_results";
    EMPTY_EVENTS = "DELETE FROM saga_events";
    EMPTY_LOCKS = "DELETE FROM saga_locks";
    EMPTY_KEYS = "DELETE FROM saga_idempotency_keys";
    EMPTY_NODES = "DELETE FROM saga_nodes";
}

/// One database, with its clock and the way into it.
pub(crate) struct Ground {
    pub(crate) db: TestDb,
    pub(crate) now: ManualNow,
    pub(crate) ledger: Arc<dyn Ledger>,
}

impl Ground {
    /// Back to the beginning, with no saga and no node.
    pub(crate) async fn clear(&self) -> Result<(), Error> {
        self.now.set(start());
        for empty in [&EMPTY_RUNS, &EMPTY_STEPS, &EMPTY_EVENTS, &EMPTY_LOCKS, &EMPTY_KEYS, &EMPTY_NODES] {
            self.db.execute(empty, args![]).await?;
        }
        Ok(())
    }
}

pub(crate) struct Grounds {
    migrations: &'static Migrations,
    used: Mutex<Vec<Ground>>,
}

impl Grounds {
    pub(crate) fn of(migrations: &'static Migrations) -> Grounds {
        Grounds { migrations, used: Mutex::default() }
    }

    pub(crate) async fn take(&self, engine: Engine) -> Result<Ground, String> {
        let used = if engine == Engine::Postgres { lock(&self.used).pop() } else { None };
        let words = |error: Error| error.to_string();
        if let Some(ground) = used {
            ground.now.set(start());
            ground.db.execute(&EMPTY, args![]).await.map_err(words)?;
            return Ok(ground);
        }
        let now = ManualNow::new(start());
        let options = Options { manual_now: Some(now.clone()), ..Options::default() };
        let db = TestDb::fresh(engine, options, self.migrations).await;
        let ledger = Arc::new(SqlLedger::open((*db).clone()).await.map_err(words)?);
        Ok(Ground { db, now, ledger })
    }

    pub(crate) fn give_back(&self, ground: Ground) {
        if ground.db.engine() == Engine::Postgres {
            lock(&self.used).push(ground);
        }
    }
}

/// When every case begins.
fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 50)
}
