//! The statements over what happened to resources: events, and the states they were in.

use arcadia_sql::statements;

statements! {
    pub(crate) ADD_EVENTS = sqlite "
        INSERT INTO cloud_resource_events (id, resource_id, at, kind, actor, source, data)
        SELECT value ->> 'id', value ->> 'resource_id', $2, value ->> 'kind', $3, $4, value ->> 'data'
        FROM json_each($1)"
    postgres "
        INSERT INTO cloud_resource_events (id, resource_id, at, kind, actor, source, data)
        SELECT id, resource_id, {time($2)}, kind, {text($3)}, {text($4)}, data
        FROM jsonb_to_recordset($1) AS event (id uuid, resource_id uuid, kind text, data jsonb)";

    /// A clock that stands still or goes back ends a state where it began.
    pub(crate) CLOSE_VERSIONS = "
        UPDATE cloud_resource_versions SET to_at = CASE WHEN from_at > $2 THEN from_at ELSE $2 END
        WHERE resource_id {any($1)} AND to_at IS NULL";
    /// States that never were seen.
    pub(crate) DROP_EMPTY_VERSIONS = "
        DELETE FROM cloud_resource_versions WHERE resource_id {any($1)} AND to_at <= from_at";
    /// The rows as they are now, each from where its last state ended.
    pub(crate) OPEN_VERSIONS = "
        INSERT INTO cloud_resource_versions (resource_id, from_at, provider, kind, provider_id, name, region, status,
            size_slug, cloud_project_id, tenant_id, deployment_id, owner_reason, owner_since, parent_kind, parent_id,
            tags, attrs, monthly_cost_minor, provider_created_at, first_seen_at, deleted_at)
        SELECT id,
            COALESCE((SELECT MAX(to_at) FROM cloud_resource_versions WHERE resource_id = resource.id), {time($2)}),
            provider, kind, provider_id, name, region, status, size_slug, cloud_project_id, tenant_id, deployment_id,
            owner_reason, owner_since, parent_kind, parent_id, tags, attrs, monthly_cost_minor, provider_created_at,
            first_seen_at, deleted_at
        FROM cloud_resources AS resource WHERE id {any($1)}";
}
