//! A provider's account, and a database of which copies can be made and put back.

use super::child::JWT_SECRET;
use arcadia_saga::{Clock, SagaId, Sagas, StartSaga, Status};
use arcadia_sql::testing::{Cluster, ClusterCopy, Copy, TestDb};
use arcadia_sql::{Db, Engine, MIGRATIONS, args, statements};
use arcadia_test_record::{level, needle};
use digitalocean_sim::{
    Change, ChangeKind, ClockMode, Kind, Mutation, Options, Origin, RateLimits, Simulator, Span, Timings,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub const ZONE: &str = "arcadia-demo.com";
pub const TOKEN: &str = concat!("dop_v1_", needle!());
const SPEED: f64 = 100.0;
/// The name of what no saga made.
const STRANGER: &str = "stranger";
/// Between two looks at something that announces nothing.
pub const LOOK_EVERY: Duration = Duration::from_millis(5);

statements! {
    STOP_BEATS = "ALTER TABLE arcadia_beats RENAME TO arcadia_beats_away";
    LET_BEATS = "ALTER TABLE arcadia_beats_away RENAME TO arcadia_beats";
    OPEN_HOLDS = "SELECT COUNT(*) FROM arcadia_holds WHERE is_open";
    RELEASES = "SELECT released_by, released_because FROM arcadia_holds WHERE NOT is_open";
}

/// See the file's head.
pub struct Site {
    pub simulator: Simulator,
    pub provider: String,
    base: Base,
    folder: TempDir,
    /// Real milliseconds.
    call_timeout_ms: u64,
    _stop: DropGuard,
}

enum Base {
    Test(TestDb),
    Cluster(Cluster),
}

/// What was in the database once.
pub enum Earlier {
    Test(Copy),
    Cluster(ClusterCopy),
}

impl Site {
    pub async fn new(engine: Engine) -> Site {
        let db = TestDb::fresh(engine, arcadia_sql::Options::default(), &MIGRATIONS).await;
        // The process is to be alone with it.
        db.close().await;
        Site::on(Base::Test(db)).await
    }

    /// On a server of its own, which can be stopped.
    pub async fn on_cluster() -> Site {
        let cluster = Cluster::start().await;
        let db = Db::connect(&cluster.url(), arcadia_sql::Options::default()).await.unwrap();
        db.migrate(&MIGRATIONS).await.unwrap();
        db.close().await;
        Site::on(Base::Cluster(cluster)).await
    }

    async fn on(base: Base) -> Site {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator = Simulator::new(Options {
            clock: ClockMode::Flow { speed: SPEED },
            limits: RateLimits::unlimited(),
            timings: Timings { boot: Span::ms(20_000, 25_000), ..Timings::realistic() },
            droplet_limit: 100,
            ..Options::default()
        });
        simulator.add_domain(ZONE).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let (served, stopped) = (simulator.clone(), stop.clone());
        tokio::spawn(async move { served.serve(listener, stopped).await });
        let (provider, folder) = (format!("http://{address}"), TempDir::new().unwrap());
        Site { simulator, provider, base, folder, call_timeout_ms: 500, _stop: stop.drop_guard() }
    }

    /// With a process that gives up on a call only after so many seconds, however late the provider gets its turn. A
    /// comparison after a failover takes as long.
    pub fn patient(self, call_timeout_s: u64) -> Site {
        Site { call_timeout_ms: call_timeout_s * 1_000, ..self }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> String {
        match &self.base {
            Base::Test(db) => db.url().to_owned(),
            Base::Cluster(cluster) => cluster.url(),
        }
    }

    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DATABASE_URL", self.url()),
            ("ARCADIA_DATA_DIR", self.folder().display().to_string()),
            ("ARCADIA_LISTEN", "127.0.0.1:0".to_owned()),
            ("ARCADIA_SCHEDULES", "false".to_owned()),
            ("ARCADIA_JWT_SECRET", JWT_SECRET.to_owned()),
            ("ARCADIA_SPEED", SPEED.to_string()),
            ("ARCADIA_LEASE_MS", (2 * self.call_timeout_ms).to_string()),
            ("ARCADIA_CALL_TIMEOUT_MS", self.call_timeout_ms.to_string()),
            ("ARCADIA_LOG_FORMAT", "json".to_owned()),
            ("DIGITALOCEAN_API_URL", self.provider.clone()),
            ("DO_API_TOKEN", TOKEN.to_owned()),
            ("RUST_LOG", level("info").to_owned()),
        ]
    }

    /// A copy of the database. A file must be closed; a server ends its sessions.
    pub async fn copy(&mut self) -> Earlier {
        match &mut self.base {
            Base::Test(db) => Earlier::Test(db.copy().await),
            Base::Cluster(cluster) => Earlier::Cluster(cluster.copy().await),
        }
    }

    /// The copy takes the database's place.
    pub async fn put_back(&mut self, earlier: &Earlier) {
        match (&mut self.base, earlier) {
            (Base::Test(db), Earlier::Test(copy)) => db.put_back(copy).await,
            (Base::Cluster(cluster), Earlier::Cluster(copy)) => cluster.put_back(copy).await,
            _ => panic!("a copy of another database"),
        }
    }

    /// The machine is another one: nothing beside the database tells what was.
    pub fn forget_beat(&self) {
        std::fs::remove_file(self.folder().join("arcadia-beat")).unwrap();
    }

    /// From now on no process counts: what is lost later was written after the last count.
    pub async fn stop_beats(&self) {
        let db = self.database().await;
        db.execute(&STOP_BEATS, args![]).await.unwrap();
        db.close().await;
    }

    pub async fn let_beats(&self) {
        let db = self.database().await;
        db.execute(&LET_BEATS, args![]).await.unwrap();
        db.close().await;
    }

    /// A saga that writes a record and nothing else, once it has ended.
    pub async fn point(&self, name: &str, data: &str) {
        let inputs = json!({"dns_domain": ZONE, "dns_record_type": "A", "dns_record_name": name, "dns_record_data": data});
        let id = self.start("upsert_dns_record", inputs).await;
        let (db, sagas) = self.sagas().await;
        let ending = async {
            while sagas.get(id).await.unwrap().status != Status::Completed {
                tokio::time::sleep(LOOK_EVERY * 10).await;
            }
        };
        tokio::time::timeout(super::child::PATIENCE, ending).await.expect("the record is written");
        db.close().await;
    }

    /// A saga of one step, in whatever process there is.
    pub async fn start(&self, step: &str, inputs: Value) -> SagaId {
        let (db, sagas) = self.sagas().await;
        let start = StartSaga {
            kind: "single".to_owned(),
            steps: vec![step.to_owned()],
            inputs: inputs.as_object().unwrap().clone(),
            triggered_by: "system:test".to_owned(),
            ..StartSaga::default()
        };
        let id = sagas.start(start).await.unwrap().id();
        db.close().await;
        id
    }

    pub async fn cancel(&self, saga: SagaId) {
        let (db, sagas) = self.sagas().await;
        sagas.cancel(saga, "user:ada").await.unwrap();
        db.close().await;
    }

    async fn sagas(&self) -> (Db, Sagas) {
        let (db, registry) = (self.database().await, Arc::new(arcadia::sagas::registry().unwrap()));
        let sagas = Sagas::new(db.clone(), Clock::machine(1.0), &registry);
        (db, sagas)
    }

    /// The one record of that name, as the report names it, and where it leads to.
    pub fn record(&self, name: &str) -> (String, String) {
        let account = self.simulator.account();
        let zone = account["domains"].as_array().unwrap().iter().find(|zone| zone["name"] == ZONE).unwrap();
        let records = zone["records"].as_array().unwrap().iter();
        let named: Vec<&Value> = records.filter(|record| record["name"] == name).collect();
        let [only] = named[..] else { panic!("one record called {name}: {named:?}") };
        (format!("{name}.{ZONE}/{}", only["id"]), only["data"].as_str().unwrap().to_owned())
    }

    /// The droplets of the account: the mark of the saga that made each, and its id.
    pub fn droplets(&self) -> BTreeMap<String, u64> {
        let account = self.simulator.account();
        let droplets = account["droplets"].as_array().unwrap();
        let is_marked = |it: &&Value| it["name"] != STRANGER;
        droplets.iter().filter(is_marked).map(|it| (saga_mark(it), it["id"].as_u64().unwrap())).collect()
    }

    /// A droplet that bears the marks of the one with this saga's mark, another saga in them; with no call.
    pub fn add_like(&self, mark: &str, saga: &str) -> u64 {
        let account = self.simulator.account();
        let model = account["droplets"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["name"] != STRANGER && saga_mark(it) == mark)
            .unwrap();
        let ours = mark.strip_prefix("arcadia-saga-").unwrap();
        let tags =
            model["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().replace(ours, saga));
        self.add(tags.collect())
    }

    /// Another installation's droplet, one without any, and one that is nobody's.
    pub fn add_strangers(&self) {
        let managed = ["managed-by-arcadia-cloud", "arcadia-saga-0199a000-0000-7000-8000-000000000009"];
        let elsewhere = "arcadia-install-0199a000-0000-4000-8000-000000000002";
        for tags in [[&managed[..], &[elsewhere]].concat(), managed.to_vec(), vec!["env:test"]] {
            self.add(tags.into_iter().map(str::to_owned).collect());
        }
    }

    fn add(&self, tags: Vec<String>) -> u64 {
        let body = json!({"name": STRANGER, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": tags});
        self.simulator.mutate(&Mutation::create(Kind::Droplet, body)).unwrap().as_u64().unwrap()
    }

    /// How often the installation as a whole was listed.
    pub fn comparisons(&self) -> usize {
        let requests = self.simulator.requests().into_iter();
        requests.filter(|call| call.query.contains("arcadia-install-")).count()
    }

    /// The saga's rows are deleted, as is done with what ended long ago.
    pub async fn forget(&self, saga: Uuid) {
        let (db, sagas) = self.sagas().await;
        assert_eq!(sagas.forget(&[SagaId(saga)]).await.unwrap(), 1);
        db.close().await;
    }

    /// The hold is in the database. A process stands still before that.
    pub async fn until_hold_is_open(&self) {
        let db = self.database().await;
        let opening = async {
            while db.fetch_one::<i64>(&OPEN_HOLDS, args![]).await.unwrap() == 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(super::child::PATIENCE, opening).await.expect("the hold is written down");
        db.close().await;
    }

    /// Who let claims go on, and why.
    pub async fn releases(&self) -> Vec<(String, String)> {
        let db = self.database().await;
        let releases = db.fetch_all(&RELEASES, args![]).await.unwrap();
        db.close().await;
        releases
    }

    async fn database(&self) -> Db {
        let options = arcadia_sql::Options { lock_file: false, ..arcadia_sql::Options::default() };
        Db::connect(&self.url(), options).await.unwrap()
    }

    /// Somebody destroys it in the provider's own panel.
    pub fn destroy(&self, droplet: u64) {
        self.simulator.mutate(&Mutation::destroy(Kind::Droplet, droplet.to_string())).unwrap();
    }

    /// Everything but reading that was asked of the provider.
    pub fn writes(&self) -> Vec<String> {
        let requests = self.simulator.requests().into_iter().filter(|call| call.method != "GET");
        requests.map(|call| format!("{} {}", call.method, call.path)).collect()
    }

    /// The marks of all droplets that were ever created through the API, one entry for each creation.
    pub fn creations(&self) -> Vec<String> {
        let is_creation = |it: &Change| {
            it.by == Origin::Api && it.kind == Kind::Droplet && it.change == ChangeKind::Created
        };
        let log = self.simulator.log().into_iter().filter(is_creation);
        let mut marks: Vec<String> = log.map(|it| saga_mark(&it.fields)).collect();
        marks.sort();
        marks
    }

    /// The droplets that were ever destroyed through the API.
    pub fn destructions(&self) -> Vec<String> {
        let log = self.simulator.log().into_iter();
        let is_destruction = |it: &Change| {
            it.by == Origin::Api && it.kind == Kind::Droplet && it.change == ChangeKind::Destroyed
        };
        log.filter(is_destruction).map(|it| it.id).collect()
    }
}

fn saga_mark(droplet: &Value) -> String {
    let tags = droplet["tags"].as_array().cloned().unwrap_or_default();
    let mut marks = tags.iter().filter_map(Value::as_str).filter(|tag| tag.starts_with("arcadia-saga-"));
    marks.next().unwrap_or_else(|| panic!("no saga's mark: {}", json!(droplet))).to_owned()
}
