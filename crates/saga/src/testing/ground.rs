//! The databases that cases are played in. A fresh one takes longer to make than a case to play, so they are
//! emptied and used again.

use super::stage::lock;
use crate::ledger::{Ledger, SqlLedger};
use arcadia_sql::testing::TestDb;
use arcadia_sql::{Engine, ManualNow, Migrations, Options};
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex};

/// One database, with its clock and the way into it.
pub(crate) struct Ground {
    pub(crate) db: TestDb,
    pub(crate) now: ManualNow,
    pub(crate) ledger: Arc<dyn Ledger>,
}

impl Ground {
    pub(crate) async fn fresh(engine: Engine, migrations: &'static Migrations) -> Result<Ground, String> {
        let now = ManualNow::new(start());
        let options = Options { manual_now: Some(now.clone()), ..Options::default() };
        let db = TestDb::fresh(engine, options, migrations).await;
        let ledger = SqlLedger::open((*db).clone()).await.map_err(|error| error.to_string())?;
        Ok(Ground { db, now, ledger: Arc::new(ledger) })
    }

    /// Back to the beginning, with no row and no time gone by.
    pub(crate) async fn clear(&self) {
        self.now.set(start());
        self.db.clear().await;
    }
}

/// Those of one trial that no case is being played in.
pub(crate) struct Grounds {
    migrations: &'static Migrations,
    used: Mutex<Vec<Ground>>,
}

impl Grounds {
    pub(crate) fn of(migrations: &'static Migrations) -> Grounds {
        Grounds { migrations, used: Mutex::default() }
    }

    pub(crate) async fn take(&self, engine: Engine) -> Result<Ground, String> {
        let used = {
            let mut used = lock(&self.used);
            let at = used.iter().position(|ground| ground.db.engine() == engine);
            at.map(|at| used.swap_remove(at))
        };
        match used {
            Some(ground) => {
                ground.clear().await;
                Ok(ground)
            }
            None => Ground::fresh(engine, self.migrations).await,
        }
    }

    pub(crate) fn give_back(&self, ground: Ground) {
        lock(&self.used).push(ground);
    }
}

/// When every case begins.
fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 50)
}
