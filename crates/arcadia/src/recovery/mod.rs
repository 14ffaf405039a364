//! A database that is behind the provider: restored from an older copy, or failed over with its last commits lost.
//! What bears our marks there is compared with the ledger; where the ledger is behind, claims are held until a person
//! has looked. Nothing here ever changes anything at the provider.

mod beat;
mod compare;
pub mod destroyers;
mod holds;
mod ledger;
mod marks;
mod records;
pub mod report;
pub mod store;
mod watch;

pub use holds::{Hold, Released, open_hold, release};
pub use watch::Watch;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, PoisonError, RwLock};

/// Where a thing at the provider and the ledger disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disagreement {
    /// It bears the mark of a saga that has no row.
    UnknownSaga,
    /// It bears the mark of a step that, by the ledger, was never begun.
    StepNeverBegun,
    /// Its saga is known, the deployment that the saga was to provision is not.
    NoDeployment,
    /// The ledger has it, the provider does not.
    Gone,
    /// It leads to something of ours, and by the ledger nothing of ours has written it.
    UnknownRecord,
    /// The ledger has it otherwise.
    Differs,
}

impl Disagreement {
    /// Whether nothing but lost commits explains it. What is gone may have been destroyed by somebody else.
    #[must_use]
    pub fn proves_loss(self) -> bool {
        matches!(self, Self::UnknownSaga | Self::StepNeverBegun)
    }

    /// The word in the report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownSaga => "unknown_saga",
            Self::StepNeverBegun => "step_never_begun",
            Self::NoDeployment => "no_deployment",
            Self::Gone => "gone",
            Self::UnknownRecord => "unknown_record",
            Self::Differs => "differs",
        }
    }
}

/// What a person may do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposal {
    /// Make it the ledger's again.
    Adopt,
    /// Nothing is to be done at the provider.
    Leave,
    /// It serves nobody; at the provider, by hand.
    DestroyByHand,
}

impl Proposal {
    /// The word in the report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Leave => "leave",
            Self::DestroyByHand => "destroy_by_hand",
        }
    }
}

/// A thing as it is told from all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ThingId {
    /// `droplet` or `snapshot`; of what a person is told besides, `size` (a droplet's) or `record`.
    pub kind: String,
    /// The provider's; of a record its hostname and that, of one that is not there its hostname.
    pub id: String,
}

/// One thing about which provider and ledger disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    #[serde(flatten)]
    pub thing: ThingId,
    pub name: String,
    /// As the provider says.
    pub created_at: Option<Timestamp>,
    /// The saga's and the step's; of a snapshot its name.
    pub marks: Vec<String>,
    /// US dollars, where it is known.
    pub monthly_cost_usd: Option<String>,
    pub disagreement: Disagreement,
    /// What the ledger says, for a person.
    pub ledger: String,
    pub proposal: Proposal,
    /// How, for a person.
    pub advice: String,
    /// It stood already when a person let claims go on.
    pub known: bool,
}

/// Why a request that would start a saga is refused, if it is: shared by all of a process.
#[derive(Debug, Clone, Default)]
pub struct Standstill(Arc<RwLock<Option<Arc<str>>>>);

impl Standstill {
    /// The hold's reason, while one is open.
    #[must_use]
    pub fn reason(&self) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For requests that would start a saga.
    ///
    /// # Errors
    /// [`crate::error::Error::Held`] while a hold is open.
    pub fn refuse_starts(&self) -> Result<(), crate::error::Error> {
        match self.reason() {
            Some(why) => Err(crate::error::Error::Held { why }),
            None => Ok(()),
        }
    }

    fn set(&self, reason: Option<Arc<str>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

/// Why the comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the provider could not be looked at")]
    Provider(#[from] digitalocean::Error),
    #[error("the ledger could not be read")]
    Database(#[from] arcadia_sql::Error),
}
