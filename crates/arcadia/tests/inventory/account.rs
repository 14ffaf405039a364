//! The account as the inventory has it: syncs by name, rows, events and runs.

use crate::world::World;
use arcadia::inventory::projects::{self, GiveError, ProjectRow};
use arcadia::inventory::runs::{RunRow, Tally};
use arcadia::inventory::store::ResourceRow;
use arcadia::inventory::sync::{self, NAMES, Stop};
use arcadia::inventory::timeline::Statement;
use arcadia::inventory::{self, Witness};
use arcadia_sql::{args, row, statements};
use digitalocean::AssignmentStatus;
use digitalocean_sim::{Kind, Mutation};
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

statements! {
    ROWS: ResourceRow = "SELECT {columns} FROM cloud_resources ORDER BY kind, provider_id";
    ROW: ResourceRow = "SELECT {columns} FROM cloud_resources WHERE kind = $1 AND provider_id = $2";
    EVENTS = "SELECT resource_id, at, kind, source, data FROM cloud_resource_events ORDER BY at, id";
    RUNS: RunRow = "SELECT {columns} FROM sync_runs ORDER BY started_at, id";
    PROJECTS: ProjectRow = "SELECT {columns} FROM cloud_projects ORDER BY name, id";
    VERSIONS = "
        SELECT kind, provider_id, name, status, size_slug, cloud_project_id, tenant_id, owner_reason, tags, deleted_at
        FROM cloud_resource_versions WHERE from_at <= $1 AND (to_at IS NULL OR to_at > $1) ORDER BY kind, provider_id";
    VERSION_COUNT = "SELECT COUNT(*) FROM cloud_resource_versions";
    OVERLAPS = "
        SELECT COUNT(*) FROM cloud_resource_versions AS one JOIN cloud_resource_versions AS other
            ON one.resource_id = other.resource_id AND one.from_at < other.from_at
        WHERE one.to_at IS NULL OR one.to_at > other.from_at";
}

row! {
    #[derive(Debug, Clone)]
    pub struct Event {
        pub resource_id: Uuid,
        pub at: Timestamp,
        pub kind: String,
        pub source: String,
        pub data: Value,
    }

    /// What a list says of a resource.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Listed {
        pub kind: String,
        pub provider_id: String,
        pub name: String,
        pub status: Option<String>,
        pub size_slug: Option<String>,
        pub cloud_project_id: Option<Uuid>,
        pub tenant_id: Option<String>,
        pub owner_reason: String,
        pub tags: Value,
        pub deleted_at: Option<Timestamp>,
    }
}

impl From<ResourceRow> for Listed {
    fn from(row: ResourceRow) -> Listed {
        Listed {
            kind: row.kind,
            provider_id: row.provider_id,
            name: row.name,
            status: row.status,
            size_slug: row.size_slug,
            cloud_project_id: row.cloud_project_id,
            tenant_id: row.tenant_id,
            owner_reason: row.owner_reason,
            tags: row.tags,
            deleted_at: row.deleted_at,
        }
    }
}

/// Every sync that lists one kind, with the kind.
pub const SYNCS_OF_KINDS: [(&str, &str); 10] = [
    ("droplets", "droplet"),
    ("domains", "dns_zone"),
    ("volumes", "volume"),
    ("floating_ips", "floating_ip"),
    ("firewalls", "firewall"),
    ("load_balancers", "load_balancer"),
    ("databases", "managed_db"),
    ("kubernetes", "k8s_cluster"),
    ("snapshots", "snapshot"),
    ("droplet_backups", "droplet_backup"),
];

impl World {
    /// A quarter of an hour later: the account is looked at through one sync.
    pub async fn sync(&self, name: &str) -> Result<Tally, Stop> {
        self.advance(Duration::from_secs(15 * 60));
        let done = sync::run_now(&self.service.cloud, name, "a-test", &|_| ()).await?;
        Ok(done.unwrap_or_else(|| panic!("there is no sync called {name}")).tally)
    }

    /// All of it, once.
    pub async fn sync_all(&self) {
        for name in NAMES {
            self.sync(name).await.unwrap_or_else(|stop| panic!("{name}: {stop}"));
        }
    }

    pub async fn rows(&self) -> Vec<ResourceRow> {
        self.service.cloud.db.fetch_all(&ROWS, args![]).await.unwrap()
    }

    pub async fn rows_of(&self, kind: &str) -> Vec<ResourceRow> {
        self.rows().await.into_iter().filter(|row| row.kind == kind).collect()
    }

    pub async fn row(&self, kind: &str, provider_id: &str) -> ResourceRow {
        self.service.cloud.db.fetch_one(&ROW, args![kind, provider_id]).await.unwrap()
    }

    pub async fn listed(&self) -> Vec<Listed> {
        self.rows().await.into_iter().map(Listed::from).collect()
    }

    pub async fn listed_at(&self, at: Timestamp) -> Vec<Listed> {
        self.service.cloud.db.fetch_all(&VERSIONS, args![at]).await.unwrap()
    }

    pub async fn version_count(&self) -> i64 {
        self.service.cloud.db.fetch_one::<(i64,)>(&VERSION_COUNT, args![]).await.unwrap().0
    }

    pub async fn overlapping_versions(&self) -> i64 {
        self.service.cloud.db.fetch_one::<(i64,)>(&OVERLAPS, args![]).await.unwrap().0
    }

    pub async fn events(&self) -> Vec<Event> {
        self.service.cloud.db.fetch_all(&EVENTS, args![]).await.unwrap()
    }

    /// The kinds of one resource's events, oldest first.
    pub async fn events_of(&self, kind: &str, provider_id: &str) -> Vec<String> {
        let id = self.row(kind, provider_id).await.id.0;
        let events = self.events().await.into_iter().filter(|event| event.resource_id == id);
        events.map(|event| event.kind).collect()
    }

    pub async fn runs(&self) -> Vec<RunRow> {
        self.service.cloud.db.fetch_all(&RUNS, args![]).await.unwrap()
    }

    pub async fn last_run(&self) -> RunRow {
        self.runs().await.pop().unwrap()
    }

    pub async fn projects(&self) -> Vec<ProjectRow> {
        self.service.cloud.db.fetch_all(&PROJECTS, args![]).await.unwrap()
    }

    /// Changes something in the provider's own panel.
    pub fn set(&self, kind: Kind, id: &str, fields: Value) {
        self.simulator.mutate(&Mutation::set(kind, id, fields)).unwrap();
    }

    pub fn destroy(&self, kind: Kind, id: &str) {
        self.simulator.mutate(&Mutation::destroy(kind, id)).unwrap();
    }

    /// Makes something in the provider's own panel and answers its id.
    pub fn create(&self, kind: Kind, body: Value) -> String {
        let id = self.simulator.mutate(&Mutation::create(kind, body)).unwrap();
        id.as_str().map_or_else(|| id.to_string(), str::to_owned)
    }

    /// The account of a small company, with the time that it is there.
    pub fn load(&self, scenario: &str) {
        self.simulator.load_scenario(scenario, None).unwrap();
        self.now.set(self.simulator.now());
    }

    pub async fn assign(&self, project: &str, urn: &str) {
        let client = &self.service.cloud.digitalocean;
        let assigned = client.projects().assign(&project.into(), &[urn.into()]).await.unwrap();
        assert!(assigned.iter().all(|it| it.status != Some(AssignmentStatus::NotFound)), "{assigned:?}");
    }
}

impl World {
    /// An operator says whose a project is.
    pub async fn give(
        &self,
        project: Uuid,
        tenant: Option<&str>,
        effective_from: Option<Timestamp>,
    ) -> Result<ProjectRow, GiveError> {
        let cloud = &self.service.cloud;
        let mut tx = cloud.db.begin().await.unwrap();
        let tenant = tenant.map(str::to_owned);
        let given =
            projects::give(&mut tx, project, tenant, effective_from, &self.operator(), &cloud.clock).await?;
        tx.commit().await.unwrap();
        Ok(given)
    }

    pub fn operator(&self) -> Witness {
        let (actor, source) = ("user:ada".to_owned(), "a customer's contract".to_owned());
        Witness { actor, source, asked_at: self.now.get(), run: None }
    }

    /// Whose a resource was and is.
    pub async fn owners(&self, kind: &str, provider_id: &str) -> Vec<Statement> {
        let id = self.row(kind, provider_id).await.id;
        let mut tx = self.service.cloud.db.begin().await.unwrap();
        inventory::owners(&mut tx, id).await.unwrap()
    }
}
