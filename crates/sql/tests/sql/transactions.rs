//! All or nothing, also when it is dropped or a statement of it fails.

use arcadia_sql::testing::TestDb;
use arcadia_sql::{Db, Error, args, on_both_databases, statements};
use uuid::Uuid;

use crate::EVERYTHING;

statements! {
    INSERT = "INSERT INTO things (id, big) VALUES ($1, $2)";
    INSERT_RETURNING = "INSERT INTO things (id, big) VALUES ($1, $2) RETURNING big";
    ADD = "UPDATE things SET big = big + 1 WHERE id = $1";
    COUNT = "SELECT COUNT(*) FROM things";
    BIG = "SELECT big FROM things WHERE id = $1";
}

async fn count(db: &Db) -> i64 {
    db.fetch_one(&COUNT, args![]).await.unwrap()
}

on_both_databases! {
    migrations = &EVERYTHING;

    async fn what_is_committed_is_seen_by_the_next_read(db: TestDb) {
        for number in 1..=50_u32 {
            let mut tx = db.begin().await.unwrap();
            tx.execute(&INSERT, args![Uuid::from_u128(number.into()), 1_i64]).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(count(&db).await, i64::from(number));
        }
    }

    async fn a_transaction_sees_its_own_rows_and_others_do_not(db: TestDb) {
        let mut tx = db.begin().await.unwrap();
        let big: i64 = tx.fetch_one(&INSERT_RETURNING, args![Uuid::from_u128(1), 5_i64]).await.unwrap();
        assert_eq!(big, 5);
        assert_eq!(tx.fetch_all::<i64>(&COUNT, args![]).await.unwrap(), [1]);
        assert_eq!(count(&db).await, 0);
        tx.rollback().await.unwrap();
        assert_eq!(count(&db).await, 0);
    }

    async fn a_dropped_transaction_is_rolled_back_before_the_next_begins(db: TestDb) {
        for _ in 0..20 {
            let mut tx = db.begin().await.unwrap();
            tx.execute(&INSERT, args![Uuid::from_u128(1), 1_i64]).await.unwrap();
            drop(tx);
            let mut next = db.begin().await.unwrap();
            assert_eq!(next.fetch_one::<i64>(&COUNT, args![]).await.unwrap(), 0);
            next.commit().await.unwrap();
        }
    }

    async fn a_cancelled_transaction_is_rolled_back_too(db: TestDb) {
        let (inserted, wait) = tokio::sync::oneshot::channel();
        let held = (*db).clone();
        let task = tokio::spawn(async move {
            let mut tx = held.begin().await.unwrap();
            tx.execute(&INSERT, args![Uuid::from_u128(1), 1_i64]).await.unwrap();
            inserted.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(tx);
        });
        wait.await.unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        db.execute(&INSERT, args![Uuid::from_u128(1), 2_i64]).await.unwrap();
        assert_eq!(db.fetch_one::<i64>(&BIG, args![Uuid::from_u128(1)]).await.unwrap(), 2);
    }

    async fn after_a_failed_statement_nothing_of_it_can_be_kept(db: TestDb) {
        let mut tx = db.begin().await.unwrap();
        tx.execute(&INSERT, args![Uuid::from_u128(1), 1_i64]).await.unwrap();
        let twice = tx.execute(&INSERT, args![Uuid::from_u128(1), 1_i64]).await.unwrap_err();
        assert!(twice.is_unique_violation());
        let more = tx.fetch_all::<i64>(&COUNT, args![]).await.unwrap_err();
        assert!(matches!(more, Error::TransactionFailed { statement: "INSERT" }));
        let commit = tx.commit().await.unwrap_err();
        assert!(matches!(commit, Error::TransactionFailed { statement: "INSERT" }));
        assert_eq!(count(&db).await, 0);
        db.execute(&INSERT, args![Uuid::from_u128(1), 1_i64]).await.unwrap();
    }

    async fn a_missing_row_does_not_end_a_transaction(db: TestDb) {
        let mut tx = db.begin().await.unwrap();
        let missing = tx.fetch_one::<i64>(&BIG, args![Uuid::from_u128(9)]).await.unwrap_err();
        assert!(missing.is_not_found());
        assert_eq!(tx.fetch_optional::<i64>(&BIG, args![Uuid::from_u128(9)]).await.unwrap(), None);
        tx.execute(&INSERT, args![Uuid::from_u128(9), 1_i64]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(&db).await, 1);
    }

    async fn many_writers_take_turns(db: TestDb) {
        let id = Uuid::from_u128(1);
        db.execute(&INSERT, args![id, 0_i64]).await.unwrap();
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let db = (*db).clone();
                tokio::spawn(async move {
                    for _ in 0..10 {
                        let mut tx = db.begin().await.unwrap();
                        assert_eq!(tx.execute(&ADD, args![id]).await.unwrap(), 1);
                        tx.commit().await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(db.fetch_one::<i64>(&BIG, args![id]).await.unwrap(), 80);
    }
}
