//! The statements over whose a resource is, and why.

use super::super::ResourceId;
use super::super::timeline::{Ownership, Reason, Statement};
use super::projects::Decided;
use arcadia_sql::{row, statements};
use jiff::Timestamp;
use uuid::Uuid;

statements! {
    /// On PostgreSQL nobody else decides until this transaction ends; SQLite has one writer anyway. Who comes while a large
    /// project changes hands waits for it, not quite as long as a request may take.
    pub(crate) ALONE = sqlite "SELECT 1" postgres "
        SELECT set_config('lock_timeout', '20s', TRUE), pg_advisory_xact_lock(6138207155402743811)";
    /// Nobody else changes these until this transaction ends.
    pub(crate) HOLD = "SELECT id FROM cloud_resources WHERE id {any($1)} ORDER BY id {for_update}";
    /// All that decides whose these are.
    pub(crate) FACTS = "
        SELECT resource.id, resource.kind, resource.tenant_id, resource.owner_reason, resource.owner_since,
            resource.owner_project_id, resource.cloud_project_id, resource.deployment_id,
            deployment.tenant_id AS deployment_tenant, resource.parent_left_at,
            parent.id AS parent_row, parent.deleted_at AS parent_deleted_at, parent.last_seen_at AS parent_seen_at,
            parent.tenant_id AS parent_tenant, parent.owner_project_id AS parent_owner_project,
            parent.cloud_project_id AS parent_project, project.tenant_id AS project_tenant,
            project.is_internal AS project_is_internal
        FROM cloud_resources AS resource
        LEFT JOIN cloud_resources AS parent ON parent.provider = resource.provider
            AND parent.kind = resource.parent_kind AND parent.provider_id = resource.parent_id
        LEFT JOIN cloud_projects AS project ON project.id = resource.cloud_project_id
        LEFT JOIN cloud_deployments AS deployment ON deployment.id = resource.deployment_id
        WHERE resource.id {any($1)} AND resource.deleted_at IS NULL ORDER BY resource.id";
    pub(crate) CHILDREN = "
        SELECT child.id FROM cloud_resources AS parent
        JOIN cloud_resources AS child ON child.provider = parent.provider AND child.parent_kind = parent.kind
            AND child.parent_id = parent.provider_id
        WHERE parent.id {any($1)} AND child.deleted_at IS NULL ORDER BY child.id";
    /// What lives through these or did last, tombstones too, and since when it was with them: what it was with before is
    /// no business of theirs.
    pub(crate) HEIRS = "
        SELECT child.id, child.cloud_project_id, child.owner_reason, child.tenant_id, child.deleted_at,
            parent.id AS parent,
            (SELECT MAX(version.to_at) FROM cloud_resource_versions AS version
                WHERE version.resource_id = child.id AND (version.parent_kind IS DISTINCT FROM child.parent_kind
                    OR version.parent_id IS DISTINCT FROM child.parent_id)) AS with_it_since
        FROM cloud_resources AS parent
        JOIN cloud_resources AS child ON child.provider = parent.provider AND child.parent_kind = parent.kind
            AND child.parent_id = parent.provider_id
        WHERE parent.id {any($1)} ORDER BY child.id";
    /// Those that are without their parent: time tells whether it is gone.
    pub(crate) LEFT_BEHIND = "
        SELECT id FROM cloud_resources WHERE parent_left_at IS NOT NULL AND deleted_at IS NULL ORDER BY id";

    pub(crate) OWN = sqlite "
        UPDATE cloud_resources SET tenant_id = value ->> 'tenant_id', owner_reason = value ->> 'reason',
            owner_project_id = value ->> 'project_id', owner_since = value ->> 'since_us',
            cloud_project_id = value ->> 'cloud_project_id'
        FROM json_each($1) WHERE cloud_resources.id = value ->> 'id'"
    postgres "
        UPDATE cloud_resources SET tenant_id = own.tenant_id, owner_reason = own.reason,
            owner_project_id = own.project_id,
            owner_since = timestamptz 'epoch' + since_us * interval '1 microsecond',
            cloud_project_id = own.cloud_project_id
        FROM jsonb_to_recordset($1) AS own (id uuid, tenant_id text, reason text, project_id uuid, since_us bigint,
            cloud_project_id uuid)
        WHERE cloud_resources.id = own.id";
    /// Each after the last of its resource; `number` counts from 1 within the batch.
    pub(crate) STATE = sqlite "
        INSERT INTO cloud_resource_owners (resource_id, number, from_at, tenant_id, deployment_id, project_id, reason,
            recorded_at, actor, source)
        SELECT value ->> 'id',
            (value ->> 'number') + COALESCE((SELECT MAX(number) FROM cloud_resource_owners
                WHERE resource_id = value ->> 'id'), 0),
            value ->> 'from_us', value ->> 'tenant_id', value ->> 'deployment_id', value ->> 'project_id',
            value ->> 'reason', $2, $3, $4
        FROM json_each($1)"
    postgres "
        INSERT INTO cloud_resource_owners (resource_id, number, from_at, tenant_id, deployment_id, project_id, reason,
            recorded_at, actor, source)
        SELECT id,
            own.number + COALESCE((SELECT MAX(said.number) FROM cloud_resource_owners AS said
                WHERE said.resource_id = own.id), 0),
            timestamptz 'epoch' + from_us * interval '1 microsecond', tenant_id, deployment_id, project_id, reason,
            {time($2)}, {text($3)}, {text($4)}
        FROM jsonb_to_recordset($1) AS own (id uuid, number bigint, from_us bigint, tenant_id text,
            deployment_id uuid, project_id uuid, reason text)";
    pub(crate) STATEMENTS_OF = "
        SELECT resource_id, from_at, tenant_id, deployment_id, project_id, reason FROM cloud_resource_owners
        WHERE resource_id {any($1)} ORDER BY resource_id, number";

    /// The owner is open again, unless an operator had his say.
    pub(crate) LINK = "
        UPDATE cloud_resources SET deployment_id = $2,
            owner_reason = CASE WHEN owner_reason = 'operator' THEN owner_reason ELSE 'none' END
        WHERE id = $1 AND deployment_id IS DISTINCT FROM $2";
    /// What an operator is about to speak of, held until he has.
    pub(crate) TO_SAY = "
        SELECT id, cloud_project_id, owner_reason, tenant_id, deleted_at FROM cloud_resources
        WHERE id {any($1)} ORDER BY id {for_update}";
    /// An operator's word.
    pub(crate) SAY = "
        UPDATE cloud_resources SET owner_reason = $2, tenant_id = $3, owner_since = $4, owner_project_id = NULL
        WHERE id = $1";
}

row! {
    /// See `FACTS`.
    #[derive(Debug, Clone)]
    pub(crate) struct Facts {
        pub(crate) id: ResourceId,
        pub(crate) kind: String,
        pub(crate) tenant_id: Option<String>,
        pub(crate) owner_reason: String,
        pub(crate) owner_since: Option<Timestamp>,
        pub(crate) owner_project_id: Option<Uuid>,
        pub(crate) cloud_project_id: Option<Uuid>,
        pub(crate) deployment_id: Option<Uuid>,
        pub(crate) deployment_tenant: Option<String>,
        pub(crate) parent_left_at: Option<Timestamp>,
        pub(crate) parent_row: Option<Uuid>,
        pub(crate) parent_deleted_at: Option<Timestamp>,
        pub(crate) parent_seen_at: Option<Timestamp>,
        pub(crate) parent_tenant: Option<String>,
        pub(crate) parent_owner_project: Option<Uuid>,
        pub(crate) parent_project: Option<Uuid>,
        pub(crate) project_tenant: Option<String>,
        pub(crate) project_is_internal: Option<bool>,
    }

    /// See `HEIRS`.
    #[derive(Debug, Clone)]
    pub(crate) struct Heir {
        pub(crate) id: ResourceId,
        pub(crate) cloud_project_id: Option<Uuid>,
        pub(crate) owner_reason: String,
        pub(crate) tenant_id: Option<String>,
        pub(crate) deleted_at: Option<Timestamp>,
        pub(crate) parent: ResourceId,
        /// `None`: since it is known.
        pub(crate) with_it_since: Option<Timestamp>,
    }

    /// One row of `cloud_resource_owners`.
    #[derive(Debug, Clone)]
    pub(crate) struct StatementRow {
        pub(crate) resource_id: ResourceId,
        pub(crate) from_at: Timestamp,
        pub(crate) tenant_id: Option<String>,
        pub(crate) deployment_id: Option<Uuid>,
        pub(crate) project_id: Option<Uuid>,
        pub(crate) reason: String,
    }
}

impl From<Heir> for Decided {
    fn from(heir: Heir) -> Decided {
        let Heir { id, cloud_project_id, owner_reason, tenant_id, deleted_at, .. } = heir;
        Decided { id, cloud_project_id, owner_reason, tenant_id, deleted_at }
    }
}

impl From<StatementRow> for Statement {
    fn from(row: StatementRow) -> Statement {
        let reason = Reason::parse(&row.reason);
        let StatementRow { from_at, tenant_id, deployment_id, project_id, .. } = row;
        Statement { from_at, owner: Ownership { tenant_id, deployment_id, project_id, reason } }
    }
}
