//! The dialect slots, run by the engines themselves.

use std::time::Duration;

use arcadia_sql::testing::TestDb;
use arcadia_sql::{Engine, ManualNow, Options, args, on_both_databases, statements};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::EVERYTHING;

statements! {
    CLOCKS = "SELECT {now} AS now, {now+$1} AS later, {plus({now}, $2)} AS sum";
    REVERSED = "SELECT {int($2)} AS second, {int($1)} AS first, {int($2)} AS second_again";
    INSERT_DUE = "INSERT INTO things (id, words, moment) VALUES ($1, $2, {now+$3})";
    POSTPONE = "UPDATE things SET moment = {plus(moment, $2)} WHERE id = $1";
    DUE = "SELECT id FROM things WHERE moment <= {now} ORDER BY moment, id {skip_locked}";
    CLAIM = "UPDATE things SET words = $1
             WHERE id IN (SELECT id FROM things WHERE moment <= {now} ORDER BY moment LIMIT $2 {skip_locked})
             RETURNING id";
    WHOSE = "SELECT id FROM things WHERE words = $1 {for_update}";
    FILTER = "SELECT id FROM things
              WHERE ({text($1)} IS NULL OR words = $1) AND ({uuid($2)} IS NULL OR id = $2)
                AND ({time($3)} IS NULL OR moment >= $3) AND ({int($4)} IS NULL OR big = $4)
                AND ({json($5)} IS NULL OR document = $5) AND ({bool($6)} IS NULL OR flag = $6)
                AND ({bytes($7)} IS NULL OR bytes = $7)
              ORDER BY id";
    LISTS = "SELECT id FROM things
             WHERE ({uuids($1)} IS NULL OR id {any($1)}) AND ({texts($2)} IS NULL OR words {any($2)})
               AND ({times($3)} IS NULL OR moment {any($3)})";
    SMALL = "SELECT id FROM things WHERE small = $1";
    UNKNOWN = "SELECT {tomorrow}";
}

fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn after(milliseconds: i64) -> Timestamp {
    start() + SignedDuration::from_millis(milliseconds)
}

on_both_databases! {
    migrations = &EVERYTHING;

    async fn the_clock_is_the_database_s_own(db: TestDb) {
        let before = Timestamp::now() - SignedDuration::from_millis(1);
        let first = db.now().await.unwrap();
        let second = db.now().await.unwrap();
        let after = Timestamp::now();
        assert!(before <= first && first <= second && second <= after, "{before} {first} {second} {after}");
    }

    async fn a_manual_clock_replaces_it_in_every_slot(db: TestDb) {
        let clock = ManualNow::new(start());
        let node = db.another(Options { manual_now: Some(clock.clone()), ..Options::default() }).await;
        assert_eq!(node.now().await.unwrap(), start());
        clock.advance(Duration::from_millis(1500));
        let clocks: (Timestamp, Timestamp, Timestamp) =
            node.fetch_one(&CLOCKS, args![30_000_i64, -500_i64]).await.unwrap();
        assert_eq!(clocks, (after(1500), after(31_500), after(1000)));
        clock.set(after(-1));
        assert_eq!(node.now().await.unwrap(), after(-1));
        assert_eq!(clock.get(), after(-1));
        node.close().await;
    }

    async fn arguments_may_come_in_any_order_and_twice(db: TestDb) {
        let read: (i64, i64, i64) = db.fetch_one(&REVERSED, args![1_i64, 2_i64]).await.unwrap();
        assert_eq!(read, (2, 1, 2));
    }

    async fn due_work_is_claimed_by_the_clock(db: TestDb) {
        let clock = ManualNow::new(start());
        let node = db.another(Options { manual_now: Some(clock.clone()), ..Options::default() }).await;
        let ids: Vec<_> = (1..=3).map(Uuid::from_u128).collect();
        for (id, delay_ms) in ids.iter().zip([1000_i64, 2000, 3000]) {
            node.execute(&INSERT_DUE, args![id, "nobody", delay_ms]).await.unwrap();
        }
        assert_eq!(node.fetch_all::<Uuid>(&DUE, args![]).await.unwrap(), Vec::<Uuid>::new());
        clock.advance(Duration::from_millis(2000));
        assert_eq!(node.fetch_all::<Uuid>(&DUE, args![]).await.unwrap(), ids[..2]);
        node.execute(&POSTPONE, args![ids[0], 1001_i64]).await.unwrap();
        assert_eq!(node.fetch_all::<Uuid>(&DUE, args![]).await.unwrap(), ids[1..2]);
        node.execute(&POSTPONE, args![ids[0], -1001_i64]).await.unwrap();
        let claimed: Vec<Uuid> = node.fetch_all(&CLAIM, args!["me", 1_i64]).await.unwrap();
        assert_eq!(claimed, ids[..1]);
        assert_eq!(node.fetch_all::<Uuid>(&WHOSE, args!["me"]).await.unwrap(), ids[..1]);
        node.close().await;
    }

    async fn untyped_filters_work_with_and_without_their_value(db: TestDb) {
        let id = Uuid::from_u128(1);
        db.execute(&INSERT_DUE, args![id, "here", 0_i64]).await.unwrap();
        let none = args![
            None::<String>, None::<Uuid>, None::<Timestamp>, None::<i64>, None::<serde_json::Value>, None::<bool>,
            None::<Vec<u8>>
        ];
        assert_eq!(db.fetch_all::<Uuid>(&FILTER, none).await.unwrap(), [id]);
        let some = args![
            Some("here"), Some(id), Some(Timestamp::UNIX_EPOCH), None::<i64>, None::<serde_json::Value>, None::<bool>,
            None::<Vec<u8>>
        ];
        assert_eq!(db.fetch_all::<Uuid>(&FILTER, some).await.unwrap(), [id]);
        let other = args![
            Some("there"), Some(id), None::<Timestamp>, Some(5_i64), None::<serde_json::Value>, Some(true),
            Some(vec![1_u8])
        ];
        assert_eq!(db.fetch_all::<Uuid>(&FILTER, other).await.unwrap(), Vec::<Uuid>::new());
        let lists = args![None::<Vec<Uuid>>, Some(vec!["here".to_owned()]), None::<Vec<Timestamp>>];
        assert_eq!(db.fetch_all::<Uuid>(&LISTS, lists).await.unwrap(), [id]);
    }

    async fn every_statement_prepares_without_its_arguments(db: TestDb) {
        let one = db.another(Options { max_connections: 1, ..Options::default() }).await;
        let all = STATEMENTS.iter().filter(|statement| statement.name() != UNKNOWN.name());
        for statement in all {
            one.prepare(statement).await.unwrap_or_else(|error| panic!("{error}: {error:?}"));
        }
        // A prepared guess at the types (here a 32-bit integer) must not stay behind for the call that knows them.
        assert_eq!(one.fetch_all::<Uuid>(&SMALL, args![5_i64]).await.unwrap(), Vec::<Uuid>::new());
        one.close().await;
        assert_eq!(STATEMENTS.len(), 11);
    }

    #[should_panic(expected = "statement UNKNOWN: there is no slot {tomorrow}")]
    async fn an_unknown_slot_is_a_panic(db: TestDb) {
        let _ = db.prepare(&UNKNOWN).await;
    }
}

#[test]
fn a_statement_shows_its_text_for_an_engine() {
    assert!(DUE.text(Engine::Postgres).ends_with("FOR UPDATE SKIP LOCKED"));
    assert!(!DUE.text(Engine::Sqlite).contains("LOCKED"));
}
