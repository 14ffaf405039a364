//! The storm: real processes on a real database, killed without warning while they go forward and back, and judged
//! by the log of a shelf that stands outside all of them. ARCADIA_STORM_SEED repeats the troubles of one storm.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod asked;
mod figures;
mod fleet;
mod shelf;
mod steps;
mod storm;
mod verdict;
mod worker;

/// Of two storms at once neither would have the machine that its figures are about.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

mod two_thousand_sagas_outlive_every_kill {
    use super::{ONE_AT_A_TIME, storm, worker};

    /// One process has the file alone: killed ten times, started again ten times.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        // A storm starts this very test once more for each of its workers.
        if let Ok(orders) = std::env::var(worker::ORDERS) {
            return worker::work(&orders).await;
        }
        let _alone = ONE_AT_A_TIME.lock().await;
        storm::on_sqlite().await;
    }

    /// Three workers, and a server that is itself stopped twice.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let _alone = ONE_AT_A_TIME.lock().await;
        storm::on_postgres().await;
    }
}
