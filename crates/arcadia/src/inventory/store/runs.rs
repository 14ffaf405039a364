//! The statements over sync runs, and over what they did not see.

use super::super::ResourceId;
use arcadia_sql::{row, statements};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

statements! {
    pub(crate) BEGIN = "
        INSERT INTO sync_runs (id, kind, saga_id, actor, started_at, pages, received, complete, suspicious, discovered,
            updated, restored, struck, deleted)
        VALUES ($1, $2, $3, $4, $5, 0, 0, FALSE, FALSE, 0, 0, 0, 0, 0)";
    /// An earlier attempt of the same saga, and what nobody will end any more.
    pub(crate) END_INTERRUPTED = "
        UPDATE sync_runs SET finished_at = $3, error = 'interrupted'
        WHERE kind = $1 AND finished_at IS NULL AND (saga_id = $2 OR started_at < $4)";
    pub(crate) END = "
        UPDATE sync_runs SET finished_at = $2, pages = $3, expected = $4, received = $5, complete = $6,
            suspicious = $7, discovered = $8, updated = $9, restored = $10, struck = $11, deleted = $12, error = $13
        WHERE id = $1";
    /// When the last complete one began that had ended by `$2`: two that overlap may have seen the same slip.
    pub(crate) LAST_COMPLETE = "
        SELECT started_at FROM sync_runs WHERE kind = $1 AND complete AND finished_at <= $2
        ORDER BY started_at DESC LIMIT 1";
    pub(crate) RUN: RunRow = "SELECT {columns} FROM sync_runs WHERE id = $1";
    pub(crate) LAST: RunRow = "SELECT {columns} FROM sync_runs WHERE kind = $1 ORDER BY started_at DESC, id DESC LIMIT 1";
    pub(crate) LAST_IN_FULL: RunRow = "
        SELECT {columns} FROM sync_runs WHERE kind = $1 AND complete ORDER BY started_at DESC, id DESC LIMIT 1";
    /// How many failed since `$2`, at most `$3`: beyond that it no longer matters how many.
    pub(crate) FAILED_SINCE = "
        SELECT COUNT(*) FROM (SELECT 1 FROM sync_runs WHERE kind = $1 AND started_at > $2 AND error IS NOT NULL
            LIMIT $3) AS failed";
    pub(crate) NEWEST: RunRow = "SELECT {columns} FROM sync_runs WHERE id < $1 ORDER BY id DESC LIMIT $2";
    pub(crate) NEWEST_OF_KIND: RunRow = "SELECT {columns} FROM sync_runs WHERE kind = $1 AND id < $2 ORDER BY id DESC LIMIT $3";

    /// Live rows that a listing begun at `$3` did not see, though they were there before.
    pub(crate) MISSED = "
        SELECT id, last_seen_at FROM cloud_resources
        WHERE provider = $1 AND kind {any($2)} AND deleted_at IS NULL AND first_seen_at < $3 AND last_seen_at < $3
        ORDER BY id";
    /// Listings that overlap strike once.
    pub(crate) STRIKE = "
        UPDATE cloud_resources SET stale_strike_count = stale_strike_count + 1, struck_at = $3, struck_run_id = $4
        WHERE id {any($1)} AND deleted_at IS NULL AND last_seen_at < $2 AND (struck_at IS NULL OR struck_at < $2)
        RETURNING id, stale_strike_count";
    pub(crate) MISSED_PROJECTS = "
        SELECT id, last_seen_at FROM cloud_projects
        WHERE provider = $1 AND deleted_at IS NULL AND first_seen_at < $2 AND last_seen_at < $2 ORDER BY id";
    pub(crate) STRIKE_PROJECTS = "
        UPDATE cloud_projects SET stale_strike_count = stale_strike_count + 1, struck_at = $3,
            deleted_at = CASE WHEN stale_strike_count + 1 >= $4 THEN $3 ELSE deleted_at END
        WHERE id {any($1)} AND deleted_at IS NULL AND last_seen_at < $2 AND (struck_at IS NULL OR struck_at < $2)
        RETURNING stale_strike_count";
}

row! {
    /// A row that a listing did not see.
    #[derive(Debug, Clone)]
    pub(crate) struct Missed {
        pub(crate) id: ResourceId,
        pub(crate) last_seen_at: Timestamp,
    }

    /// A row of `sync_runs`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct RunRow {
        pub id: Uuid,
        pub kind: String,
        pub saga_id: Option<Uuid>,
        pub actor: String,
        pub started_at: Timestamp,
        pub finished_at: Option<Timestamp>,
        pub pages: i64,
        pub expected: Option<i64>,
        pub received: i64,
        pub complete: bool,
        pub suspicious: bool,
        pub discovered: i64,
        pub updated: i64,
        pub restored: i64,
        pub struck: i64,
        pub deleted: i64,
        pub error: Option<String>,
    }
}
