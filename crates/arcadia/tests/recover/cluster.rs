//! A PostgreSQL server of the test's own, whose folder can be replaced while it is stopped.

use arcadia_sql::{Db, MIGRATIONS, Options};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Names the folder with `initdb` and `postgres`.
const PROGRAMS: &str = "ARCADIA_TEST_PG_BIN";
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

pub struct Cluster {
    /// Whom the server runs as when we are root, which it refuses to be.
    account: Option<(u32, u32)>,
    server: Child,
    folder: TempDir,
}

impl Cluster {
    /// With our schema.
    pub async fn start() -> Cluster {
        let folder = TempDir::with_prefix("arcadia-recover-").unwrap();
        let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
        let account = is_root.then(account_for_servers);
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let mut initdb = as_account(account, &programs().join("initdb"), folder.path());
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--locale=C",
            "--encoding=UTF8",
            "--no-sync",
            "-D",
        ]);
        let made = initdb.arg(folder.path().join("data")).stdout(Stdio::null()).status().await.unwrap();
        assert!(made.success(), "initdb: {made}");
        let server = serve(account, folder.path());
        let cluster = Cluster { account, server, folder };
        cluster.until_it_answers().await.migrate(&MIGRATIONS).await.unwrap();
        cluster
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }

    /// A copy of all that is committed now; the server is restarted for it.
    pub async fn copy(&mut self) -> TempDir {
        self.stop("-INT").await;
        let copy = TempDir::new().unwrap();
        copied(&self.folder.path().join("data"), copy.path()).await;
        self.start_again().await;
        copy
    }

    /// Ends as after a power cut, and comes again with what was committed when the copy was made.
    pub async fn put_back(&mut self, copy: &TempDir) {
        self.stop("-QUIT").await;
        fs::remove_dir_all(self.folder.path().join("data")).unwrap();
        copied(&copy.path().join("data"), self.folder.path()).await;
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        self.server = serve(self.account, self.folder.path());
        self.until_it_answers().await.close().await;
    }

    async fn stop(&mut self, signal: &str) {
        self.signal(signal);
        tokio::time::timeout(PATIENCE, self.server.wait()).await.expect("the server stops").unwrap();
    }

    async fn until_it_answers(&self) -> Db {
        let begun = Instant::now();
        loop {
            match Db::connect(&self.url(), Options::default()).await {
                Ok(db) => return db,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "the server does not answer: {error}"),
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn signal(&self, signal: &str) {
        let Some(id) = self.server.id() else { return };
        let _ = std::process::Command::new("kill").args([signal, &id.to_string()]).status();
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

async fn copied(from: &Path, into: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(into).status().await.unwrap();
    assert!(copied.success(), "cp: {copied}");
}

fn serve(account: Option<(u32, u32)>, folder: &Path) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("server.log")).unwrap();
    let mut postgres = as_account(account, &programs().join("postgres"), folder);
    postgres.arg("-D").arg(folder.join("data")).args(["-c", "listen_addresses=", "-c"]);
    postgres.arg(format!("unix_socket_directories={}", folder.display()));
    postgres.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
    postgres.spawn().unwrap()
}

fn as_account(account: Option<(u32, u32)>, program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
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
    let mut debian: Vec<(u32, PathBuf)> = versions
        .filter_map(|it| Some((it.file_name().to_str()?.parse().ok()?, it.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    debian.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = || std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file());
    let found = debian.pop().map(|(_, folder)| folder).or_else(in_path);
    found.unwrap_or_else(|| panic!("no PostgreSQL found: name its folder with {PROGRAMS}"))
}
