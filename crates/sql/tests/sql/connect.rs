//! Opening: what is refused, in which words, and the lock that keeps a second process out.

use std::error::Error as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use arcadia_sql::testing::TestDb;
use arcadia_sql::{Db, Engine, Error, Options, args, statements};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

statements! {
    SETTINGS = "SELECT (SELECT journal_mode FROM pragma_journal_mode) AS journal,
                       (SELECT synchronous FROM pragma_synchronous) AS synchronous,
                       (SELECT foreign_keys FROM pragma_foreign_keys) AS foreign_keys";
    CHECKPOINT = "PRAGMA wal_autocheckpoint";
    ONE = "SELECT 1";
    /// In seconds, whatever unit the server counts in.
    PATIENCE = sqlite "SELECT name, 1 FROM json_each($1)" postgres "
        SELECT name, CASE unit WHEN 'ms' THEN setting::bigint / 1000 ELSE setting::bigint END AS seconds
        FROM pg_settings WHERE name {any($1)} ORDER BY name";
}

fn url(folder: &TempDir) -> String {
    format!("sqlite://{}", folder.path().join("deep/er/arcadia.db").display())
}

#[tokio::test]
async fn a_sqlite_file_is_made_with_its_folder_and_kept_safe() {
    let folder = TempDir::new().unwrap();
    let db = Db::connect(&url(&folder), Options::default()).await.unwrap();
    assert_eq!(db.engine(), Engine::Sqlite);
    let mut writer = db.begin().await.unwrap();
    let settings: (String, i64, i64) = writer.fetch_one(&SETTINGS, args![]).await.unwrap();
    assert_eq!(settings, ("wal".to_owned(), 2, 1));
    assert_eq!(writer.fetch_one::<i64>(&CHECKPOINT, args![]).await.unwrap(), 4000);
    assert!(folder.path().join("deep/er/arcadia.db").exists());
}

#[tokio::test]
async fn a_client_that_vanishes_in_a_transaction_keeps_its_locks_for_seconds() {
    let db = TestDb::fresh(Engine::Postgres, Options::default(), &crate::EVERYTHING).await;
    for connections in [(*db).clone(), db.batch_connections(1).await.unwrap()] {
        let settings = [
            "idle_in_transaction_session_timeout",
            "lock_timeout",
            "tcp_keepalives_idle",
            "tcp_user_timeout",
        ];
        let names: Vec<String> = settings.map(str::to_owned).to_vec();
        let patience: Vec<(String, i64)> = connections.fetch_all(&PATIENCE, args![names]).await.unwrap();
        assert_eq!(patience.len(), settings.len(), "{patience:?}");
        assert!(patience.iter().all(|(_, seconds)| (1..=30).contains(seconds)), "{patience:?}");
    }
}

/// Less than a pool waits for a connection.
const PATIENCE_MAX: Duration = Duration::from_secs(8);

/// The way to a server, which can fall silent: what goes over it then is lost, and nobody is told.
struct Way {
    url: String,
    is_silent: tokio::sync::watch::Sender<bool>,
    _accepting: JoinSet<()>,
}

impl Way {
    async fn to(url: &str) -> Way {
        let (user, place) = url.rsplit_once('@').unwrap();
        let (server, database) = place.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{user}@{}/{database}", listener.local_addr().unwrap());
        let (is_silent, silence) = tokio::sync::watch::channel(false);
        let (server, mut accepting) = (server.to_owned(), JoinSet::new());
        accepting.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, mut silence) = (server.clone(), silence.clone());
                silence.mark_unchanged();
                open.spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        // Both ends stay open.
                        _ = silence.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Way { url, is_silent, _accepting: accepting }
    }

    /// For every connection that there is; those that come are heard.
    fn silence(&self) {
        self.is_silent.send_replace(true);
    }
}

#[tokio::test]
async fn a_connection_whose_server_fell_silent_makes_room_for_another_when_its_call_is_given_up() {
    let server = TestDb::fresh(Engine::Postgres, Options::default(), &crate::EVERYTHING).await;
    let way = Way::to(server.url()).await;
    let db = Db::connect(&way.url, Options { max_connections: 1, ..Options::default() }).await.unwrap();
    for is_for_batches in [false, true] {
        let connections = if is_for_batches { db.batch_connections(1).await.unwrap() } else { db.clone() };
        way.silence();
        let given_up = tokio::time::timeout(Duration::from_millis(200), connections.now()).await;
        assert!(given_up.is_err(), "{given_up:?}");
        let next = tokio::time::timeout(PATIENCE_MAX, connections.now()).await;
        next.expect("the pool waits for the silent server").unwrap();
    }
}

#[tokio::test]
async fn a_transaction_whose_server_fell_silent_makes_room_for_another_when_it_is_given_up() {
    let server = TestDb::fresh(Engine::Postgres, Options::default(), &crate::EVERYTHING).await;
    let way = Way::to(server.url()).await;
    let db = Db::connect(&way.url, Options { max_connections: 1, ..Options::default() }).await.unwrap();
    let mut asked = db.begin().await.unwrap();
    way.silence();
    let given_up =
        tokio::time::timeout(Duration::from_millis(200), asked.fetch_one::<i64>(&ONE, args![])).await;
    assert!(given_up.is_err(), "{given_up:?}");
    drop(asked);
    let next = tokio::time::timeout(PATIENCE_MAX, db.begin()).await;
    let let_go_of = next.expect("the pool waits for the silent server").unwrap();
    way.silence();
    drop(let_go_of);
    let next = tokio::time::timeout(PATIENCE_MAX, db.begin()).await;
    next.expect("the pool waits for the silent server").unwrap();
}

#[tokio::test]
async fn a_second_handle_is_refused_until_the_first_is_closed() {
    let folder = TempDir::new().unwrap();
    let first = Db::connect(&url(&folder), Options::default()).await.unwrap();
    let second = Db::connect(&url(&folder), Options::default()).await.unwrap_err();
    let Error::Locked { path } = &second else { panic!("{second}") };
    assert_eq!(*path, folder.path().join("deep/er/arcadia.db"));
    assert!(second.to_string().ends_with("arcadia.db"), "{second}");
    first.close().await;
    Db::connect(&url(&folder), Options::default()).await.unwrap();
}

/// The system's own tool takes the same lock from another process.
fn flock(lock: &Path, arguments: &[&str]) -> Command {
    let mut flock = Command::new("flock");
    flock.args(["--exclusive", "--nonblock", "--no-fork"]).arg(lock).args(arguments).stdin(Stdio::piped());
    flock
}

#[tokio::test]
async fn another_process_has_the_file_until_it_is_killed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("arcadia.db");
    let (url, lock) = (format!("sqlite://{}", path.display()), folder.path().join("arcadia.db.lock"));
    let mut other =
        flock(&lock, &["sh", "-c", "echo held; exec cat"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    let refused = Db::connect(&url, Options::default()).await.unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    other.kill().unwrap();
    other.wait().unwrap();

    let db = Db::connect(&url, Options::default()).await.unwrap();
    assert!(!flock(&lock, &["true"]).status().unwrap().success());
    db.close().await;
    assert!(flock(&lock, &["true"]).status().unwrap().success());
}

#[tokio::test]
async fn a_transaction_keeps_the_file_from_others() {
    let folder = TempDir::new().unwrap();
    let db = Db::connect(&url(&folder), Options::default()).await.unwrap();
    let tx = db.begin().await.unwrap();
    drop(db);
    let refused = Db::connect(&url(&folder), Options::default()).await.unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    drop(tx);
    Db::connect(&url(&folder), Options::default()).await.unwrap();
}

#[tokio::test]
async fn urls_that_cannot_be_used_are_refused_without_being_repeated() {
    for url in
        ["mysql://root:hunter2@host/db", "hunter2", "sqlite://", "sqlite://:memory:", "sqlite:///a?mode=ro"]
    {
        let error = Db::connect(url, Options::default()).await.unwrap_err();
        assert!(matches!(error, Error::Url { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://arcadia:hunter2@127.0.0.1:{port}/cloud");
    let error = Db::connect(&url, Options::default()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot open the database cloud at 127.0.0.1:{port}"));
    let everything = format!("{error} {error:?} {}", error.source().unwrap());
    assert!(everything.contains("refused") && !everything.contains("hunter2"), "{everything}");
}
