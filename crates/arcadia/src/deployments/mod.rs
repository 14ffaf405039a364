//! Deployments: one tenant's running copy of the product, and the only way its state moves.
//! What changes one works in a transaction handed in; whoever opened it commits it.

pub mod create;
pub mod http;
mod id;
mod state;
pub mod store;
pub mod wanted;

pub use id::DeploymentId;
pub use state::State;

use crate::scope::Scope;
use arcadia_saga::SagaId;
use arcadia_sql::{Db, Tx, args};
use digitalocean::UserData;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{DeploymentRow, ListedRow};

/// What a deployment's droplet is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropletPlan {
    /// The provider's slug, such as `s-1vcpu-1gb`.
    pub size: String,
    /// The provider's slug or numeric id.
    pub image: String,
    /// Beside our own marks.
    pub tags: Vec<String>,
    /// Handed to the droplet at its first boot. May hold secrets: never shown.
    pub user_data: Option<UserData>,
    /// Whether the provider backs it up.
    pub backups: bool,
}

/// One deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub id: DeploymentId,
    pub tenant_id: String,
    /// Unique per tenant among deployments that are not cancelled or archived.
    pub slug: String,
    pub display_name: String,
    /// Lower case, without a trailing dot. Unique as the slug is, over all tenants.
    pub hostname: String,
    pub region: String,
    pub plan: DropletPlan,
    pub state: State,
    pub droplet_id: Option<i64>,
    pub ip: Option<String>,
    /// The saga that changes it now, or changed it last.
    pub saga_id: Option<SagaId>,
    /// One more with each write.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What became of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transitioned {
    /// It stands in the new state now.
    Moved,
    /// This very saga moved it there before; nothing was written.
    Already,
}

/// Why a deployment did not change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no deployment {0}")]
    NotFound(DeploymentId),
    #[error("deployment {id} is {from} and cannot become {to}; it can become {}", allowed_words(*from))]
    Refused { id: DeploymentId, from: State, to: State },
    #[error(transparent)]
    Database(#[from] arcadia_sql::Error),
}

fn allowed_words(from: State) -> String {
    let allowed: Vec<&str> = from.allowed_next().iter().map(|state| state.as_str()).collect();
    if allowed.is_empty() { "nothing else".to_owned() } else { allowed.join(" or ") }
}

/// Moves a deployment to another state and records who did it and why.
///
/// # Errors
/// [`Error::Refused`] when the life cycle does not allow it; nothing was written then.
pub async fn transition(
    tx: &mut Tx,
    id: DeploymentId,
    to: State,
    reason: &str,
    actor: &str,
    saga: Option<SagaId>,
    now: Timestamp,
) -> Result<Transitioned, Error> {
    let row = tx.fetch_optional::<DeploymentRow>(&store::BY_ID_FOR_UPDATE, args![id]).await?;
    let from = row.ok_or(Error::NotFound(id))?.into_deployment()?.state;
    if let Some(saga) = saga
        && tx.fetch_optional::<(i64,)>(&store::MOVED_BEFORE, args![id, saga, to.as_str()]).await?.is_some()
    {
        return Ok(Transitioned::Already);
    }
    if !from.allowed_next().contains(&to) {
        return Err(Error::Refused { id, from, to });
    }
    let (version,): (i64,) = tx.fetch_one(&store::SET_STATE, args![id, to.as_str(), now]).await?;
    let saga = saga.map(|saga| saga.0);
    let event = args![id, version, Some(from.as_str()), to.as_str(), reason, actor, saga, now];
    tx.execute(&store::ADD_EVENT, event).await?;
    Ok(Transitioned::Moved)
}

/// The deployment, for a step that already knows it may see it: requests go through a scope instead.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_in(tx: &mut Tx, id: DeploymentId) -> Result<Deployment, Error> {
    let row = tx.fetch_optional::<DeploymentRow>(&store::BY_ID, args![id]).await?;
    Ok(row.ok_or(Error::NotFound(id))?.into_deployment()?)
}

/// Says which droplet serves the deployment now, if any. `ip` is its public IPv4.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_droplet(
    tx: &mut Tx,
    id: DeploymentId,
    droplet_id: Option<i64>,
    ip: Option<String>,
    now: Timestamp,
) -> Result<(), Error> {
    match tx.execute(&store::SET_DROPLET, args![id, droplet_id, ip, now]).await? {
        0 => Err(Error::NotFound(id)),
        _ => Ok(()),
    }
}

/// Says which saga changes the deployment now.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_saga(tx: &mut Tx, id: DeploymentId, saga: SagaId, now: Timestamp) -> Result<(), Error> {
    match tx.execute(&store::SET_SAGA, args![id, saga, now]).await? {
        0 => Err(Error::NotFound(id)),
        _ => Ok(()),
    }
}

/// Which deployment has this hostname, among those that are not cancelled or archived.
///
/// # Errors
/// The database.
pub async fn hostname_owner(tx: &mut Tx, hostname: &str) -> Result<Option<DeploymentId>, Error> {
    let owner = tx.fetch_optional::<(DeploymentId,)>(&store::HOSTNAME_OWNER, args![hostname]).await?;
    Ok(owner.map(|(id,)| id))
}

/// Which deployments to list; newest first.
#[derive(Debug, Clone)]
pub struct Filter {
    pub scope: Scope,
    pub state: Option<State>,
    /// Only older than this one.
    pub before: Option<DeploymentId>,
    /// At most so many.
    pub limit: u32,
}

/// One deployment, where `scope` covers it.
///
/// # Errors
/// [`Error::NotFound`], also where it belongs to another tenant.
pub async fn find(db: &Db, scope: &Scope, id: DeploymentId) -> Result<Deployment, Error> {
    let row = db.fetch_optional::<DeploymentRow>(&store::FIND, args![id, scope.tenant()]).await?;
    Ok(row.ok_or(Error::NotFound(id))?.into_deployment()?)
}

/// The deployments that `filter` lets through, each with where its saga stands.
///
/// # Errors
/// The database.
pub(crate) async fn list(db: &Db, filter: &Filter) -> Result<Vec<ListedRow>, arcadia_sql::Error> {
    let state = filter.state.map(State::as_str);
    let args = args![filter.scope.tenant(), state, filter.before, filter.limit];
    db.fetch_all(&store::LIST, args).await
}
