//! Python with DigitalOcean's own client, which tests the simulator: the one that is named, or a cached environment.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::command;

/// Names an interpreter that has pydo already; also what the tests read.
pub(crate) const VARIABLE: &str = "ARCADIA_TEST_PYTHON";

/// One version, so that a release of theirs does not change what our tests say.
const CLIENT: &str = "pydo==0.44.0";

/// The interpreter to test with.
pub(crate) async fn ready() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        println!("xtask: Python is the interpreter that {VARIABLE} names");
        return Ok(PathBuf::from(named));
    }
    let folder = command::cache().join("python");
    let python = interpreter(&folder);
    if !has_client(&python).await {
        println!("xtask: installing {CLIENT} from PyPI into {}", folder.display());
        let advice = format!("the simulator's tests need Python with pydo: install them, or set {VARIABLE}");
        environment(&folder, CLIENT).await.context(advice)?;
    }
    println!("xtask: Python is {}", python.display());
    Ok(python)
}

/// Makes a virtual environment with one package in it.
pub(crate) async fn environment(folder: &Path, package: &str) -> Result<()> {
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
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]);
    command::quietly(&mut install).await
}

fn interpreter(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

async fn has_client(python: &Path) -> bool {
    let version = CLIENT.rsplit('=').next().unwrap_or_default();
    let check = format!("import importlib.metadata as m, pydo; assert m.version('pydo') == '{version}'");
    python.is_file() && command::quietly(Command::new(python).arg("-c").arg(check)).await.is_ok()
}
