//! Schedules: a tick is one transaction that moves the schedule on and inserts its saga, so that it runs once
//! however many nodes are up, and is not lost when one dies.

use crate::plan::PlanError;
use crate::rows::DueSchedule;
use crate::sagas::{By, StartError, StartSaga, Started};
use crate::{Clock, SagaId, Sagas, store};
use arcadia_sql::{Db, Error, Tx, args, row};
use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::str::FromStr;
use uuid::Uuid;

/// So many ticks are one transaction at most.
const TICKS_MAX: usize = 200;

/// What happens to ticks that came while no node was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// One run stands for all of them.
    Once,
    /// None is made up for.
    Skip,
}

/// Work that is started by the calendar.
#[derive(Debug, Clone)]
pub struct Schedule {
    name: String,
    cron: Cron,
    steps: Vec<String>,
    queue: String,
    catch_up: CatchUp,
}

impl Schedule {
    /// `step` as background work on `queue`, at the times of a cron expression (five fields, UTC).
    ///
    /// # Errors
    /// [`PlanError::Cron`] with what is wrong in the expression.
    pub fn new(name: &str, cron: &str, queue: &str, step: &str) -> Result<Schedule, PlanError> {
        let parsed = Cron::from_str(cron).map_err(|error| PlanError::Cron {
            schedule: name.to_owned(),
            cron: cron.to_owned(),
            why: error.to_string(),
        })?;
        Ok(Schedule {
            name: name.to_owned(),
            cron: parsed,
            steps: vec![step.to_owned()],
            queue: queue.to_owned(),
            catch_up: CatchUp::Once,
        })
    }

    /// What happens to ticks that came while no node was up; `Once` unless said otherwise.
    #[must_use]
    pub fn catch_up(mut self, policy: CatchUp) -> Schedule {
        self.catch_up = policy;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn steps(&self) -> &[String] {
        &self.steps
    }

    pub(crate) fn queue(&self) -> &str {
        &self.queue
    }

    /// The first tick after `after`, in calendar time.
    fn next_after(&self, after: Timestamp) -> Timestamp {
        let next = self.cron.find_next_occurrence(&after.to_zoned(TimeZone::UTC), false);
        // Only an expression that never matches has none, such as the 30th of February.
        next.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    fn job(&self, triggered_by: &str) -> StartSaga {
        StartSaga {
            kind: JOB.to_owned(),
            steps: self.steps.clone(),
            queue: self.queue.clone(),
            triggered_by: triggered_by.to_owned(),
            unique_key: Some(format!("schedule:{}", self.name)),
            ..StartSaga::default()
        }
    }
}

/// The kind of background work: it is tried again and then failed, and nobody has to repair it.
pub(crate) const JOB: &str = "job";

row! {
    /// A schedule as an operator sees it.
    #[derive(Debug, Clone, Serialize)]
    pub struct ScheduleState {
        /// Its name.
        pub name: String,
        /// Five fields, UTC.
        pub cron: String,
        /// Nothing is started while it is.
        pub paused: bool,
        /// The next tick in calendar time.
        pub next_tick: Timestamp,
        /// When that really comes; another time only where time is accelerated.
        pub next_at: Timestamp,
        /// The last tick that ran.
        pub last_tick: Option<Timestamp>,
        /// Its saga.
        pub last_saga_id: Option<Uuid>,
        /// The last tick that came while a run was unfinished.
        pub last_skipped_tick: Option<Timestamp>,
        /// How many of these there were.
        pub skipped: i64,
        /// How the last run stands.
        pub last_status: Option<String>,
        /// When it began.
        pub last_started_at: Option<Timestamp>,
        /// When it ended.
        pub last_finished_at: Option<Timestamp>,
    }
}

/// Real time and calendar time: the same, until time is accelerated.
#[derive(Debug, Clone, Copy)]
struct Calendar {
    origin: Timestamp,
    speed: f64,
}

impl Calendar {
    async fn of(db: &Db, clock: &Clock) -> Result<Calendar, Error> {
        let speed = clock.speed();
        if (speed - 1.0).abs() < f64::EPSILON {
            return Ok(Calendar { origin: Timestamp::UNIX_EPOCH, speed: 1.0 });
        }
        db.execute(&store::ADD_ORIGIN, args![db.now().await?]).await?;
        let origin = db.fetch_one::<(Timestamp,)>(&store::ORIGIN, args![]).await?.0;
        Ok(Calendar { origin, speed })
    }

    fn calendar(&self, real: Timestamp) -> Timestamp {
        self.moved(real, self.speed)
    }

    fn real(&self, calendar: Timestamp) -> Timestamp {
        self.moved(calendar, 1.0 / self.speed)
    }

    fn moved(&self, at: Timestamp, factor: f64) -> Timestamp {
        if (factor - 1.0).abs() < f64::EPSILON {
            return at;
        }
        let since = at.duration_since(self.origin).as_secs_f64() * factor;
        let since = SignedDuration::try_from_secs_f64(since).unwrap_or(SignedDuration::MAX);
        self.origin.checked_add(since).unwrap_or(Timestamp::MAX)
    }
}

/// Every schedule of this build.
pub(crate) type Schedules = BTreeMap<String, Schedule>;

impl Sagas {
    /// Enters this build's schedules, each with its next tick.
    pub(crate) async fn enter_schedules(&self) -> Result<(), Error> {
        let schedules = self.catalog.schedules();
        let names: Vec<String> = schedules.keys().cloned().collect();
        // Read first: to write what is there already would wait for whoever holds it.
        let entered = self.db.fetch_all::<(String, String)>(&store::ENTERED, args![names]).await?;
        let entered: BTreeMap<String, String> = entered.into_iter().collect();
        let is_new = |schedule: &&Schedule| {
            entered.get(schedule.name()).is_none_or(|cron| cron != schedule.cron.as_str())
        };
        let new: Vec<&Schedule> = schedules.values().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        let (calendar, now) = (Calendar::of(&self.db, &self.clock).await?, self.db.now().await?);
        let mut tx = self.db.begin().await?;
        for schedule in new {
            let tick = schedule.next_after(calendar.calendar(now));
            let args =
                args![schedule.name(), schedule.cron.as_str(), tick, calendar.real(tick), self.clock.now()];
            tx.execute(&store::ADD_SCHEDULE, args).await?;
        }
        tx.commit().await
    }

    /// Starts what is due. Answers how many ticks this node took.
    pub(crate) async fn tick(&self) -> Result<usize, Error> {
        let names: Vec<String> = self.catalog.schedules().keys().cloned().collect();
        let due = || self.db.fetch_optional::<(String,)>(&store::ANY_SCHEDULE_DUE, args![names.clone()]);
        if names.is_empty() || due().await?.is_none() {
            return Ok(0);
        }
        let mut taken = 0;
        loop {
            match self.take_due(&names, TICKS_MAX).await {
                Ok(TICKS_MAX) => taken += TICKS_MAX,
                Ok(last) => {
                    taken += last;
                    break;
                }
                Err(error) if error.is_connection_lost() => return Err(error),
                Err(_) => {
                    taken += self.take_each(&names).await?;
                    break;
                }
            }
        }
        self.wake();
        Ok(taken)
    }

    /// One transaction for each, so that one that cannot be started stops no other.
    async fn take_each(&self, names: &[String]) -> Result<usize, Error> {
        let mut taken = 0;
        for name in names {
            match self.take_due(std::slice::from_ref(name), 1).await {
                Ok(one) => taken += one,
                Err(error) if error.is_connection_lost() => return Err(error),
                Err(error) => {
                    tracing::warn!(schedule = name, %error, "the tick could not be taken; trying again")
                }
            }
        }
        Ok(taken)
    }

    /// Takes at most `limit` ticks of these schedules in one transaction.
    async fn take_due(&self, names: &[String], limit: usize) -> Result<usize, Error> {
        let calendar = Calendar::of(&self.db, &self.clock).await?;
        let now = self.db.now().await?;
        let mut tx = self.db.begin().await?;
        tx.fetch_optional::<(String,)>(&store::WAIT_BRIEFLY, args![]).await?;
        let args = args![names.to_vec(), i64::try_from(limit).unwrap_or(i64::MAX)];
        let due = tx.fetch_all::<DueSchedule>(&store::DUE_SCHEDULES, args).await?;
        for due in &due {
            if let Some(schedule) = self.catalog.schedules().get(&due.name) {
                self.take_tick(&mut tx, schedule, due.next_tick, calendar, now).await?;
            }
        }
        tx.commit().await?;
        Ok(due.len())
    }

    async fn take_tick(
        &self,
        tx: &mut Tx,
        schedule: &Schedule,
        tick: Timestamp,
        calendar: Calendar,
        now: Timestamp,
    ) -> Result<(), Error> {
        let today = calendar.calendar(now);
        let next = schedule.next_after(today.max(tick));
        let moved = args![schedule.name(), tick, next, calendar.real(next), self.clock.now()];
        if tx.execute(&store::MOVE_ON, moved).await? == 0 {
            return Ok(());
        }
        let missed = schedule.next_after(tick) <= today;
        if missed && schedule.catch_up == CatchUp::Skip {
            return tx.execute(&store::TICK_SKIPPED, args![schedule.name(), tick]).await.map(drop);
        }
        match self.start_in(tx, schedule.job("system:schedule")).await {
            Ok(started) => {
                tx.execute(&store::TICK_RAN, args![schedule.name(), tick, started.id()]).await?;
            }
            Err(StartError::Database(error)) => return Err(error),
            Err(why) => {
                tracing::warn!(schedule = schedule.name(), %why, "tick skipped");
                tx.execute(&store::TICK_SKIPPED, args![schedule.name(), tick]).await?;
            }
        }
        Ok(())
    }

    /// When the next tick really comes.
    pub(crate) async fn next_tick_at(&self) -> Result<Option<Timestamp>, Error> {
        let names: Vec<String> = self.catalog.schedules().keys().cloned().collect();
        if names.is_empty() {
            return Ok(None);
        }
        let next = self.db.fetch_optional::<(Timestamp,)>(&store::NEXT_SCHEDULE, args![names]).await?;
        Ok(next.map(|(at,)| at))
    }

    /// Every schedule with its last and next run.
    ///
    /// # Errors
    /// The database.
    pub async fn schedules(&self) -> Result<Vec<ScheduleState>, Error> {
        self.db.fetch_all(&store::SCHEDULES, args![]).await
    }

    /// Runs a schedule's work now, beside its ticks.
    ///
    /// # Errors
    /// [`StartError::UnderWay`] while a run is unfinished; [`StartError::Plan`] for an unknown name.
    pub async fn run_schedule(&self, name: &str, by: By<'_>) -> Result<SagaId, StartError> {
        let schedule = self.schedule(name)?;
        let mut tx = self.db.begin().await?;
        // Its tick would only wait for the saga's unique key.
        tx.fetch_optional::<(String,)>(&store::HOLD_SCHEDULE, args![name]).await?;
        let started: Started = self.start_in(&mut tx, schedule.job(by.actor)).await?;
        self.note(&mut tx, name, "run", by).await?;
        tx.commit().await?;
        self.wake();
        Ok(started.id())
    }

    /// Starts nothing more until [`Sagas::resume_schedule`]. What runs goes on.
    ///
    /// # Errors
    /// [`StartError::Plan`] for an unknown name.
    pub async fn pause_schedule(&self, name: &str, by: By<'_>) -> Result<(), StartError> {
        self.schedule(name)?;
        let mut tx = self.db.begin().await?;
        tx.execute(&store::PAUSE, args![name, true, self.clock.now()]).await?;
        self.note(&mut tx, name, "pause", by).await?;
        Ok(tx.commit().await?)
    }

    /// Goes on with the first tick from now; those of the pause are not made up for.
    ///
    /// # Errors
    /// [`StartError::Plan`] for an unknown name.
    pub async fn resume_schedule(&self, name: &str, by: By<'_>) -> Result<(), StartError> {
        let schedule = self.schedule(name)?;
        let (calendar, now) = (Calendar::of(&self.db, &self.clock).await?, self.db.now().await?);
        let tick = schedule.next_after(calendar.calendar(now));
        let mut tx = self.db.begin().await?;
        tx.execute(&store::PAUSE, args![name, false, self.clock.now()]).await?;
        tx.execute(&store::RESUME_AT, args![name, tick, calendar.real(tick)]).await?;
        self.note(&mut tx, name, "resume", by).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    fn schedule(&self, name: &str) -> Result<&Schedule, StartError> {
        let schedules = self.catalog.schedules();
        Ok(schedules.get(name).ok_or_else(|| PlanError::unknown_schedule(name, schedules))?)
    }

    async fn note(&self, tx: &mut Tx, name: &str, verb: &str, by: By<'_>) -> Result<(), Error> {
        let args = args![name, self.clock.now(), verb, by.actor, by.reason];
        tx.execute(&store::SCHEDULE_EVENT, args).await.map(drop)
    }
}
