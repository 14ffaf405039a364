//! The simulator as its users hold it: a cheap clone of one shared account with clock, faults and request log.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Time, TimeMode, after_ms};
use crate::connection::{CuttableListener, Wire};
use crate::faults::{Fault, FaultBook, FaultId, FaultReport};
use crate::http;
use crate::http::limits::Limiter;
use crate::http::scopes::Tokens;
use crate::model::finance::ImportedInvoice;
use crate::model::log::{Change, Origin};
use crate::model::mutate::Mutation;
use crate::model::{Account, Marked, Twist};
use crate::options::Options;
use crate::requests::{RequestLog, RequestRecord};
use crate::scenario;

/// One simulated DigitalOcean account. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    clock: Clock,
    world: Mutex<World>,
}

/// All that changes, under one lock; nothing waits while holding it.
pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) limiter: Limiter,
    pub(crate) faults: FaultBook,
    pub(crate) requests: RequestLog,
    pub(crate) tokens: Tokens,
    request_ids: fastrand::Rng,
}

/// A request to change the account out of band, or to load a scenario, that cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Impossible(pub String);

impl fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Simulator").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

impl World {
    /// Drawn apart from the account's own randomness, so that a further request does not change what happens.
    pub(crate) fn request_id(&mut self) -> String {
        let bytes = self.request_ids.u128(..).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

impl Simulator {
    pub fn new(options: Options) -> Simulator {
        let clock = Clock::new(options.clock);
        let world = World {
            account: Account::new(&options, clock.now()),
            limiter: Limiter::new(options.limits),
            faults: FaultBook::default(),
            requests: RequestLog::default(),
            tokens: Tokens::default(),
            request_ids: fastrand::Rng::with_seed(options.seed ^ 0x7e97_1d5e),
        };
        Simulator { inner: Arc::new(Inner { options, clock, world: Mutex::new(world) }) }
    }

    /// The API and the control interface. Faults that cut a connection need `serve`; mounted on another server they
    /// can only break off the body.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }

    /// Serves until `shutdown` is cancelled; requests that are held or delayed then are cut.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let listener = CuttableListener { listener, shutdown: shutdown.clone() };
        let service = self.router().into_make_service_with_connect_info::<Wire>();
        axum::serve(listener, service).with_graceful_shutdown(shutdown.cancelled_owned()).await
    }

    /// Moves simulated time forward; what becomes due on the way has happened on return.
    pub fn advance(&self, duration: Duration) {
        self.inner.clock.advance(duration);
        drop(self.settled());
    }

    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub fn time(&self) -> Time {
        self.inner.clock.time()
    }

    pub fn set_speed(&self, speed: f64) {
        self.inner.clock.set_speed(speed);
    }

    pub fn set_mode(&self, mode: TimeMode) {
        self.inner.clock.set_mode(mode);
    }

    /// Everything that exists now, by kind.
    pub fn account(&self) -> Value {
        self.settled().account.overview()
    }

    /// What exists and bears arcadia's marks.
    pub fn marked(&self) -> Vec<Marked> {
        self.settled().account.marked()
    }

    /// Every change ever made to the account.
    pub fn log(&self) -> Vec<Change> {
        self.settled().account.changes().to_vec()
    }

    /// The last requests received, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.world().requests.since(0).cloned().collect()
    }

    /// How many requests were ever received.
    pub fn request_count(&self) -> u64 {
        self.world().requests.total()
    }

    /// # Panics
    /// When the fault's route is not a method and a path under `/v2`: it would never strike.
    pub fn inject(&self, fault: Fault) -> FaultId {
        if let Err(reason) = fault.check() {
            panic!("a fault that cannot strike was injected: {reason}");
        }
        self.world().faults.add(fault)
    }

    pub fn faults(&self) -> Vec<FaultReport> {
        self.world().faults.reports()
    }

    /// Removes all faults; requests that they hold go on.
    pub fn clear_faults(&self) {
        self.world().faults.clear(None);
    }

    /// Removes one fault; answers whether there was such a one.
    pub fn clear_fault(&self, id: FaultId) -> bool {
        self.world().faults.clear(Some(id))
    }

    /// Lets go the requests that the fault holds; answers how many, or nothing for an unknown fault.
    pub fn release(&self, id: FaultId) -> Option<usize> {
        self.world().faults.release(id)
    }

    /// Returns as soon as the fault holds `count` requests or more; at once when there is no such fault.
    pub async fn until_held(&self, id: FaultId, count: usize) {
        let watched = self.world().faults.watch_held(id);
        if let Some(mut held) = watched {
            // An error means that the fault was cleared, and then nothing is left to wait for.
            let _ = held.wait_for(|held| *held >= count).await;
        }
    }

    /// Changes the account out of band; answers the id of what was changed or created.
    pub fn mutate(&self, mutation: &Mutation) -> Result<Value, Impossible> {
        self.settled().account.mutate(mutation).map_err(|refusal| Impossible(refusal.to_string()))
    }

    /// Adds a zone as if it had always been there.
    pub fn add_domain(&self, name: &str) -> Result<(), Impossible> {
        let mut world = self.settled();
        let added = world.account.create_domain(name, None, Twist::default(), Origin::Scenario);
        added.map(|_| ()).map_err(|refusal| Impossible(refusal.to_string()))
    }

    /// Limits a token to some scopes, `droplet:read` and the like; `None` lifts the limits, and a revocation.
    pub fn limit_token(&self, token: &str, scopes: Option<&[&str]>) {
        let scopes = scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect());
        self.world().tokens.limit(token, scopes);
    }

    /// From now on the token is answered with 401.
    pub fn revoke_token(&self, token: &str) {
        self.world().tokens.revoke(token);
    }

    /// What the stand-in for the finance service was given.
    pub fn imported_invoices(&self) -> Vec<ImportedInvoice> {
        self.world().account.imports().to_vec()
    }

    /// Replaces the account, its log included, by a named one; faults and the request log stay. So does time, unless
    /// the scenario is set in a month of its own and it is not that month.
    pub fn load_scenario(&self, name: &str, seed: Option<u64>) -> Result<(), Impossible> {
        let options = Options { seed: seed.unwrap_or(self.inner.options.seed), ..self.inner.options.clone() };
        let now = self.now();
        let account = scenario::load(name, &options, now)?;
        let mut world = self.world();
        if account.now() != now {
            self.clock().set(account.now());
            world.limiter = Limiter::new(options.limits);
        }
        world.account = account;
        Ok(())
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// A panic while the lock was held cannot have been in the middle of more than one resource; going on serves the
    /// tests better than to fail every later request.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.inner.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settled(&self) -> MutexGuard<'_, World> {
        let mut world = self.world();
        world.account.settle(self.inner.clock.now());
        world
    }

    /// Creating a droplet takes its time to answer; on a manual clock nobody could wait for that.
    pub(crate) async fn linger_over_create(&self) {
        if !self.clock().flows() {
            return;
        }
        let ms = {
            let mut world = self.world();
            let span = self.inner.options.timings.create_answer;
            span.draw_ms(&mut world.request_ids)
        };
        self.clock().sleep_until(after_ms(self.now(), ms)).await;
    }
}
