//! Files that may do what others may not, each with its reason. A shorter page is a better one.

/// Files of more than 400 lines.
pub const LONG: &[(&str, &str)] = &[];

/// Files that read a clock of this machine, or make ids and chance.
pub const CLOCKS: &[(&str, &str)] = &[
    ("crates/arcadia/src/cloud.rs", "`Cloud` is where everybody else takes them from"),
    ("crates/sql/src/testing.rs", "databases of tests that run at once need names of their own"),
];
