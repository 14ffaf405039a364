//! The tree itself under test: what may stand in which file (ARCHITECTURE.md says why).
//! Each rule is also shown a breach, so that none can pass by seeing nothing.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

#[path = "tree/exceptions.rs"]
mod exceptions;
#[path = "tree/rules.rs"]
mod rules;
#[path = "tree/source.rs"]
mod source;

use source::Source;

#[test]
fn every_file_keeps_the_rules_of_the_house() {
    let tree = Source::all();
    assert!(tree.len() > 20, "only {} files were found: the rules would be looking at nothing", tree.len());
    let breaches: Vec<_> = tree.iter().flat_map(rules::breaches).collect();
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}

#[test]
fn every_statement_is_listed_for_the_test_that_prepares_them_all() {
    let tree = Source::all();
    let unlisted = rules::unlisted_statements(&tree, &Source::tests());
    assert!(unlisted.is_empty(), "never prepared by a test:\n{}", unlisted.join("\n"));
}

#[test]
fn every_exception_is_still_needed() {
    let tree = Source::all();
    let stale = rules::stale_exceptions(&tree);
    assert!(stale.is_empty(), "take these off their lists:\n{}", stale.join("\n"));
}

/// The one breach of a file that would stand at `path`.
fn breach(path: &str, text: &str) -> String {
    let mut breaches = rules::breaches(&Source::new(path, &format!("//! A file.\n{text}")));
    assert_eq!(breaches.len(), 1, "{path}: {breaches:?}");
    breaches.remove(0)
}

fn allowed(path: &str, text: &str) {
    let breaches = rules::breaches(&Source::new(path, &format!("//! A file.\n{text}")));
    assert!(breaches.is_empty(), "{breaches:?}");
}

#[test]
fn sql_stands_in_stores_only() {
    let statement = "statements! { A = \"SELECT id FROM t\"; }";
    assert!(breach("crates/arcadia/src/drift/http.rs", "statements! { }").contains("SQL"));
    for text in ["SELECT id FROM t", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t"] {
        assert!(
            breach("crates/arcadia/src/drift.rs", &format!("const A: &str = r#\"\n {text}\"#;"))
                .contains("SQL")
        );
    }
    allowed("crates/arcadia/src/drift/store.rs", statement);
    allowed("crates/arcadia/src/billing/store/lines.rs", statement);
    allowed("crates/saga/src/journal.rs", statement);
    allowed(
        "crates/arcadia/src/drift.rs",
        "// SELECT id FROM t\nconst A: &str = \"SELECT a plan; UPDATE it\";",
    );
}

#[test]
fn the_web_framework_stands_at_the_web_s_edge_only() {
    assert!(breach("crates/arcadia/src/drift/mod.rs", "use axum::Json;").contains("axum"));
    allowed("crates/arcadia/src/drift/http.rs", "use axum::Json;");
    allowed("crates/arcadia/src/console/pages.rs", "use axum::Json;");
    allowed("crates/digitalocean-sim/src/faults.rs", "use axum::Json;");
    allowed("crates/arcadia/src/drift/mod.rs", "// Nothing of axum here.\nconst A: &str = \"axum\";");
}

#[test]
fn the_network_is_reached_from_few_places() {
    let text = "async fn a() { reqwest::get(\"x\").await; }";
    assert!(breach("crates/arcadia/src/drift/detect.rs", text).contains("reqwest"));
    allowed("crates/digitalocean/src/client.rs", text);
    allowed("crates/arcadia/src/billing/finance.rs", text);
    allowed("crates/arcadia/src/cli/deployments.rs", text);
    allowed("crates/arcadia/src/drift/detect.rs", &format!("#[cfg(test)]\nmod tests {{\n{text}\n}}"));
}

#[test]
fn time_ids_and_chance_come_through_the_cloud() {
    for text in
        ["Timestamp::now()", "SystemTime::now()", "Instant::now()", "Uuid::now_v7()", "fastrand::u8(..)"]
    {
        let text = format!("fn a() {{ let _ = {text}; }}");
        assert!(breach("crates/arcadia/src/drift/detect.rs", &text).contains("Cloud"));
        allowed("crates/saga/src/clock.rs", &text);
    }
    assert!(breach("crates/saga/src/a.rs", "fn a() { fastrand::Rng::new(); }").contains("fastrand"));
    allowed("crates/saga/src/a.rs", "fn a(rng: &mut fastrand::Rng) { *rng = fastrand::Rng::with_seed(7); }");
}

#[test]
fn a_file_says_what_it_is_and_fits_in_a_head() {
    let silent = rules::breaches(&Source::new("crates/saga/src/a.rs", "fn a() {}\n"));
    assert!(silent.len() == 1 && silent[0].contains("opens with"), "{silent:?}");
    assert!(breach("crates/saga/src/a.rs", &"// why\n".repeat(400)).contains("401 lines"));
    allowed("crates/saga/src/a.rs", &"// why\n".repeat(399));
}

#[test]
fn a_store_nobody_prepares_is_found() {
    let file = |path: &str, text: &str| Source::new(path, &format!("//! A file.\n{text}"));
    let unlisted = |tree: &[Source], test: &str| {
        rules::unlisted_statements(tree, &[file("crates/arcadia/tests/stores.rs", test)]).len()
    };
    let store = file("crates/arcadia/src/drift/store.rs", "statements! { }");
    let list = file("crates/arcadia/src/stores.rs", "const A: X = [drift::store::STATEMENTS];");
    let other = file("crates/arcadia/src/stores.rs", "const A: X = [billing::store::STATEMENTS];");
    let test = "fn a() { for it in stores::statements() { db.prepare(it) } }";
    assert_eq!(unlisted(&[store.clone(), list.clone()], test), 0);
    assert_eq!(unlisted(&[store.clone(), other], test), 1);
    assert_eq!(unlisted(&[store, list], "fn a() { step.prepare(run) }"), 1);

    let engine = file("crates/saga/src/store.rs", "statements! { }");
    let shared = file("crates/arcadia/src/stores.rs", "const A: X = [arcadia_saga::STATEMENTS];");
    assert_eq!(unlisted(&[engine.clone(), shared], test), 0);
    let exported = file("crates/saga/src/lib.rs", "pub use store::STATEMENTS;");
    assert_eq!(unlisted(&[engine, exported], test), 1);
}
