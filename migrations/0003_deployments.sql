-- Deployments, their history, and what belongs to the installation as a whole.

CREATE TABLE cloud_deployments (
    id UUID PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    display_name TEXT NOT NULL,
    hostname TEXT NOT NULL,
    region TEXT NOT NULL,
    plan JSONB NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('provisioning', 'trial', 'active', 'past_due', 'paused', 'suspended', 'cancelled', 'archived')),
    template_code TEXT,
    template_version TEXT,
    droplet_id BIGINT,
    ip TEXT,
    -- The saga that changes it now, or changed it last.
    saga_id UUID,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE UNIQUE INDEX cloud_deployments_slug ON cloud_deployments (tenant_id, slug)
    WHERE state NOT IN ('cancelled', 'archived');
CREATE UNIQUE INDEX cloud_deployments_hostname ON cloud_deployments (hostname)
    WHERE state NOT IN ('cancelled', 'archived');
CREATE INDEX cloud_deployments_of_tenant ON cloud_deployments (tenant_id, id);
CREATE INDEX cloud_deployments_in_state ON cloud_deployments (state, id);

-- Append-only. `version` is the deployment's after the change.
CREATE TABLE cloud_deployment_events (
    deployment_id UUID NOT NULL,
    version BIGINT NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    saga_id UUID,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (deployment_id, version)
);

-- What a creating request with an Idempotency-Key made.
CREATE TABLE cloud_deployment_keys (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    deployment_id UUID NOT NULL,
    is_provisioned BOOLEAN NOT NULL,
    inserted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (owner, key)
);

-- One row: the id by which a second installation in the same account is told from this one.
CREATE TABLE arcadia_installation (
    only_row BIGINT PRIMARY KEY NOT NULL CHECK (only_row = 1),
    id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
