//! Every statement of the engine is understood by both databases.

use arcadia_saga::STATEMENTS;
use arcadia_sql::{on_both_databases, testing::TestDb};

on_both_databases! {
    async fn every_statement_can_be_prepared(db: TestDb) {
        assert!(STATEMENTS.len() > 30, "{} statements", STATEMENTS.len());
        for statement in STATEMENTS {
            if let Err(error) = db.prepare(statement).await {
                panic!("{}: {error:?}", statement.name());
            }
        }
    }
}
