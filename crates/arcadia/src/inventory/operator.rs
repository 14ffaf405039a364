//! An operator's word on whose a resource is, which stands above whatever else decides that, and the end of his word.

use super::history::{Happened, add_events, keep_versions};
use super::store::owners as store;
use super::store::projects::Decided;
use super::timeline::{Ownership, Reason, Statement, tenant_since, timeline};
use super::{ResourceId, Witness, owner};
use arcadia_saga::Clock;
use arcadia_sql::{Error, Tx, args};
use jiff::Timestamp;
use serde_json::json;

/// Why an operator's word was not taken.
#[derive(Debug, thiserror::Error)]
pub enum WordError {
    #[error("there is no such resource")]
    NotFound,
    #[error("`effective_from` lies in the future")]
    Future,
    #[error("the resource is gone, so that nothing else decides whose it is; say whose it was instead")]
    Gone,
    #[error(transparent)]
    Database(#[from] Error),
}

/// An operator's word on whose a resource is, from a time on: nothing but another word of an operator changes it.
/// `None` is nobody's. What lives through it follows from the same time on, also after it is gone. The same word again,
/// from no other time, writes nothing.
///
/// # Errors
/// See [`WordError`]; nothing was written then.
pub async fn assign(
    tx: &mut Tx,
    id: ResourceId,
    tenant_id: Option<String>,
    effective_from: Option<Timestamp>,
    witness: &Witness,
    clock: &Clock,
) -> Result<(), WordError> {
    let known = known(tx, id).await?;
    let at = witness.seen_at(clock);
    let from_at = effective_from.unwrap_or(at);
    if from_at > at {
        return Err(WordError::Future);
    }
    if effective_from.is_none() && is_said(&known) && known.tenant_id == tenant_id {
        return Ok(());
    }
    let owner = Ownership { tenant_id, deployment_id: None, project_id: None, reason: Reason::Operator };
    let word = Statement { from_at, owner: owner.clone() };
    let before = owner::timelines(tx, vec![id.0]).await?.remove(&id).unwrap_or_default();
    let since = tenant_since(&timeline(before.into_iter().chain([word.clone()])), at).unwrap_or(from_at);
    tx.execute(&store::SAY, args![id, owner.reason.as_str(), owner.tenant_id.clone(), since]).await?;
    owner::state(tx, vec![(id, word)], witness, at).await?;
    let data = json!({
        "tenant_id": owner.tenant_id, "reason": owner.reason, "since": since, "why": witness.source,
        "cloud_project_id": known.cloud_project_id,
        "before": {"tenant_id": known.tenant_id, "reason": known.owner_reason, "cloud_project_id": known.cloud_project_id},
    });
    add_events(tx, vec![Happened { resource: id, kind: "attributed", data }], witness, at, clock).await?;
    let mut changed = owner::restate_heirs(tx, id, from_at, witness, clock).await?;
    changed.extend(owner::settle(tx, vec![id], witness, at, clock).await?);
    changed.push(id);
    Ok(keep_versions(tx, changed, at).await?)
}

/// Takes an operator's word back: from now on the owner is what project, parent or deployment say. Where no operator has
/// said anything, nothing is written.
///
/// # Errors
/// See [`WordError`]; nothing was written then.
pub async fn release(tx: &mut Tx, id: ResourceId, witness: &Witness, clock: &Clock) -> Result<(), WordError> {
    let known = known(tx, id).await?;
    let at = witness.seen_at(clock);
    if !is_said(&known) {
        return Ok(());
    }
    if known.deleted_at.is_some() {
        return Err(WordError::Gone);
    }
    owner::open(tx, id, witness, at, clock).await?;
    let mut changed = owner::settle(tx, vec![id], witness, at, clock).await?;
    changed.push(id);
    Ok(keep_versions(tx, changed, at).await?)
}

async fn known(tx: &mut Tx, id: ResourceId) -> Result<Decided, WordError> {
    owner::alone(tx).await?;
    let known: Option<Decided> = tx.fetch_optional(&store::TO_SAY, args![vec![id.0]]).await?;
    known.ok_or(WordError::NotFound)
}

fn is_said(known: &Decided) -> bool {
    known.owner_reason == Reason::Operator.as_str()
}
