//! The statements over `cloud_deployments` and its history.

use super::{Deployment, DeploymentId, State};
use arcadia_sql::{Error, FromRow, Row, row, statements};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

statements! {
    pub(crate) BY_ID: DeploymentRow = "SELECT {columns} FROM cloud_deployments WHERE id = $1";
    pub(crate) BY_ID_FOR_UPDATE: DeploymentRow = "SELECT {columns} FROM cloud_deployments WHERE id = $1 {for_update}";

    /// A saga moves a deployment to one state at most once: a second time is the same step run again.
    pub(crate) MOVED_BEFORE = "
        SELECT version FROM cloud_deployment_events
        WHERE deployment_id = $1 AND saga_id = $2 AND to_state = $3";

    pub(crate) SET_STATE = "
        UPDATE cloud_deployments SET state = $2, version = version + 1, updated_at = $3
        WHERE id = $1 RETURNING version";

    pub(crate) ADD_EVENT = "
        INSERT INTO cloud_deployment_events (deployment_id, version, from_state, to_state, reason, actor, saga_id, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

    pub(crate) SET_DROPLET = "
        UPDATE cloud_deployments SET droplet_id = $2, ip = $3, version = version + 1, updated_at = $4
        WHERE id = $1";

    pub(crate) SET_SAGA = "
        UPDATE cloud_deployments SET saga_id = $2, version = version + 1, updated_at = $3
        WHERE id = $1";

    /// One deployment, where the scope covers it.
    pub(crate) FIND: DeploymentRow = "
        SELECT {columns} FROM cloud_deployments WHERE id = $1 AND ({text($2)} IS NULL OR tenant_id = $2)";

    /// Newest first, each with where its saga stands.
    pub(crate) LIST: DeploymentRow = "
        SELECT {columns(d)}, s.kind AS saga_kind, s.status AS saga_status, s.current_step_idx AS saga_step_idx,
            COALESCE(s.waiting_for, CASE WHEN s.status IN ('completed', 'rolled_back', 'failed') THEN NULL
                WHEN s.owner IS NOT NULL THEN 'its step to end' ELSE 'a free runner' END) AS saga_waiting_for, s.error AS saga_error
        FROM cloud_deployments d LEFT JOIN saga_runs s ON s.id = d.saga_id
        WHERE ({text($1)} IS NULL OR d.tenant_id = $1) AND ({text($2)} IS NULL OR d.state = $2)
            AND ({uuid($3)} IS NULL OR d.id < $3)
        ORDER BY d.id DESC LIMIT $4";

    /// Nothing where the slug or the hostname is taken.
    pub(crate) INSERT = "
        INSERT INTO cloud_deployments (id, tenant_id, slug, display_name, hostname, region, plan, state, saga_id,
            version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
        ON CONFLICT DO NOTHING";

    pub(crate) NAME_HOLDERS = "
        SELECT tenant_id, slug, hostname FROM cloud_deployments
        WHERE (hostname = $1 OR (tenant_id = $2 AND slug = $3)) AND state NOT IN ('cancelled', 'archived')";

    pub(crate) TAKE_KEY = "
        INSERT INTO cloud_deployment_keys (owner, key, body_hash, deployment_id, is_provisioned, inserted_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (owner, key) DO NOTHING";

    pub(crate) KEY_HOLDER = "
        SELECT body_hash, deployment_id, is_provisioned FROM cloud_deployment_keys WHERE owner = $1 AND key = $2";

    pub(crate) HOSTNAME_OWNER = "
        SELECT id FROM cloud_deployments
        WHERE hostname = $1 AND state NOT IN ('cancelled', 'archived')";
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct DeploymentRow {
        pub(crate) id: DeploymentId,
        pub(crate) tenant_id: String,
        pub(crate) slug: String,
        pub(crate) display_name: String,
        pub(crate) hostname: String,
        pub(crate) region: String,
        pub(crate) plan: Value,
        pub(crate) state: String,
        pub(crate) droplet_id: Option<i64>,
        pub(crate) ip: Option<String>,
        pub(crate) saga_id: Option<Uuid>,
        pub(crate) version: i64,
        pub(crate) created_at: Timestamp,
        pub(crate) updated_at: Timestamp,
    }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct NameHolder {
        pub(crate) tenant_id: String,
        pub(crate) slug: String,
        pub(crate) hostname: String,
    }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct KeyRow {
        pub(crate) body_hash: String,
        pub(crate) deployment_id: DeploymentId,
        pub(crate) is_provisioned: bool,
    }
}

row! {
    /// What a list tells of a deployment's saga.
    #[derive(Debug, Clone)]
    pub(crate) struct SagaSummary {
        pub(crate) saga_kind: String,
        pub(crate) saga_status: String,
        pub(crate) saga_step_idx: i64,
        pub(crate) saga_waiting_for: Option<String>,
        pub(crate) saga_error: Option<Value>,
    }
}

/// A deployment in a list.
#[derive(Debug, Clone)]
pub(crate) struct ListedRow {
    pub(crate) deployment: DeploymentRow,
    pub(crate) saga: Option<SagaSummary>,
}

impl FromRow for ListedRow {
    fn from_row(row: &Row) -> Result<ListedRow, Error> {
        let has_saga = row.get::<Option<String>>("saga_kind")?.is_some();
        let saga = has_saga.then(|| SagaSummary::from_row(row)).transpose()?;
        Ok(ListedRow { deployment: DeploymentRow::from_row(row)?, saga })
    }
}

impl DeploymentRow {
    pub(crate) fn into_deployment(self) -> Result<Deployment, Error> {
        let plan = serde_json::from_value(self.plan).map_err(|error| decode("plan", error.to_string()))?;
        let state = State::parse(&self.state).ok_or_else(|| decode("state", self.state))?;
        Ok(Deployment {
            id: self.id,
            tenant_id: self.tenant_id,
            slug: self.slug,
            display_name: self.display_name,
            hostname: self.hostname,
            region: self.region,
            plan,
            state,
            droplet_id: self.droplet_id,
            ip: self.ip,
            saga_id: self.saga_id.map(arcadia_saga::SagaId),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

fn decode(column: &str, found: String) -> Error {
    Error::Decode { column: column.to_owned(), wanted: "a value of ours", found }
}
