//! Failures arrive as the kind a caller can act on.

use arcadia_sql::testing::TestDb;
use arcadia_sql::{Engine, Error, Options, args, on_both_databases, statements};
use uuid::Uuid;

use crate::EVERYTHING;

statements! {
    INSERT_THING = "INSERT INTO things (id) VALUES ($1)";
    INSERT_PART = "INSERT INTO parts (id, thing, amount) VALUES ($1, $2, $3)";
    TOUCH = "UPDATE things SET big = 1 WHERE id = $1";
    TIGHTEN = "SELECT set_config('lock_timeout', '10ms', true)";
    WHO = "SELECT pg_backend_pid()";
    KILL = "SELECT pg_terminate_backend($1::int)";
    NO_SUCH_TABLE = "SELECT a FROM nowhere";
}

on_both_databases! {
    migrations = &EVERYTHING;

    async fn constraints_are_told_apart(db: TestDb) {
        let id = Uuid::from_u128(1);
        db.execute(&INSERT_THING, args![id]).await.unwrap();
        let twice = db.execute(&INSERT_THING, args![id]).await.unwrap_err();
        let Error::UniqueViolation { statement: "INSERT_THING", constraint, .. } = &twice else { panic!("{twice}") };
        assert_eq!(constraint.as_deref(), (db.engine() == Engine::Postgres).then_some("things_pkey"));
        let orphan = db.execute(&INSERT_PART, args![1_i64, Uuid::from_u128(2), 1_i64]).await.unwrap_err();
        assert!(matches!(orphan, Error::ForeignKeyViolation { .. }), "{orphan}");
        let negative = db.execute(&INSERT_PART, args![1_i64, id, -1_i64]).await.unwrap_err();
        assert!(matches!(negative, Error::CheckViolation { .. }), "{negative}");
        let nothing = db.execute(&INSERT_PART, args![1_i64, None::<Uuid>, 1_i64]).await.unwrap_err();
        assert!(matches!(nothing, Error::NotNullViolation { .. }), "{nothing}");
        for error in [twice, orphan, negative, nothing] {
            assert!(!error.is_retryable(), "{error}");
        }
    }

    async fn anything_else_names_the_statement_and_keeps_its_source(db: TestDb) {
        let error = db.fetch_all::<i64>(&NO_SUCH_TABLE, args![]).await.unwrap_err();
        assert_eq!(error.to_string(), "statement NO_SUCH_TABLE failed");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("nowhere"), "{source}");
        assert!(db.prepare(&NO_SUCH_TABLE).await.is_err());
    }
}

async fn fresh(engine: Engine) -> TestDb {
    TestDb::fresh(engine, Options::default(), &EVERYTHING).await
}

mod a_lock_held_too_long_is_busy {
    use super::*;

    #[tokio::test]
    async fn postgres() {
        let db = fresh(Engine::Postgres).await;
        let id = Uuid::from_u128(1);
        db.execute(&INSERT_THING, args![id]).await.unwrap();
        let mut holder = db.begin().await.unwrap();
        holder.execute(&TOUCH, args![id]).await.unwrap();
        let mut waiter = db.begin().await.unwrap();
        waiter.fetch_one::<String>(&TIGHTEN, args![]).await.unwrap();
        let busy = waiter.execute(&TOUCH, args![id]).await.unwrap_err();
        assert!(busy.is_busy() && busy.is_retryable(), "{busy:?}");
    }

    #[tokio::test]
    async fn sqlite() {
        let db = fresh(Engine::Sqlite).await;
        let other = db.another(Options::default()).await;
        let holder = db.begin().await.unwrap();
        let busy = other.begin().await.unwrap_err();
        assert!(busy.is_busy() && busy.is_retryable(), "{busy:?}");
        holder.rollback().await.unwrap();
        other.begin().await.unwrap().rollback().await.unwrap();
    }
}

mod two_that_wait_for_each_other {
    use super::*;

    #[tokio::test]
    async fn postgres() {
        let db = fresh(Engine::Postgres).await;
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        db.execute(&INSERT_THING, args![one]).await.unwrap();
        db.execute(&INSERT_THING, args![two]).await.unwrap();
        let (mut first, mut second) = (db.begin().await.unwrap(), db.begin().await.unwrap());
        first.execute(&TOUCH, args![one]).await.unwrap();
        second.execute(&TOUCH, args![two]).await.unwrap();
        let first = tokio::spawn(async move {
            let touched = first.execute(&TOUCH, args![two]).await;
            (first, touched)
        });
        let touched = second.execute(&TOUCH, args![one]).await;
        drop(second);
        let (_, other) = first.await.unwrap();
        let lost: Vec<_> = [touched, other].into_iter().filter_map(Result::err).collect();
        assert!(lost.len() == 1 && lost[0].is_busy(), "{lost:?}");
    }
}

mod a_killed_connection_is_lost_and_replaced {
    use super::*;

    #[tokio::test]
    async fn postgres() {
        let db = fresh(Engine::Postgres).await;
        let mut tx = db.begin().await.unwrap();
        let process: i64 = tx.fetch_one(&WHO, args![]).await.unwrap();
        assert!(db.fetch_one::<bool>(&KILL, args![process]).await.unwrap());
        let lost = tx.execute(&INSERT_THING, args![Uuid::from_u128(1)]).await.unwrap_err();
        assert!(lost.is_connection_lost() && lost.is_retryable(), "{lost:?}");
        drop(tx);
        db.execute(&INSERT_THING, args![Uuid::from_u128(1)]).await.unwrap();
    }
}
