//! What still bears a saga's mark, and keys that nobody sends again.

use arcadia_sql::statements;

statements! {
    /// Living resources with a mark of ours: in a tag, or at the end of a snapshot's name.
    pub(crate) MARKED = "
        SELECT id, name, tags FROM cloud_resources
        WHERE deleted_at IS NULL AND id > $1
            AND (CAST(tags AS TEXT) LIKE '%arcadia-saga-%' OR name LIKE 'arcadia-snap-%')
        ORDER BY id LIMIT $2";
    pub(crate) LAST_SAGAS = "
        SELECT saga_id FROM cloud_deployments
        WHERE saga_id {any($1)} AND state NOT IN ('cancelled', 'archived')
        UNION SELECT saga_id FROM cloud_provisioned WHERE saga_id {any($1)}";
    pub(crate) FORGET_DEPLOYMENT_KEYS = "
        DELETE FROM cloud_deployment_keys
        WHERE (owner, key) IN (SELECT owner, key FROM cloud_deployment_keys WHERE inserted_at < $1 LIMIT $2)";
}
