//! Seeded simulation: several nodes on one database and one provider, in lock step on a virtual clock, with
//! everything going wrong that can. One seed is one run, to the last event; a failing seed is a failing test.
//!
//! Nothing moves by itself. Each question to the database and each call of the provider asks for a turn; a random
//! source made from the seed picks whose turn it is and what becomes of it. It also moves the clock, kills,
//! freezes and starts nodes, starts sagas and cancels them. After each event the invariants are checked; at the end
//! faults stop, and all sagas must come to rest in a world that agrees with their ledger.
//!
//! It must run on a current-thread runtime: nothing else may decide who goes first.

mod conductor;
mod judge;
mod nodes;
mod port;
mod shelf;
mod steps;
#[cfg(test)]
mod tests;
mod turns;

use super::ground::Ground;
use arcadia_sql::{Engine, MIGRATIONS};

/// One seed's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// The hash of all that happened, in order.
    pub hash: u64,
    /// How much happened.
    pub events: usize,
    /// How many sagas were started.
    pub sagas: usize,
    /// What did not hold.
    pub violation: Option<String>,
    /// The last events, oldest first.
    pub trace: Vec<String>,
}

/// Runs seeds, one after the other, on one database.
pub struct Simulator {
    ground: Ground,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("db", &self.ground.db).finish()
    }
}

impl Simulator {
    /// A simulator on a fresh database.
    ///
    /// # Errors
    /// The database, in words.
    pub async fn open(engine: Engine) -> Result<Simulator, String> {
        Ok(Simulator { ground: Ground::fresh(engine, &MIGRATIONS).await? })
    }

    /// One seed, from an empty database to the verdict.
    pub async fn run(&self, seed: u64) -> Run {
        self.ground.clear().await;
        conductor::Conductor::new(seed, &self.ground).perform().await
    }
}
