//! A node: claims due sagas, drives them, renews its lease, takes over what dead nodes left.

mod by_hand;
mod calendar;
mod claim;
mod lane;
mod simulated;
mod strays;
#[cfg(test)]
mod tests;

use crate::alarm::Alarm;
use crate::drive::Driver;
use crate::flight::Flight;
use crate::journal::Journal;
use crate::lease::Lease;
use crate::ledger::{Ledger, NewNode, SqlLedger};
use crate::rows::SagaRow;
use crate::{Registry, Sagas};
use arcadia_sql::Error;
use claim::Sleep;
pub(crate) use lane::Place;
use lane::{Lane, Launch};
use std::sync::Arc;
use std::time::Duration;
pub(crate) use strays::Held;
use strays::{Driven, Suspects};
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
    queues: Vec<Lane>,
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

/// The journal's writer panicked, so that nothing can be written here any more.
#[derive(Debug, thiserror::Error)]
#[error("the journal has stopped: nothing can be written any more")]
pub struct JournalStopped;

/// How a saga came to this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claimed {
    Due,
    FromTheDead,
}

/// The sagas in flight under one lease.
struct Flights {
    lease: Arc<Lease>,
    driven: Driven,
    tasks: TaskTracker,
    dropped: CancellationToken,
    /// See `Driver`.
    crashers_turn: Arc<Semaphore>,
    /// Cancelled: no step is begun any more.
    shutdown: CancellationToken,
}

impl Flights {
    fn under(lease: Lease, shutdown: CancellationToken) -> Flights {
        Flights {
            lease: Arc::new(lease),
            driven: Driven::default(),
            tasks: TaskTracker::new(),
            dropped: CancellationToken::new(),
            crashers_turn: Arc::new(Semaphore::new(1)),
            shutdown,
        }
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
        let queues = registry.queues().iter().map(|queue| Lane::of(queue, settings.in_flight_max));
        Runner {
            queues: queues.collect(),
            places: Arc::new(Semaphore::new(settings.in_flight_max)),
            sagas,
            registry,
            cloud,
            settings,
            known_steps,
            alarm: Arc::default(),
            place_freed: Arc::default(),
            ledger: OnceCell::new(),
        }
    }

    /// Runs until `shutdown`: then claims nothing more, lets running steps come to their next safe point,
    /// and returns. What is still in a call after the grace period is left to the lease.
    ///
    /// # Errors
    /// [`JournalStopped`], and the process should end: this node writes nothing more. Its lease runs out, so that
    /// another process takes over what it has.
    pub async fn run(&self, shutdown: CancellationToken) -> Result<(), JournalStopped> {
        while !shutdown.is_cancelled() {
            let flights = match self.enlist().await {
                Ok(lease) => Flights::under(lease, shutdown.clone()),
                Err(error) => {
                    tracing::warn!(%error, "the database is away; trying again");
                    self.pause(&shutdown, self.settings.safety_poll).await;
                    continue;
                }
            };
            self.begin_here(&flights).await;
            tokio::select! {
                () = self.journal_stopped() => {
                    tracing::error!("the journal has stopped; so does this node");
                    self.sagas.stop_beginning_here();
                    flights.drop_all().await;
                    return Err(JournalStopped);
                }
                () = self.live(&flights) => {}
                () = self.sagas.hints.hear(&self.sagas.woken) => {}
                () = self.keep_calendar(&flights) => {}
                () = self.keep_lease(&flights.lease) => {
                    let runner = flights.lease.runner();
                    tracing::error!(%runner, "lease lost: every saga is dropped");
                    self.sagas.stop_beginning_here();
                    flights.drop_all().await;
                }
            }
        }
        Ok(())
    }

    async fn journal_stopped(&self) {
        match self.ledger().await {
            Ok(ledger) => ledger.broken().await,
            // Nobody has enlisted through it then.
            Err(_) => std::future::pending().await,
        }
    }

    /// Renews the lease beside everything else, however long a claim may take; resolves when it is lost.
    async fn keep_lease(&self, lease: &Lease) {
        let mut renewal = interval(self.settings.lease / 5);
        loop {
            renewal.tick().await;
            if !self.renew(lease).await {
                return;
            }
        }
    }

    /// The life under one runner id: from the first lease to the loss of it, or to the shutdown.
    async fn live(&self, flights: &Flights) {
        let runner = flights.lease.runner();
        tracing::info!(%runner, node = %self.settings.node_name, "runner started");
        // A dead node's lease runs out between two looks: they come the closer together the shorter it is.
        let mut safety = interval(self.settings.safety_poll.min(self.settings.lease / 4));
        let mut suspects = Suspects::new();
        'claims: loop {
            // From before the claim, so that nobody who comes during it is missed.
            let woken = self.sagas.woken.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            // Others may have buried and forgotten whoever does not know that it lives.
            let mut sleep = match self.holds(flights) {
                true => self.claim_due(flights).await,
                false => Sleep::of(self.settings.safety_poll),
            };
            loop {
                tokio::select! {
                    () = flights.shutdown.cancelled() => break 'claims,
                    _ = safety.tick() => {
                        if self.holds(flights) {
                            self.take_over_all(flights, &mut suspects).await;
                        }
                    }
                    () = self.place_freed.notified(), if sleep.full => {}
                    () = self.alarm.moved_earlier() => {
                        let alarm = self.alarm.remaining(self.sagas.clock.monotonic());
                        sleep.real = sleep.real.min(alarm.unwrap_or(sleep.real));
                        if !sleep.real.is_zero() { continue }
                    }
                    () = woken.as_mut() => {}
                    () = tokio::time::sleep(sleep.real) => {}
                }
                break;
            }
        }
        self.sagas.stop_beginning_here();
        self.wind_down(flights).await;
    }

    fn holds(&self, flights: &Flights) -> bool {
        flights.lease.outlasts(&self.sagas.clock, Duration::ZERO).is_ok()
    }

    async fn pause(&self, shutdown: &CancellationToken, real: Duration) {
        tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(real) => {} }
    }

    async fn wind_down(&self, flights: &Flights) {
        flights.tasks.close();
        let grace_over = tokio::time::sleep(self.settings.grace);
        tokio::select! {
            () = flights.tasks.wait() => {}
            () = grace_over => {}
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
        let lease = Lease::new(clock.new_id(), self.sagas.hold.clone());
        let sent = clock.monotonic();
        let (runner, now, lease_ms) = (lease.runner(), clock.now(), self.lease_ms());
        let (name, known_steps) = (self.settings.node_name.clone(), self.known_steps.clone());
        ledger.enlist(NewNode { runner, name, now, lease_ms, known_steps }).await?;
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
        // A connection that hangs must not keep the next try from another one.
        match tokio::time::timeout(self.settings.lease / 2, renewed).await {
            Ok(Ok(false)) => return false,
            Ok(Ok(true)) => lease.renewed(sent, self.settings.lease),
            Ok(Err(error)) => tracing::warn!(%error, "the lease could not be renewed"),
            Err(_) => tracing::warn!("the lease could not be renewed: the database does not answer"),
        }
        true
    }

    fn lease_ms(&self) -> i64 {
        i64::try_from(self.settings.lease.as_millis()).unwrap_or(i64::MAX)
    }

    async fn ledger(&self) -> Result<&Arc<dyn Ledger>, Error> {
        let open = || async {
            let ledger: Arc<dyn Ledger> = Arc::new(SqlLedger::open(self.sagas.db.clone()).await?);
            Ok(ledger)
        };
        self.ledger.get_or_try_init(open).await
    }

    async fn driver(&self, flights: &Flights) -> Result<Driver<C>, Error> {
        let journal = Journal {
            ledger: Arc::clone(self.ledger().await?),
            clock: self.sagas.clock.clone(),
            acknowledged: self.sagas.acknowledged.clone(),
        };
        Ok(Driver {
            registry: Arc::clone(&self.registry),
            cloud: Arc::clone(&self.cloud),
            journal,
            db: self.sagas.db.clone(),
            lease: Arc::clone(&flights.lease),
            alarm: Arc::clone(&self.alarm),
            ends: self.sagas.ends.clone(),
            crashers_turn: Arc::clone(&flights.crashers_turn),
            shutdown: flights.shutdown.clone(),
            call_timeout: self.settings.call_timeout,
        })
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
                self.journal.park_poisoned(&self.lease, id, epoch, "undecodable", &error).await;
            }
        }
    }
}
