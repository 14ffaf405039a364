-- What lists and searches are found by. See the twin for PostgreSQL; the two differ where words are split.

CREATE INDEX cloud_resources_of_kind ON cloud_resources (kind, id);
CREATE INDEX cloud_resources_in_status ON cloud_resources (status, id);
CREATE INDEX cloud_resources_in_region ON cloud_resources (region, id);
CREATE INDEX cloud_resources_in_project ON cloud_resources (cloud_project_id, id);
CREATE INDEX cloud_resources_deleted ON cloud_resources (id) WHERE deleted_at IS NOT NULL;
-- A walk by name looks into the rows only where all that is asked for fits.
CREATE INDEX cloud_resources_by_name ON cloud_resources
    (name, id, kind, status, region, tenant_id, cloud_project_id, deployment_id, deleted_at);
CREATE INDEX sync_runs_newest_of_kind ON sync_runs (kind, id);

-- Terms and the status find what was at a past time; these would only be written.
DROP INDEX cloud_resource_versions_of_tenant;
DROP INDEX cloud_resource_versions_of_kind;
CREATE INDEX cloud_resource_versions_in_status ON cloud_resource_versions (status, resource_id, from_at, to_at);
CREATE INDEX cloud_resource_versions_deleted ON cloud_resource_versions (resource_id) WHERE deleted_at IS NOT NULL;

-- Append-only: every term that a resource has or ever had. A term says where to look, the row or version what is so.
CREATE TABLE cloud_resource_terms (
    -- `tenant=…`, `project=…`, `deployment=…`, `region=…`, `tag=…`, and in lower case `name=…`, `word=…`.
    term TEXT NOT NULL,
    resource_id UUID NOT NULL,
    PRIMARY KEY (term, resource_id)
) WITHOUT ROWID;

WITH known AS (
    SELECT resource_id AS id, tenant_id, cloud_project_id, deployment_id, region, name, tags,
        ' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            lower(name || ' ' || provider_id || ' ' || CAST(tags AS TEXT) || ' ' || COALESCE(attrs ->> 'public_ipv4', '')),
            '-', ' '), '.', ' '), '_', ' '), ':', ' '), '/', ' '), '"', ' '), ',', ' '), '[', ' '), ']', ' '),
            '@', ' '), '\', ' '), '+', ' '), '=', ' ') AS words
    FROM cloud_resource_versions),
lists AS (SELECT id, '["' || replace(words, ' ', '","') || '"]' AS list FROM known)
INSERT INTO cloud_resource_terms (term, resource_id)
SELECT 'tenant=' || tenant_id, id FROM known WHERE tenant_id IS NOT NULL
UNION SELECT 'project=' || cloud_project_id, id FROM known WHERE cloud_project_id IS NOT NULL
UNION SELECT 'deployment=' || deployment_id, id FROM known WHERE deployment_id IS NOT NULL
UNION SELECT 'region=' || region, id FROM known WHERE region IS NOT NULL
UNION SELECT 'name=' || substr(lower(name), 1, 200), id FROM known
UNION SELECT 'tag=' || tag.value, known.id FROM known, json_each(known.tags) AS tag
UNION SELECT 'word=' || substr(word.value, 1, 60), lists.id
    FROM lists, json_each(CASE WHEN json_valid(list) THEN list ELSE '[]' END) AS word WHERE word.value <> '';
