//! One case's world: the simulator behind a network in which the kit stands, the service, and the saga's tale.
//! The network keeps to its time-out: a request that stood still for longer never arrives.

use arcadia::cloud::{Cloud, Parts, Service};
use arcadia::sagas;
use arcadia_saga::testing::{Scene, Tripwire, World, standing};
use arcadia_saga::{Registry, Saga, SagaId, Sagas, StartError, StartSaga, Status, StepResult};
use arcadia_sql::ManualNow;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use digitalocean::{Client, Limits, Purpose, Retry};
use digitalocean_sim::{ClockMode, Kind, Mutation, Options, RateLimits, Simulator, Span, Timings};
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// The zone of all tales.
pub const DOMAIN: &str = "arcadia-demo.com";

const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// By then everything that was begun at the provider has come to light.
const LATER: Duration = Duration::from_secs(2 * 60 * 60);

/// Whatever is waited for is looked at in vain once: each further look would be the same place again.
const ONE_LOOK_IN_VAIN: Timings = Timings {
    boot: Span::exactly(7_000),
    droplet_list_lag: Span::exactly(4_000),
    droplet_tag_lag: Span::exactly(4_000),
    droplet_linger: Span::exactly(12_000),
    snapshot: Span::exactly(7_000),
    snapshot_list_lag: Span::exactly(4_000),
    snapshot_linger: Span::exactly(4_000),
    ..Timings::realistic()
};

/// What a saga changes, how it starts, and what must be there at its end.
pub trait Tale: Clone + Send + Sync + 'static {
    /// Makes what is there before the saga begins.
    fn prepare(&mut self, site: &Site) -> impl Future<Output = ()> + Send;

    fn start(&self, site: &Site, sagas: &Sagas) -> impl Future<Output = Result<SagaId, StartError>> + Send;

    fn verdict(&self, site: &Site, end: &End<'_>) -> impl Future<Output = Result<(), String>> + Send;
}

/// A saga at its end.
pub struct End<'s> {
    pub saga: &'s Saga,
    pub steps: &'s [StepResult],
    standing: Vec<usize>,
}

impl End<'_> {
    pub fn is_completed(&self) -> bool {
        self.saga.status == Status::Completed
    }

    /// Whether what the step did must still be there.
    pub fn stands(&self, idx: usize) -> bool {
        self.is_completed() || self.standing.contains(&idx)
    }
}

pub struct Site {
    pub simulator: Simulator,
    pub service: Service,
    _server: AbortOnDropHandle<()>,
}

/// A site and what happens there.
pub struct Told<T> {
    site: Site,
    tale: T,
}

impl<T: Tale> Told<T> {
    pub async fn begin(scene: Scene, mut tale: T) -> Told<T> {
        let site = Site::open(scene).await;
        tale.prepare(&site).await;
        Told { site, tale }
    }
}

impl<T: Tale> World for Told<T> {
    type Cloud = Cloud;

    fn cloud(&self) -> Arc<Cloud> {
        Arc::clone(&self.site.service.cloud)
    }

    fn registry(&self) -> Registry<Cloud> {
        sagas::registry().unwrap()
    }

    async fn start(&self, sagas: &Sagas) -> Result<SagaId, StartError> {
        self.tale.start(&self.site, sagas).await
    }

    fn moved(&self, by: Duration) {
        self.site.simulator.advance(by);
    }

    async fn verdict(&self, saga: &Saga, steps: &[StepResult]) -> Result<(), String> {
        self.site.simulator.advance(LATER);
        self.tale.verdict(&self.site, &End { saga, steps, standing: standing(saga) }).await
    }
}

impl Site {
    async fn open(scene: Scene) -> Site {
        let simulator = Simulator::new(Options {
            clock: ClockMode::Manual { start: scene.now.get() },
            limits: RateLimits::unlimited(),
            timings: ONE_LOOK_IN_VAIN,
            ..Options::default()
        });
        simulator.add_domain(DOMAIN).unwrap();
        let network = Network { tripwire: scene.tripwire, now: scene.now.clone() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let router = simulator.router().layer(from_fn_with_state(network, deliver));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let digitalocean = Client::builder(format!("http://{address}"))
            .token(Purpose::Provisioning, concat!("dop_v1_", arcadia_test_record::needle!()))
            .token(Purpose::Sync, concat!("dop_v1_", arcadia_test_record::needle!()))
            .timeout(CALL_TIMEOUT)
            .patience(Duration::ZERO)
            .retry(Retry::none())
            .limits(Limits::unlimited())
            .clock(Arc::new(ClientClock(scene.now)))
            .build()
            .unwrap();
        let (db, clock) = (scene.db, scene.clock);
        let tenant_zones = vec![DOMAIN.to_owned()];
        let parts = Parts { db, digitalocean, clock, tenant_zones, call_timeout: CALL_TIMEOUT };
        let service = Service::assemble(parts).await.unwrap();
        Site { simulator, service, _server: AbortOnDropHandle::new(server) }
    }

    /// A droplet of this installation that no case's saga made.
    pub fn add_droplet(&self) -> u64 {
        let installation = format!("arcadia-install-{}", self.service.cloud.installation);
        let body = json!({"name": format!("box.{DOMAIN}"), "region": "nyc3", "size": "s-1vcpu-1gb",
            "image": "ubuntu-24-04-x64", "tags": ["managed-by-arcadia-cloud", installation]});
        let id = self.simulator.mutate(&Mutation::create(Kind::Droplet, body)).unwrap();
        id.as_u64().unwrap()
    }

    /// Everything of a kind that the account holds.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        self.simulator.account()[kind].as_array().unwrap().clone()
    }

    /// The droplets that bear a tag.
    pub fn tagged(&self, tag: &str) -> Vec<Value> {
        let bears = |droplet: &Value| droplet["tags"].as_array().unwrap().iter().any(|worn| worn == tag);
        self.all("droplets").into_iter().filter(bears).collect()
    }
}

/// Starts a saga of these steps, or of a plan's.
pub fn order(kind: &str, steps: Vec<String>, inputs: Value, locks: Vec<String>) -> StartSaga {
    StartSaga {
        kind: kind.to_owned(),
        steps,
        inputs: inputs.as_object().cloned().unwrap_or_default(),
        triggered_by: "system:hazards".to_owned(),
        locks,
        ..StartSaga::default()
    }
}

/// What is there must be what should be.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?}, not {wanted:?}")) }
}

#[derive(Clone)]
struct Network {
    tripwire: Tripwire,
    now: ManualNow,
}

/// Brings a request to the simulator and its answer back, past the kit.
async fn deliver(State(network): State<Network>, request: Request, next: Next) -> Response {
    let sent_at = network.now.get();
    let Ok(passed) = network.tripwire.before().await else { return broken() };
    if network.now.get() >= sent_at + SignedDuration::try_from(CALL_TIMEOUT).unwrap() {
        return broken();
    }
    let answer = next.run(request).await;
    match network.tripwire.after(passed).await {
        Ok(()) => answer,
        Err(_) => broken(),
    }
}

/// The connection ends before the answer does.
fn broken() -> Response {
    let cut = Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    Response::new(Body::from_stream(stream::iter([cut])))
}

/// The client's clock: the kit's. Nothing waits on it, since the client neither retries nor queues here.
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
