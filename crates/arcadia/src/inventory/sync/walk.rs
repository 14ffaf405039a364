//! The walk that all syncs share: begin a run, read pages, write each as it comes, strike what was not seen, end the run.
//! A listing is complete or the run has failed, and then nothing is struck.

use super::super::observation::Observation;
use super::super::runs::{Projects, Run, Tally};
use super::super::upsert::{Marks, record};
use super::super::{Witness, owner, projects};
use super::Synced;
use crate::cloud::Cloud;
use arcadia_saga::{Clock, Halt};
use arcadia_sql::Tx;
use digitalocean::{Client, ErrorKind, Keyed, List, Purpose};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A page that the rate limit holds back is asked for again so often at most, …
const RATE_WAITS_MAX: u32 = 40;
/// … after no more than this.
const RATE_WAIT_MAX: Duration = Duration::from_secs(60);

/// Through what a sync reads and writes: a job's step, which may lose its saga, or somebody who waits for it.
#[derive(Debug)]
pub enum Hand<'a> {
    Step(&'a arcadia_saga::Run<Cloud>),
    Person { cloud: &'a Cloud, actor: &'a str },
}

impl<'a> Hand<'a> {
    pub(super) fn cloud(&self) -> &'a Cloud {
        match self {
            Hand::Step(run) => &run.cloud,
            Hand::Person { cloud, .. } => cloud,
        }
    }

    fn saga(&self) -> Option<uuid::Uuid> {
        match self {
            Hand::Step(run) => Some(run.saga_id().0),
            Hand::Person { .. } => None,
        }
    }

    fn actor(&self) -> &str {
        match self {
            Hand::Step(_) => "sync",
            Hand::Person { actor, .. } => actor,
        }
    }

    async fn tx(&self) -> Result<Tx, Stop> {
        match self {
            Hand::Step(run) => run.tx().await.map_err(Stop::Halted),
            Hand::Person { cloud, .. } => Ok(cloud.db.begin().await?),
        }
    }

    fn is_cancelled(&self) -> bool {
        match self {
            Hand::Step(run) => run.cancelled(),
            Hand::Person { .. } => false,
        }
    }

    /// The client for a call that changes something: it leaves only under a lease that outlasts it.
    pub(super) fn client_to_change(&self) -> Client {
        match self {
            Hand::Step(run) => crate::provisioning::provider(run),
            Hand::Person { cloud, .. } => cloud.digitalocean.with_timeout(cloud.call_timeout),
        }
    }
}

/// Why a listing is not complete.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    #[error(transparent)]
    Provider(#[from] digitalocean::Error),
    #[error("{announced} were announced and {received} came: the account shrank while it was read")]
    Short { announced: u64, received: u64 },
    #[error("cancelled")]
    Cancelled,
    #[error("the step was stopped")]
    Halted(Halt),
    #[error("the database: {}", with_cause(.0))]
    Database(#[from] arcadia_sql::Error),
}

/// Whoever reads of a failed run has no log beside it.
fn with_cause(error: &arcadia_sql::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// One sync under way.
pub struct Walk<'a> {
    pub(super) hand: Hand<'a>,
    pub(super) run: Run,
    pub(super) witness: Witness,
    pub(super) tally: Tally,
    /// What is struck where this listing did not see it.
    stale_kinds: Vec<String>,
    stale_projects: Projects,
    told: &'a (dyn Fn(&Tally) + Send + Sync),
}

impl std::fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk").field("run", &self.run).field("tally", &self.tally).finish_non_exhaustive()
    }
}

/// Runs a sync from begin to end. `told` hears of each page.
///
/// # Errors
/// What kept it from being complete; the run says so too.
pub(super) async fn sync<S: Synced>(
    hand: Hand<'_>,
    told: &(dyn Fn(&Tally) + Send + Sync),
) -> Result<(Run, Tally), Stop> {
    let clock = &hand.cloud().clock;
    let mut tx = hand.tx().await?;
    let run = Run::begin(&mut tx, S::NAME, hand.saga(), hand.actor(), clock).await?;
    tx.commit().await?;
    let mut walk = Walk {
        witness: run.witness(),
        run,
        hand,
        tally: Tally::default(),
        stale_kinds: Vec::new(),
        stale_projects: Projects::NotListed,
        told,
    };
    let walked = S::walk(&mut walk).await;
    let ended = match &walked {
        Ok(()) => walk.end().await,
        // Whoever lost the saga may not write; the next attempt ends the run.
        Err(Stop::Halted(_)) => Ok(()),
        Err(stop) => walk.fail(stop).await,
    };
    if let (Ok(()), Err(error)) = (&walked, &ended) {
        let told = walk.fail(error).await;
        tracing::warn!(sync = S::NAME, %error, was_noted = told.is_ok(), "a sync could not be ended");
    }
    walked.and(ended)?;
    Ok((walk.run, walk.tally))
}

impl Walk<'_> {
    /// The client for reading.
    pub(super) fn client(&self) -> Client {
        let cloud = self.hand.cloud();
        cloud.digitalocean.for_purpose(Purpose::Sync).with_timeout(cloud.call_timeout)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.hand.cloud().clock
    }

    /// A transaction in which nobody else decides whose something is.
    pub(super) async fn tx(&self) -> Result<Tx, Stop> {
        let mut tx = self.hand.tx().await?;
        owner::alone(&mut tx).await?;
        Ok(tx)
    }

    /// Everything of one kind: what the complete listing does not have is struck.
    pub(super) async fn all<T>(
        &mut self,
        kind: &str,
        list: List<T>,
        observe: impl Fn(&T) -> Observation + Send,
    ) -> Result<(), Stop>
    where
        T: Keyed + DeserializeOwned + Send + Sync + 'static,
    {
        self.some(kind, list, Marks::Seen, observe).await?;
        self.strikes(kind);
        Ok(())
    }

    /// Some of a kind, of which nothing is struck.
    pub(super) async fn some<T>(
        &mut self,
        kind: &str,
        list: List<T>,
        marks: Marks,
        observe: impl Fn(&T) -> Observation + Send,
    ) -> Result<(), Stop>
    where
        T: Keyed + DeserializeOwned + Send + Sync + 'static,
    {
        let mut list = list;
        while let Some(page) = self.page(&mut list).await? {
            let seen: Vec<Observation> = page.iter().map(&observe).collect();
            drop(page);
            self.write(kind, &seen, marks).await?;
        }
        Ok(())
    }

    /// What was seen, written at once.
    pub(super) async fn write(&mut self, kind: &str, seen: &[Observation], marks: Marks) -> Result<(), Stop> {
        if seen.is_empty() {
            return Ok(());
        }
        let mut tx = self.tx().await?;
        let changes = record(&mut tx, kind, seen, marks, &self.witness, self.clock()).await?;
        tx.commit().await?;
        self.tally.count(&changes);
        Ok(())
    }

    /// The next page, or nothing after a listing that had all it announced.
    pub(super) async fn page<T>(&mut self, list: &mut List<T>) -> Result<Option<Vec<T>>, Stop>
    where
        T: Keyed + DeserializeOwned + Send + 'static,
    {
        if self.hand.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let page = self.patiently(list).await?;
        let Some(page) = page else {
            let (announced, received) = (list.total(), list.received());
            self.tally.expected =
                self.tally.expected.unwrap_or(0).checked_add_unsigned(announced.unwrap_or(received));
            if list.is_short() {
                return Err(Stop::Short { announced: announced.unwrap_or(received), received });
            }
            return Ok(None);
        };
        self.tally.pages += 1;
        self.tally.received += i64::try_from(page.len()).unwrap_or(i64::MAX);
        (self.told)(&self.tally);
        Ok(Some(page))
    }

    /// A listing that is held back by the rate limit goes on later where it stands.
    async fn patiently<T>(&self, list: &mut List<T>) -> Result<Option<Vec<T>>, Stop>
    where
        T: Keyed + DeserializeOwned + Send + 'static,
    {
        for _ in 0..RATE_WAITS_MAX {
            let error = match list.next_page().await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            let Some(wait) = error.is_rate_limited().filter(|_| error.kind() != ErrorKind::Refused) else {
                return Err(error.into());
            };
            let clock = self.clock();
            clock.sleep(clock.scaled(wait.min(RATE_WAIT_MAX))).await;
        }
        Ok(list.next_page().await?)
    }

    /// What this listing does not see of the kind is struck when it ends complete.
    pub(super) fn strikes(&mut self, kind: &str) {
        self.stale_kinds.push(kind.to_owned());
    }

    pub(super) fn strikes_projects(&mut self, kept: i64) {
        self.stale_projects = Projects::Listed { kept };
    }

    async fn end(&mut self) -> Result<(), Stop> {
        let mut tx = self.tx().await?;
        let clock = &self.hand.cloud().clock;
        if !self.stale_kinds.is_empty() || self.stale_projects != Projects::NotListed {
            let kinds = self.stale_kinds.clone();
            self.run.mark_stale(&mut tx, kinds, self.stale_projects, &mut self.tally, clock).await?;
        }
        self.run.end(&mut tx, &self.tally, None, clock).await?;
        Ok(tx.commit().await?)
    }

    async fn fail(&self, stop: &Stop) -> Result<(), Stop> {
        let mut tx = self.tx().await?;
        let tally = Tally { struck: 0, deleted: 0, suspicious: false, ..self.tally };
        self.run.end(&mut tx, &tally, Some(stop.to_string()), self.clock()).await?;
        Ok(tx.commit().await?)
    }

    /// The internal project, made if there is none.
    pub(super) async fn known_internal(&self) -> Result<Option<projects::ProjectRow>, Stop> {
        let mut tx = self.tx().await?;
        Ok(projects::internal(&mut tx).await?)
    }
}
