//! Counts the tests that really ran, by the engine their names end with, from what the test programs print.

use std::fmt;

/// How many tests ran, passed or not.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Count {
    pub(crate) sqlite: usize,
    pub(crate) postgres: usize,
    pub(crate) neither: usize,
}

impl Count {
    /// Looks at one line of a test program's output.
    pub(crate) fn see(&mut self, line: &str) {
        let Some(name) = ran(line) else { return };
        match name.rsplit("::").next() {
            Some("sqlite") => self.sqlite += 1,
            Some("postgres") => self.postgres += 1,
            _ => self.neither += 1,
        }
    }

    pub(crate) fn all(&self) -> usize {
        self.sqlite + self.postgres + self.neither
    }
}

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { sqlite, postgres, neither } = self;
        write!(formatter, "{sqlite} tests ran on SQLite, {postgres} on PostgreSQL, {neither} on neither")
    }
}

/// The name in `test <name> ... ok`; an ignored test did not run.
fn ran(line: &str) -> Option<&str> {
    let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let is_over = outcome.starts_with("ok") || outcome.starts_with("FAILED");
    is_over.then(|| name.trim_end_matches(" - should panic"))
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn tests_are_told_apart_by_the_end_of_their_names() {
        let mut count = Count::default();
        let output = "running 6 tests
test store::a_row_is_kept::sqlite ... ok
test store::a_row_is_kept::postgres ... FAILED
test store::an_unknown_slot_is_a_panic::postgres - should panic ... ok
test store::sqlite_is_named_in_the_middle ... ok <0.123s>
test src/lib.rs - Client (line 12) - compile ... ok
test slow::one::sqlite ... ignored, takes long
test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out";
        output.lines().for_each(|line| count.see(line));
        assert_eq!(count, Count { sqlite: 1, postgres: 2, neither: 2 });
        assert_eq!(count.all(), 5);
    }
}
