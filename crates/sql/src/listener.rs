//! Hints between the processes on one PostgreSQL: heard at once when all is well, and nothing may rest on them.

use sqlx::postgres::PgListener;

use crate::Error;

/// Hears what other processes say with `pg_notify` on one channel.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Listener {
    pub(crate) fn new(listener: PgListener) -> Listener {
        Listener(listener)
    }

    /// What was said next. A connection that broke is made anew; what was said meanwhile is lost.
    ///
    /// # Errors
    /// The server is away.
    pub async fn heard(&mut self) -> Result<String, Error> {
        let heard = self.0.recv().await;
        heard.map(|said| said.payload().to_owned()).map_err(|error| Error::from_driver("LISTEN", error))
    }
}
