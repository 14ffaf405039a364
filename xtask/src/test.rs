//! `cargo xtask test`: all tests, on both databases, with everything they need, and a count that proves it.

use std::io::Write;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
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
    follow(&mut build, None).await?;

    let mut test = command::cargo();
    test.args(["test", "--workspace", "--no-fail-fast"]);
    if !filters.is_empty() {
        test.arg("--").args(filters);
    }
    test.env(postgres::VARIABLE, server.url()).env(python::VARIABLE, python);
    test.env(node::VARIABLE, node).env(openapi::VARIABLE, specification);
    if let Some(programs) = server.programs() {
        test.env(postgres::PROGRAMS_VARIABLE, programs);
    }
    let mut count = Count::default();
    let tested = follow(&mut test, Some(&mut count)).await;
    drop(server);

    println!("xtask: {count}");
    tested?;
    ensure!(count.all() > 0, "no test ran");
    if filters.is_empty() {
        ensure!(count.sqlite > 0, "no test ran on SQLite");
        ensure!(count.postgres > 0, "no test ran on PostgreSQL");
    }
    Ok(())
}

/// Runs a command, passing its output through line by line as it comes.
pub(crate) async fn follow(command: &mut Command, mut count: Option<&mut Count>) -> Result<()> {
    println!("xtask: {}", command::describe(command));
    let mut group = Group::start(command.stdout(Stdio::piped()))?;
    let output = group.child().stdout.take().context("the command has no output")?;
    let (mut lines, mut stdout) = (BufReader::new(output), std::io::stdout());
    let mut line = Vec::new();
    // Bytes, not strings: a test may print what is not text.
    while lines.read_until(b'\n', &mut line).await? > 0 {
        stdout.write_all(&line)?;
        stdout.flush()?;
        if let Some(count) = &mut count {
            count.see(String::from_utf8_lossy(&line).trim_end());
        }
        line.clear();
    }
    let status = group.child().wait().await?;
    if !status.success() {
        bail!("`{}` failed ({status})", command::describe(command));
    }
    Ok(())
}
