//! The statements over `cloud_deployments` and its history.

use super::{Deployment, DeploymentId, State};
use arcadia_sql::{Error, row, statements};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

statements! {
    pub(crate) BY_ID = "SELECT * FROM cloud_deployments WHERE id = $1";
    pub(crate) BY_ID_FOR_UPDATE = "SELECT * FROM cloud_deployments WHERE id = $1 {for_update}";

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
