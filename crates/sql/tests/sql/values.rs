//! What is written is what is read, for every type, NULL and list.

use arcadia_sql::testing::TestDb;
use arcadia_sql::{Args, Error, FromRow, Value, args, on_both_databases, row, statements};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::EVERYTHING;

statements! {
    INSERT = "INSERT INTO things (id, flag, small, big, words, moment, document, bytes)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    ALL = "SELECT id, flag, small, big, words, moment, document, bytes FROM things ORDER BY id";
    INSERT_DOCUMENT = "INSERT INTO things (id, document) VALUES ($1, $2)";
    DOCUMENTS = "SELECT document FROM things ORDER BY id";
    BY_IDS = "SELECT id FROM things WHERE id {any($1)} ORDER BY id";
    BY_WORDS = "SELECT words FROM things WHERE words {any($1)} ORDER BY words";
    BY_BIGS = "SELECT big FROM things WHERE big {any($1)} ORDER BY big";
    BY_MOMENTS = "SELECT moment FROM things WHERE moment {any($1)} ORDER BY moment";
    BY_OPTIONAL_LIST = "SELECT big FROM things WHERE {ints($1)} IS NULL OR big {any($1)} ORDER BY big";
    UNFOLD = sqlite "SELECT value AS word FROM json_each($1)" postgres "SELECT word FROM unnest($1) AS word";
    MOMENT_AS_TEXT = "SELECT words AS moment FROM things";
    COUNTS = "SELECT COUNT(*), MAX(words) FROM things";
    NO_INTEGER = "SELECT 'seven' AS big";
}

row! {
    #[derive(Debug, Clone, PartialEq)]
    struct Thing {
        id: Uuid,
        flag: Option<bool>,
        small: Option<i32>,
        big: Option<i64>,
        words: Option<String>,
        moment: Option<Timestamp>,
        document: Option<serde_json::Value>,
        bytes: Option<Vec<u8>>,
    }

    #[derive(Debug)]
    struct Strict {
        moment: Timestamp,
    }
}

fn empty(number: u128) -> Thing {
    let id = Uuid::from_u128(number);
    Thing { id, flag: None, small: None, big: None, words: None, moment: None, document: None, bytes: None }
}

fn insert(thing: &Thing) -> Args {
    let Thing { id, flag, small, big, words, moment, document, bytes } = thing.clone();
    args![id, flag, small, big, words, moment, document, bytes]
}

async fn write(db: &TestDb, things: &[Thing]) {
    for thing in things {
        assert_eq!(db.execute(&INSERT, insert(thing)).await.unwrap(), 1);
    }
}

on_both_databases! {
    migrations = &EVERYTHING;

    async fn every_type_comes_back_as_it_went(db: TestDb) {
        let full = Thing {
            flag: Some(true),
            small: Some(i32::MIN),
            big: Some(i64::MAX),
            words: Some("Größe 'quoted' \"twice\" $1 {now} 🦀".to_owned()),
            moment: Some("2026-11-20T18:07:10.123456Z".parse().unwrap()),
            document: Some(json!({ "a": [1, 2.5, null, true], "b": { "c": "text" } })),
            bytes: Some(vec![0, 1, 255]),
            ..empty(1)
        };
        let bare = Thing {
            flag: Some(false),
            small: Some(0),
            big: Some(i64::MIN),
            words: Some(String::new()),
            moment: Some("1903-02-01T00:00:00.000001Z".parse().unwrap()),
            document: Some(json!(null)),
            bytes: Some(Vec::new()),
            ..empty(2)
        };
        let nothing = empty(3);
        let written = [full, bare, nothing];
        write(&db, &written).await;
        assert_eq!(db.fetch_all::<Thing>(&ALL, args![]).await.unwrap(), written);
    }

    async fn times_are_cut_to_the_microsecond_alike(db: TestDb) {
        let moment = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let written = ["2026-01-01T00:00:00.123456999Z", "1980-01-01T00:00:00.123456999Z"];
        for (number, time) in written.into_iter().enumerate() {
            write(&db, &[Thing { moment: moment(time), ..empty(number as u128) }]).await;
        }
        let read = db.fetch_all::<Thing>(&ALL, args![]).await.unwrap();
        let kept = ["2026-01-01T00:00:00.123456Z", "1980-01-01T00:00:00.123456Z"];
        assert_eq!(read.iter().map(|thing| thing.moment).collect::<Vec<_>>(), kept.map(moment));
    }

    async fn documents_that_are_bare_scalars_survive(db: TestDb) {
        let documents = [json!(7), json!(-2.5), json!("12"), json!("a"), json!(true), json!([]), json!(1e300)];
        for (at, document) in documents.iter().enumerate() {
            db.execute(&INSERT_DOCUMENT, args![Uuid::from_u128(at as u128), document]).await.unwrap();
        }
        assert_eq!(db.fetch_all::<serde_json::Value>(&DOCUMENTS, args![]).await.unwrap(), documents);
    }

    async fn lists_of_each_type_select_their_members(db: TestDb) {
        let moment = |second: i64| Timestamp::from_second(second).unwrap();
        for number in 1..=4_u32 {
            let thing = Thing {
                big: Some(number.into()),
                words: Some(format!("word {number}")),
                moment: Some(moment(number.into())),
                ..empty(number.into())
            };
            write(&db, &[thing]).await;
        }
        let ids = vec![Uuid::from_u128(4), Uuid::from_u128(2), Uuid::from_u128(99)];
        let found: Vec<Uuid> = db.fetch_all(&BY_IDS, args![ids]).await.unwrap();
        assert_eq!(found, [Uuid::from_u128(2), Uuid::from_u128(4)]);
        let words = vec!["word 1".to_owned(), "word 3".to_owned()];
        assert_eq!(db.fetch_all::<String>(&BY_WORDS, args![&words]).await.unwrap(), words);
        assert_eq!(db.fetch_all::<i64>(&BY_BIGS, args![vec![3_i64, 1, 9]]).await.unwrap(), [1, 3]);
        assert_eq!(db.fetch_all::<i64>(&BY_BIGS, args![Vec::<i64>::new()]).await.unwrap(), Vec::<i64>::new());
        let moments = vec![moment(2), moment(4)];
        assert_eq!(db.fetch_all::<Timestamp>(&BY_MOMENTS, args![&moments]).await.unwrap(), moments);
        assert_eq!(db.fetch_all::<i64>(&BY_OPTIONAL_LIST, args![None::<Vec<i64>>]).await.unwrap(), [1, 2, 3, 4]);
        assert_eq!(db.fetch_all::<i64>(&BY_OPTIONAL_LIST, args![Some(vec![2_i64])]).await.unwrap(), [2]);
    }

    async fn a_list_may_hold_nulls(db: TestDb) {
        let words = vec![Some("one".to_owned()), None, Some("three".to_owned())];
        assert_eq!(db.fetch_all::<Option<String>>(&UNFOLD, args![&words]).await.unwrap(), words);
    }

    async fn a_tuple_is_read_by_position(db: TestDb) {
        write(&db, &[Thing { words: Some("b".to_owned()), ..empty(1) }]).await;
        write(&db, &[Thing { words: Some("a".to_owned()), ..empty(2) }]).await;
        let counted: (i64, String) = db.fetch_one(&COUNTS, args![]).await.unwrap();
        assert_eq!(counted, (2, "b".to_owned()));
    }

    async fn a_wrong_column_is_an_error_that_names_it(db: TestDb) {
        write(&db, &[empty(1)]).await;
        let null = db.fetch_one::<Strict>(&MOMENT_AS_TEXT, args![]).await.unwrap_err();
        assert_eq!(null.to_string(), "column moment: wanted a time, found NULL");
        write(&db, &[Thing { words: Some("noon".to_owned()), ..empty(0) }]).await;
        let others = db.fetch_all::<Strict>(&MOMENT_AS_TEXT, args![]).await.unwrap_err();
        assert!(matches!(&others, Error::Decode { column, .. } if column == "moment"), "{others}");
        let absent = db.fetch_one::<Thing>(&MOMENT_AS_TEXT, args![]).await.unwrap_err();
        assert!(matches!(&absent, Error::Decode { column, .. } if column == "id"), "{absent}");
        let words = db.fetch_one::<i64>(&NO_INTEGER, args![]).await.unwrap_err();
        assert_eq!(words.to_string(), "column big: wanted an integer, found TEXT");
    }

    async fn a_call_with_other_arguments_than_before_is_refused(db: TestDb) {
        let few = db.execute(&INSERT_DOCUMENT, args![Uuid::from_u128(1)]).await.unwrap_err();
        assert_eq!(few.to_string(), "statement INSERT_DOCUMENT: takes 2 arguments, was given 1");
        db.execute(&INSERT_DOCUMENT, args![Uuid::from_u128(1), json!({})]).await.unwrap();
        let other = db.execute(&INSERT_DOCUMENT, args![Uuid::from_u128(2), "{}"]).await.unwrap_err();
        assert_eq!(other.to_string(), "statement INSERT_DOCUMENT: $2 was Json before and is Text now");
    }
}

#[test]
fn an_argument_may_be_borrowed_wrapped_or_absent() {
    struct ThingId(Uuid);

    impl arcadia_sql::Argument for ThingId {
        const KIND: arcadia_sql::Kind = arcadia_sql::Kind::Uuid;

        fn into_value(self) -> Value {
            self.0.into()
        }
    }

    let id = Uuid::from_u128(7);
    assert_eq!(args![&id, ThingId(id)], args![id, Some(id)]);
    assert_eq!(args![None::<ThingId>], args![None::<Uuid>]);
    assert_ne!(args![None::<ThingId>], args![None::<String>]);
    let words = String::from("a");
    assert_eq!(args!["a", Some("a")], args![&words, words.clone()]);
}

#[test]
fn a_row_can_be_read_into_a_domain_type() {
    fn is_row<T: FromRow>() {}
    is_row::<Thing>();
    is_row::<(i64,)>();
    is_row::<Option<Uuid>>();
}
