//! The real binary as processes of its own, killed, stopped and doubled beside a simulated provider. What is judged
//! is the account, the database and a record that the database itself kept of every claim and ledger write.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

/// Declares tests, each run on both databases.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($engine:ident: Engine) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn test($engine: Engine) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(Engine::Sqlite).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test(Engine::Postgres).await;
            }
        }
    )*};
}

mod child;
mod customer;
mod killed;
mod moments;
mod site;
mod stopped;
mod verdict;
mod witness;
mod workers;
