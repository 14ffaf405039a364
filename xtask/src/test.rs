//! `cargo xtask test`: all tests, on both databases, with everything they need, a count that proves it, and a search
//! of all that they said for secrets.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

use crate::command::{self, Group};
use crate::count::Count;
use crate::node;
use crate::openapi;
use crate::postgres::{self, Server};
use crate::python;

/// Runs the tests whose names contain one of `filters`, or all.
pub(crate) async fn run(filters: &[String]) -> Result<()> {
    // What may fail for want of a network comes before the long build.
    let python = python::ready().await?;
    let node = node::ready().await?;
    let specification = openapi::ready().await?;
    let server = Server::ready().await?;

    let mut build = command::cargo();
    build.args(["build", "--workspace"]);
    follow(&mut build).await?;

    let record = command::cache().join("record");
    let _ = fs::remove_dir_all(&record);
    fs::create_dir_all(&record).with_context(|| format!("cannot make {}", record.display()))?;
    let mut test = command::cargo();
    test.args(["test", "--workspace", "--no-fail-fast", "--", "--show-output"]).args(filters);
    test.env(postgres::VARIABLE, server.url()).env(python::VARIABLE, python);
    test.env(node::VARIABLE, node).env(openapi::VARIABLE, specification);
    test.env(arcadia_test_record::VARIABLE, &record);
    if let Some(programs) = server.programs() {
        test.env(postgres::PROGRAMS_VARIABLE, programs);
    }
    let mut count = Count::default();
    let tested = listen(&mut test, &record, &mut count).await;
    drop(server);

    println!("xtask: {count}");
    let searched = search(&record, filters.is_empty());
    tested?;
    searched?;
    ensure!(count.all() > 0, "no test ran");
    if filters.is_empty() {
        ensure!(count.sqlite > 0, "no test ran on SQLite");
        ensure!(count.postgres > 0, "no test ran on PostgreSQL");
    }
    Ok(())
}

/// The test programs that hold secrets: a search that has heard nothing of one of them proves nothing.
const HOLD_SECRETS: [&str; 10] =
    ["api", "client", "clients", "command_line", "contract", "demo", "http", "pair", "processes", "sagas"];
/// Of what is found, as much as a person reads.
const MAX_SHOWN: usize = 20;

/// Fails where anything that the tests said, logged or were answered shows a secret.
fn search(record: &Path, is_all: bool) -> Result<()> {
    let searched = arcadia_test_record::search(record).context("cannot search what the tests said")?;
    let (bytes, programs) = (searched.total_bytes(), searched.bytes.len());
    println!("xtask: searched {bytes} bytes that {programs} programs left for secrets");
    for found in searched.found.iter().take(MAX_SHOWN) {
        println!("{}:{}: {}", found.file, found.line, found.text);
    }
    let (found, place) = (searched.found.len(), record.display());
    ensure!(found == 0, "{found} lines in {place} show a secret");
    let is_silent = |program: &&str| searched.bytes.get(*program).is_none_or(|bytes| *bytes == 0);
    let silent: Vec<_> = HOLD_SECRETS.into_iter().filter(|program| is_all && is_silent(program)).collect();
    ensure!(silent.is_empty(), "nothing is heard of {}", silent.join(", "));
    fs::remove_dir_all(record).with_context(|| format!("cannot remove {place}"))
}

/// Runs the tests and counts them, passing their output through and keeping it.
async fn listen(command: &mut Command, record: &Path, count: &mut Count) -> Result<()> {
    println!("xtask: {}", command::describe(command));
    let mut group = Group::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let output = group.child().stdout.take().context("the command has no output")?;
    let complaints = group.child().stderr.take().context("the command has no errors")?;
    let see = |line: &str| count.see(line);
    tokio::try_join!(
        copy(output, std::io::stdout(), File::create(record.join("stdout.log"))?, see),
        copy(complaints, std::io::stderr(), File::create(record.join("stderr.log"))?, |_| {}),
    )?;
    let status = group.child().wait().await?;
    ensure!(status.success(), "`{}` failed ({status})", command::describe(command));
    Ok(())
}

/// Line by line as it comes. Bytes, not strings: a test may print what is not text.
async fn copy(
    from: impl AsyncRead + Unpin,
    mut to: impl Write,
    mut kept: File,
    mut see: impl FnMut(&str),
) -> Result<()> {
    let (mut lines, mut line) = (BufReader::new(from), Vec::new());
    while lines.read_until(b'\n', &mut line).await? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        kept.write_all(&line)?;
        see(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(())
}

/// Runs a command to its end; its output is the chore's own.
pub(crate) async fn follow(command: &mut Command) -> Result<()> {
    println!("xtask: {}", command::describe(command));
    let status = Group::start(command)?.child().wait().await?;
    if !status.success() {
        bail!("`{}` failed ({status})", command::describe(command));
    }
    Ok(())
}
