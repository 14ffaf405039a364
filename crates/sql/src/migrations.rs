//! Every migration on one page, in the order they are applied. A new file under migrations/ is one line here:
//! `both "NNNN_name"` for NNNN_name.sql, `twins "NNNN_name"` for NNNN_name.sqlite.sql and NNNN_name.postgres.sql.

use crate::Migrations;

/// The service's whole schema.
pub static MIGRATIONS: Migrations = Migrations::new(migrations! {
    both "0001_saga";
    both "0002_inventory";
    both "0003_deployments";
    both "0004_inventory_syncs";
    both "0005_recovery";
    twins "0006_inventory_reading";
    twins "0007_inventory_by_name";
});

macro_rules! migrations {
    (@sql both $name:literal) => {
        $crate::Sql::Both(include_str!(concat!("../../../migrations/", $name, ".sql")))
    };
    (@sql twins $name:literal) => {
        $crate::Sql::Twins {
            sqlite: include_str!(concat!("../../../migrations/", $name, ".sqlite.sql")),
            postgres: include_str!(concat!("../../../migrations/", $name, ".postgres.sql")),
        }
    };
    ($($form:ident $name:literal;)*) => {
        &[$($crate::Migration { name: $name, sql: migrations!(@sql $form $name) }),*]
    };
}
use migrations;
