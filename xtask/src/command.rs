//! Running other programs so that none outlives the chore: not after a failure, an interrupt, or a kill.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where chores keep what they install: beside cargo's own output, and gone with it.
pub(crate) fn cache() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    target.join("xtask")
}

/// The program of that name in PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Whether we run as root, by asking the system's own `id`.
pub(crate) async fn is_root() -> bool {
    let answer = Command::new("id").arg("-u").output().await;
    answer.is_ok_and(|answer| answer.stdout.trim_ascii() == b"0")
}

/// Installs Debian packages, where that is possible: as root, with apt-get.
pub(crate) async fn install(packages: &[&str]) -> Result<bool> {
    if find("apt-get").is_none() || !is_root().await {
        return Ok(false);
    }
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(packages);
    println!("xtask: apt-get {}", install.join(" "));
    if apt_get(&install).await.is_ok() {
        return Ok(true);
    }
    println!("xtask: apt-get update, then once more");
    apt_get(&["update"]).await?;
    apt_get(&install).await?;
    Ok(true)
}

async fn apt_get(arguments: &[&str]) -> Result<()> {
    quietly(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive")).await
}

/// Runs a program to its end and shows what it said only when it fails.
pub(crate) async fn quietly(command: &mut Command) -> Result<()> {
    let name = describe(command);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("cannot run `{name}`"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("`{name}` failed ({})\n{}", output.status, String::from_utf8_lossy(&said).trim_end());
    }
    Ok(())
}

/// The command as a person would type it.
pub(crate) fn describe(command: &Command) -> String {
    let words = std::iter::once(command.as_std().get_program()).chain(command.as_std().get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// A cargo command that does not see what `cargo run` tells this program about itself:
/// build scripts watch some of it and would run again.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = dying_with_us("TERM", &program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command.current_dir(workspace()).stdin(Stdio::null());
    command
}

/// A command that the kernel signals when this process is gone, however it went.
pub(crate) fn dying_with_us(signal: &str, program: impl AsRef<OsStr>) -> Command {
    match find("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", signal, "--"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// A running program with all that it has started; dropping it ends them.
pub(crate) struct Group(Child);

impl Group {
    /// Starts `command` in a process group of its own.
    pub(crate) fn start(command: &mut Command) -> Result<Group> {
        let name = describe(command);
        let child = command.process_group(0).spawn().with_context(|| format!("cannot run `{name}`"))?;
        Ok(Group(child))
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // No id: it has ended and was waited for.
        if let Some(id) = self.0.id() {
            let _ = std::process::Command::new("kill").args(["-TERM", "--", &format!("-{id}")]).status();
        }
    }
}

/// Waits for the signal that asks us to stop, and names it.
pub(crate) async fn interrupted() -> &'static str {
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "an interrupt",
        _ = terminate.recv() => "SIGTERM",
        _ = hang_up.recv() => "SIGHUP",
    }
}
