-- What the account holds, what happened to it, and what it should be. Times are absolute.

CREATE TABLE cloud_resources (
    id UUID PRIMARY KEY NOT NULL,
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
    tags JSONB NOT NULL,
    attrs JSONB NOT NULL,
    monthly_cost_minor BIGINT,
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    stale_strike_count BIGINT NOT NULL,
    deleted_at TIMESTAMPTZ
);

CREATE UNIQUE INDEX cloud_resources_identity ON cloud_resources (provider, kind, provider_id);
CREATE INDEX cloud_resources_of_deployment ON cloud_resources (deployment_id) WHERE deployment_id IS NOT NULL;
CREATE INDEX cloud_resources_of_tenant ON cloud_resources (tenant_id, id) WHERE tenant_id IS NOT NULL;

-- Append-only. `source` says where it was learnt: a sync run or a saga.
CREATE TABLE cloud_resource_events (
    id UUID PRIMARY KEY NOT NULL,
    resource_id UUID NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN
        ('discovered', 'updated', 'deleted', 'restored', 'tagged', 'attributed', 'drift_detected')),
    actor TEXT NOT NULL,
    source TEXT NOT NULL,
    data JSONB NOT NULL
);
CREATE INDEX cloud_resource_events_of_resource ON cloud_resource_events (resource_id, at);

-- The desired state of what we made.
CREATE TABLE cloud_provisioned (
    resource_id UUID PRIMARY KEY NOT NULL,
    spec JSONB NOT NULL,
    spec_version BIGINT NOT NULL,
    saga_id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
