//! `cargo xtask bench <area>`: builds the benchmarks for release and runs one, with a PostgreSQL of its own if asked.

use anyhow::Result;

use crate::command;
use crate::postgres::{Durability, Server};
use crate::test::follow;

/// The word that stands for a cluster started for this run, durable as PostgreSQL is by default.
const OWN_SERVER: &str = "postgres";

/// Runs `area` with the benchmark's own arguments.
pub(crate) async fn run(area: &str, arguments: &[String]) -> Result<()> {
    let mut arguments = arguments.to_vec();
    let mut server = None;
    if let Some(at) = arguments.iter().position(|argument| argument == "--database")
        && let Some(database) = arguments.get_mut(at + 1)
        && database == OWN_SERVER
    {
        let started = Server::start(Durability::Default).await?;
        *database = started.url();
        server = Some(started);
    }
    let mut bench = command::cargo();
    bench.args(["run", "--release", "--quiet", "--package", "arcadia-bench", "--", area]).args(&arguments);
    let done = follow(&mut bench).await;
    drop(server);
    done
}
