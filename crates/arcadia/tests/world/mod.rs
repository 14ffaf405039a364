//! A whole world for a story: the simulator over real HTTP, a database, and a runner, all on one clock that is
//! moved by hand. At its end the world is looked at, not the code: nothing unfinished, locked or left over.

#![allow(dead_code, reason = "each story file uses its own part of the kit")]

mod start;
mod verdict;

use arcadia::cloud::{Cloud, Parts, Service};
use arcadia_saga::{Clock, Runner, Saga, SagaId, Settings, Status, StepResult, StepStatus};
use arcadia_sql::testing::TestDb;
use arcadia_sql::{Engine, MIGRATIONS, ManualNow, Options};
use digitalocean::{Client, Limits, Purpose, Retry};
use digitalocean_sim::{ClockMode, Fault, FaultKind, Mutation, RateLimits, Simulator};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

#[allow(unused_imports, reason = "each story file uses its own part of the kit")]
pub use start::{DOMAIN, Story};

/// Whether work starts by the calendar, or only when a story asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    Kept,
    Closed,
}

/// See the file's head.
pub struct World {
    pub simulator: Simulator,
    pub service: Service,
    pub now: ManualNow,
    runner: Runner<Cloud>,
    /// Ids of droplets and snapshots that bear marks but are not ours to answer for.
    foreign: Mutex<BTreeSet<String>>,
    db: TestDb,
    _stop: DropGuard,
}

/// The client's clock: the world's. Nothing waits on it, since the client neither retries nor queues here.
#[derive(Debug)]
struct ClientClock(ManualNow);

impl digitalocean::Clock for ClientClock {
    fn now(&self) -> Timestamp {
        self.0.get()
    }

    fn sleep(&self, _wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::task::yield_now())
    }
}

impl World {
    pub async fn new(engine: Engine) -> World {
        World::with(engine, Calendar::Closed, 200).await
    }

    /// `per_page` is how many objects the client asks for at once.
    pub async fn with(engine: Engine, calendar: Calendar, per_page: u64) -> World {
        let now = ManualNow::new("2026-11-20T08:00:00Z".parse().unwrap());
        let options = Options { manual_now: Some(now.clone()), ..Options::default() };
        World::made_of(TestDb::fresh(engine, options, &MIGRATIONS).await, now, calendar, per_page).await
    }

    /// A world whose database is there already, at the time of its clock.
    pub async fn over(db: TestDb, now: ManualNow) -> World {
        World::made_of(db, now, Calendar::Closed, 200).await
    }

    async fn made_of(db: TestDb, now: ManualNow, calendar: Calendar, per_page: u64) -> World {
        arcadia_test_record::listen();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (simulator, address, stop) = simulate(now.get()).await;
        let client = Client::builder(format!("http://{address}"))
            .token(Purpose::Provisioning, concat!("dop_v1_", arcadia_test_record::needle!()))
            .token(Purpose::Sync, concat!("dop_v1_sync_", arcadia_test_record::needle!()))
            .timeout(Duration::from_secs(5))
            .patience(Duration::ZERO)
            .retry(Retry::none())
            .limits(Limits::unlimited())
            .per_page(per_page)
            .clock(Arc::new(ClientClock(now.clone())))
            .build()
            .unwrap();
        let parts = Parts {
            db: (*db).clone(),
            digitalocean: client,
            clock: Clock::manual(now.clone(), 7),
            tenant_zones: vec![DOMAIN.to_owned()],
            call_timeout: Duration::from_secs(5),
        };
        let service = match calendar {
            Calendar::Kept => Service::keeping_the_calendar(parts).await,
            Calendar::Closed => Service::assemble(parts).await,
        };
        let service = service.unwrap();
        let runner = service.runner(Settings::default());
        World { simulator, service, now, runner, foreign: Mutex::default(), db, _stop: stop.drop_guard() }
    }

    /// Drives everything until nothing is due within the next day.
    pub async fn settle(&self) {
        self.settle_for(Duration::from_secs(24 * 60 * 60)).await;
    }

    /// Drives everything that is due within `span`.
    pub async fn settle_for(&self, span: Duration) {
        let until = self.now.get() + SignedDuration::try_from(span).unwrap();
        self.runner.settle(until, |by| self.simulator.advance(by)).await.unwrap();
    }

    /// Drives what is due now, once.
    pub async fn round(&self) {
        self.runner.round().await.unwrap();
    }

    /// Drives until the saga stands at that step, begun or about to begin.
    pub async fn until_step(&self, saga: SagaId, step: &str) {
        let stands = |saga: &Saga| {
            let at = usize::try_from(saga.current_step_idx).unwrap();
            saga.steps[at] == step
        };
        self.until(saga, stands).await;
    }

    /// Drives until the saga is of that status.
    pub async fn until_status(&self, saga: SagaId, status: Status) {
        self.until(saga, |saga| saga.status == status).await;
    }

    /// Drives until the saga waits for that.
    pub async fn until_waiting_for(&self, saga: SagaId, reason: &str) {
        self.until(saga, |saga| saga.waiting_for.as_deref() == Some(reason)).await;
    }

    /// Drives until the saga is as asked for.
    pub async fn until(&self, id: SagaId, reached: impl Fn(&Saga) -> bool) {
        for _ in 0..500 {
            if reached(&self.saga(id).await) {
                return;
            }
            self.settle_for(Duration::from_secs(1)).await;
            self.advance(Duration::from_secs(1));
        }
        panic!("saga {id} never came there: {:?}", self.saga(id).await);
    }

    /// Where the database is.
    pub fn database_url(&self) -> &str {
        self.db.url()
    }

    pub fn advance(&self, by: Duration) {
        self.now.advance(by);
        self.simulator.advance(by);
    }

    pub async fn saga(&self, id: SagaId) -> Saga {
        self.service.cloud.sagas.get(id).await.unwrap()
    }

    pub async fn steps(&self, id: SagaId) -> Vec<StepResult> {
        self.service.cloud.sagas.list_step_results(id).await.unwrap()
    }

    pub async fn step_statuses(&self, id: SagaId) -> Vec<StepStatus> {
        self.steps(id).await.into_iter().map(|step| step.status).collect()
    }

    pub fn inject(&self, route: &str, kind: FaultKind) {
        self.simulator.inject(Fault::new(route, kind));
    }

    pub fn inject_once(&self, route: &str, kind: FaultKind) {
        self.simulator.inject(Fault::new(route, kind).once());
    }

    /// Something that bears marks and is not ours: it must survive everything.
    pub fn make_foreign(&self, kind: digitalocean_sim::Kind, body: Value) -> String {
        let id = self.simulator.mutate(&Mutation::create(kind, body)).unwrap();
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        self.foreign.lock().unwrap().insert(id.clone());
        id
    }
}

async fn simulate(start: Timestamp) -> (Simulator, std::net::SocketAddr, CancellationToken) {
    let simulator = Simulator::new(digitalocean_sim::Options {
        clock: ClockMode::Manual { start },
        limits: RateLimits::unlimited(),
        ..digitalocean_sim::Options::default()
    });
    simulator.add_domain(DOMAIN).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let (served, stopped) = (simulator.clone(), stop.clone());
    tokio::spawn(async move { served.serve(listener, stopped).await });
    (simulator, address, stop)
}

/// Declares stories, each told on both databases; the world is judged at the end.
#[macro_export]
macro_rules! stories {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: &World) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn story($world: &$crate::world::World) $body

            $(#[$meta])*
            #[tokio::test]
            async fn sqlite() {
                let world = $crate::world::World::new(arcadia_sql::Engine::Sqlite).await;
                story(&world).await;
                world.judge().await;
            }

            $(#[$meta])*
            #[tokio::test]
            async fn postgres() {
                let world = $crate::world::World::new(arcadia_sql::Engine::Postgres).await;
                story(&world).await;
                world.judge().await;
            }
        }
    )*};
}
