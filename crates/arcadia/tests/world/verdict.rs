//! What the world looks like: rows and the provider's account, and the judgement at a story's end.

use super::{DOMAIN, World};
use arcadia_saga::{SagaId, Status};
use arcadia_sql::{args, row, statements};
use digitalocean_sim::{Kind, Marked};
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

statements! {
    pub(super) DEPLOYMENT = "SELECT id, state, droplet_id, ip FROM cloud_deployments WHERE id = $1";
    pub(super) DEPLOYMENTS = "SELECT id, state, droplet_id, ip FROM cloud_deployments";
    pub(super) RESOURCES = "
        SELECT id, provider_id, tenant_id, deployment_id, status, monthly_cost_minor, deleted_at IS NOT NULL AS is_deleted
        FROM cloud_resources ORDER BY id";
    pub(super) RESOURCE_EVENTS = "SELECT kind FROM cloud_resource_events ORDER BY kind";
    pub(super) PROVISIONED = "SELECT spec, spec_version FROM cloud_provisioned";
    /// As if the process had died after the step's effect and before its record.
    pub(super) REWIND = "
        UPDATE saga_runs
        SET current_step_idx = $2, next_step = $3, step_state = 'waiting', status = $4, step_attempts = 1,
            step_started_at = $5, doubt_until = $5, wake_at = $5, finished_at = NULL, seq = seq + 1,
            step_prior = (SELECT prior FROM saga_step_results WHERE saga_id = $1 AND step_idx = $2)
        WHERE id = $1";
    pub(super) UNDO_AGAIN = "
        UPDATE saga_step_results SET status = 'completed' WHERE saga_id = $1 AND step_idx = $2";
    pub(super) TRANSITIONS = "
        SELECT to_state FROM cloud_deployment_events WHERE deployment_id = $1 ORDER BY version";
    pub(super) STRAY_LOCKS = "
        SELECT saga_locks.name FROM saga_locks JOIN saga_runs ON saga_runs.id = saga_locks.saga_id
        WHERE saga_runs.status <> 'failed'";
}

row! {
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DeploymentFacts {
        pub id: Uuid,
        pub state: String,
        pub droplet_id: Option<i64>,
        pub ip: Option<String>,
    }
}

row! {
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ResourceFacts {
        pub id: Uuid,
        pub provider_id: String,
        pub tenant_id: Option<String>,
        pub deployment_id: Option<Uuid>,
        pub status: Option<String>,
        pub monthly_cost_minor: Option<i64>,
        pub is_deleted: bool,
    }
}

impl World {
    pub async fn deployment(&self, id: Uuid) -> DeploymentFacts {
        self.db.fetch_one(&DEPLOYMENT, args![id]).await.unwrap()
    }

    pub async fn resources(&self) -> Vec<ResourceFacts> {
        self.db.fetch_all(&RESOURCES, args![]).await.unwrap()
    }

    /// The kinds of all events of all resources, in the order of the alphabet.
    pub async fn resource_events(&self) -> Vec<String> {
        let rows: Vec<(String,)> = self.db.fetch_all(&RESOURCE_EVENTS, args![]).await.unwrap();
        rows.into_iter().map(|(kind,)| kind).collect()
    }

    /// The desired states with their versions.
    pub async fn provisioned(&self) -> Vec<(Value, i64)> {
        self.db.fetch_all(&PROVISIONED, args![]).await.unwrap()
    }

    /// Has a step that completed run again, as after a crash between its effect and its record.
    pub async fn rewind(&self, saga: SagaId, idx: usize, status: Status) {
        let found = self.saga(saga).await;
        let at = i64::try_from(idx).unwrap();
        if status == Status::Compensating {
            self.db.execute(&UNDO_AGAIN, args![saga, at]).await.unwrap();
        }
        let args = args![saga, at, found.steps[idx].as_str(), status.as_str(), self.now.get()];
        self.db.execute(&REWIND, args).await.unwrap();
    }

    /// The states that a deployment came to, in order.
    pub async fn transitions(&self, deployment: Uuid) -> Vec<String> {
        let rows: Vec<(String,)> = self.db.fetch_all(&TRANSITIONS, args![deployment]).await.unwrap();
        rows.into_iter().map(|(state,)| state).collect()
    }

    /// The records of a name in the stories' zone, as (type, data, ttl).
    pub fn records(&self, name: &str) -> Vec<(String, String, u64)> {
        let account = self.simulator.account();
        let zone = account["domains"].as_array().unwrap().iter().find(|zone| zone["name"] == DOMAIN);
        let records = zone.unwrap()["records"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let facts = |it: &Value| (text(&it["type"]), text(&it["data"]), it["ttl"].as_u64().unwrap_or(0));
        records.iter().filter(|record| record["name"] == name).map(facts).collect()
    }

    /// What bears marks and is ours to answer for.
    pub fn marked(&self) -> Vec<Marked> {
        let foreign = self.foreign.lock().unwrap();
        self.simulator.marked().into_iter().filter(|thing| !foreign.contains(&thing.id)).collect()
    }

    /// How many droplets were ever created through the API.
    pub fn droplets_ever(&self) -> usize {
        let log = self.simulator.log();
        let created = log.iter().filter(|change| {
            change.kind == Kind::Droplet
                && change.change == digitalocean_sim::ChangeKind::Created
                && change.by == digitalocean_sim::Origin::Api
        });
        created.count()
    }

    /// How many requests of that method and route were received.
    pub fn requests(&self, method: &str, route: &str) -> usize {
        let requests = self.simulator.requests();
        requests.iter().filter(|it| it.method == method && it.route == route).count()
    }

    /// Nothing unfinished, nothing locked, and everything marked has an owner.
    pub async fn judge(&self) {
        let sagas = &self.service.cloud.sagas;
        assert_eq!(sagas.unfinished().await.unwrap(), 0, "unfinished sagas");
        // What was begun at the provider and forgotten shows itself late.
        self.advance(Duration::from_secs(2 * 60 * 60));
        let locks: Vec<(String,)> = self.db.fetch_all(&STRAY_LOCKS, args![]).await.unwrap();
        assert_eq!(locks, [], "locks of sagas that ended well");
        self.judge_foreign();
        let mut owned: Vec<String> = Vec::new();
        for facts in self.db.fetch_all::<DeploymentFacts>(&DEPLOYMENTS, args![]).await.unwrap() {
            if facts.state == "active" {
                owned.extend(facts.droplet_id.map(|id| id.to_string()));
            }
        }
        for thing in self.marked() {
            let is_owned = owned.contains(&thing.id) || self.made_by_a_finished_saga(&thing).await;
            assert!(is_owned, "left over: {thing:?}");
        }
        for id in owned {
            assert!(self.marked().iter().any(|thing| thing.id == id), "droplet {id} is gone");
        }
    }

    fn judge_foreign(&self) {
        let all = self.simulator.account().to_string();
        for id in self.foreign.lock().unwrap().iter() {
            assert!(all.contains(id), "{id}, which is not ours, was destroyed");
        }
        let foreign = self.foreign.lock().unwrap();
        for change in self.simulator.log() {
            let is_theirs = change.kind == Kind::Droplet && foreign.contains(&change.id);
            // The end of a boot is logged as if the API had asked for it.
            let is_boot = change.fields == serde_json::json!({"status": "active"});
            let is_ours_to_answer = change.by == digitalocean_sim::Origin::Api && !is_boot;
            assert!(!(is_theirs && is_ours_to_answer), "not ours, and changed: {change:?}");
        }
    }

    async fn made_by_a_finished_saga(&self, thing: &Marked) -> bool {
        let from_tag = thing.tags.iter().find_map(|tag| tag.strip_prefix("arcadia-saga-"));
        let from_name = thing.name.len().checked_sub(36).map(|at| &thing.name[at..]);
        let id: Option<SagaId> = from_tag.or(from_name).and_then(|id| id.parse().ok());
        let Some(id) = id else { return false };
        let saga = self.saga(id).await;
        saga.status == Status::Completed && saga.deployment_id.is_none()
    }
}
