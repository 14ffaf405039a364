//! The schema grows in order, once, and never behind anybody's back.

use std::collections::BTreeSet;
use std::path::Path;

use arcadia_sql::testing::TestDb;
use arcadia_sql::{
    Error, MIGRATIONS, Migration, Migrations, Options, Sql, args, on_both_databases, statements,
};

statements! {
    APPLIED = "SELECT name FROM arcadia_migrations ORDER BY name";
    ROWS = "SELECT COUNT(*) FROM one";
    ENGINE_OF_TWO = "SELECT engine FROM two";
}

const ONE: Migration = Migration {
    name: "0001_one",
    sql: Sql::Both("CREATE TABLE one (id BIGINT); INSERT INTO one VALUES (1);"),
};
const TWO: Migration = Migration {
    name: "0002_two",
    sql: Sql::Twins {
        sqlite: "CREATE TABLE two (engine TEXT); INSERT INTO two VALUES ('sqlite');",
        postgres: "CREATE TABLE two (engine TEXT); INSERT INTO two VALUES ('postgres');",
    },
};
const CHANGED: Migration = Migration { name: "0001_one", sql: Sql::Both("CREATE TABLE one (id TEXT)") };
const BROKEN: Migration = Migration {
    name: "0002_broken",
    sql: Sql::Both("INSERT INTO one VALUES (2); INSERT INTO nowhere VALUES (1);"),
};

static NONE: Migrations = Migrations::new(&[]);
static FIRST: Migrations = Migrations::new(&[ONE]);
static BOTH: Migrations = Migrations::new(&[ONE, TWO]);
static FIRST_CHANGED: Migrations = Migrations::new(&[CHANGED, TWO]);
static SECOND_BROKEN: Migrations = Migrations::new(&[ONE, BROKEN]);

on_both_databases! {
    migrations = &NONE;

    async fn each_is_applied_once_in_order(db: TestDb) {
        assert_eq!(db.migrate(&FIRST).await.unwrap(), ["0001_one"]);
        assert_eq!(db.migrate(&BOTH).await.unwrap(), ["0002_two"]);
        assert_eq!(db.migrate(&BOTH).await.unwrap(), Vec::<String>::new());
        assert_eq!(db.fetch_all::<String>(&APPLIED, args![]).await.unwrap(), ["0001_one", "0002_two"]);
        assert_eq!(db.fetch_one::<i64>(&ROWS, args![]).await.unwrap(), 1);
        let engine = format!("{:?}", db.engine()).to_lowercase();
        assert_eq!(db.fetch_one::<String>(&ENGINE_OF_TWO, args![]).await.unwrap(), engine);
    }

    async fn a_newer_database_is_refused(db: TestDb) {
        db.migrate(&BOTH).await.unwrap();
        let error = db.migrate(&FIRST).await.unwrap_err();
        assert!(matches!(&error, Error::NewerDatabase { migration } if migration == "0002_two"), "{error}");
    }

    async fn an_edited_migration_is_refused_and_nothing_after_it_applied(db: TestDb) {
        db.migrate(&FIRST).await.unwrap();
        let error = db.migrate(&FIRST_CHANGED).await.unwrap_err();
        assert!(matches!(&error, Error::ChangedMigration { migration } if migration == "0001_one"), "{error}");
        assert_eq!(db.fetch_all::<String>(&APPLIED, args![]).await.unwrap(), ["0001_one"]);
    }

    async fn of_a_failed_migration_nothing_is_kept(db: TestDb) {
        let error = db.migrate(&SECOND_BROKEN).await.unwrap_err();
        assert!(matches!(error, Error::Migration { migration: "0002_broken", .. }), "{error}");
        assert_eq!(db.fetch_one::<i64>(&ROWS, args![]).await.unwrap(), 1);
        assert_eq!(db.migrate(&BOTH).await.unwrap(), ["0002_two"]);
    }

    async fn nodes_that_start_together_take_turns(db: TestDb) {
        let (left, right) = (db.another(Options::default()).await, db.another(Options::default()).await);
        let (left_applied, right_applied) = tokio::join!(left.migrate(&BOTH), right.migrate(&BOTH));
        let mut applied = left_applied.unwrap();
        applied.extend(right_applied.unwrap());
        applied.sort();
        assert_eq!(applied, ["0001_one", "0002_two"]);
        assert_eq!(db.fetch_one::<i64>(&ROWS, args![]).await.unwrap(), 1);
        left.close().await;
        right.close().await;
    }
}

on_both_databases! {
    async fn the_service_s_own_schema_is_in_a_fresh_database(db: TestDb) {
        let applied: Vec<String> = db.fetch_all(&APPLIED, args![]).await.unwrap();
        let listed: Vec<_> = MIGRATIONS.list().iter().map(|migration| migration.name).collect();
        assert_eq!(applied, listed);
    }
}

#[test]
fn every_file_in_the_folder_is_listed_in_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected: BTreeSet<_> = MIGRATIONS
        .list()
        .iter()
        .flat_map(|migration| match migration.sql {
            Sql::Both(_) => vec![format!("{}.sql", migration.name)],
            Sql::Twins { .. } => {
                vec![format!("{}.sqlite.sql", migration.name), format!("{}.postgres.sql", migration.name)]
            }
        })
        .collect();
    assert_eq!(files.collect::<BTreeSet<_>>(), expected);
    assert!(MIGRATIONS.list().is_sorted_by_key(|migration| migration.name));
}
