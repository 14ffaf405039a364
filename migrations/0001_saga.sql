-- The engine's tables. Times are absolute; JSON columns hold objects or arrays.

CREATE TABLE saga_runs (
    id UUID PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'running', 'completed', 'compensating', 'rolled_back', 'failed')),
    steps JSONB NOT NULL,
    inputs JSONB NOT NULL,
    context JSONB NOT NULL,
    tenant_id TEXT,
    deployment_id UUID,
    triggered_by TEXT NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    error JSONB,
    attention JSONB,
    clean JSONB,
    resolved JSONB,
    unique_key TEXT,
    queue TEXT NOT NULL,
    priority BIGINT NOT NULL,

    -- The cursor: where the saga stands, and the intent of what it does there.
    current_step_idx BIGINT NOT NULL,
    next_step TEXT NOT NULL,
    step_state TEXT NOT NULL CHECK (step_state IN ('ready', 'running', 'waiting')),
    step_attempts BIGINT NOT NULL,
    step_waits BIGINT NOT NULL,
    step_started_at TIMESTAMPTZ,
    step_prior JSONB,
    step_memo JSONB,
    doubt_until TIMESTAMPTZ,
    waiting_for TEXT,
    wake_at TIMESTAMPTZ,

    -- Fencing: every write of a runner is conditional on owner, epoch and seq.
    owner UUID,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    nudge BIGINT NOT NULL,
    crashes BIGINT NOT NULL,

    inserted_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX saga_runs_due ON saga_runs (queue, wake_at) WHERE owner IS NULL AND wake_at IS NOT NULL;
CREATE INDEX saga_runs_owned ON saga_runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX saga_runs_of_deployment ON saga_runs (deployment_id, id) WHERE deployment_id IS NOT NULL;
CREATE INDEX saga_runs_of_tenant ON saga_runs (tenant_id, id);
CREATE INDEX saga_runs_needing_attention ON saga_runs (id) WHERE attention IS NOT NULL;
-- Background work of one kind runs once at a time.
CREATE UNIQUE INDEX saga_runs_unique ON saga_runs (unique_key)
    WHERE unique_key IS NOT NULL AND status IN ('pending', 'running', 'compensating');
CREATE INDEX saga_runs_in_status ON saga_runs (status, id);

CREATE TABLE saga_step_results (
    saga_id UUID NOT NULL,
    step_idx BIGINT NOT NULL,
    step_name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN
        ('running', 'waiting', 'completed', 'failed', 'compensating', 'compensated', 'compensation_failed')),
    in_doubt BOOLEAN NOT NULL,
    prior JSONB,
    output JSONB,
    error JSONB,
    attempts BIGINT NOT NULL,
    compensation_attempts BIGINT NOT NULL,
    runner UUID NOT NULL,
    epoch BIGINT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ NOT NULL,
    compensation_started_at TIMESTAMPTZ,
    compensation_finished_at TIMESTAMPTZ,
    PRIMARY KEY (saga_id, step_idx)
);

CREATE TABLE saga_events (
    saga_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    kind TEXT NOT NULL,
    step_idx BIGINT,
    actor TEXT NOT NULL,
    data JSONB NOT NULL,
    PRIMARY KEY (saga_id, seq, number)
);

-- What an unfinished saga changes, one row each, taken all or none where the saga starts.
CREATE TABLE saga_locks (
    name TEXT PRIMARY KEY NOT NULL,
    saga_id UUID NOT NULL
);
CREATE INDEX saga_locks_of_saga ON saga_locks (saga_id);

-- An idempotency key outlives the saga it started.
CREATE TABLE saga_idempotency_keys (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    saga_id UUID NOT NULL,
    inserted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

-- One row per runner: the lease of all its sagas.
CREATE TABLE saga_nodes (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    lease_until TIMESTAMPTZ NOT NULL,
    dead BOOLEAN NOT NULL,
    -- The steps that this build knows: a saga whose next step no live node knows needs a person.
    steps JSONB NOT NULL
);

-- What a person says to a waiting saga: kept when it comes early, used once. An expiry takes the same place, so
-- that whichever commits first wins.
CREATE TABLE saga_signals (
    saga_id UUID NOT NULL,
    name TEXT NOT NULL,
    data JSONB NOT NULL,
    actor TEXT NOT NULL,
    expired BOOLEAN NOT NULL,
    inserted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (saga_id, name)
);

CREATE TABLE saga_schedules (
    name TEXT PRIMARY KEY NOT NULL,
    cron TEXT NOT NULL,
    paused BOOLEAN NOT NULL,
    -- The tick is calendar time; next_at is when that really comes. They differ when time is accelerated.
    next_tick TIMESTAMPTZ NOT NULL,
    next_at TIMESTAMPTZ NOT NULL,
    last_tick TIMESTAMPTZ,
    last_saga_id UUID,
    last_skipped_tick TIMESTAMPTZ,
    skipped BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX saga_schedules_due ON saga_schedules (next_at) WHERE NOT paused;

-- Who ran, paused or resumed a schedule, and why.
CREATE TABLE saga_schedule_events (
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    verb TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (name, number)
);

-- One row: where accelerated time began.
CREATE TABLE saga_clock (
    id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    origin TIMESTAMPTZ NOT NULL
);

-- Taken FOR UPDATE by a claim from a queue that is limited over all nodes.
CREATE TABLE saga_queues (
    name TEXT PRIMARY KEY NOT NULL
);
