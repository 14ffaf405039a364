//! A fresh, migrated database for every test, gone when the test ends, also when it fails.
//! PostgreSQL's are copied from a template kept for each state of the schema on the server that ARCADIA_TEST_PG_URL names.

mod cluster;

pub use cluster::{Cluster, ClusterCopy, Mode};

use std::ops::Deref;
use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::sqlite::BUSY_TIMEOUT;
use crate::{Db, Engine, Migrations, Options};

/// Names the server for tests; `cargo xtask test` starts one and sets it.
pub const SERVER_VARIABLE: &str = "ARCADIA_TEST_PG_URL";

/// Both engines sort alike then.
const LIKE_OURS: &str = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'";

/// On PostgreSQL. Triggers and foreign keys sleep meanwhile.
const EMPTY: &str = "
    DO 'DECLARE name TEXT; BEGIN
        PERFORM set_config(''session_replication_role'', ''replica'', TRUE);
        FOR name IN SELECT tablename FROM pg_tables
            WHERE schemaname = ''public'' AND tablename <> ''arcadia_migrations''
        LOOP EXECUTE ''DELETE FROM '' || quote_ident(name); END LOOP;
    END'";

/// A database of one test. Dereferences to its [`Db`].
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    url: String,
    place: Place,
}

/// The same database, kept for each engine: a SQLite file and a dump as SQL.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The file itself.
    pub sqlite: &'a Path,
    /// What `pg_dump --inserts` wrote.
    pub postgres: &'a Path,
}

#[derive(Debug)]
enum Place {
    Folder { folder: TempDir, file: PathBuf },
    Server { database: String },
}

impl TestDb {
    /// A new database with `migrations` applied. Panics, with words that help, when there is none to be had.
    pub async fn fresh(engine: Engine, options: Options, migrations: &'static Migrations) -> TestDb {
        let (url, place) = match engine {
            Engine::Sqlite => {
                let folder = TempDir::new().expect("a temporary folder can be made");
                let file = folder.path().join("test.db");
                (format!("sqlite://{}", file.display()), Place::Folder { folder, file })
            }
            Engine::Postgres => {
                let template = template(migrations).await;
                let database = format!("arcadia_test_{}", Uuid::new_v4().simple());
                on_server(&format!("CREATE DATABASE {database} TEMPLATE {template}")).await;
                (url_of(&database), Place::Server { database })
            }
        };
        let db = Db::connect(&url, options).await.expect("the test's database opens");
        db.migrate(migrations).await.expect("the migrations apply");
        TestDb { db, url, place }
    }

    /// A copy of a kept database of an older schema, with `migrations` applied to it.
    pub async fn copy_of(
        kept: &Kept<'_>,
        engine: Engine,
        options: Options,
        migrations: &'static Migrations,
    ) -> TestDb {
        let (url, place) = match engine {
            Engine::Sqlite => {
                let folder = TempDir::new().expect("a temporary folder can be made");
                let file = folder.path().join("test.db");
                std::fs::copy(kept.sqlite, &file).expect("the kept database can be copied");
                (format!("sqlite://{}", file.display()), Place::Folder { folder, file })
            }
            Engine::Postgres => {
                let database = format!("arcadia_test_{}", Uuid::new_v4().simple());
                on_server(&format!("CREATE DATABASE {database} {LIKE_OURS}")).await;
                let dump = std::fs::read_to_string(kept.postgres).expect("the kept dump can be read");
                // The dumping program talks to its own shell as well.
                let statements: Vec<&str> = dump.lines().filter(|line| !line.starts_with('\\')).collect();
                let copy: PgConnectOptions = url_of(&database).parse().expect("a URL of ours");
                let mut connection = copy.connect().await.expect("the new database opens");
                run(&mut connection, &statements.join("\n")).await;
                let _ = connection.close().await;
                (url_of(&database), Place::Server { database })
            }
        };
        let db = Db::connect(&url, options).await.expect("the copy opens");
        db.migrate(migrations).await.expect("the migrations apply to the copy");
        TestDb { db, url, place }
    }

    /// Where it is, for a process or a handle that opens it too.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Removes every row but the list of migrations, whatever refers to what: much quicker than a fresh database,
    /// and the same to a test whose migrations put no rows into their tables.
    pub async fn clear(&self) {
        match &self.place {
            Place::Folder { file, .. } => clear_file(file).expect("the test's database can be emptied"),
            Place::Server { .. } => {
                // Not by the pool's connections: they give up on a disk that is busy, and on a dying session's locks.
                let options: PgConnectOptions = self.url.parse().expect("a URL of ours");
                let mut connection = options.connect().await.expect("the test's database opens once more");
                run(&mut connection, EMPTY).await;
                let _ = connection.close().await;
            }
        }
    }

    /// Another handle on the same database, as another node would have it.
    pub async fn another(&self, options: Options) -> Db {
        let options = Options { lock_file: false, ..options };
        Db::connect(&self.url, options).await.expect("the test's database opens once more")
    }
}

/// A database as it once was; gone when dropped.
#[derive(Debug)]
pub struct Copy(Place);

impl TestDb {
    /// A copy of it as it is now. Whoever has it open loses his connections; a SQLite file must be closed.
    pub async fn copy(&self) -> Copy {
        match &self.place {
            Place::Folder { folder, .. } => {
                let copy = TempDir::new().expect("a temporary folder can be made");
                copy_files(folder, &copy);
                let file = copy.path().join("test.db");
                Copy(Place::Folder { folder: copy, file })
            }
            Place::Server { database } => {
                let copy = format!("arcadia_test_{}", Uuid::new_v4().simple());
                replace(&copy, database).await;
                Copy(Place::Server { database: copy })
            }
        }
    }

    /// Puts an older copy in its place, under whoever has it open; a SQLite file must be closed.
    pub async fn put_back(&self, copy: &Copy) {
        match (&self.place, &copy.0) {
            (Place::Folder { folder, .. }, Place::Folder { folder: copy, .. }) => {
                for file in files(folder) {
                    std::fs::remove_file(file).expect("the test's own file can be removed");
                }
                copy_files(copy, folder);
            }
            (Place::Server { database }, Place::Server { database: copy }) => replace(database, copy).await,
            _ => panic!("a copy of another engine's database"),
        }
    }
}

fn files(folder: &TempDir) -> impl Iterator<Item = std::path::PathBuf> {
    let entries = std::fs::read_dir(folder.path()).expect("the test's own folder can be read");
    entries.map(|entry| entry.expect("and listed").path())
}

fn copy_files(from: &TempDir, to: &TempDir) {
    for file in files(from) {
        let name = file.file_name().expect("a file of a folder has a name");
        std::fs::copy(&file, to.path().join(name)).expect("the test's own file can be copied");
    }
}

/// Makes `database` a copy of `original`, of which nobody may have a connection meanwhile.
async fn replace(database: &str, original: &str) {
    let mut connection = connect().await;
    let close = format!("ALTER DATABASE {original} ALLOW_CONNECTIONS false");
    run(&mut connection, &close).await;
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{original}'");
    run(&mut connection, &end).await;
    run(&mut connection, &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await;
    run(&mut connection, &format!("CREATE DATABASE {database} TEMPLATE {original}")).await;
    run(&mut connection, &format!("ALTER DATABASE {original} ALLOW_CONNECTIONS true")).await;
    let _ = connection.close().await;
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Place::Server { database } = self else { return };
        let statement = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
        // The test's own runtime is busy dropping us, and may be a panicking one.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(on_server(&statement)))
        });
        if dropped.join().is_err() && !std::thread::panicking() {
            panic!("the test's database {database} could not be dropped");
        }
    }
}

fn clear_file(file: &Path) -> rusqlite::Result<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Foreign keys are off on a new connection, and nothing is lost with the last rows of a test.
    connection.pragma_update(None, "synchronous", "OFF")?;
    let mut tables = connection.prepare(
        "SELECT name FROM sqlite_schema
        WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'arcadia_migrations'",
    )?;
    let mut emptied = String::from("BEGIN IMMEDIATE;");
    for name in tables.query_map([], |row| row.get::<_, String>(0))? {
        emptied += &format!("DELETE FROM \"{}\";", name?);
    }
    connection.execute_batch(&(emptied + "COMMIT"))
}

fn server_url() -> String {
    std::env::var(SERVER_VARIABLE).unwrap_or_else(|_| {
        panic!("{SERVER_VARIABLE} is not set: run `cargo xtask test`, or set it to a PostgreSQL server's URL")
    })
}

fn server() -> PgConnectOptions {
    server_url().parse().unwrap_or_else(|_| panic!("{SERVER_VARIABLE} is not a postgres:// URL"))
}

/// The server's URL with its database replaced.
fn url_of(database: &str) -> String {
    let mut url = server().to_url_lossy();
    url.set_path(&format!("/{database}"));
    url.to_string()
}

async fn connect() -> PgConnection {
    server()
        .connect()
        .await
        .unwrap_or_else(|error| panic!("{SERVER_VARIABLE} names no server that answers: {error}"))
}

async fn on_server(statement: &str) {
    let mut connection = connect().await;
    run(&mut connection, statement).await;
    let _ = connection.close().await;
}

async fn run(connection: &mut PgConnection, statement: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// The migrated database that tests are copied from. It appears under its name only when it is complete,
/// so that test processes may race for it and a killed one leaves nothing half made in use.
async fn template(migrations: &'static Migrations) -> String {
    let name = format!("arcadia_template_{}", &migrations.checksum(Engine::Postgres)[..16]);
    let mut connection = connect().await;
    run(&mut connection, "SELECT pg_advisory_lock(8241996102547318801)").await;
    let found: Option<(String,)> = sqlx::query_as("SELECT datname::text FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_optional(&mut connection)
        .await
        .expect("the server lists its databases");
    if found.is_none() {
        let unfinished = format!("arcadia_unfinished_{}", Uuid::new_v4().simple());
        run(&mut connection, &format!("CREATE DATABASE {unfinished} {LIKE_OURS}")).await;
        let db = Db::connect(&url_of(&unfinished), Options::default()).await.expect("the template opens");
        db.migrate(migrations).await.expect("the migrations apply");
        db.close().await;
        run(&mut connection, &format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
    }
    let _ = connection.close().await;
    name
}

/// Runs a test once on each engine, as `<test>::sqlite` and `<test>::postgres`, with a database of its own.
///
/// The schema is [`MIGRATIONS`](crate::MIGRATIONS) unless the block begins with `migrations = &MINE;`; the options are
/// the default ones unless `options = …;` follows.
#[macro_export]
macro_rules! on_both_databases {
    (@all ($migrations:expr) ($options:expr) $(
        $(#[$meta:meta])* async fn $name:ident($db:ident: $type:ty) $body:block
    )*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            // Clippy knows a test by its attribute, which the two below have instead of this one.
            #[allow(clippy::unwrap_used)]
            async fn test($db: $type) $body

            $(#[$meta])*
            #[tokio::test]
            async fn sqlite() {
                test($crate::testing::TestDb::fresh($crate::Engine::Sqlite, $options, $migrations).await).await
            }

            $(#[$meta])*
            #[tokio::test]
            async fn postgres() {
                test($crate::testing::TestDb::fresh($crate::Engine::Postgres, $options, $migrations).await).await
            }
        }
    )*};
    (migrations = $migrations:expr; options = $options:expr; $($tests:tt)*) => {
        $crate::on_both_databases! { @all ($migrations) ($options) $($tests)* }
    };
    (migrations = $migrations:expr; $($tests:tt)*) => {
        $crate::on_both_databases! { @all ($migrations) ($crate::Options::default()) $($tests)* }
    };
    (options = $options:expr; $($tests:tt)*) => {
        $crate::on_both_databases! { @all (&$crate::MIGRATIONS) ($options) $($tests)* }
    };
    ($($tests:tt)*) => {
        $crate::on_both_databases! { @all (&$crate::MIGRATIONS) ($crate::Options::default()) $($tests)* }
    };
}
