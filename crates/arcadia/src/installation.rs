//! The installation's id: random, made once per database, and part of every mark at the provider.

pub mod store;

use arcadia_saga::Clock;
use arcadia_sql::{Db, Error, args};
use uuid::Uuid;

/// This database's id. Of several processes that start at once, one makes it and all answer the same.
///
/// # Errors
/// The database.
pub async fn id(db: &Db, clock: &Clock) -> Result<Uuid, Error> {
    db.execute(&store::MAKE_ONCE, args![clock.new_id(), clock.now()]).await?;
    let (id,): (Uuid,) = db.fetch_one(&store::ID, args![]).await?;
    Ok(id)
}
