-- What tells that the database has lost commits, and what follows from it.

-- The ledger lost commits under this saga: each of its steps begins in doubt.
ALTER TABLE saga_runs ADD COLUMN rewound BOOLEAN NOT NULL DEFAULT FALSE;

-- Each process counts up a row of its own: whoever reads back less than it wrote reads a database that went back in time.
CREATE TABLE arcadia_beats (
    writer UUID PRIMARY KEY NOT NULL,
    beat BIGINT NOT NULL
);

-- While one is open no process claims a saga. `known` are the differences that stood when it was released.
CREATE TABLE arcadia_holds (
    id UUID PRIMARY KEY NOT NULL,
    is_open BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    held_at TIMESTAMPTZ NOT NULL,
    known JSONB NOT NULL,
    released_by TEXT,
    released_because TEXT,
    released_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX arcadia_holds_one_open ON arcadia_holds (is_open) WHERE is_open;
