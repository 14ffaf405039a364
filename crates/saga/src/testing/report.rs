//! How many cases of which hazard ran, and which did not hold.

use super::hazard::{Case, engine_word};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;

/// Names one case; then only that one runs.
pub const CASE_VARIABLE: &str = "ARCADIA_SAGA_CASE";

/// What a [`Trial`](super::Trial) found.
#[derive(Debug, Default)]
pub struct Report {
    /// Cases by hazard and engine.
    counts: BTreeMap<(&'static str, &'static str), usize>,
    violations: Vec<Violation>,
    /// Cases that have nowhere to strike, with the reason.
    passed_over: Vec<String>,
}

/// A case that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its name, as [`CASE_VARIABLE`] takes it.
    pub case: String,
    /// What did not hold.
    pub why: String,
}

impl Report {
    pub(crate) fn add(&mut self, case: &Case, held: Result<(), String>) {
        let family = case.hazard.map_or("nothing goes wrong", |hazard| hazard.family());
        *self.counts.entry((family, engine_word(case.engine))).or_default() += 1;
        if let Err(why) = held {
            self.violations.push(Violation { case: case.to_string(), why });
        }
    }

    pub(crate) fn pass_over(&mut self, why: String) {
        self.passed_over.push(why);
    }

    pub(crate) fn join(&mut self, other: Report) {
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.violations.extend(other.violations);
        self.passed_over.extend(other.passed_over);
    }

    /// All cases that ran.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many cases of each hazard ran, by hazard and engine.
    pub fn by_hazard(&self) -> impl Iterator<Item = (&'static str, &'static str, usize)> {
        self.counts.iter().map(|((family, engine), count)| (*family, *engine, *count))
    }

    /// The cases that did not hold, the simplest first.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// One line for whoever runs the test, past its harness, which keeps what a passing test prints to itself.
    pub fn tell(&self) {
        let test = std::thread::current();
        let (test, cases) = (test.name().unwrap_or_default(), self.cases());
        // Nobody reads it any more: nothing is lost.
        let _ = writeln!(std::io::stdout(), "{test}: {cases} cases, {} violations", self.violations.len());
    }

    /// Panics unless cases ran and every one held; names the simplest that did not, and how to replay it.
    pub fn assert_holds(&self) {
        assert!(self.cases() > 0, "no case ran: {CASE_VARIABLE} names none of this trial's");
        assert!(self.violations.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} cases, {} violations", self.cases(), self.violations.len())?;
        for ((family, engine), count) in &self.counts {
            writeln!(f, "  {count:5}  {family} ({engine})")?;
        }
        for why in &self.passed_over {
            writeln!(f, "  passed over: {why}")?;
        }
        for violation in self.violations.iter().take(10) {
            writeln!(f, "  {}: {}", violation.case, violation.why)?;
        }
        if let Some(first) = self.violations.first() {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
            let command = format!("cargo test -p {package} -- --exact {test}");
            writeln!(f, "replay the simplest with\n  {CASE_VARIABLE}={} {command}", first.case)?;
        }
        Ok(())
    }
}
