//! The statements over projects, their tenants and what lies in them.

use super::super::ResourceId;
use arcadia_sql::{row, statements};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

statements! {
    /// Answers nothing for one that was deleted too short a time before it was asked for.
    pub(crate) SEE = "
        INSERT INTO cloud_projects (id, provider, provider_id, name, purpose, is_default, is_internal, created_at,
            first_seen_at, last_seen_at, stale_strike_count)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 0)
        ON CONFLICT (provider, provider_id) DO UPDATE SET name = excluded.name, purpose = excluded.purpose,
            is_default = excluded.is_default, is_internal = excluded.is_internal, created_at = excluded.created_at,
            last_seen_at = excluded.last_seen_at, stale_strike_count = 0, deleted_at = NULL
        WHERE cloud_projects.deleted_at IS NULL OR cloud_projects.deleted_at <= {time($10)}
        RETURNING id, first_seen_at";
    pub(crate) INTERNAL: ProjectRow = "
        SELECT {columns} FROM cloud_projects WHERE provider = $1 AND is_internal AND deleted_at IS NULL
        ORDER BY first_seen_at, id LIMIT 1";
    pub(crate) ONE: ProjectRow = "SELECT {columns} FROM cloud_projects WHERE id = $1";
    pub(crate) ONE_TO_CHANGE: ProjectRow = "SELECT {columns} FROM cloud_projects WHERE id = $1 {for_update}";
    pub(crate) ALL: ProjectRow = "SELECT {columns} FROM cloud_projects WHERE provider = $1 ORDER BY deleted_at IS NOT NULL, name, id";

    /// Those of a list of [kind, provider_id] that lie in another project than `$2`, or in none.
    pub(crate) MOVED_HERE = sqlite "
        SELECT resource.id, resource.kind, resource.cloud_project_id, resource.parent_id
        FROM json_each($3) AS member CROSS JOIN cloud_resources AS resource
        WHERE resource.provider = $1 AND resource.kind = member.value ->> 0
            AND resource.provider_id = member.value ->> 1 AND resource.deleted_at IS NULL
            AND resource.cloud_project_id IS NOT $2"
    postgres "
        SELECT id, kind, cloud_project_id, parent_id FROM cloud_resources
        JOIN jsonb_array_elements($3) AS member (pair) ON kind = pair ->> 0 AND provider_id = pair ->> 1
        WHERE provider = $1 AND deleted_at IS NULL AND cloud_project_id IS DISTINCT FROM $2
        ORDER BY id FOR UPDATE OF cloud_resources";
    pub(crate) MOVE = "UPDATE cloud_resources SET cloud_project_id = $2 WHERE id {any($1)}";
    /// Known before the projects were asked, and in none of them.
    pub(crate) STRAYS = "
        SELECT id, kind, cloud_project_id, parent_id FROM cloud_resources
        WHERE cloud_project_id IS NULL AND deleted_at IS NULL AND first_seen_at < $1
        ORDER BY id LIMIT $2";

    pub(crate) SAY_TENANT = "
        INSERT INTO cloud_project_tenants (project_id, number, tenant_id, from_at, recorded_at, actor, reason)
        VALUES ($1, (SELECT COALESCE(MAX(number), 0) + 1 FROM cloud_project_tenants WHERE project_id = $1), $2, $3, $4,
            $5, $6)";
    pub(crate) SET_TENANT = "UPDATE cloud_projects SET tenant_id = $2 WHERE id = $1";
    pub(crate) TENANTS = "
        SELECT number, tenant_id, from_at, recorded_at, actor, reason FROM cloud_project_tenants
        WHERE project_id = $1 ORDER BY number";
    /// All that ever belonged to somebody through this project, tombstones too.
    pub(crate) DECIDED_BY = "
        SELECT DISTINCT resource_id FROM cloud_resource_owners
        WHERE project_id = $1 AND resource_id > $2 ORDER BY resource_id LIMIT $3";
}

row! {
    /// A row of `cloud_projects`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct ProjectRow {
        pub id: Uuid,
        pub provider_id: String,
        pub name: String,
        pub purpose: String,
        pub is_default: bool,
        pub is_internal: bool,
        pub tenant_id: Option<String>,
        pub created_at: Option<Timestamp>,
        pub first_seen_at: Timestamp,
        pub last_seen_at: Timestamp,
        pub deleted_at: Option<Timestamp>,
    }

    /// A word on whose a project is.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct TenantSaid {
        pub number: i64,
        pub tenant_id: Option<String>,
        /// `None`: since its resources were first known there.
        pub from_at: Option<Timestamp>,
        pub recorded_at: Timestamp,
        pub actor: String,
        pub reason: String,
    }

    /// A resource that comes to lie in a project.
    #[derive(Debug, Clone)]
    pub(crate) struct Mover {
        pub(crate) id: ResourceId,
        pub(crate) kind: String,
        pub(crate) cloud_project_id: Option<Uuid>,
        pub(crate) parent_id: Option<String>,
    }

    /// A resource whose owners are said anew.
    #[derive(Debug, Clone)]
    pub(crate) struct Decided {
        pub(crate) id: ResourceId,
        pub(crate) cloud_project_id: Option<Uuid>,
        pub(crate) owner_reason: String,
        pub(crate) tenant_id: Option<String>,
        pub(crate) deleted_at: Option<Timestamp>,
    }
}
