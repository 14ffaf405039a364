//! The rules. Each looks at one file and says what is wrong with it, naming the place where it would be right.

use super::exceptions;
use super::source::Source;

const MAX_LINES: usize = 400;

/// Everything a file does that it may not.
pub fn breaches(file: &Source) -> Vec<String> {
    let rules = [purpose, length, sql, axum, network, clock_and_chance];
    rules.iter().filter_map(|rule| rule(file)).map(|breach| format!("{}: {breach}", file.path)).collect()
}

fn purpose(file: &Source) -> Option<String> {
    (!file.opens_with_its_purpose)
        .then(|| "a file opens with `//!` (or its README) and what it is".to_owned())
}

fn length(file: &Source) -> Option<String> {
    let is_worth_it = exceptions::LONG.iter().any(|(path, _)| *path == file.path);
    (file.lines > MAX_LINES && !is_worth_it).then(|| {
        format!("{} lines are more than {MAX_LINES}; divide it, or list it with a reason", file.lines)
    })
}

fn sql(file: &Source) -> Option<String> {
    let has_sql = file.code.contains("statements!") || file.strings.iter().any(|text| is_sql(text));
    (has_sql && !may_have_sql(file)).then(|| "SQL stands in a store.rs or in a store/ folder".to_owned())
}

fn may_have_sql(file: &Source) -> bool {
    let is_store = file.name() == "store.rs" || file.is_in("store");
    is_store
        || file.is_test()
        || ["crates/sql/", "crates/saga/"].iter().any(|home| file.path.starts_with(home))
}

fn is_sql(text: &str) -> bool {
    let words: Vec<_> = text.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    match words.first() {
        Some(&"SELECT") => has("FROM"),
        Some(&"UPDATE") => has("SET"),
        Some(&"INSERT") => has("INTO"),
        Some(&"DELETE") => has("FROM"),
        Some(&"WITH") => has("SELECT"),
        Some(&("CREATE" | "ALTER" | "DROP")) => has("TABLE") || has("INDEX"),
        _ => false,
    }
}

fn axum(file: &Source) -> Option<String> {
    let is_edge = file.name() == "http.rs"
        || file.is_in("http")
        || file.is_in("console")
        || file.path.starts_with("crates/digitalocean-sim/")
        || file.is_test();
    (file.has_word("axum") && !is_edge).then(|| "axum stands in http.rs, http/ and console/".to_owned())
}

fn network(file: &Source) -> Option<String> {
    let may = file.path.starts_with("crates/digitalocean/")
        || file.path == "crates/arcadia/src/billing/finance.rs"
        || file.path.starts_with("crates/arcadia/src/cli/")
        || file.is_test();
    (file.has_word("reqwest") && !may).then(|| {
        "reqwest stands in crates/digitalocean, billing/finance.rs and the command line's cli/".to_owned()
    })
}

const CLOCKS_AND_IDS: [&str; 5] =
    ["Timestamp::now", "SystemTime::now", "Instant::now", "Uuid::new_v4", "Uuid::now_v7"];

fn clock_and_chance(file: &Source) -> Option<String> {
    let used = clocks_used(file).next()?;
    let may = file.is_test() || exceptions::CLOCKS.iter().any(|(path, _)| *path == file.path);
    (!may).then(|| {
        format!("`{used}` makes what tests must decide; take it from `Cloud`, or the engine's clock")
    })
}

fn clocks_used(file: &Source) -> impl Iterator<Item = &'static str> {
    let clocks = CLOCKS_AND_IDS.into_iter().filter(|clock| file.code.contains(clock));
    clocks.chain(has_unseeded_chance(file).then_some("fastrand"))
}

/// A generator made from a seed is fit for tests; the functions of the crate itself and a `new` one are not.
fn has_unseeded_chance(file: &Source) -> bool {
    let mut uses = file.code.match_indices("fastrand::").map(|(at, found)| &file.code[at + found.len()..]);
    uses.any(|used| used.starts_with(|first: char| first.is_lowercase()) || used.starts_with("Rng::new("))
}

/// Files with statements that no list names, in their own crate or the service's, of which a test prepares all.
pub fn unlisted_statements(tree: &[Source], tests: &[Source]) -> Vec<String> {
    let has_statements = |file: &&Source| {
        file.code.contains("statements!") && !file.path.starts_with("crates/sql/") && !file.is_test()
    };
    let is_listed = |file: &Source| {
        let inside = (crate_of(file), format!("{}::STATEMENTS", module(file)));
        let outside = ("arcadia", format!("arcadia_{}::STATEMENTS", crate_of(file)));
        [inside, outside].iter().any(|(home, list)| {
            let is_named = tree.iter().chain(tests).any(|it| crate_of(it) == *home && it.code.contains(list));
            is_named && tests.iter().any(|test| crate_of(test) == *home && prepares_a_list(test))
        })
    };
    let unlisted = tree.iter().filter(has_statements).filter(|file| !is_listed(file));
    unlisted.map(|file| format!("{}: name {}::STATEMENTS in the list", file.path, module(file))).collect()
}

fn prepares_a_list(test: &Source) -> bool {
    let names_a_list = test.has_word("STATEMENTS") || test.has_word("statements");
    test.code.contains(".prepare(") && names_a_list
}

fn crate_of(file: &Source) -> &str {
    file.path.split('/').nth(1).unwrap_or_default()
}

/// The last two names of its module's path: `drift::store`; one at the root of a crate: `store`.
fn module(file: &Source) -> String {
    let inside = file.path.split_once("/src/").map_or(file.path.as_str(), |(_, inside)| inside);
    let names = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    let names: Vec<_> = names.split('/').collect();
    names[names.len().saturating_sub(2)..].join("::")
}

/// Exceptions for files that no longer need them, or no longer are.
pub fn stale_exceptions(tree: &[Source]) -> Vec<String> {
    let find = |path: &str| tree.iter().find(|file| file.path == path);
    let short =
        exceptions::LONG.iter().filter(|(path, _)| find(path).is_none_or(|file| file.lines <= MAX_LINES));
    let quiet = exceptions::CLOCKS
        .iter()
        .filter(|(path, _)| find(path).is_none_or(|file| clocks_used(file).next().is_none()));
    short.chain(quiet).map(|(path, _)| (*path).to_owned()).collect()
}
