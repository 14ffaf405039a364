//! What the processes on one PostgreSQL tell each other: something may be due. Only a hint, which saves the others
//! their next safety poll; on SQLite there is nobody to tell.

use crate::store;
use arcadia_sql::{Db, Engine, args};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

const CHANNEL: &str = "arcadia_sagas";
/// Hints that come closer together are one.
const GATHERED_FOR: Duration = Duration::from_millis(5);
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// One process as the others hear it.
#[derive(Debug, Clone)]
pub(crate) struct Hints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    /// A process does not listen to itself.
    process: String,
    gathering: AtomicBool,
}

impl Hints {
    pub(crate) fn on(db: Db, process: Uuid) -> Hints {
        let process = process.simple().to_string();
        Hints(Arc::new(Inner { db, process, gathering: AtomicBool::new(false) }))
    }

    /// Tells the other processes soon, without making anybody wait.
    pub(crate) fn give(&self) {
        let alone = self.0.db.engine() == Engine::Sqlite || self.0.db.manual_now().is_some();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if alone || self.0.gathering.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = Arc::clone(&self.0);
        runtime.spawn(async move {
            tokio::time::sleep(GATHERED_FOR).await;
            inner.gathering.store(false, Ordering::Release);
            if let Err(error) = inner.db.execute(&store::HINT, args![CHANNEL, inner.process.as_str()]).await {
                tracing::debug!(%error, "a hint was not given; the others will find out by themselves");
            }
        });
    }

    /// Wakes whoever waits for `woken` at every hint of another process; never resolves.
    pub(crate) async fn hear(&self, woken: &Notify) {
        loop {
            match self.0.db.listen(CHANNEL).await {
                Ok(None) => std::future::pending().await,
                Ok(Some(mut listener)) => loop {
                    match listener.heard().await {
                        Ok(process) if process == self.0.process => {}
                        Ok(_) => woken.notify_waiters(),
                        Err(_) => break,
                    }
                },
                Err(_) => {}
            }
            tracing::debug!("hints cannot be heard; trying again");
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}
