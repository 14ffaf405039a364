//! First pages with every filter, now and as of past times, each as often as it takes to know the slowest of a hundred.

use super::fill::{KINDS, REGIONS, TENANTS};
use crate::probe::percentile_ms;
use arcadia::inventory::reading::{Deleted, Filter, Name, Sort, list, words};
use arcadia::scope::Scope;
use arcadia_sql::Db;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::fmt;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PAGE: u32 = 51;

/// How long one list takes, in milliseconds.
pub struct Figure {
    what: String,
    p50_ms: f64,
    p99_ms: f64,
    /// Of the page that came last.
    rows: usize,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:42} half within {:7.2} ms, p99 {:7.2} ms, {} rows",
            self.what, self.p50_ms, self.p99_ms, self.rows
        )
    }
}

impl Figure {
    pub fn json(&self) -> Value {
        json!({"list": self.what, "p50_ms": self.p50_ms, "p99_ms": self.p99_ms, "rows": self.rows})
    }
}

type Make = fn(&mut fastrand::Rng, usize) -> Filter;

const LISTS: [(&str, Make); 18] = [
    ("everything", |_, _| Filter::default()),
    ("a kind", |random, _| Filter { kind: one(random, &KINDS), ..Filter::default() }),
    ("a common status", |_, _| Filter { status: Some("active".to_owned()), ..Filter::default() }),
    ("a rare status", |_, _| Filter { status: Some("off".to_owned()), ..Filter::default() }),
    ("no such status", |_, _| Filter { status: Some("archived".to_owned()), ..Filter::default() }),
    ("a region", |random, _| Filter { region: one(random, &REGIONS), ..Filter::default() }),
    ("a tenant", |random, _| Filter { tenant: Some(tenant(random)), ..Filter::default() }),
    ("a project", |random, _| Filter { project: Some(project(random)), ..Filter::default() }),
    ("a common tag", |_, _| Filter { tag: Some("env:prod".to_owned()), ..Filter::default() }),
    ("a rare tag", |random, _| Filter {
        tag: Some(format!("customer:{}", random.usize(..5_000))),
        ..Filter::default()
    }),
    ("a name", |random, most| Filter { name: Some(Name::Whole(name(random, most))), ..Filter::default() }),
    ("a name's beginning", |_, _| Filter {
        name: Some(Name::Beginning("WEB-1".to_owned())),
        ..Filter::default()
    }),
    ("a common word", |_, _| Filter { words: words("web"), ..Filter::default() }),
    ("a rare word", |random, most| Filter {
        words: words(&format!("web {}", random.usize(..most.max(1)))),
        ..Filter::default()
    }),
    ("what is gone", |_, _| Filter { deleted: Deleted::Only, ..Filter::default() }),
    ("a kind in a region", |random, _| Filter {
        kind: one(random, &KINDS),
        region: one(random, &REGIONS),
        ..Filter::default()
    }),
    ("a tenant's kind in a status", |random, _| Filter {
        tenant: Some(tenant(random)),
        kind: one(random, &KINDS),
        status: Some("off".to_owned()),
        ..Filter::default()
    }),
    ("a kind with a word and a tag", |random, _| Filter {
        kind: one(random, &KINDS),
        words: words("prod"),
        tag: Some("env:prod".to_owned()),
        ..Filter::default()
    }),
];

pub async fn measure(db: &Db, resources: usize, calls: usize) -> anyhow::Result<Vec<Figure>> {
    let (mut random, mut figures) = (fastrand::Rng::with_seed(7), Vec::new());
    for sort in [Sort::Newest, Sort::Oldest, Sort::Name] {
        for (what, make) in LISTS {
            let (mut times, mut rows) = (Vec::with_capacity(calls), 0);
            for _ in 0..calls {
                rows = timed(db, &make(&mut random, resources), sort, &mut times).await?;
            }
            figures.push(figure(format!("{what}, {sort:?}"), times, rows));
        }
    }
    let now = Timestamp::now();
    for sort in [Sort::Newest, Sort::Name] {
        for (what, make) in LISTS {
            let (mut times, mut rows) = (Vec::with_capacity(calls), 0);
            for _ in 0..calls / 5 + 1 {
                let as_of = Some(now - SignedDuration::from_mins(random.i64(30..8 * 60)));
                let filter = Filter { as_of, ..make(&mut random, resources) };
                rows = timed(db, &filter, sort, &mut times).await?;
            }
            figures.push(figure(format!("as of a past time: {what}, {sort:?}"), times, rows));
        }
    }
    Ok(figures)
}

async fn timed(db: &Db, filter: &Filter, sort: Sort, times: &mut Vec<Duration>) -> anyhow::Result<usize> {
    let began = Instant::now();
    let rows = list(db, &Scope::All, filter, sort, None, PAGE).await?;
    times.push(began.elapsed());
    Ok(rows.len())
}

fn figure(what: String, mut times: Vec<Duration>, rows: usize) -> Figure {
    Figure { what, p50_ms: percentile_ms(&mut times, 0.5), p99_ms: percentile_ms(&mut times, 0.99), rows }
}

fn one(random: &mut fastrand::Rng, list: &[&str]) -> Option<String> {
    Some(list[random.usize(..list.len())].to_owned())
}

fn tenant(random: &mut fastrand::Rng) -> String {
    format!("tenant-{}", random.usize(..TENANTS))
}

fn project(random: &mut fastrand::Rng) -> Uuid {
    // As the fill writes them: the number in decimal digits at the end of the text.
    let text = format!("00000000-0000-7000-8000-{:012}", random.usize(..TENANTS));
    text.parse().unwrap_or_default()
}

fn name(random: &mut fastrand::Rng, most: usize) -> String {
    let number = random.usize(..most.max(1));
    format!("{}-{number}.example.com", ["web", "api", "db"][number % 3])
}
