//! The statements over `cloud_resources` and its history.

use super::ResourceId;
use arcadia_sql::{row, statements};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

statements! {
    /// In the order of ids, so that two writers never wait for each other.
    pub(crate) KNOWN = "
        SELECT * FROM cloud_resources WHERE provider = $1 AND kind = $2 AND provider_id {any($3)}
        ORDER BY id {for_update}";
    pub(crate) ONE = "
        SELECT * FROM cloud_resources WHERE provider = $1 AND kind = $2 AND provider_id = $3 {for_update}";

    pub(crate) ADD = "
        INSERT INTO cloud_resources (id, provider, kind, provider_id, name, region, status, size_slug, tags, attrs,
            monthly_cost_minor, first_seen_at, last_seen_at, stale_strike_count)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, 0)";
    pub(crate) REWRITE = "
        UPDATE cloud_resources
        SET name = $2, region = $3, status = $4, size_slug = $5, tags = $6, attrs = $7, monthly_cost_minor = $8,
            last_seen_at = $9, stale_strike_count = 0, deleted_at = NULL
        WHERE id = $1";
    pub(crate) SEEN_AGAIN = "
        UPDATE cloud_resources SET last_seen_at = $2, stale_strike_count = 0 WHERE id {any($1)}";

    pub(crate) BURY = "
        UPDATE cloud_resources SET deleted_at = $4
        WHERE provider = $1 AND kind = $2 AND provider_id = $3 AND deleted_at IS NULL RETURNING id";
    pub(crate) ATTRIBUTE = "
        UPDATE cloud_resources SET tenant_id = $2, deployment_id = $3
        WHERE id = $1 AND (tenant_id IS DISTINCT FROM $2 OR deployment_id IS DISTINCT FROM $3)";

    pub(crate) ADD_EVENT = "
        INSERT INTO cloud_resource_events (id, resource_id, at, kind, actor, source, data)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
}

row! {
    /// A row of `cloud_resources`.
    #[derive(Debug, Clone)]
    pub struct ResourceRow {
        pub id: ResourceId,
        pub provider_id: String,
        pub name: String,
        pub region: Option<String>,
        pub status: Option<String>,
        pub size_slug: Option<String>,
        pub tenant_id: Option<String>,
        pub deployment_id: Option<Uuid>,
        pub tags: Value,
        pub attrs: Value,
        pub monthly_cost_minor: Option<i64>,
        pub first_seen_at: Timestamp,
        pub last_seen_at: Timestamp,
        pub deleted_at: Option<Timestamp>,
    }
}
