//! The statements of recovery: what the ledger knows of marked things, the beat, and the holds.

use arcadia_sql::{row, statements};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

statements! {
    pub(crate) SAGAS = "
        SELECT id, kind, status, steps, current_step_idx, step_state, deployment_id FROM saga_runs
        WHERE id {any($1)}";
    /// What a release lets destroy something: on its way back, about to turn back, or with a step that does nothing else.
    pub(crate) DESTROYERS = "
        SELECT id, kind, status, steps, current_step_idx, step_state, deployment_id FROM saga_runs
        WHERE status IN ('pending', 'running', 'compensating') AND kind <> 'job'
            AND (status = 'compensating' OR cancel_requested OR CAST(steps AS TEXT) LIKE '%destroy_droplet%')
        ORDER BY id";
    pub(crate) BEGUN = "SELECT saga_id, step_idx FROM saga_step_results WHERE saga_id {any($1)}";
    pub(crate) DEPLOYMENTS = "SELECT id FROM cloud_deployments WHERE id {any($1)}";
    /// Those that are ours: made or adopted.
    pub(crate) LIVE_DROPLETS = "
        SELECT provider_id, name, deployment_id, size_slug, monthly_cost_minor, first_seen_at FROM cloud_resources
        WHERE provider = 'digitalocean' AND kind = 'droplet' AND deleted_at IS NULL
            AND (deployment_id IS NOT NULL OR id IN (SELECT resource_id FROM cloud_provisioned))
        ORDER BY provider_id";
    pub(crate) HOSTNAMES = "
        SELECT id, hostname, state, ip, saga_id FROM cloud_deployments WHERE state NOT IN ('cancelled', 'archived')
        ORDER BY id";
    pub(crate) WRITTEN_RECORDS = "
        SELECT output FROM saga_step_results
        WHERE step_name IN ('upsert_dns_record', 'point_deployment_dns') AND status = 'completed'";
    pub(crate) EVER_OURS = "
        SELECT provider_id FROM cloud_resources
        WHERE provider = 'digitalocean' AND kind = 'droplet' AND provider_id {any($1)}";
    pub(crate) RECORDED = "
        SELECT kind, provider_id FROM cloud_resources
        WHERE provider = 'digitalocean' AND kind IN ('droplet', 'snapshot') AND provider_id {any($1)}";

    pub(crate) BEAT = "
        INSERT INTO arcadia_beats (writer, beat) VALUES ($1, 1)
        ON CONFLICT (writer) DO UPDATE SET beat = arcadia_beats.beat + 1
        RETURNING beat";

    pub(crate) OPEN_HOLD = "SELECT reason, held_at FROM arcadia_holds WHERE is_open";
    /// Of several processes that find out at once one writes it.
    pub(crate) HOLD = "
        INSERT INTO arcadia_holds (id, is_open, reason, held_at, known) VALUES ($1, TRUE, $2, $3, '[]')
        ON CONFLICT DO NOTHING";
    pub(crate) RELEASE = "
        UPDATE arcadia_holds
        SET is_open = FALSE, known = $1, released_by = $2, released_because = $3, released_at = $4
        WHERE is_open";
    /// What a released hold left as it was, once for ever.
    pub(crate) KNOWN = "SELECT known FROM arcadia_holds WHERE NOT is_open";
}

row! {
    /// A saga as far as its marks are concerned.
    #[derive(Debug, Clone)]
    pub(crate) struct SagaFacts {
        pub(crate) id: Uuid,
        pub(crate) kind: String,
        pub(crate) status: String,
        pub(crate) steps: Value,
        pub(crate) current_step_idx: i64,
        pub(crate) step_state: String,
        pub(crate) deployment_id: Option<Uuid>,
    }
}

row! {
    /// A droplet that the inventory believes to live.
    #[derive(Debug, Clone)]
    pub(crate) struct LiveDroplet {
        pub(crate) provider_id: String,
        pub(crate) name: String,
        pub(crate) deployment_id: Option<Uuid>,
        pub(crate) size_slug: Option<String>,
        pub(crate) monthly_cost_minor: Option<i64>,
        pub(crate) first_seen_at: Timestamp,
    }
}

row! {
    /// A deployment as far as its hostname is concerned.
    #[derive(Debug, Clone)]
    pub(crate) struct HostnameRow {
        pub(crate) id: Uuid,
        pub(crate) hostname: String,
        pub(crate) state: String,
        pub(crate) ip: Option<String>,
        pub(crate) saga_id: Option<Uuid>,
    }
}

row! {
    #[derive(Debug, Clone)]
    pub(crate) struct HoldRow {
        pub(crate) reason: String,
        pub(crate) held_at: Timestamp,
    }
}
