//! Python with DigitalOcean's own client and an independent one, which test the simulator: the interpreter that is
//! named, or a cached environment.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::command;

/// Names an interpreter that has both clients already; also what the tests read.
pub(crate) const VARIABLE: &str = "ARCADIA_TEST_PYTHON";

/// One version of each, so that a release of theirs does not change what our tests say.
const CLIENTS: [&str; 2] = ["pydo==0.44.0", "python-digitalocean==1.17.0"];

/// The interpreter to test with.
pub(crate) async fn ready() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        println!("xtask: Python is the interpreter that {VARIABLE} names");
        return Ok(PathBuf::from(named));
    }
    let folder = command::cache().join("python");
    let python = interpreter(&folder);
    if !has_clients(&python).await {
        println!("xtask: installing {} from PyPI into {}", CLIENTS.join(" and "), folder.display());
        let advice =
            format!("the simulator's tests need Python with {}, or set {VARIABLE}", CLIENTS.join(" and "));
        environment(&folder, &CLIENTS).await.context(advice)?;
    }
    println!("xtask: Python is {}", python.display());
    Ok(python)
}

/// Makes a virtual environment with these packages in it.
pub(crate) async fn environment(folder: &Path, packages: &[&str]) -> Result<()> {
    let Some(python) = command::find("python3") else {
        bail!("there is no python3");
    };
    let make = || {
        let mut make = Command::new(&python);
        make.args(["-m", "venv", "--clear"]).arg(folder);
        make
    };
    // Debian's Python has no venv of its own.
    if let Err(error) = command::quietly(&mut make()).await {
        if !command::install(&["python3-venv"]).await? {
            return Err(error);
        }
        command::quietly(&mut make()).await?;
    }
    let mut install = Command::new(interpreter(folder));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(packages);
    command::quietly(&mut install).await
}

fn interpreter(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

async fn has_clients(python: &Path) -> bool {
    let asserted = CLIENTS
        .iter()
        .filter_map(|client| client.split_once("=="))
        .map(|(name, version)| format!("assert m.version('{name}') == '{version}'"));
    let check = format!("import importlib.metadata as m; {}", asserted.collect::<Vec<_>>().join("; "));
    python.is_file() && command::quietly(Command::new(python).arg("-c").arg(check)).await.is_ok()
}
