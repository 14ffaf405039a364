//! Which run of which server the connections lead to, and which database there. A restart, a failover and a restored copy
//! each make another one, and what was committed before may be gone there.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{Executor, PgConnection, Row};

/// No privileges are needed for it on PostgreSQL itself; where it is refused, servers are not told apart.
const IDENTITY: &str = "SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
    substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), pg_postmaster_start_time(),
    (SELECT oid FROM pg_database WHERE datname = current_database()))";
const START: &str = "SELECT concat_ws('/', pg_postmaster_start_time(),
    (SELECT oid FROM pg_database WHERE datname = current_database()))";

type Listener = Arc<dyn Fn() + Send + Sync>;

/// The servers that the connections of one handle have led to so far.
#[derive(Default)]
pub(crate) struct Servers(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    identities: HashSet<String>,
    listener: Option<Listener>,
}

impl Servers {
    pub(crate) fn listen(&self, listener: Listener) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).listener = Some(listener);
    }

    /// Looks where a new connection leads to. Whoever listens has been told when this answers, so that nothing is
    /// read from or written to another server before.
    pub(crate) async fn look(&self, connection: &mut PgConnection) {
        for question in [IDENTITY, START] {
            // Proxies and relatives of PostgreSQL may know neither.
            if let Ok(row) = connection.fetch_one(sqlx::raw_sql(question)).await
                && let Ok(identity) = row.try_get::<String, _>(0)
            {
                return self.saw(identity);
            }
        }
    }

    fn saw(&self, identity: String) {
        let listener = {
            let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let is_first = seen.identities.is_empty();
            let is_new = seen.identities.insert(identity);
            (is_new && !is_first).then(|| seen.listener.clone()).flatten()
        };
        if let Some(listener) = listener {
            listener();
        }
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Servers").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Servers;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn another_server_is_told_once_and_the_first_one_never() {
        let (servers, told) = (Servers::default(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&told);
        servers.listen(Arc::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        let mut tellings = Vec::new();
        for identity in ["one", "one", "other", "other", "one", "third"] {
            servers.saw(identity.to_owned());
            tellings.push(told.load(Ordering::SeqCst));
        }
        assert_eq!(tellings, [0, 0, 1, 1, 1, 2]);
    }
}
