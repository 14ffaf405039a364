//! Every statement of the kit is understood by both databases.

use crate::testing;
use arcadia_sql::{on_both_databases, testing::TestDb};

on_both_databases! {
    async fn every_statement_of_the_kit_can_be_prepared(db: TestDb) {
        for statement in testing::ground::STATEMENTS {
            if let Err(error) = db.prepare(statement).await {
                panic!("{}: {error:?}", statement.name());
            }
        }
    }
}
