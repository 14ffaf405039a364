//! A big inventory with a long past: resources come in as every resource does, their tenants and their past by the
//! statements here.

use arcadia::inventory::{Observation, Witness, upsert};
use arcadia_saga::Clock;
use arcadia_sql::{Db, Engine, args, statements};
use serde_json::json;

/// States and events that each resource had before.
const PAST: i32 = 9;
const BATCH: usize = 500;
const HOUR_MS: i64 = 3_600_000;

pub const KINDS: [&str; 4] = ["droplet", "snapshot", "volume", "dns_zone"];
pub const REGIONS: [&str; 3] = ["nyc3", "fra1", "sgp1"];
pub const TENANTS: usize = 200;

statements! {
    COUNT_EVENTS = "SELECT COUNT(*) FROM cloud_resource_events";
    CLEAR_EVENTS = "DELETE FROM cloud_resource_events";
    CLEAR_VERSIONS = "DELETE FROM cloud_resource_versions";
    CLEAR_OWNERS = "DELETE FROM cloud_resource_owners";
    CLEAR_TERMS = "DELETE FROM cloud_resource_terms";
    CLEAR_NAMED_TERMS = "DELETE FROM cloud_resource_named_terms";
    CLEAR_RESOURCES = "DELETE FROM cloud_resources";
    /// Every tenant has a project.
    OWN = sqlite "
        UPDATE cloud_resources SET tenant_id = 'tenant-' || (CAST(provider_id AS BIGINT) % $1), owner_reason = 'project',
            cloud_project_id = printf('00000000-0000-7000-8000-%012d', CAST(provider_id AS BIGINT) % $1),
            deleted_at = CASE WHEN CAST(provider_id AS BIGINT) % 10 = 7 THEN last_seen_at ELSE deleted_at END"
    postgres "
        UPDATE cloud_resources SET tenant_id = 'tenant-' || (CAST(provider_id AS BIGINT) % $1), owner_reason = 'project',
            cloud_project_id = ('00000000-0000-7000-8000-' || lpad((CAST(provider_id AS BIGINT) % $1)::text, 12, '0'))::uuid,
            deleted_at = CASE WHEN CAST(provider_id AS BIGINT) % 10 = 7 THEN last_seen_at ELSE deleted_at END";
    OWN_VERSIONS = "
        UPDATE cloud_resource_versions SET
            deleted_at = (SELECT deleted_at FROM cloud_resources WHERE id = resource_id),
            tenant_id = (SELECT tenant_id FROM cloud_resources WHERE id = resource_id),
            cloud_project_id = (SELECT cloud_project_id FROM cloud_resources WHERE id = resource_id)";
    ADD_TERMS = "
        INSERT INTO cloud_resource_terms (term, resource_id)
        SELECT 'tenant=' || tenant_id, id FROM cloud_resources
        UNION SELECT 'project=' || cloud_project_id, id FROM cloud_resources";
    /// The state before the first one that is known. Every second one was off; some were deleted then, and came back.
    ADD_VERSIONS = "
        INSERT INTO cloud_resource_versions (resource_id, from_at, to_at, provider, kind, provider_id, name, region,
            status, size_slug, cloud_project_id, tenant_id, deployment_id, owner_reason, owner_since, parent_kind,
            parent_id, tags, attrs, monthly_cost_minor, provider_created_at, first_seen_at, deleted_at)
        SELECT resource_id, {plus(from_at, $1)}, {plus(from_at, $2)}, provider, kind, provider_id, name, region,
            CASE WHEN status = 'active' THEN {text($3)} ELSE status END, size_slug, cloud_project_id, tenant_id,
            deployment_id, owner_reason, owner_since, parent_kind, parent_id, tags, attrs, monthly_cost_minor,
            provider_created_at, {plus(first_seen_at, $1)},
            CASE WHEN CAST(provider_id AS BIGINT) % 20 = 3 AND {text($3)} = 'off' THEN {plus(from_at, $1)} END
        FROM cloud_resource_versions WHERE to_at IS NULL";
    ADD_EVENTS = sqlite "
        INSERT INTO cloud_resource_events (id, resource_id, at, kind, actor, source, data)
        SELECT printf('%08x-0000-7000-8000-%012x', $2, row_number() OVER (ORDER BY id)), id, {plus(first_seen_at, $1)},
            'updated', 'sync', 'sync:bench', '{\"fields\":{\"status\":{\"before\":\"active\",\"after\":\"off\"}}}'
        FROM cloud_resources"
    postgres "
        INSERT INTO cloud_resource_events (id, resource_id, at, kind, actor, source, data)
        SELECT (lpad(to_hex({int($2)}), 8, '0') || '-0000-7000-8000-'
                || lpad(to_hex(row_number() OVER (ORDER BY id)), 12, '0'))::uuid, id, {plus(first_seen_at, $1)},
            'updated', 'sync', 'sync:bench', '{\"fields\":{\"status\":{\"before\":\"active\",\"after\":\"off\"}}}'
        FROM cloud_resources";
    ANALYZE = "VACUUM ANALYZE";
}

pub async fn count_events(db: &Db) -> anyhow::Result<i64> {
    Ok(db.fetch_one::<(i64,)>(&COUNT_EVENTS, args![]).await?.0)
}

pub async fn clear(db: &Db) -> anyhow::Result<()> {
    for statement in
        [&CLEAR_EVENTS, &CLEAR_VERSIONS, &CLEAR_OWNERS, &CLEAR_TERMS, &CLEAR_NAMED_TERMS, &CLEAR_RESOURCES]
    {
        db.execute(statement, args![]).await?;
    }
    Ok(())
}

pub async fn fill(db: &Db, resources: usize) -> anyhow::Result<()> {
    let clock = Clock::machine(1.0);
    let numbers: Vec<usize> = (0..resources).collect();
    for (at, batch) in numbers.chunks(BATCH).enumerate() {
        let seen: Vec<Observation> = batch.iter().map(|number| observation(*number)).collect();
        let (actor, source) = ("sync".to_owned(), "sync:bench".to_owned());
        let witness = Witness { actor, source, asked_at: clock.now(), run: None };
        let mut tx = db.begin().await?;
        upsert(&mut tx, KINDS[at % KINDS.len()], &seen, &witness, &clock).await?;
        tx.commit().await?;
    }
    db.execute(&OWN, args![i64::try_from(TENANTS)?]).await?;
    db.execute(&OWN_VERSIONS, args![]).await?;
    db.execute(&ADD_TERMS, args![]).await?;
    for past in 1..=PAST {
        let (from_ms, to_ms) = (-i64::from(past) * HOUR_MS, -i64::from(past - 1) * HOUR_MS);
        let status = if past % 2 == 0 { "active" } else { "off" };
        db.execute(&ADD_VERSIONS, args![from_ms, to_ms, status]).await?;
        db.execute(&ADD_EVENTS, args![from_ms, i64::from(past)]).await?;
    }
    // PostgreSQL does so by itself after a while, and would do it during the first lists; SQLite never does.
    if db.engine() == Engine::Postgres {
        db.execute(&ANALYZE, args![]).await?;
    }
    Ok(())
}

fn observation(number: usize) -> Observation {
    let status = if number.is_multiple_of(50) { "off" } else { "active" };
    let attrs = json!({"memory_mib": 1024, "vcpus": 1, "disk_gib": 25, "image": "ubuntu-24-04-x64",
        "public_ipv4": format!("203.0.{}.{}", number / 250 % 250, number % 250)});
    Observation {
        provider_id: number.to_string(),
        name: format!("{}-{number}.example.com", ["web", "api", "db"][number % 3]),
        region: Some(REGIONS[number / 7 % REGIONS.len()].to_owned()),
        status: Some(status.to_owned()),
        size_slug: Some("s-1vcpu-1gb".to_owned()),
        tags: vec![format!("customer:{}", number % 5_000), "env:prod".to_owned()],
        attrs: attrs.as_object().cloned().unwrap_or_default(),
        monthly_cost_minor: Some(600),
        ..Observation::default()
    }
}
