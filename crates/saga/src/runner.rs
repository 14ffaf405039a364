//! A node: claims due sagas, drives them, renews its lease, takes over what dead nodes left.

use crate::alarm::Alarm;
use crate::drive::Driver;
use crate::flight::Flight;
use crate::journal::Journal;
use crate::lease::Lease;
use crate::ledger::{Claim, Ledger, SqlLedger};
use crate::sagas::BeginHere;
use crate::store::SagaRow;
use crate::{Registry, Sagas};
use arcadia_sql::Error;
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// So many sagas are claimed by one statement at most.
const CLAIM_MAX: usize = 256;
/// Between two looks at what is due by time, so that wake-ups close together are one claim.
const CLAIM_EVERY: Duration = Duration::from_millis(5);

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
    alarm: Arc<Alarm>,
    /// A place for each saga in flight.
    places: Arc<Semaphore>,
    place_freed: Arc<Notify>,
    ledger: OnceCell<Arc<dyn Ledger>>,
}

impl<C> std::fmt::Debug for Runner<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// How a saga came to this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claimed {
    Due,
    FromTheDead,
}

/// The sagas in flight under one lease.
struct Flights {
    lease: Arc<Lease>,
    tasks: TaskTracker,
    dropped: CancellationToken,
}

impl Flights {
    fn under(lease: Lease) -> Flights {
        Flights { lease: Arc::new(lease), tasks: TaskTracker::new(), dropped: CancellationToken::new() }
    }

    /// Ends every task where it stands. What was in a call is in doubt for the next owner.
    async fn drop_all(&self) {
        self.lease.end();
        self.dropped.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl<C: Send + Sync + 'static> Runner<C> {
    /// A runner that hands `cloud` to every step.
    #[must_use]
    pub fn new(sagas: Sagas, registry: Arc<Registry<C>>, cloud: Arc<C>, settings: Settings) -> Runner<C> {
        let mut known_steps = registry.step_names();
        // The last look and the end of a saga have no step at the cursor.
        known_steps.push(String::new());
        Runner {
            places: Arc::new(Semaphore::new(settings.in_flight_max)),
            sagas,
            registry,
            cloud,
            settings,
            known_steps,
            stopping: Arc::default(),
            alarm: Arc::default(),
            place_freed: Arc::default(),
            ledger: OnceCell::new(),
        }
    }

    /// Runs until `shutdown`: then claims nothing more, lets running steps come to their next safe point,
    /// and returns. What is still in a call after the grace period is left to the lease.
    pub async fn run(&self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let flights = match self.enlist().await {
                Ok(lease) => Flights::under(lease),
                Err(error) => {
                    tracing::warn!(%error, "the database is away; trying again");
                    self.pause(&shutdown, self.settings.safety_poll).await;
                    continue;
                }
            };
            self.begin_here(&flights).await;
            self.live(&flights, &shutdown).await;
        }
    }

    /// The life under one runner id: from the first lease to the loss of it, or to the shutdown.
    async fn live(&self, flights: &Flights, shutdown: &CancellationToken) {
        let runner = flights.lease.runner();
        tracing::info!(%runner, node = %self.settings.node_name, "runner started");
        let mut renewal = interval(self.settings.lease / 5);
        let mut safety = interval(self.settings.safety_poll);
        let mut sleep = Duration::ZERO;
        loop {
            let woken = self.sagas.woken.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            tokio::select! {
                () = shutdown.cancelled() => break,
                _ = renewal.tick() => {
                    if !self.renew(&flights.lease).await {
                        tracing::error!(%runner, "lease lost: every saga is dropped");
                        self.sagas.stop_beginning_here();
                        flights.drop_all().await;
                        return;
                    }
                    continue;
                }
                _ = safety.tick() => self.take_over_all(flights).await,
                () = self.place_freed.notified(), if self.places.available_permits() == 0 => {}
                () = self.alarm.moved_earlier() => {
                    sleep = sleep.min(self.alarm.remaining(self.sagas.clock.monotonic()).unwrap_or(sleep));
                    if !sleep.is_zero() { continue }
                }
                () = woken => {}
                () = tokio::time::sleep(sleep) => {}
            }
            sleep = self.claim_due(flights).await;
        }
        self.sagas.stop_beginning_here();
        self.wind_down(flights).await;
    }

    async fn pause(&self, shutdown: &CancellationToken, real: Duration) {
        tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(real) => {} }
    }

    async fn wind_down(&self, flights: &Flights) {
        self.stopping.store(true, Ordering::Relaxed);
        flights.tasks.close();
        let grace_over = tokio::time::sleep(self.settings.grace);
        tokio::pin!(grace_over);
        let mut renewal = interval(self.settings.lease / 5);
        loop {
            tokio::select! {
                () = flights.tasks.wait() => break,
                _ = renewal.tick() => if !self.renew(&flights.lease).await { break },
                () = &mut grace_over => break,
            }
        }
        let runner = flights.lease.runner();
        if flights.tasks.is_empty() {
            let signed_off = async { self.ledger().await?.sign_off(runner).await };
            if let Err(error) = signed_off.await {
                tracing::warn!(%error, "could not sign off; the lease will run out");
            }
        } else {
            let calls = flights.tasks.len();
            tracing::warn!(calls, "calls are still under way; their sagas wait for the lease to end");
        }
        flights.drop_all().await;
        tracing::info!(%runner, "runner stopped");
    }

    /// Enters the table of nodes. On SQLite this process holds the file alone: everyone else is dead.
    async fn enlist(&self) -> Result<Lease, Error> {
        let (ledger, clock) = (self.ledger().await?, &self.sagas.clock);
        let lease = Lease::new(clock.new_id());
        let sent = clock.monotonic();
        ledger.enlist(lease.runner(), self.settings.node_name.clone(), clock.now(), self.lease_ms()).await?;
        lease.renewed(sent, self.settings.lease);
        if clock.as_manual().is_none() {
            ledger.bury_others(lease.runner()).await?;
        }
        Ok(lease)
    }

    /// False when no living row was found: this runner is dead for the others.
    async fn renew(&self, lease: &Lease) -> bool {
        let sent = self.sagas.clock.monotonic();
        let renewed = async { self.ledger().await?.renew(lease.runner(), self.lease_ms()).await };
        match renewed.await {
            Ok(false) => false,
            Ok(true) => {
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
    async fn claim_due(&self, flights: &Flights) -> Duration {
        self.alarm.clear();
        match self.claim_all(flights, Claimed::Due).await {
            Ok(_) => self.until_next_due().await.unwrap_or(self.settings.safety_poll),
            Err(error) => {
                tracing::warn!(%error, "claiming failed; trying again");
                self.settings.safety_poll
            }
        }
    }

    /// What dead nodes left behind.
    async fn take_over_all(&self, flights: &Flights) {
        let taken = async {
            let ledger = self.ledger().await?;
            if ledger.bury_expired().await? > 0 {
                tracing::warn!("a node died; taking over its sagas");
            }
            if ledger.dead_nodes().await? > 0 {
                self.claim_all(flights, Claimed::FromTheDead).await?;
                ledger.forget_dead().await?;
            }
            Ok::<(), Error>(())
        };
        if let Err(error) = taken.await {
            tracing::warn!(%error, "taking over failed; trying again");
        }
    }

    async fn claim_all(&self, flights: &Flights, which: Claimed) -> Result<usize, Error> {
        let ledger = self.ledger().await?;
        let mut driven = 0;
        loop {
            let limit = self.places.available_permits().min(CLAIM_MAX);
            if limit == 0 {
                return Ok(driven);
            }
            let (runner, now) = (flights.lease.runner(), self.sagas.clock.now());
            let claim = Claim { runner, now, known_steps: self.known_steps.clone(), limit };
            let rows = match which {
                Claimed::Due => ledger.claim_due(claim).await?,
                Claimed::FromTheDead => ledger.take_over(claim).await?,
            };
            let claimed = rows.len();
            driven += claimed;
            for row in rows {
                self.spawn(flights, row, which).await?;
            }
            if claimed < limit {
                return Ok(driven);
            }
        }
    }

    async fn spawn(&self, flights: &Flights, row: SagaRow, which: Claimed) -> Result<(), Error> {
        let driver = self.driver(&flights.lease).await?;
        let launch = Launch::new(self, flights);
        launch.spawn(async move { driver.fly(row, which == Claimed::FromTheDead).await });
        Ok(())
    }

    /// From now on a saga that is started on this node begins here, without being claimed first.
    async fn begin_here(&self, flights: &Flights) {
        let driver = match self.driver(&flights.lease).await {
            Ok(driver) => Arc::new(driver),
            Err(error) => {
                tracing::warn!(%error, "no journal yet; sagas are claimed, not begun in place");
                return;
            }
        };
        let (launch, journal) = (Launch::new(self, flights), driver.journal.clone());
        let fly = move |flight: Flight| {
            let driver = Arc::clone(&driver);
            launch.spawn(async move { driver.drive_from(flight).await });
        };
        let places = Arc::clone(&self.places);
        self.sagas.begin_here(BeginHere {
            journal,
            lease: Arc::clone(&flights.lease),
            places,
            fly: Box::new(fly),
        });
    }

    async fn until_next_due(&self) -> Result<Duration, Error> {
        let due = self.ledger().await?.next_due(self.known_steps.clone()).await?;
        let Some((due, now)) = due else { return Ok(self.settings.safety_poll) };
        let until = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        Ok(until.clamp(CLAIM_EVERY, self.settings.safety_poll))
    }

    async fn ledger(&self) -> Result<&Arc<dyn Ledger>, Error> {
        let open = || async {
            let ledger: Arc<dyn Ledger> = Arc::new(SqlLedger::open(self.sagas.db.clone()).await?);
            Ok(ledger)
        };
        self.ledger.get_or_try_init(open).await
    }

    async fn driver(&self, lease: &Arc<Lease>) -> Result<Driver<C>, Error> {
        let journal = Journal { ledger: Arc::clone(self.ledger().await?), clock: self.sagas.clock.clone() };
        Ok(Driver {
            registry: Arc::clone(&self.registry),
            cloud: Arc::clone(&self.cloud),
            journal,
            db: self.sagas.db.clone(),
            lease: Arc::clone(lease),
            alarm: Arc::clone(&self.alarm),
            ends: self.sagas.ends.clone(),
            stopping: Arc::clone(&self.stopping),
            call_timeout: self.settings.call_timeout,
        })
    }
}

/// What it takes to put a saga in flight.
struct Launch {
    tasks: TaskTracker,
    dropped: CancellationToken,
    places: Arc<Semaphore>,
    place_freed: Arc<Notify>,
}

impl Launch {
    fn new<C>(runner: &Runner<C>, flights: &Flights) -> Launch {
        Launch {
            tasks: flights.tasks.clone(),
            dropped: flights.dropped.clone(),
            places: Arc::clone(&runner.places),
            place_freed: Arc::clone(&runner.place_freed),
        }
    }

    /// The caller saw a free place; one too many in a race does no harm.
    fn spawn(&self, flight: impl Future<Output = ()> + Send + 'static) {
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        let (dropped, place_freed) = (self.dropped.clone(), Arc::clone(&self.place_freed));
        self.tasks.spawn(async move {
            let _ = dropped.run_until_cancelled_owned(flight).await;
            drop(place);
            place_freed.notify_one();
        });
    }
}

fn interval(every: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}

impl<C: Send + Sync + 'static> Driver<C> {
    async fn fly(self, row: SagaRow, taken_over: bool) {
        let (id, epoch) = (row.id, row.epoch);
        match Flight::new(row, self.lease.runner(), |steps| self.registry.pivot(steps)) {
            Ok(flight) => self.drive(flight, taken_over).await,
            Err(error) => {
                tracing::error!(saga = %id, %error, "a saga cannot be read; parked");
                let attention = json!({"reason": "undecodable", "message": error.to_string()});
                self.journal.park_poisoned(&self.lease, id, epoch, attention).await;
            }
        }
    }
}

/// Driving by hand, for tests on a manual clock.
impl<C: Send + Sync + 'static> Runner<C> {
    /// The test kit stands between a runner and its database.
    pub(crate) fn through(self, ledger: Arc<dyn Ledger>) -> Runner<C> {
        Runner { ledger: OnceCell::new_with(Some(ledger)), ..self }
    }

    /// Claims and drives what is due now, together, to its next pause. Answers how many there were.
    ///
    /// # Errors
    /// The database.
    pub async fn round(&self) -> Result<usize, Error> {
        let flights = Flights::under(self.enlist().await?);
        // A round that is dropped is a node that dies: its tasks must not live on.
        let died = flights.dropped.clone().drop_guard();
        let ledger = self.ledger().await?;
        ledger.bury_expired().await?;
        let mut driven = self.claim_all(&flights, Claimed::FromTheDead).await?;
        ledger.forget_dead().await?;
        driven += self.claim_all(&flights, Claimed::Due).await?;
        flights.tasks.close();
        flights.tasks.wait().await;
        drop(died);
        ledger.sign_off(flights.lease.runner()).await?;
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
            let due = self.ledger().await?.next_due(self.known_steps.clone()).await?;
            let Some((due, _)) = due.filter(|(due, _)| *due <= until) else { return Ok(()) };
            let ahead = Duration::try_from(due.duration_since(clock.get())).unwrap_or_default();
            clock.advance(ahead);
            moved(ahead);
        }
    }
}
