//! A node: claims due sagas, drives them, renews its lease, takes over what dead nodes left.

use crate::drive::Driver;
use crate::flight::Flight;
use crate::journal::Journal;
use crate::lease::Lease;
use crate::store::{self, SagaRow};
use crate::{Registry, Sagas};
use arcadia_sql::{Engine, Error, args};
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How a node runs. All times are real.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// In logs and in the table of nodes.
    pub node_name: String,
    /// Without a renewal for this long a node counts as dead.
    pub lease: Duration,
    /// The longest that a provider call goes on after its answer is no longer awaited.
    pub call_timeout: Duration,
    /// Sagas driven at once.
    pub in_flight_max: usize,
    /// The longest sleep: what a missed wake-up costs.
    pub safety_poll: Duration,
    /// How long running steps may go on after a shutdown was asked for.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            node_name: "node".to_owned(),
            lease: Duration::from_secs(10),
            call_timeout: Duration::from_secs(6),
            in_flight_max: 512,
            safety_poll: Duration::from_millis(500),
            grace: Duration::from_secs(20),
        }
    }
}

/// One node's runner over the sagas of one database.
pub struct Runner<C> {
    sagas: Sagas,
    registry: Arc<Registry<C>>,
    cloud: Arc<C>,
    settings: Settings,
    known_steps: Vec<String>,
    stopping: Arc<AtomicBool>,
}

impl<C> std::fmt::Debug for Runner<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<C: Send + Sync + 'static> Runner<C> {
    /// A runner that hands `cloud` to every step.
    #[must_use]
    pub fn new(sagas: Sagas, registry: Arc<Registry<C>>, cloud: Arc<C>, settings: Settings) -> Runner<C> {
        let mut known_steps = registry.step_names();
        // The last look and the end of a saga have no step at the cursor.
        known_steps.push(String::new());
        Runner { sagas, registry, cloud, settings, known_steps, stopping: Arc::default() }
    }

    /// Runs until `shutdown`: then claims nothing more, lets running steps come to their next safe point,
    /// and returns. What is still in a call after the grace period is left to the lease.
    pub async fn run(&self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let lease = Arc::new(Lease::new(self.sagas.clock.new_id()));
            if let Err(error) = self.enlist(&lease).await {
                tracing::warn!(%error, "the database is away; trying again");
                self.pause(&shutdown, self.settings.safety_poll).await;
                continue;
            }
            self.live(&lease, &shutdown).await;
        }
    }

    /// The life under one runner id: from the first lease to the loss of it, or to the shutdown.
    async fn live(&self, lease: &Arc<Lease>, shutdown: &CancellationToken) {
        tracing::info!(runner = %lease.runner(), node = %self.settings.node_name, "runner started");
        let mut flights = JoinSet::new();
        let mut renewal = tokio::time::interval(self.settings.lease / 5);
        renewal.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let woken = self.sagas.woken.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let sleep = match self.claim_all(lease, &mut flights).await {
                Ok(sleep) => sleep,
                Err(error) => {
                    tracing::warn!(%error, "claiming failed; trying again");
                    self.settings.safety_poll
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return self.wind_down(lease, flights).await,
                _ = renewal.tick() => {
                    if !self.renew(lease).await {
                        tracing::error!(runner = %lease.runner(), "lease lost: every saga is dropped");
                        lease.end();
                        flights.shutdown().await;
                        return;
                    }
                }
                Some(_) = flights.join_next() => {}
                () = woken => {}
                () = tokio::time::sleep(sleep) => {}
            }
            while flights.try_join_next().is_some() {}
        }
    }

    async fn pause(&self, shutdown: &CancellationToken, real: Duration) {
        tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(real) => {} }
    }

    async fn wind_down(&self, lease: &Arc<Lease>, mut flights: JoinSet<()>) {
        self.stopping.store(true, Ordering::Relaxed);
        let until = tokio::time::Instant::now() + self.settings.grace;
        let mut renewal = tokio::time::interval(self.settings.lease / 5);
        loop {
            tokio::select! {
                joined = flights.join_next() => if joined.is_none() { break },
                _ = renewal.tick() => if !self.renew(lease).await { break },
                () = tokio::time::sleep_until(until) => break,
            }
        }
        if flights.is_empty() {
            if let Err(error) = self.sagas.db.execute(&store::BURY_SELF, args![lease.runner()]).await {
                tracing::warn!(%error, "could not sign off; the lease will run out");
            }
        } else {
            tracing::warn!(
                calls = flights.len(),
                "calls are still under way; their sagas wait for the lease to end"
            );
        }
        lease.end();
        flights.shutdown().await;
        tracing::info!(runner = %lease.runner(), "runner stopped");
    }

    /// Enters the table of nodes. On SQLite this process holds the file alone: everyone else is dead.
    async fn enlist(&self, lease: &Lease) -> Result<(), Error> {
        let sent = self.sagas.clock.monotonic();
        let name = self.settings.node_name.as_str();
        let args = args![lease.runner(), name, self.sagas.clock.now(), self.lease_ms()];
        self.sagas.db.execute(&store::ADD_NODE, args).await?;
        lease.renewed(sent, self.settings.lease);
        if self.sagas.db.engine() == Engine::Sqlite && self.sagas.clock.as_manual().is_none() {
            self.sagas.db.execute(&store::BURY_OTHERS, args![lease.runner()]).await?;
        }
        Ok(())
    }

    /// False when no living row was found: this runner is dead for the others.
    async fn renew(&self, lease: &Lease) -> bool {
        let sent = self.sagas.clock.monotonic();
        match self.sagas.db.execute(&store::RENEW_LEASE, args![lease.runner(), self.lease_ms()]).await {
            Ok(0) => false,
            Ok(_) => {
                lease.renewed(sent, self.settings.lease);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the lease could not be renewed");
                true
            }
        }
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.settings.lease.as_millis()).unwrap_or(i64::MAX)
    }

    /// Claims until nothing is due or every place is taken; answers how long to sleep.
    async fn claim_all(&self, lease: &Arc<Lease>, flights: &mut JoinSet<()>) -> Result<Duration, Error> {
        self.bury_expired().await?;
        loop {
            let free = self.settings.in_flight_max.saturating_sub(flights.len());
            if free == 0 {
                return Ok(self.settings.safety_poll);
            }
            let claimed = self.claim(lease, free.min(100)).await?;
            if claimed.is_empty() {
                return self.until_next_due().await;
            }
            for (row, taken_over) in claimed {
                let driver = self.driver(lease);
                flights.spawn(async move { driver.fly(row, taken_over).await });
            }
        }
    }

    async fn bury_expired(&self) -> Result<(), Error> {
        let db = &self.sagas.db;
        if db.execute(&store::BURY_EXPIRED, args![]).await? > 0 {
            tracing::warn!("a node died; taking over its sagas");
        }
        db.execute(&store::FORGET_DEAD, args![]).await.map(|_| ())
    }

    async fn claim(&self, lease: &Lease, limit: usize) -> Result<Vec<(SagaRow, bool)>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (db, now) = (&self.sagas.db, self.sagas.clock.now());
        let args = || args![lease.runner(), now, self.known_steps.clone(), limit];
        let mut claimed = Vec::new();
        if db.fetch_one::<(i64,)>(&store::DEAD_OWNERS, args![]).await?.0 > 0 {
            let rows = db.fetch_all::<SagaRow>(&store::TAKE_OVER, args()).await?;
            claimed.extend(rows.into_iter().map(|row| (row, true)));
        }
        if claimed.is_empty() {
            let rows = db.fetch_all::<SagaRow>(&store::CLAIM_DUE, args()).await?;
            claimed.extend(rows.into_iter().map(|row| (row, false)));
        }
        Ok(claimed)
    }

    async fn until_next_due(&self) -> Result<Duration, Error> {
        let Some(due) = self.next_due().await? else { return Ok(self.settings.safety_poll) };
        let now = self.sagas.db.now().await?;
        let until = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        Ok(until.clamp(Duration::from_millis(1), self.settings.safety_poll))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let known = args![self.known_steps.clone()];
        let due = self.sagas.db.fetch_optional::<(Timestamp,)>(&store::NEXT_DUE, known).await?;
        Ok(due.map(|(at,)| at))
    }

    fn driver(&self, lease: &Arc<Lease>) -> Driver<C> {
        let (db, clock) = (self.sagas.db.clone(), self.sagas.clock.clone());
        Driver {
            registry: Arc::clone(&self.registry),
            cloud: Arc::clone(&self.cloud),
            journal: Journal { db, clock, lease: Arc::clone(lease) },
            stopping: Arc::clone(&self.stopping),
            call_timeout: self.settings.call_timeout,
        }
    }
}

impl<C: Send + Sync + 'static> Driver<C> {
    async fn fly(self, row: SagaRow, taken_over: bool) {
        let (id, epoch) = (row.id, row.epoch);
        match Flight::new(row, self.journal.lease.runner(), |steps| self.registry.pivot(steps)) {
            Ok(flight) => self.drive(flight, taken_over).await,
            Err(error) => {
                tracing::error!(saga = %id, %error, "a saga cannot be read; parked");
                let attention = json!({"reason": "undecodable", "message": error.to_string()});
                self.journal.park_poisoned(id, epoch, attention).await;
            }
        }
    }
}

/// Driving by hand, for tests on a manual clock.
impl<C: Send + Sync + 'static> Runner<C> {
    /// Claims and drives what is due now, together, to its next pause. Answers how many there were.
    ///
    /// # Errors
    /// The database.
    pub async fn round(&self) -> Result<usize, Error> {
        let lease = Arc::new(Lease::new(self.sagas.clock.new_id()));
        self.enlist(&lease).await?;
        let mut flights = JoinSet::new();
        self.claim_all(&lease, &mut flights).await?;
        let driven = flights.len();
        while flights.join_next().await.is_some() {}
        self.sagas.db.execute(&store::BURY_SELF, args![lease.runner()]).await?;
        Ok(driven)
    }

    /// Drives until nothing is due, moving the manual clock from one due time to the next. `moved` is told
    /// each step of the clock, so that a simulator can move along. Stops at `until`.
    ///
    /// # Errors
    /// The database.
    pub async fn settle(&self, until: Timestamp, moved: impl Fn(Duration)) -> Result<(), Error> {
        loop {
            if self.round().await? > 0 {
                continue;
            }
            let Some(clock) = self.sagas.clock.as_manual() else { return Ok(()) };
            let Some(due) = self.next_due().await?.filter(|due| *due <= until) else { return Ok(()) };
            let ahead = Duration::try_from(due.duration_since(clock.get())).unwrap_or_default();
            clock.advance(ahead);
            moved(ahead);
        }
    }
}
