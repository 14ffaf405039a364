//! `arcadia sync` as operators run it: what it prints, which exit code says what, and that a listing which fails is named
//! and deletes nothing.

use arcadia_sql::testing::TestDb;
use arcadia_sql::{Db, Engine, MIGRATIONS, args, on_both_databases, statements};
use arcadia_test_record::{keep, needle};
use digitalocean_sim::{ClockMode, Fault, FaultKind, Options, RateLimits, Simulator, Stage};
use std::process::{Command, Output};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

statements! {
    LIVING = "SELECT COUNT(*) FROM cloud_resources WHERE kind = $1 AND deleted_at IS NULL AND stale_strike_count = 0";
    FAILED = "SELECT kind, actor FROM sync_runs WHERE error IS NOT NULL";
}

/// The account of a small company behind its API, and a database.
struct Site {
    simulator: Simulator,
    provider: String,
    db: TestDb,
    _stop: DropGuard,
}

impl Site {
    async fn new(db: TestDb) -> Site {
        arcadia_test_record::listen();
        let start = "2026-05-01T00:00:00Z".parse().unwrap();
        let options = Options {
            clock: ClockMode::Manual { start },
            limits: RateLimits::unlimited(),
            ..Options::default()
        };
        let simulator = Simulator::new(options);
        simulator.load_scenario("april-2026", None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (provider, stop) =
            (format!("http://{}", listener.local_addr().unwrap()), CancellationToken::new());
        let (served, stopped) = (simulator.clone(), stop.clone());
        tokio::spawn(async move { served.serve(listener, stopped).await });
        if db.engine() == Engine::Sqlite {
            // The process is to be alone with the file.
            db.close().await;
        }
        Site { simulator, provider, db, _stop: stop.drop_guard() }
    }

    async fn sync(&self, kinds: &[&str]) -> Output {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_arcadia"));
        command.arg("sync").args(kinds).current_dir(folder.path()).env_clear();
        command.env("DATABASE_URL", self.db.url()).env("DIGITALOCEAN_API_URL", &self.provider);
        command.env("DO_API_TOKEN", concat!("dop_v1_", needle!()));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        keep(&String::from_utf8_lossy(&output.stderr));
        keep(&String::from_utf8_lossy(&output.stdout));
        output
    }

    async fn with_database<T>(&self, look: impl AsyncFnOnce(&Db) -> T) -> T {
        let db = self.db.another(arcadia_sql::Options::default()).await;
        let found = look(&db).await;
        db.close().await;
        found
    }

    async fn living(&self, kind: &str) -> i64 {
        self.with_database(async |db| db.fetch_one::<(i64,)>(&LIVING, args![kind]).await.unwrap().0).await
    }
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

on_both_databases! {
    migrations = &MIGRATIONS; options = arcadia_sql::Options::default();

    async fn everything_is_looked_at_and_each_sync_says_what_it_found(db: TestDb) {
        let site = Site::new(db).await;
        let first = site.sync(&[]).await;
        assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
        let told = lines(&first);
        assert_eq!(told.len(), 11, "{told:#?}");
        assert!(told.contains(&"droplets: 5 received, 5 discovered".to_owned()), "{told:#?}");
        assert!(told.iter().any(|line| line.starts_with("projects: ")), "{told:#?}");
        let again = lines(&site.sync(&["droplets", "domains"]).await);
        assert_eq!(again, ["droplets: 5 received", "domains: 7 received"]);
    }

    async fn an_unknown_kind_is_named_with_those_there_are(db: TestDb) {
        let site = Site::new(db).await;
        let refused = site.sync(&["droplets", "dropplets"]).await;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("dropplets") && said.contains("floating_ips"), "{said}");
        assert!(site.simulator.requests().is_empty(), "nothing was looked at");
    }

    async fn a_listing_that_fails_is_named_and_the_others_are_looked_at_all_the_same(db: TestDb) {
        let site = Site::new(db).await;
        site.sync(&[]).await;
        let refused = FaultKind::Status { status: 403, message: None, at: Stage::Before };
        site.simulator.inject(Fault::new("GET /v2/domains", refused));
        let output = site.sync(&["domains", "droplets"]).await;
        assert_eq!(output.status.code(), Some(1));
        let told = lines(&output);
        assert_eq!(told[0], "droplets: 5 received");
        assert!(told[1].starts_with("domains: failed: ") && told[1].contains("403"), "{told:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("1 of 2 syncs failed; nothing was deleted by them"), "{said}");
        assert_eq!(site.living("dns_zone").await, 7);
        let failed: Vec<(String, String)> =
            site.with_database(async |db| db.fetch_all(&FAILED, args![]).await.unwrap()).await;
        assert_eq!(failed, [("domains".to_owned(), "cli".to_owned())]);
    }
}
