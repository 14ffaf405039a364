-- Projects and whose they are, owners in valid time, every state that a resource was in, and the syncs that saw it.

-- A project at the provider. `tenant_id` is whose it is now.
CREATE TABLE cloud_projects (
    id UUID PRIMARY KEY NOT NULL,
    provider TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    -- Where resources that belong to no tenant live.
    is_internal BOOLEAN NOT NULL,
    tenant_id TEXT,
    created_at TIMESTAMPTZ,
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    stale_strike_count BIGINT NOT NULL,
    struck_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX cloud_projects_identity ON cloud_projects (provider, provider_id);
CREATE INDEX cloud_projects_of_tenant ON cloud_projects (tenant_id) WHERE tenant_id IS NOT NULL;

-- Append-only: who said whose a project is, and from when it counts.
CREATE TABLE cloud_project_tenants (
    project_id UUID NOT NULL,
    number BIGINT NOT NULL,
    tenant_id TEXT,
    -- NULL: since its resources were first known there.
    from_at TIMESTAMPTZ,
    recorded_at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (project_id, number)
);

-- What it lives through: a snapshot, backup, volume or address through its droplet.
ALTER TABLE cloud_resources ADD COLUMN parent_kind TEXT;
ALTER TABLE cloud_resources ADD COLUMN parent_id TEXT;
-- Since when it was not seen with its parent any more: the parent may be gone, or merely be without it.
ALTER TABLE cloud_resources ADD COLUMN parent_left_at TIMESTAMPTZ;
-- Why `tenant_id` is whose it is, since when in valid time, and the project that decided, if one did.
ALTER TABLE cloud_resources ADD COLUMN owner_reason TEXT NOT NULL DEFAULT 'none'
    CHECK (owner_reason IN ('operator', 'deployment', 'parent', 'project', 'internal', 'unallocated', 'none'));
ALTER TABLE cloud_resources ADD COLUMN owner_since TIMESTAMPTZ;
ALTER TABLE cloud_resources ADD COLUMN owner_project_id UUID;
ALTER TABLE cloud_resources ADD COLUMN provider_created_at TIMESTAMPTZ;
-- Of all that was last seen of it and matters: an equal one is an unchanged resource.
ALTER TABLE cloud_resources ADD COLUMN fingerprint BIGINT;
-- The sync runs that saw it last, and that missed it last.
ALTER TABLE cloud_resources ADD COLUMN seen_run_id UUID;
ALTER TABLE cloud_resources ADD COLUMN struck_run_id UUID;
ALTER TABLE cloud_resources ADD COLUMN struck_at TIMESTAMPTZ;
CREATE INDEX cloud_resources_of_parent ON cloud_resources (parent_kind, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX cloud_resources_without_project ON cloud_resources (id)
    WHERE cloud_project_id IS NULL AND deleted_at IS NULL;
CREATE INDEX cloud_resources_that_left ON cloud_resources (id) WHERE parent_left_at IS NOT NULL AND deleted_at IS NULL;

-- Append-only, in valid time: from `from_at` on it belonged to this owner. Of all that began by a time, the one with
-- the highest number is right.
CREATE TABLE cloud_resource_owners (
    resource_id UUID NOT NULL,
    number BIGINT NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    tenant_id TEXT,
    deployment_id UUID,
    -- The project that decided, if one did.
    project_id UUID,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (resource_id, number)
);
CREATE INDEX cloud_resource_owners_by_project ON cloud_resource_owners (project_id, resource_id)
    WHERE project_id IS NOT NULL;

-- What a list said of a resource from `from_at` until before `to_at`; NULL is until now. A later correction of an owner in
-- the past changes cloud_resource_owners, never these.
CREATE TABLE cloud_resource_versions (
    resource_id UUID NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    to_at TIMESTAMPTZ,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    name TEXT NOT NULL,
    region TEXT,
    status TEXT,
    size_slug TEXT,
    cloud_project_id UUID,
    tenant_id TEXT,
    deployment_id UUID,
    owner_reason TEXT NOT NULL,
    owner_since TIMESTAMPTZ,
    parent_kind TEXT,
    parent_id TEXT,
    tags JSONB NOT NULL,
    attrs JSONB NOT NULL,
    monthly_cost_minor BIGINT,
    provider_created_at TIMESTAMPTZ,
    first_seen_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ,
    PRIMARY KEY (resource_id, from_at)
);
CREATE UNIQUE INDEX cloud_resource_versions_now ON cloud_resource_versions (resource_id) WHERE to_at IS NULL;
CREATE INDEX cloud_resource_versions_of_tenant ON cloud_resource_versions (tenant_id, resource_id, from_at);
CREATE INDEX cloud_resource_versions_of_kind ON cloud_resource_versions (kind, resource_id, from_at);

-- What was in the inventory before there were versions has its first one from its first sight.
INSERT INTO cloud_resource_versions (resource_id, from_at, provider, kind, provider_id, name, region, status, size_slug,
    cloud_project_id, tenant_id, deployment_id, owner_reason, tags, attrs, monthly_cost_minor, first_seen_at, deleted_at)
SELECT id, first_seen_at, provider, kind, provider_id, name, region, status, size_slug,
    cloud_project_id, tenant_id, deployment_id, owner_reason, tags, attrs, monthly_cost_minor, first_seen_at, deleted_at
FROM cloud_resources;

-- One row per sync.
CREATE TABLE sync_runs (
    id UUID PRIMARY KEY NOT NULL,
    -- The sync's name: `droplets`, `projects`, …
    kind TEXT NOT NULL,
    saga_id UUID,
    actor TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    pages BIGINT NOT NULL,
    -- What the provider announced, where it did.
    expected BIGINT,
    received BIGINT NOT NULL,
    -- All pages answered, and as much received as announced.
    complete BOOLEAN NOT NULL,
    -- More than a third was gone at once: nothing was struck.
    suspicious BOOLEAN NOT NULL,
    discovered BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    restored BIGINT NOT NULL,
    struck BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    error TEXT
);
CREATE INDEX sync_runs_of_kind ON sync_runs (kind, started_at);
CREATE INDEX sync_runs_complete ON sync_runs (kind, started_at) WHERE complete;
CREATE INDEX sync_runs_unfinished ON sync_runs (kind) WHERE finished_at IS NULL;
