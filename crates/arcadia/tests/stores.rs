//! What stands in the stores, held against both databases.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use arcadia::{installation, stores};
use arcadia_saga::Clock;
use arcadia_sql::on_both_databases;
use arcadia_sql::testing::TestDb;

on_both_databases! {
    async fn every_statement_can_be_prepared(db: TestDb) {
        let statements = stores::statements();
        assert!(statements.len() > 20, "only {} statements are listed", statements.len());
        for statement in statements {
            if let Err(error) = db.prepare(statement).await {
                panic!("{}: {error}: {:?}", statement.name(), std::error::Error::source(&error));
            }
        }
    }

    async fn processes_that_start_at_once_agree_on_the_installation(db: TestDb) {
        let clock = Clock::machine(1.0);
        let ids: Vec<_> = futures_util::future::join_all((0..8).map(|_| installation::id(&db, &clock))).await;
        let first = *ids[0].as_ref().unwrap();
        assert!(ids.iter().all(|id| *id.as_ref().unwrap() == first), "{ids:?}");
        assert_eq!(installation::id(&db, &clock).await.unwrap(), first);
    }
}
