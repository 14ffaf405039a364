//! `Cloud`: what every step and every request is handed.

use arcadia_saga::{Clock, Sagas};
use arcadia_sql::Db;
use std::time::Duration;

/// The service's parts. Cheap to clone through an `Arc`.
#[derive(Debug)]
pub struct Cloud {
    pub db: Db,
    pub digitalocean: digitalocean::Client,
    pub clock: Clock,
    pub sagas: Sagas,
    /// A random id of this database: a second installation in the same account is never taken for us.
    pub installation: String,
    /// DNS zones in which a tenant's own token may name a free hostname.
    pub tenant_zones: Vec<String>,
    /// The HTTP time-out of one provider call. Real time.
    pub call_timeout: Duration,
}
