//! What is kept no longer: the history of ended sagas, in bounded batches, but never of one whose mark something at the
//! provider still bears, or that a deployment or a desired state names. And idempotency keys after their time.

pub mod store;

use crate::cloud::Cloud;
use arcadia_saga::{Outcome, Past, Policy, Run, SagaId, Step, shape};
use arcadia_sql::args;
use jiff::SignedDuration;
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

/// What somebody asked for.
const SAGAS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Background work: some thousand runs a day, each shown by its schedule while it is the last one.
const JOBS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Whoever repeats a request later makes a new one.
const KEYS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
const BATCH: u32 = 500;
const LONGEST: Duration = Duration::from_secs(30 * 60);

shape! {
    /// What was forgotten.
    pub struct Forgotten {
        /// Ended sagas, with their ledger and history.
        pub forgotten_sagas: i64,
        /// Idempotency keys.
        pub forgotten_keys: i64,
    }
}

/// The work of one night.
#[derive(Debug, Clone, Copy)]
pub struct Retention;

impl Step<Cloud> for Retention {
    const NAME: &'static str = "forget_the_past";
    type Needs = ();
    type Gives = Forgotten;
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy { timeout: LONGEST, ..Policy::background() }
    }

    async fn execute(&self, run: &Run<Cloud>, (): ()) -> Outcome<Forgotten> {
        let marked = marked(&run.cloud).await?;
        let mut sagas = 0;
        for (past, kept) in [(Past::Sagas, SAGAS_KEPT), (Past::Jobs, JOBS_KEPT)] {
            sagas += forget(run, past, kept, &marked).await?;
        }
        let keys = forget_keys(run).await?;
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(Forgotten { forgotten_sagas: count(sagas), forgotten_keys: count(keys) })
    }
}

async fn forget(run: &Run<Cloud>, past: Past, kept: SignedDuration, marked: &HashSet<Uuid>) -> Outcome<u64> {
    let cloud = &run.cloud;
    let (before, mut after, mut forgotten) = (cloud.clock.now() - kept, None, 0);
    loop {
        let ended = cloud.sagas.forgettable(past, before, after, BATCH).await?;
        let Some(last) = ended.last() else { return Ok(forgotten) };
        after = Some(*last);
        let ids: Vec<Uuid> = ended.iter().map(|id| id.0).collect();
        let named = cloud.db.fetch_all::<(Uuid,)>(&store::LAST_SAGAS, args![ids]).await?;
        let named: HashSet<Uuid> = named.into_iter().map(|(id,)| id).collect();
        let free = ended.into_iter().filter(|id| !marked.contains(&id.0) && !named.contains(&id.0));
        forgotten += cloud.sagas.forget(&free.collect::<Vec<SagaId>>()).await?;
    }
}

async fn forget_keys(run: &Run<Cloud>) -> Outcome<u64> {
    let (cloud, before, mut forgotten) = (&run.cloud, run.cloud.clock.now() - KEYS_KEPT, 0);
    loop {
        let limit = i64::from(BATCH);
        let of_deployments = cloud.db.execute(&store::FORGET_DEPLOYMENT_KEYS, args![before, limit]).await?;
        let of_sagas = cloud.sagas.forget_keys(before, BATCH).await?;
        if of_deployments + of_sagas == 0 {
            return Ok(forgotten);
        }
        forgotten += of_deployments + of_sagas;
    }
}

/// The sagas whose mark a living resource bears.
async fn marked(cloud: &Cloud) -> Outcome<HashSet<Uuid>> {
    let (mut sagas, mut after) = (HashSet::new(), Uuid::nil());
    loop {
        let args = args![after, i64::from(BATCH)];
        let rows: Vec<(Uuid, String, serde_json::Value)> = cloud.db.fetch_all(&store::MARKED, args).await?;
        let Some(last) = rows.last() else { return Ok(sagas) };
        after = last.0;
        for (_, name, tags) in &rows {
            let tags = tags.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
            sagas.extend(tags.filter_map(|tag| tag.strip_prefix("arcadia-saga-")).filter_map(parsed));
            // A snapshot's name ends with its saga's id.
            sagas.extend(name.len().checked_sub(36).and_then(|at| name.get(at..)).and_then(parsed));
        }
    }
}

fn parsed(id: &str) -> Option<Uuid> {
    Uuid::try_parse(id).ok()
}
