//! The renderer alone: what each engine is sent. That the engines understand it is tested with them.

use super::{Rendered, render};
use crate::Engine;

fn sqlite(text: &str) -> Rendered {
    render(Engine::Sqlite, text, &["id", "r#type"]).unwrap()
}

fn postgres(text: &str) -> Rendered {
    render(Engine::Postgres, text, &["id", "r#type"]).unwrap()
}

fn refused(text: &str) -> String {
    render(Engine::Postgres, text, &["id", "r#type"]).unwrap_err()
}

#[test]
fn arguments_keep_their_numbers_in_any_order() {
    let text = "UPDATE t SET a = $2, b = $1 WHERE c = $2";
    assert_eq!(sqlite(text).text, "UPDATE t SET a = ?2, b = ?1 WHERE c = ?2");
    assert_eq!(postgres(text).text, text);
    assert_eq!(sqlite(text).arguments, 2);
}

#[test]
fn the_clock_is_the_argument_after_the_last() {
    let text = "SELECT {now}, {now+$1}, $2";
    assert_eq!(
        postgres(text).text,
        "SELECT COALESCE($3::timestamptz, now()), \
         (COALESCE($3::timestamptz, now()) + ($1)::bigint * interval '1 millisecond'), $2"
    );
    assert!(sqlite(text).text.contains("COALESCE(?3, "));
    assert_eq!((sqlite(text).arguments, sqlite(text).wants_now), (2, true));
    assert!(!sqlite("SELECT 1").wants_now);
}

#[test]
fn a_sum_takes_any_expression_for_its_time() {
    let text = "SELECT {plus(COALESCE(a, b, {now}), $1)}";
    assert_eq!(
        postgres(text).text,
        "SELECT ((COALESCE(a, b, COALESCE($2::timestamptz, now()))) + ($1)::bigint * interval '1 millisecond')"
    );
    assert!(sqlite("SELECT {plus(wake_at, $1)}").text.ends_with("((wake_at) + (?1) * 1000)"));
}

#[test]
fn locks_and_casts_are_for_postgresql_only() {
    let text = "SELECT a FROM t WHERE ({uuid($1)} IS NULL OR a = $1) {skip_locked}";
    assert_eq!(sqlite(text).text, "SELECT a FROM t WHERE ((?1) IS NULL OR a = ?1) ");
    assert_eq!(
        postgres(text).text,
        "SELECT a FROM t WHERE (($1)::uuid IS NULL OR a = $1) FOR UPDATE SKIP LOCKED"
    );
}

#[test]
fn quotes_and_comments_are_left_alone() {
    let text = "SELECT '{now} $1 it''s', \"{odd}\" -- } $2 {\n, /* {x} */ $1 || '{}'";
    assert_eq!(postgres(text).text, text);
    assert_eq!(sqlite(text).text, text.replace("$1 ||", "?1 ||"));
}

#[test]
fn only_statements_that_read_may_go_to_readers() {
    assert!(sqlite(" SELECT 'DELETE' FROM t {for_update}").reads);
    assert!(sqlite("with x AS (SELECT 1) SELECT id FROM x").reads);
    assert!(!sqlite("WITH x AS (SELECT 1) INSERT INTO t SELECT id FROM x RETURNING id").reads);
    assert!(!sqlite("UPDATE t SET a = 1 RETURNING a").reads);
}

#[test]
fn columns_are_those_of_the_row_type() {
    assert_eq!(postgres("SELECT {columns} FROM t").text, "SELECT id, type FROM t");
    assert_eq!(sqlite("SELECT {columns(t)}, a FROM t").text, "SELECT t.id, t.type, a FROM t");
    assert!(render(Engine::Sqlite, "SELECT {columns} FROM t", &[]).is_err());
}

#[test]
fn all_columns_are_refused_and_other_stars_are_not() {
    for text in [
        "SELECT * FROM t",
        "SELECT DISTINCT *\n FROM t",
        "SELECT a, * FROM t",
        "SELECT t.* FROM t",
        "UPDATE t SET a = 1 RETURNING *",
        "WITH x AS (select *, 1 FROM t) SELECT a FROM x",
    ] {
        assert_eq!(refused(text), "name the columns instead of `*`", "{text}");
    }
    let counted = "SELECT COUNT(*), a * 2, '*' /* * */ FROM t WHERE b = $1 * 2";
    assert_eq!(postgres(counted).text, counted);
}

#[test]
fn what_cannot_be_rendered_is_refused_with_its_reason() {
    assert_eq!(refused("SELECT {soon}"), "there is no slot {soon}");
    assert_eq!(refused("SELECT {cast($1)}"), "there is no slot {cast($1)}");
    assert_eq!(refused("SELECT {plus($1)}"), "there is no slot {plus($1)}");
    assert_eq!(refused("SELECT $2"), "uses $2 but never $1");
    assert_eq!(refused("SELECT $0"), "arguments are counted from $1");
    assert_eq!(refused("SELECT {now"), "a slot has no end: {now");
    assert_eq!(refused("SELECT }"), "there is a } without its {");
    assert_eq!(refused("SELECT 'a"), "a quote or comment has no end: 'a");
}
