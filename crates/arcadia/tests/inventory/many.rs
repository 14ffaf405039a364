//! Lists of so many resources that none is looked at one by one: they say what a small list says, in every order and on
//! every page, and no statement that reads walks over a whole table.

use arcadia::inventory::reading::{Filter, ListedRow, Name, Place, Sort, list, words};
use arcadia::inventory::store::{reading, terms};
use arcadia::inventory::{Observation, Witness, upsert};
use arcadia::scope::Scope;
use arcadia_saga::Clock;
use arcadia_sql::testing::TestDb;
use arcadia_sql::{Args, Db, Engine, MIGRATIONS, Statement, Value, args, on_both_databases, statements};
use jiff::Timestamp;
use serde_json::json;
use std::cmp::Reverse;
use uuid::Uuid;

/// More of each sort than are looked at one by one.
const MANY: usize = 4_600;
const BATCH: usize = 500;
const PAGE: u32 = 400;

statements! {
    // PostgreSQL trusts an index alone once a vacuum was there.
    ANALYZE = sqlite "ANALYZE" postgres "
        VACUUM ANALYZE cloud_resources, cloud_resource_versions, cloud_resource_terms, cloud_resource_named_terms";
}

fn observation(number: usize) -> Observation {
    // Equal names there are too, and names that differ in nothing but their case.
    let prefix = ["api", "web", "Web", "db"][number % 4];
    Observation {
        provider_id: format!("x{number}"),
        name: format!("{prefix}-{}", number / 4 % 1_500),
        region: Some(["nyc3", "fra1"][number % 2].to_owned()),
        status: Some("active".to_owned()),
        size_slug: Some("s-1vcpu-1gb".to_owned()),
        tags: vec!["env:prod".to_owned(), ["webby", "50%"][number / 3 % 2].to_owned()],
        attrs: json!({"vcpus": 1}).as_object().cloned().unwrap(),
        ..Observation::default()
    }
}

async fn fill(db: &Db) {
    see(db, observation).await;
}

/// Other names, tags and states for all but every fifth.
fn changed(number: usize) -> Observation {
    let before = observation(number);
    match number % 5 {
        0 => before,
        1 => Observation { name: format!("db-{number}"), ..before },
        2 => Observation { tags: vec!["50%".to_owned()], ..before },
        3 => Observation { status: Some("off".to_owned()), ..before },
        _ => Observation { name: format!("WEB-{number}"), tags: Vec::new(), ..before },
    }
}

async fn see(db: &Db, observation: fn(usize) -> Observation) {
    let clock = Clock::machine(1.0);
    let numbers: Vec<usize> = (0..MANY).collect();
    for (at, batch) in numbers.chunks(BATCH).enumerate() {
        let seen: Vec<Observation> = batch.iter().map(|number| observation(*number)).collect();
        let (actor, source) = ("sync".to_owned(), "a-run".to_owned());
        let witness = Witness { actor, source, asked_at: clock.now(), run: None };
        let mut tx = db.begin().await.unwrap();
        upsert(&mut tx, ["droplet", "volume"][at % 2], &seen, &witness, &clock).await.unwrap();
        tx.commit().await.unwrap();
    }
    db.execute(&ANALYZE, args![]).await.unwrap();
}

async fn all_pages(db: &Db, filter: &Filter, sort: Sort) -> Vec<ListedRow> {
    let (mut rows, mut after) = (Vec::new(), None::<Place>);
    loop {
        let page = list(db, &Scope::All, filter, sort, after.as_ref(), PAGE).await.unwrap();
        let Some(last) = page.last() else { return rows };
        after = Some(Place::from(last));
        rows.extend(page);
    }
}

fn ids(rows: &[ListedRow]) -> Vec<Uuid> {
    rows.iter().map(|row| row.id.0).collect()
}

type Fits = fn(&ListedRow) -> bool;

fn begins(row: &ListedRow, beginning: &str) -> bool {
    row.name.to_lowercase().starts_with(beginning)
}

fn has_tag(row: &ListedRow, tag: &str) -> bool {
    row.tags.as_array().unwrap().iter().any(|it| it == tag)
}

fn questions() -> Vec<(Filter, Fits)> {
    let text = |text: &str| Filter { words: words(text), ..Filter::default() };
    let tag = |tag: &str| Filter { tag: Some(tag.to_owned()), ..Filter::default() };
    let name =
        |beginning: &str| Filter { name: Some(Name::Beginning(beginning.to_owned())), ..Filter::default() };
    vec![
        (Filter::default(), |_| true),
        (text("web"), |row| begins(row, "web") || has_tag(row, "webby")),
        (text("PROD db"), |row| begins(row, "db") && has_tag(row, "env:prod")),
        (text("webby"), |row| has_tag(row, "webby")),
        (text("50%"), |row| has_tag(row, "50%")),
        (text("%"), |_| false),
        (text("x"), |_| true),
        (tag("env:prod"), |row| has_tag(row, "env:prod")),
        (tag("web"), |_| false),
        (Filter { tag: Some("webby".to_owned()), ..text("api") }, |row| {
            begins(row, "api") && has_tag(row, "webby")
        }),
        (Filter { region: Some("fra1".to_owned()), ..text("web") }, |row| {
            row.region.as_deref() == Some("fra1") && (begins(row, "web") || has_tag(row, "webby"))
        }),
        (Filter { status: Some("active".to_owned()), ..Filter::default() }, |row| {
            row.status.as_deref() == Some("active")
        }),
        (name("wEb-"), |row| begins(row, "web-")),
        (name("api-1"), |row| begins(row, "api-1")),
        (Filter { kind: Some("volume".to_owned()), ..name("web-") }, |row| {
            begins(row, "web-") && row.kind == "volume"
        }),
    ]
}

/// Each list says of `everything` what fits, in every order.
async fn are_right(db: &Db, everything: &[ListedRow], as_of: Option<Timestamp>) {
    for (filter, fits) in questions() {
        let filter = Filter { as_of, ..filter };
        let mut wanted: Vec<ListedRow> = everything.iter().filter(|row| fits(row)).cloned().collect();
        assert_eq!(ids(&all_pages(db, &filter, Sort::Oldest).await), ids(&wanted), "oldest {filter:?}");
        wanted.sort_by_key(|row| Reverse(row.id));
        assert_eq!(ids(&all_pages(db, &filter, Sort::Newest).await), ids(&wanted), "newest {filter:?}");
        wanted.sort_by_key(|row| (row.name.clone(), row.id));
        assert_eq!(ids(&all_pages(db, &filter, Sort::Name).await), ids(&wanted), "by name {filter:?}");
    }
}

/// One line of a plan, and whether it belongs to the statement itself or to something in it.
struct Line {
    text: String,
    is_outermost: bool,
}

async fn plan_of(db: &Db, statement: &'static Statement, args: Args) -> Vec<Line> {
    let text = |explain: &str, engine| -> &'static str {
        Box::leak(format!("{explain} {}", statement.text(engine).replace('?', "$")).into_boxed_str())
    };
    let (sqlite, postgres) = match db.engine() {
        Engine::Sqlite => (text("EXPLAIN QUERY PLAN", Engine::Sqlite), ""),
        Engine::Postgres => ("", text("EXPLAIN", Engine::Postgres)),
    };
    let explained: &'static Statement =
        Box::leak(Box::new(Statement::declare("EXPLAINED", sqlite, postgres)));
    let mut tx = db.begin().await.unwrap();
    match db.engine() {
        Engine::Sqlite => {
            let rows: Vec<(i64, i64, i64, String)> = tx.fetch_all(explained, args).await.unwrap();
            rows.into_iter().map(|(_, parent, _, text)| Line { text, is_outermost: parent == 0 }).collect()
        }
        Engine::Postgres => {
            let rows: Vec<(String,)> = tx.fetch_all(explained, args).await.unwrap();
            let limit = rows.iter().position(|(line,)| line.contains("Limit ")).unwrap_or(0);
            let lines = rows.into_iter().enumerate();
            lines.map(|(at, (text,))| Line { text, is_outermost: at < limit }).collect()
        }
    }
}

/// Nothing of a statement's plan walks over a table without an index that leads it, and a list that is walked is not
/// sorted: where it began would be known only at its end.
async fn is_led_by_an_index(db: &Db, statement: &'static Statement, args: Args) {
    let (name, plan) = (statement.name(), plan_of(db, statement, args).await);
    let texts: Vec<&str> = plan.iter().map(|line| line.text.as_str()).collect();
    // A list that came as an argument, and what was found so far, are no tables.
    let is_no_table = |line: &str| {
        line.contains("VIRTUAL TABLE") || line.starts_with("SCAN found") || line == "SCAN CONSTANT ROW"
    };
    let walks_over = |line: &&str| {
        let scans = line.starts_with("SCAN ") && !line.contains(" USING ");
        line.contains("Seq Scan on cloud_resource") || scans && !is_no_table(line)
    };
    assert!(!texts.iter().any(walks_over), "{name}: {texts:#?}");
    let is_walked = is_list(name) && !["_OF_IDS", "BY_NAME_GONE"].iter().any(|of| name.contains(of));
    // Of some only the page is sorted, after its limit.
    let finds_its_page = !name.starts_with("BY_NAME")
        && ["_WITH_TERM", "_IN_STATUS_AS_OF"].iter().any(|found_by| name.contains(found_by));
    let sorts = |line: &Line| {
        let sorts = line.text.starts_with("USE TEMP B-TREE FOR") || line.text.contains("Sort Key");
        sorts && !(finds_its_page && line.is_outermost)
    };
    assert!(!is_walked || !plan.iter().any(sorts), "{name} is sorted: {texts:#?}");
}

/// What a walk passes over is told by this index, without a look at a row for each.
async fn is_told_by_the_index_alone(db: &Db, statement: &'static Statement, args: Args, index: &str) {
    let plan = plan_of(db, statement, args).await;
    let texts: Vec<&str> = plan.iter().map(|line| line.text.as_str()).collect();
    let tells = |line: &&str| match db.engine() {
        // A table without row ids is its own index.
        Engine::Sqlite => match index.strip_suffix("_pkey") {
            Some(_) => line.starts_with("SEARCH t USING PRIMARY KEY"),
            None => line.contains(&format!("USING COVERING INDEX {index}")),
        },
        Engine::Postgres => {
            let (forth, back) = (format!("using {index}"), format!("Backward using {index}"));
            line.contains("Index Only Scan") && (line.contains(&forth) || line.contains(&back))
        }
    };
    assert!(texts.iter().any(tells), "{}: {texts:#?}", statement.name());
}

fn reading_statement(name: &str) -> &'static Statement {
    reading::STATEMENTS.iter().copied().find(|statement| statement.name() == name).unwrap()
}

fn is_list(statement: &str) -> bool {
    ["NEWEST", "OLDEST", "BY_NAME"].iter().any(|order| statement.starts_with(order))
}

/// Arguments that make a list begin where its name says.
fn of_a_list(name: &str, now: Timestamp) -> Vec<Value> {
    let mut filter: Vec<Value> = vec![
        None::<String>.into(),
        None::<String>.into(),
        None::<String>.into(),
        None::<String>.into(),
        None::<Uuid>.into(),
        None::<Uuid>.into(),
        "without".into(),
    ];
    filter.extend((0..8).map(|_| Value::from(None::<String>)));
    let beyond = if name.starts_with("NEWEST") { Uuid::max() } else { Uuid::nil() };
    filter.extend([Value::from(51_u32), Value::from(beyond)]);
    let led_by: [(&str, usize, Value); 5] = [
        ("_OF_TENANT", 0, "acme".into()),
        ("_OF_KIND", 1, "droplet".into()),
        ("_IN_STATUS", 2, "active".into()),
        ("_IN_REGION", 3, "nyc3".into()),
        ("_IN_PROJECT", 4, Uuid::max().into()),
    ];
    for (part, at, value) in led_by {
        if name.contains(part) {
            filter[at] = value;
        }
    }
    if name.ends_with("_AS_OF") {
        filter.push(now.into());
    }
    if name.starts_with("BY_NAME") {
        filter.push("web".into());
    }
    if name.contains("_OF_IDS") {
        filter.push(vec![Uuid::nil(), Uuid::max()].into());
    }
    if name.contains("_WITH_TERM") {
        filter.push("tag=env:prod".into());
    }
    if name.contains("_UNTIL") {
        filter.push("wec".into());
    }
    filter
}

on_both_databases! {
    migrations = &MIGRATIONS; options = arcadia_sql::Options::default();

    async fn lists_of_thousands_say_what_short_ones_say(db: TestDb) {
        fill(&db).await;
        let everything = all_pages(&db, &Filter::default(), Sort::Oldest).await;
        assert_eq!(everything.len(), MANY);
        are_right(&db, &everything, None).await;
    }

    async fn lists_of_thousands_as_of_a_past_time_say_what_was_so_then(db: TestDb) {
        fill(&db).await;
        let before = all_pages(&db, &Filter::default(), Sort::Oldest).await;
        let then = before.iter().map(|row| row.first_seen_at).max();
        see(&db, changed).await;
        let after = all_pages(&db, &Filter::default(), Sort::Oldest).await;
        assert!(before.iter().zip(&after).filter(|(before, after)| before.name != after.name).count() > 1_000);
        are_right(&db, &before, then).await;
        are_right(&db, &after, None).await;
    }

    async fn no_reading_statement_walks_over_a_whole_table(db: TestDb) {
        fill(&db).await;
        let now = Timestamp::now();
        for statement in reading::STATEMENTS.iter().filter(|it| is_list(it.name())) {
            is_led_by_an_index(&db, statement, Args::from(of_a_list(statement.name(), now))).await;
        }
        let one = Uuid::max();
        for statement in reading::STATEMENTS.iter().filter(|it| !is_list(it.name())) {
            let args = match statement.name() {
                "SHOWN" => args![one, None::<String>],
                "SHOWN_AS_OF" => args![one, None::<String>, now],
                "PARENT_OF" | "DESIRED" => args![one],
                "EVENTS" => args![one, Timestamp::UNIX_EPOCH, now, now, one, 51],
                other => panic!("how is {other} asked?"),
            };
            is_led_by_an_index(&db, statement, args).await;
        }
        for statement in terms::STATEMENTS.iter().filter(|it| !it.name().starts_with("KEEP")) {
            let args = match statement.name() {
                "WITH_TERM" => args!["name=web-7", 501],
                "WITH_TERMS_BETWEEN" | "TERMS_BETWEEN" => args!["word=web", "word=wec", 17_i64],
                "IN_STATUS_AS_OF" => args!["rare", now, 501],
                "NAME_FROM" | "EVER_NAME_FROM" => args!["web"],
                "DELETED" | "EVER_DELETED" => args![501],
                "IN_PROJECT" | "OF_DEPLOYMENT" => args![one, 501],
                "OF_TENANT" | "OF_KIND" | "IN_STATUS" | "IN_REGION" => args!["rare", 501],
                other => panic!("how is {other} asked?"),
            };
            is_led_by_an_index(&db, statement, args).await;
        }
    }

    async fn a_kind_with_a_tag_and_a_word_is_found_in_the_order_of_the_tags_index(db: TestDb) {
        fill(&db).await;
        let narrow = |name: &'static str| {
            let mut args = of_a_list(name, Timestamp::now());
            args[1] = "volume".into();
            args[7] = "\"env:prod\"".into();
            args[10] = "prod".into();
            Args::from(args)
        };
        for name in ["NEWEST_WITH_TERM", "OLDEST_WITH_TERM", "NEWEST_WITH_TERM_AS_OF", "OLDEST_WITH_TERM_AS_OF"] {
            is_led_by_an_index(&db, reading_statement(name), narrow(name)).await;
            is_told_by_the_index_alone(&db, reading_statement(name), narrow(name), "cloud_resource_terms_pkey").await;
        }
        for name in ["BY_NAME_WITH_TERM", "BY_NAME_WITH_TERM_AS_OF"] {
            is_led_by_an_index(&db, reading_statement(name), narrow(name)).await;
            let index = "cloud_resource_named_terms_pkey";
            is_told_by_the_index_alone(&db, reading_statement(name), narrow(name), index).await;
        }
    }

    async fn what_was_in_a_status_then_and_what_is_gone_is_told_by_an_index(db: TestDb) {
        fill(&db).await;
        for name in ["NEWEST_IN_STATUS_AS_OF", "OLDEST_IN_STATUS_AS_OF"] {
            let args = Args::from(of_a_list(name, Timestamp::now()));
            let index = "cloud_resource_versions_in_status";
            is_told_by_the_index_alone(&db, reading_statement(name), args, index).await;
        }
        for name in ["NEWEST_GONE", "OLDEST_GONE"] {
            let args = Args::from(of_a_list(name, Timestamp::now()));
            let plan = plan_of(&db, reading_statement(name), args).await;
            let by_index = plan.iter().any(|line| line.text.contains("cloud_resources_deleted"));
            assert!(by_index, "{:#?}", plan.iter().map(|line| &line.text).collect::<Vec<_>>());
        }
    }
}
