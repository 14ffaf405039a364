//! Every statement of the service on one page, for the test that has both databases prepare them.

use crate::{deployments, drift, installation, inventory, recovery, retention};
use arcadia_sql::Statement;

/// The statements of every store.
#[must_use]
pub fn statements() -> Vec<&'static Statement> {
    [
        deployments::store::STATEMENTS,
        drift::store::STATEMENTS,
        installation::store::STATEMENTS,
        inventory::store::STATEMENTS,
        inventory::store::history::STATEMENTS,
        inventory::store::owners::STATEMENTS,
        inventory::store::projects::STATEMENTS,
        inventory::store::reading::STATEMENTS,
        inventory::store::runs::STATEMENTS,
        inventory::store::terms::STATEMENTS,
        recovery::store::STATEMENTS,
        retention::store::STATEMENTS,
    ]
    .concat()
}
