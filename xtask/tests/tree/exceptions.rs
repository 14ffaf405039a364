//! Files that may do what others may not, each with its reason. A shorter page is a better one.

/// Files of more than 400 lines.
pub const LONG: &[(&str, &str)] = &[];

/// Files that read a clock of this machine, or make ids and chance.
pub const CLOCKS: &[(&str, &str)] = &[
    ("crates/digitalocean/src/attempt.rs", "measures how long a call took, for its report"),
    ("crates/digitalocean/src/clock.rs", "the client's clock: limits and waits, faster on demand"),
    ("crates/digitalocean-sim/src/clock.rs", "the simulator's clock, which tests move by hand"),
    ("crates/saga/src/clock.rs", "the engine's clock, ids and chance: where `Cloud` has them from"),
    (
        "crates/saga/src/journal/sqlite.rs",
        "how long its thread looks for more before it sleeps: nothing is decided by it",
    ),
    (
        "crates/sql/src/session.rs",
        "how long a connection rested, in the server's time, whatever a test's clock says",
    ),
    ("crates/sql/src/testing.rs", "databases of tests that run at once need names of their own"),
];
