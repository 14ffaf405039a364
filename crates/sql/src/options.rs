//! Which engine, and how to open it. A URL is read here and nowhere else,
//! because it may carry a password that no message may repeat.

use std::path::PathBuf;

use crate::{Error, ManualNow};

/// The two engines every statement runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// How to open a database; the default is right for a service.
#[derive(Debug, Clone)]
pub struct Options {
    /// Replaces the database's clock wherever a statement says `{now}`.
    pub manual_now: Option<ManualNow>,
    /// Connections of the PostgreSQL pool; SQLite has one writer and four readers whatever this says.
    pub max_connections: u32,
    /// Whether a SQLite file is held for this handle's life, so that a second process is refused.
    pub lock_file: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { manual_now: None, max_connections: 10, lock_file: true }
    }
}

/// What a URL names.
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Target, Error> {
        let refused = |problem: &'static str| Error::Url { problem };
        let (scheme, rest) =
            url.split_once(':').ok_or_else(|| refused("it has no scheme; use sqlite:// or postgres://"))?;
        match scheme {
            "postgres" | "postgresql" => Ok(Target::Postgres(url.to_owned())),
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() {
                    return Err(refused("it names no file"));
                }
                if path == ":memory:" {
                    return Err(refused(
                        "SQLite is used with a file: every connection would see its own memory",
                    ));
                }
                if path.contains('?') {
                    return Err(refused("a SQLite URL takes no parameters"));
                }
                Ok(Target::Sqlite(PathBuf::from(path)))
            }
            _ => Err(refused("its scheme is neither sqlite nor postgres")),
        }
    }
}
