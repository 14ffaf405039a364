//! The statements over `cloud_provisioned`.

use arcadia_sql::statements;

statements! {
    pub(crate) RECORD = "
        INSERT INTO cloud_provisioned (resource_id, spec, spec_version, saga_id, created_at, updated_at)
        VALUES ($1, $2, 1, $3, $4, $4)
        ON CONFLICT (resource_id) DO UPDATE SET
            spec = excluded.spec, saga_id = excluded.saga_id, updated_at = excluded.updated_at,
            spec_version = cloud_provisioned.spec_version + CASE
                WHEN cloud_provisioned.saga_id = excluded.saga_id AND cloud_provisioned.spec = excluded.spec THEN 0
                ELSE 1 END
        RETURNING spec_version";
    pub(crate) FORGET = "DELETE FROM cloud_provisioned WHERE resource_id = $1";
}
