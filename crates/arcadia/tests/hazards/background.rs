//! Background work: what the calendar starts. A sync leaves the inventory equal to the account, deletes only what a complete
//! listing has missed for the third time, and a night's work forgets nothing that is still marked.

use crate::site::{DOMAIN, End, Site, Tale, order, same};
use arcadia::inventory::sync::{INTERNAL_PROJECT, Synced};
use arcadia_saga::{SagaId, Sagas, StartError, StartSaga};
use arcadia_sql::{args, row, statements};
use digitalocean_sim::{Kind, Mutation};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// In the inventory, and no more in the account.
const GONE: &str = "424242";
const QUEUE: &str = "metering";

statements! {
    /// Missed twice.
    ADD_MISSED = "
        INSERT INTO cloud_resources (id, provider, kind, provider_id, name, tags, attrs, first_seen_at, last_seen_at,
            stale_strike_count)
        VALUES ($1, 'digitalocean', $2, $3, 'box', {json($4)}, {json($5)}, $6, $6, 2)";
    ADD_RUN = "
        INSERT INTO sync_runs (id, kind, actor, started_at, finished_at, pages, received, complete, suspicious,
            discovered, updated, restored, struck, deleted)
        VALUES ($1, $2, 'a-test', $3, $3, 1, 2, TRUE, FALSE, 0, 0, 0, 0, 0)";
    FOUND = "
        SELECT provider_id, stale_strike_count, deleted_at IS NOT NULL AS is_gone FROM cloud_resources
        WHERE kind = $1 ORDER BY provider_id";
    COMPLETE = "SELECT COUNT(*) FROM sync_runs WHERE complete AND saga_id IS NOT NULL";
    PROJECTS = "SELECT provider_id FROM cloud_projects WHERE deleted_at IS NULL ORDER BY provider_id";
    ADD_ENDED = "
        INSERT INTO saga_runs (id, kind, status, steps, inputs, context, triggered_by, cancel_requested, queue, priority,
            current_step_idx, next_step, step_state, step_attempts, step_waits, epoch, seq, nudge, crashes, inserted_at,
            finished_at, updated_at)
        VALUES ($1, 'test', 'completed', {json($2)}, {json($3)}, {json($3)}, 'system:hazards', FALSE, 'provisioning', 0,
            1, '', 'ready', 0, 0, 1, 1, 0, 0, $4, $4, $4)";
    SAGAS = "SELECT id FROM saga_runs WHERE kind = 'test' ORDER BY id";
}

row! {
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Found {
        provider_id: String,
        stale_strike_count: i64,
        is_gone: bool,
    }
}

async fn job(sagas: &Sagas, step: &str) -> Result<SagaId, StartError> {
    let start = order("job", vec![step.to_owned()], json!({}), Vec::new());
    Ok(sagas.start(StartSaga { queue: QUEUE.to_owned(), ..start }).await?.id())
}

async fn rows<T: arcadia_sql::FromRow>(
    site: &Site,
    statement: &'static arcadia_sql::Statement,
    args: arcadia_sql::Args,
) -> Result<Vec<T>, String> {
    site.service.cloud.db.fetch_all(statement, args).await.map_err(|error| error.to_string())
}

/// A sync of one kind of resource.
#[derive(Clone)]
pub struct Listing {
    step: &'static str,
    name: &'static str,
    kind: &'static str,
    /// Makes one and says its id.
    make: fn(&Site, usize) -> String,
    strikes: bool,
    account: BTreeSet<String>,
}

impl Listing {
    pub fn of<S: Synced>(kind: &'static str, make: fn(&Site, usize) -> String) -> Listing {
        Listing { step: S::STEP, name: S::NAME, kind, make, strikes: true, account: BTreeSet::new() }
    }

    /// A look that strikes nothing.
    pub fn that_strikes_nothing(self) -> Listing {
        Listing { strikes: false, ..self }
    }
}

impl Tale for Listing {
    async fn prepare(&mut self, site: &Site) {
        let known = (self.make)(site, 0);
        self.account = BTreeSet::from([known.clone(), (self.make)(site, 1)]);
        // What is new is listed a little later.
        site.simulator.advance(Duration::from_secs(60));
        if self.kind == "dns_zone" {
            self.account.insert(DOMAIN.to_owned());
        }
        let cloud = &site.service.cloud;
        let at = cloud.clock.now() - SignedDuration::from_hours(2);
        for provider_id in [known.as_str(), GONE] {
            let row = args![cloud.clock.new_id(), self.kind, provider_id, json!([]), json!({}), at];
            cloud.db.execute(&ADD_MISSED, row).await.unwrap();
        }
        // Two complete ones have missed it already: it is no sudden drop.
        let run = args![cloud.clock.new_id(), self.name, at + SignedDuration::from_hours(1)];
        cloud.db.execute(&ADD_RUN, run).await.unwrap();
    }

    async fn start(&self, _site: &Site, sagas: &Sagas) -> Result<SagaId, StartError> {
        job(sagas, self.step).await
    }

    async fn verdict(&self, site: &Site, end: &End<'_>) -> Result<(), String> {
        let found: Vec<Found> = rows(site, &FOUND, args![self.kind]).await?;
        let complete: i64 =
            rows::<(i64,)>(site, &COMPLETE, args![]).await?.iter().map(|(count,)| count).sum();
        let ids = |gone: bool| -> BTreeSet<String> {
            found.iter().filter(|row| row.is_gone == gone).map(|row| row.provider_id.clone()).collect()
        };
        let missed = BTreeSet::from([GONE.to_owned()]);
        let buried = if self.strikes && complete > 0 { missed.clone() } else { BTreeSet::new() };
        same("what is taken for gone", ids(true), buried.clone())?;
        let living: BTreeSet<String> = ids(false).difference(&missed).cloned().collect();
        if end.is_completed() || complete > 0 {
            same("the inventory", living, self.account.clone())?;
            let struck =
                found.iter().filter(|row| row.provider_id != GONE && row.stale_strike_count > 0).count();
            return same("strikes", struck, 0);
        }
        same("strangers", living.difference(&self.account).count(), 0)
    }
}

/// Makes one thing of a kind from what the provider would be sent.
pub fn make(site: &Site, kind: Kind, body: Value) -> String {
    match site.simulator.mutate(&Mutation::create(kind, body)).unwrap() {
        Value::String(id) => id,
        id => id.to_string(),
    }
}

/// The sync of projects, which makes the internal one.
#[derive(Clone, Default)]
pub struct Projects;

impl Tale for Projects {
    async fn prepare(&mut self, site: &Site) {
        make(site, Kind::Project, json!({"name": "acme", "purpose": "Web Application"}));
    }

    async fn start(&self, _site: &Site, sagas: &Sagas) -> Result<SagaId, StartError> {
        job(sagas, arcadia::inventory::sync::Projects::STEP).await
    }

    async fn verdict(&self, site: &Site, end: &End<'_>) -> Result<(), String> {
        let listed = site.all("projects");
        let internal = listed.iter().filter(|project| project["name"] == INTERNAL_PROJECT).count();
        same("internal projects beyond one", internal.saturating_sub(1), 0)?;
        let account: BTreeSet<String> =
            listed.iter().filter_map(|project| project["id"].as_str()).map(str::to_owned).collect();
        let known = rows::<(String,)>(site, &PROJECTS, args![]).await?;
        let known: BTreeSet<String> = known.into_iter().map(|(id,)| id).collect();
        if end.is_completed() {
            same("internal projects", internal, 1)?;
            return same("projects", known, account);
        }
        same("projects that are not there", known.difference(&account).count(), 0)
    }
}

/// A night's work: one saga of long ago is forgotten, the other one's mark is still borne.
#[derive(Clone, Default)]
pub struct Night {
    marked: Uuid,
    free: Uuid,
}

impl Tale for Night {
    async fn prepare(&mut self, site: &Site) {
        let cloud = &site.service.cloud;
        let at = cloud.clock.now() - SignedDuration::from_hours(200 * 24);
        (self.marked, self.free) = (cloud.clock.new_id(), cloud.clock.new_id());
        for id in [self.marked, self.free] {
            cloud.db.execute(&ADD_ENDED, args![id, json!(["echo"]), json!({}), at]).await.unwrap();
        }
        let tags = json!([format!("arcadia-saga-{}", self.marked)]);
        let row = args![cloud.clock.new_id(), "droplet", GONE, tags, json!({}), at];
        cloud.db.execute(&ADD_MISSED, row).await.unwrap();
    }

    async fn start(&self, _site: &Site, sagas: &Sagas) -> Result<SagaId, StartError> {
        job(sagas, "forget_the_past").await
    }

    async fn verdict(&self, site: &Site, end: &End<'_>) -> Result<(), String> {
        let left = rows::<(Uuid,)>(site, &SAGAS, args![]).await?;
        let left: Vec<Uuid> = left.into_iter().map(|(id,)| id).collect();
        same("whether what is marked is kept", left.contains(&self.marked), true)?;
        if end.is_completed() { same("sagas that are left", left, vec![self.marked]) } else { Ok(()) }
    }
}
