//! An independent JavaScript client, which tests the simulator: in the folder that is named, or installed from npm.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::command;

/// Names a folder whose `node_modules` has the client; also what the tests read.
pub(crate) const VARIABLE: &str = "ARCADIA_TEST_NODE";

const CLIENT: &str = "dots-wrapper";
/// One version, so that a release of theirs does not change what our tests say.
const VERSION: &str = "3.12.12";

/// The folder to test with.
pub(crate) async fn ready() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        println!("xtask: {CLIENT} is in the folder that {VARIABLE} names");
        return Ok(PathBuf::from(named));
    }
    if command::find("node").is_none() && !command::install(&["nodejs", "npm"]).await? {
        bail!("there is no node: install Node.js 18 or later, or set {VARIABLE}");
    }
    let folder = command::cache().join(format!("node-{VERSION}"));
    if !folder.join("node_modules").join(CLIENT).join("package.json").is_file() {
        println!("xtask: installing {CLIENT} {VERSION} from npm into {}", folder.display());
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
        let advice = format!("the simulator's tests need {CLIENT}: install it, or set {VARIABLE}");
        command::quietly(npm.arg(format!("{CLIENT}@{VERSION}"))).await.context(advice)?;
    }
    println!("xtask: {CLIENT} is in {}", folder.display());
    Ok(folder)
}
