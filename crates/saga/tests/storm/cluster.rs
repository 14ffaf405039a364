//! A PostgreSQL of the storm's own, so that it may be stopped: durable, in a temporary folder, reached by a socket
//! in that folder, so that nobody takes its port while it is down.

use arcadia_sql::{Db, Options};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command as Plain, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Names the folder with `initdb` and `postgres`.
pub const PROGRAMS: &str = "ARCADIA_TEST_PG_BIN";

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// How `pg_ctl` calls the ways to stop.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// As after a power cut: the log is replayed at the next start.
    Immediate,
    /// Every session is ended, then all is written down.
    Fast,
}

pub struct Cluster {
    programs: PathBuf,
    account: Option<(u32, u32)>,
    server: Child,
    folder: TempDir,
}

impl Cluster {
    pub async fn start() -> Cluster {
        let folder = TempDir::with_prefix("arcadia-storm-").unwrap();
        let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
        let account = is_root.then(account_for_servers);
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let programs = programs();
        let mut initdb = as_account(account, &programs.join("initdb"), folder.path());
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--locale=C",
            "--encoding=UTF8",
            "--no-sync",
            "-D",
        ]);
        let made = initdb.arg(folder.path().join("data")).stdout(Stdio::null()).status().await.unwrap();
        assert!(made.success(), "initdb from {}: {made}", programs.display());
        let server = serve(&programs, account, folder.path());
        let cluster = Cluster { programs, account, server, folder };
        cluster.until_it_answers().await;
        cluster
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }

    /// Stops it and starts it again; answers how long it was away.
    pub async fn restart(&mut self, mode: Mode) -> Duration {
        let begun = Instant::now();
        let signal = match mode {
            Mode::Immediate => "-QUIT",
            Mode::Fast => "-INT",
        };
        self.signal(signal);
        tokio::time::timeout(PATIENCE, self.server.wait()).await.expect("the server stops").unwrap();
        self.server = serve(&self.programs, self.account, self.folder.path());
        self.until_it_answers().await;
        begun.elapsed()
    }

    async fn until_it_answers(&self) {
        let begun = Instant::now();
        loop {
            match Db::connect(&self.url(), Options::default()).await {
                Ok(db) => return db.close().await,
                Err(error) if begun.elapsed() > PATIENCE => {
                    let log = fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default();
                    panic!("the server does not answer: {error}\n{log}");
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }

    fn signal(&self, signal: &str) {
        let Some(id) = self.server.id() else { return };
        // A server that has ended by itself is found out by whoever waits for it.
        let _ = Plain::new("kill").args([signal, &id.to_string()]).status();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.signal("-QUIT");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && matches!(self.server.try_wait(), Ok(None)) {
            std::thread::sleep(POLL);
        }
    }
}

fn serve(programs: &Path, account: Option<(u32, u32)>, folder: &Path) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("server.log")).unwrap();
    let mut postgres = as_account(account, &programs.join("postgres"), folder);
    postgres.arg("-D").arg(folder.join("data"));
    postgres.args(["-c", "listen_addresses=", "-c"]);
    postgres.arg(format!("unix_socket_directories={}", folder.display()));
    postgres.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
    postgres.spawn().unwrap()
}

/// PostgreSQL refuses to run as root; the kernel ends it with us, however we end.
fn as_account(account: Option<(u32, u32)>, program: &Path, folder: &Path) -> Command {
    let mut command = match find("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv.join("setpriv"));
            command.args(["--pdeathsig", "QUIT", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command.current_dir(folder);
    command
}

fn account_for_servers() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let named = |name: &str| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    named("postgres").or_else(|| named("nobody")).expect("an account to run PostgreSQL as")
}

/// As named, or the newest where Debian keeps them, or those in PATH.
fn programs() -> PathBuf {
    if let Some(named) = std::env::var_os(PROGRAMS) {
        return PathBuf::from(named);
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .max();
    newest.map(|(_, folder)| folder).or_else(|| find("initdb")).unwrap_or_else(|| {
        panic!("no PostgreSQL to stop and start: run `cargo xtask test`, or set {PROGRAMS} to the folder of `initdb`")
    })
}

/// The folder of PATH with this program.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join(program).is_file())
}
