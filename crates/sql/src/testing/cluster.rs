//! A PostgreSQL server of one test's own, so that it may be stopped, copied and put back: in a temporary folder, and
//! reached by a socket in that folder, so that nobody takes its port while it is down.

use crate::{Db, Options};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Names the folder with `initdb` and `postgres`.
const PROGRAMS: &str = "ARCADIA_TEST_PG_BIN";

/// Only what is stuck takes so long: a machine may stand still for minutes.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
const POLL: Duration = Duration::from_millis(20);
const LAST_POLLS: usize = 3000;

/// The ways to stop, as `pg_ctl` calls them.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// As after a power cut: the log is replayed at the next start.
    Immediate,
    /// Every session is ended, then all is written down.
    Fast,
}

/// See the file's head. Panics, with words that help, where anything goes wrong.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    /// Whom the server runs as when we are root, which it refuses to be.
    account: Option<(u32, u32)>,
    server: Child,
    folder: TempDir,
}

/// All that was committed in a [`Cluster`] once.
#[derive(Debug)]
pub struct ClusterCopy(TempDir);

impl Cluster {
    /// Empty, and answering.
    pub async fn start() -> Cluster {
        let folder = TempDir::with_prefix("arcadia-cluster-").expect("a temporary folder can be made");
        let is_root = fs::metadata(folder.path()).expect("our own folder can be looked at").uid() == 0;
        let account = is_root.then(account_for_servers);
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group)).expect("root may give a folder away");
        }
        let programs = programs();
        let mut initdb = as_account(account, &programs.join("initdb"), folder.path());
        initdb.args(["--auth=trust", "--username=postgres", "--locale=C", "--encoding=UTF8", "--no-sync"]);
        initdb.arg("-D").arg(folder.path().join("data")).stdout(Stdio::null());
        let made = ended(initdb.spawn().expect("initdb can be started")).await;
        assert!(made.success(), "initdb from {}: {made}", programs.display());
        let server = serve(&programs, account, folder.path());
        let cluster = Cluster { programs, account, server, folder };
        cluster.until_it_answers().await;
        cluster
    }

    /// Its one database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }

    /// Stops it and starts it again.
    pub async fn restart(&mut self, mode: Mode) {
        self.stop(mode).await;
        self.start_again().await;
    }

    /// A copy of all that is committed now; the server is restarted for it.
    pub async fn copy(&mut self) -> ClusterCopy {
        self.stop(Mode::Fast).await;
        let copy = TempDir::new().expect("a temporary folder can be made");
        copy_folder(&self.data(), copy.path()).await;
        self.start_again().await;
        ClusterCopy(copy)
    }

    /// Ends as after a power cut, and comes again with what was committed when the copy was made.
    pub async fn put_back(&mut self, copy: &ClusterCopy) {
        self.stop(Mode::Immediate).await;
        fs::remove_dir_all(self.data()).expect("our own folder can be removed");
        copy_folder(&copy.0.path().join("data"), self.folder.path()).await;
        self.start_again().await;
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn stop(&mut self, mode: Mode) {
        self.signal(mode);
        let stopping = async {
            while !self.has_ended() {
                tokio::time::sleep(POLL).await;
            }
        };
        let stopped = tokio::time::timeout(PATIENCE, stopping).await;
        assert!(stopped.is_ok(), "the server does not stop\n{}", self.log());
    }

    async fn start_again(&mut self) {
        self.server = serve(&self.programs, self.account, self.folder.path());
        self.until_it_answers().await;
    }

    async fn until_it_answers(&self) {
        let answering = async {
            loop {
                match Db::connect(&self.url(), Options::default()).await {
                    Ok(db) => return db.close().await,
                    Err(_) => tokio::time::sleep(POLL).await,
                }
            }
        };
        let answered = tokio::time::timeout(PATIENCE, answering).await;
        assert!(answered.is_ok(), "the server does not answer\n{}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Ended, or beyond our knowledge.
    fn has_ended(&mut self) -> bool {
        !matches!(self.server.try_wait(), Ok(None))
    }

    fn signal(&mut self, mode: Mode) {
        // The number of a process that was waited for may be another's by now.
        if self.has_ended() {
            return;
        }
        let signal = match mode {
            Mode::Immediate => "-QUIT",
            Mode::Fast => "-INT",
        };
        // A server that has ended meanwhile is found out by whoever waits for it.
        let _ = Command::new("kill").args([signal, &self.server.id().to_string()]).status();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.signal(Mode::Immediate);
        // A minute at most.
        for _ in 0..LAST_POLLS {
            if self.has_ended() {
                return;
            }
            std::thread::sleep(POLL);
        }
    }
}

async fn ended(mut child: Child) -> std::process::ExitStatus {
    loop {
        if let Some(status) = child.try_wait().expect("our own child can be waited for") {
            return status;
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn copy_folder(from: &Path, into: &Path) {
    let cp = Command::new("cp").arg("-a").arg(from).arg(into).spawn();
    let copied = ended(cp.expect("`cp` can be started")).await;
    assert!(copied.success(), "cp: {copied}");
}

fn serve(programs: &Path, account: Option<(u32, u32)>, folder: &Path) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("server.log"));
    let log = log.expect("a file in our own folder can be made");
    let mut postgres = as_account(account, &programs.join("postgres"), folder);
    postgres.arg("-D").arg(folder.join("data")).args(["-c", "listen_addresses=", "-c"]);
    postgres.arg(format!("unix_socket_directories={}", folder.display()));
    postgres.stdin(Stdio::null()).stdout(log.try_clone().expect("a handle can be copied")).stderr(log);
    postgres.spawn().expect("postgres can be started")
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
    let accounts = fs::read_to_string("/etc/passwd").expect("the accounts can be read");
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
