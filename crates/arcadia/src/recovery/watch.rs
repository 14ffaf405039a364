//! What each process does about it: before its first claim, and whenever it finds itself at another server, it
//! compares; in between it counts the beat and follows the hold that any process may have opened.

use super::beat::Beat;
use super::compare::compare;
use super::{Error, ThingId, holds, open_hold};
use crate::cloud::Cloud;
use arcadia_saga::ClaimsHeld;
use arcadia_sql::Engine;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// As often a hold that another process opened is noticed. Real time.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// Between two attempts at a comparison that failed. Real time.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// What was destroyed is listed for so long, and what was made is not. Provider time.
const LISTING_LAG: Duration = Duration::from_secs(16);

const COMPARING: &str = "the ledger is being compared with the provider";
const LOST: &str =
    "the database has lost commits: it answers with less than this node has written; run `arcadia recover`";

/// See the file's head.
#[derive(Debug)]
pub struct Watch {
    cloud: Arc<Cloud>,
    beat: Beat,
    server: Arc<AnotherServer>,
    /// The last hold of this process that this watch knows of.
    held: ClaimsHeld,
}

/// Told by the connections themselves, before anything goes through them.
#[derive(Debug, Default)]
struct AnotherServer {
    is_unknown: AtomicBool,
    told: Notify,
}

impl Watch {
    /// Holds all claims of this process at once; [`Watch::keep`] lets them go. To be called before its runner runs.
    /// `folder` is where the beat outlives the process.
    #[must_use]
    pub fn begin(cloud: &Arc<Cloud>, folder: Option<&Path>) -> Watch {
        let held = cloud.sagas.hold_claims(COMPARING);
        let server = Arc::new(AnotherServer::default());
        let (told, sagas) = (Arc::clone(&server), cloud.sagas.clone());
        cloud.db.on_another_server(move || {
            sagas.hold_claims(COMPARING);
            told.is_unknown.store(true, Ordering::SeqCst);
            told.told.notify_one();
        });
        // A file is held for life, and no other comes in its place.
        if cloud.db.engine() == Engine::Postgres {
            cloud.sagas.remember_writes();
        }
        let beat = Beat::resumed(folder, &cloud.installation, cloud.clock.new_id());
        Watch { cloud: Arc::clone(cloud), beat, server, held }
    }

    /// Compares, lets claims go or holds them for a person, and keeps watching.
    pub async fn keep(mut self, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.watch()).await;
    }

    async fn watch(&mut self) {
        self.compare_until_certain(After::Start).await;
        loop {
            if self.server.is_unknown.swap(false, Ordering::SeqCst) {
                self.held = self.cloud.sagas.hold_claims(COMPARING);
                tracing::warn!(
                    "the database is another server than before: no claims until the ledger is compared"
                );
                self.compare_until_certain(After::Failover).await;
                continue;
            }
            if let Err(error) = self.follow().await {
                tracing::warn!(%error, "the hold could not be read; trying again");
            }
            let pause = tokio::time::sleep(BEAT_EVERY);
            tokio::select! { () = pause => {}, () = self.server.told.notified() => {} }
        }
    }

    /// Ends with a hold in the database, or with a ledger that is not behind.
    async fn compare_until_certain(&mut self, after: After) {
        loop {
            match self.try_compare(after).await {
                Ok(()) => return,
                Err(error) => {
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, source, "no claims yet: the ledger cannot be compared; trying again");
                    if self.cloud.standstill.reason().is_none() {
                        let why = format!("the ledger cannot be compared with the provider yet: {error}");
                        self.held = self.cloud.sagas.hold_claims(why);
                    }
                    tokio::time::sleep(TRY_AGAIN_AFTER).await;
                }
            }
        }
    }

    async fn try_compare(&mut self, after: After) -> Result<(), Error> {
        self.count().await?;
        if open_hold(&self.cloud.db).await?.is_some() {
            return Ok(());
        }
        let lag = self.cloud.clock.scaled(LISTING_LAG);
        let behind = match after {
            After::Start => {
                let mut twice = self.behind().await?;
                if !twice.is_empty() {
                    // What was just being destroyed is gone by then.
                    tokio::time::sleep(lag).await;
                    let still = self.behind().await?;
                    twice.retain(|thing| still.contains(thing));
                }
                twice
            }
            After::Failover => {
                // What was under way when the old server died shows itself by then.
                tokio::time::sleep(self.cloud.call_timeout + lag).await;
                self.behind().await?
            }
        };
        if !behind.is_empty() {
            self.hold(&found(&behind)).await?;
        }
        Ok(())
    }

    /// What proves that the ledger is behind.
    async fn behind(&self) -> Result<HashSet<ThingId>, Error> {
        let (differences, _) = compare(&self.cloud).await?;
        let proofs = differences.into_iter().filter(|it| it.disagreement.proves_loss() && !it.known);
        Ok(proofs.map(|it| it.thing).collect())
    }

    /// The hold that follows from lost commits is as durable as the count that found them. What was lost after the
    /// last count is missed by what was written since.
    async fn count(&mut self) -> Result<(), arcadia_sql::Error> {
        let cloud = Arc::clone(&self.cloud);
        cloud.sagas.begin_durable_point();
        let mut tx = cloud.db.begin().await?;
        let counted = self.beat.count(&mut tx).await?;
        let has_lost = !counted.is_ahead || cloud.sagas.has_lost_writes(&mut tx).await?;
        if has_lost {
            self.stand_still(LOST);
            holds::open(&cloud, &mut tx, LOST).await?;
        }
        tx.commit().await?;
        self.beat.committed(counted);
        if has_lost {
            // One loss is told once.
            cloud.sagas.remember_writes();
        } else {
            cloud.sagas.reached_durable_point();
        }
        Ok(())
    }

    async fn hold(&mut self, reason: &str) -> Result<(), arcadia_sql::Error> {
        self.stand_still(reason);
        let mut tx = self.cloud.db.begin().await?;
        holds::open(&self.cloud, &mut tx, reason).await?;
        tx.commit().await
    }

    /// Does as the database says.
    async fn follow(&mut self) -> Result<(), arcadia_sql::Error> {
        self.count().await?;
        match open_hold(&self.cloud.db).await? {
            Some(hold) => self.stand_still(&hold.reason),
            None => {
                self.cloud.standstill.set(None);
                let was_held = self.cloud.sagas.claims_held().is_some();
                // A connection may have found another server since the hold that is released here.
                if was_held && self.cloud.sagas.release_claims(self.held) {
                    tracing::info!("the ledger is not behind: sagas are claimed");
                }
            }
        }
        Ok(())
    }

    fn stand_still(&mut self, reason: &str) {
        if self.cloud.sagas.claims_held().as_deref() == Some(reason) {
            return;
        }
        tracing::error!(reason, "claims are held");
        self.held = self.cloud.sagas.hold_claims(reason);
        self.cloud.standstill.set(Some(reason.into()));
    }
}

/// What made the comparison necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Start,
    Failover,
}

fn found(behind: &HashSet<ThingId>) -> String {
    let count = |kind: &str| behind.iter().filter(|thing| thing.kind == kind).count();
    format!(
        "the ledger is behind the provider: {} droplets and {} snapshots bear marks that it does not know; run `arcadia recover`",
        count("droplet"),
        count("snapshot")
    )
}
