//! The statements over `cloud_resources` as the one way in uses them. Batches are one JSON document, read row by row.

pub mod history;
pub mod owners;
pub mod projects;
pub mod reading;
pub mod runs;
pub mod terms;

use super::{Parent, ResourceId};
use arcadia_sql::{row, statements};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

statements! {
    /// In the order of ids, so that two writers never wait for each other.
    pub(crate) KNOWN: ResourceRow = "
        SELECT {columns} FROM cloud_resources WHERE provider = $1 AND kind = $2 AND provider_id {any($3)}
        ORDER BY id {for_update}";
    pub(crate) ONE: ResourceRow = "
        SELECT {columns} FROM cloud_resources WHERE provider = $1 AND kind = $2 AND provider_id = $3 {for_update}";
    /// The kinds that there ever were.
    pub(crate) KINDS = "SELECT DISTINCT kind FROM cloud_resources WHERE provider = $1";

    /// What looks as it looked before. `$3` is a list of [provider_id, fingerprint]. SQLite must begin with the list.
    pub(crate) SEEN_AGAIN = sqlite "
        UPDATE cloud_resources SET last_seen_at = $4, seen_run_id = $5, stale_strike_count = 0
        WHERE rowid IN (
            SELECT resource.rowid FROM json_each($3) AS seen CROSS JOIN cloud_resources AS resource
            WHERE resource.provider = $1 AND resource.kind = $2 AND resource.provider_id = seen.value ->> 0
                AND resource.fingerprint = seen.value ->> 1 AND resource.deleted_at IS NULL)"
    postgres "
        UPDATE cloud_resources SET last_seen_at = $4, seen_run_id = $5, stale_strike_count = 0
        FROM jsonb_array_elements($3) AS seen (pair)
        WHERE provider = $1 AND kind = $2 AND provider_id = pair ->> 0 AND fingerprint = (pair ->> 1)::bigint
            AND deleted_at IS NULL";
    /// How many of a list still look as they did and were missed by nobody, without a mark on them.
    pub(crate) STILL_AS_BEFORE = sqlite "
        SELECT COUNT(*) FROM json_each($3) AS seen CROSS JOIN cloud_resources AS resource
        WHERE resource.provider = $1 AND resource.kind = $2 AND resource.provider_id = seen.value ->> 0
            AND resource.fingerprint = seen.value ->> 1 AND resource.deleted_at IS NULL
            AND resource.stale_strike_count = 0"
    postgres "
        SELECT COUNT(*) FROM cloud_resources, jsonb_array_elements($3) AS seen (pair)
        WHERE provider = $1 AND kind = $2 AND provider_id = pair ->> 0 AND fingerprint = (pair ->> 1)::bigint
            AND deleted_at IS NULL AND stale_strike_count = 0";

    /// Answers the ids of those that nobody added meanwhile.
    pub(crate) ADD = sqlite "
        INSERT INTO cloud_resources (id, provider, kind, provider_id, name, region, status, size_slug, tags, attrs,
            monthly_cost_minor, provider_created_at, parent_kind, parent_id, deployment_id, fingerprint,
            first_seen_at, last_seen_at, seen_run_id, stale_strike_count)
        SELECT value ->> 'id', $2, $3, value ->> 'provider_id', value ->> 'name', value ->> 'region',
            value ->> 'status', value ->> 'size_slug', value ->> 'tags', value ->> 'attrs',
            value ->> 'monthly_cost_minor', value ->> 'created_us', value ->> 'parent_kind', value ->> 'parent_id',
            value ->> 'deployment_id', value ->> 'fingerprint', $4, $4, $5, 0
        FROM json_each($1) WHERE TRUE
        ON CONFLICT (provider, kind, provider_id) DO NOTHING RETURNING id"
    postgres "
        INSERT INTO cloud_resources (id, provider, kind, provider_id, name, region, status, size_slug, tags, attrs,
            monthly_cost_minor, provider_created_at, parent_kind, parent_id, deployment_id, fingerprint,
            first_seen_at, last_seen_at, seen_run_id, stale_strike_count)
        SELECT id, {text($2)}, {text($3)}, provider_id, name, region, status, size_slug, tags, attrs,
            monthly_cost_minor, timestamptz 'epoch' + created_us * interval '1 microsecond', parent_kind, parent_id,
            deployment_id, fingerprint, {time($4)}, {time($4)}, {uuid($5)}, 0
        FROM jsonb_to_recordset($1) AS seen (id uuid, provider_id text, name text, region text, status text,
            size_slug text, tags jsonb, attrs jsonb, monthly_cost_minor bigint, created_us bigint, parent_kind text,
            parent_id text, deployment_id uuid, fingerprint bigint)
        ON CONFLICT (provider, kind, provider_id) DO NOTHING RETURNING id";
    pub(crate) REWRITE = sqlite "
        UPDATE cloud_resources SET name = value ->> 'name', region = value ->> 'region', status = value ->> 'status',
            size_slug = value ->> 'size_slug', tags = value ->> 'tags', attrs = value ->> 'attrs',
            monthly_cost_minor = value ->> 'monthly_cost_minor', provider_created_at = value ->> 'created_us',
            parent_kind = value ->> 'parent_kind', parent_id = value ->> 'parent_id',
            parent_left_at = value ->> 'left_us', fingerprint = value ->> 'fingerprint', last_seen_at = $2,
            seen_run_id = $3, stale_strike_count = 0, deleted_at = NULL
        FROM json_each($1) WHERE cloud_resources.id = value ->> 'id'"
    postgres "
        UPDATE cloud_resources SET name = seen.name, region = seen.region, status = seen.status,
            size_slug = seen.size_slug, tags = seen.tags, attrs = seen.attrs,
            monthly_cost_minor = seen.monthly_cost_minor,
            provider_created_at = timestamptz 'epoch' + created_us * interval '1 microsecond',
            parent_kind = seen.parent_kind, parent_id = seen.parent_id,
            parent_left_at = timestamptz 'epoch' + left_us * interval '1 microsecond',
            fingerprint = seen.fingerprint, last_seen_at = $2, seen_run_id = $3, stale_strike_count = 0,
            deleted_at = NULL
        FROM jsonb_to_recordset($1) AS seen (id uuid, name text, region text, status text, size_slug text, tags jsonb,
            attrs jsonb, monthly_cost_minor bigint, created_us bigint, parent_kind text, parent_id text,
            left_us bigint, fingerprint bigint)
        WHERE cloud_resources.id = seen.id";

    pub(crate) BURY = "
        UPDATE cloud_resources SET deleted_at = $2 WHERE id {any($1)} AND deleted_at IS NULL RETURNING id";
    /// The deployments of the sagas that made something.
    pub(crate) DEPLOYMENTS_OF_SAGAS = "
        SELECT id, deployment_id FROM saga_runs WHERE id {any($1)} AND deployment_id IS NOT NULL";
}

row! {
    /// A row of `cloud_resources`.
    #[derive(Debug, Clone)]
    pub struct ResourceRow {
        pub id: ResourceId,
        pub kind: String,
        pub provider_id: String,
        pub name: String,
        pub region: Option<String>,
        pub status: Option<String>,
        pub size_slug: Option<String>,
        pub cloud_project_id: Option<Uuid>,
        pub tenant_id: Option<String>,
        pub deployment_id: Option<Uuid>,
        pub owner_reason: String,
        pub owner_since: Option<Timestamp>,
        pub parent_kind: Option<String>,
        pub parent_id: Option<String>,
        pub parent_left_at: Option<Timestamp>,
        pub tags: Value,
        pub attrs: Value,
        pub monthly_cost_minor: Option<i64>,
        pub provider_created_at: Option<Timestamp>,
        pub fingerprint: Option<i64>,
        pub first_seen_at: Timestamp,
        pub last_seen_at: Timestamp,
        pub stale_strike_count: i64,
        pub deleted_at: Option<Timestamp>,
    }
}

impl ResourceRow {
    /// The parent it was last seen with, gone or not.
    pub(super) fn parent(&self) -> Option<Parent> {
        let (kind, provider_id) = (self.parent_kind.clone()?, self.parent_id.clone()?);
        Some(Parent { kind, provider_id })
    }

    /// The parent it is with now.
    pub(super) fn attached_to(&self) -> Option<Parent> {
        if self.parent_left_at.is_some() { None } else { self.parent() }
    }
}
