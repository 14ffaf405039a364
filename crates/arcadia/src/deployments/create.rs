//! Creates a deployment: its row, its first event and, where it is to be provisioned, its saga, in one transaction,
//! or nothing at all.

use super::wanted::Wanted;
use super::{Deployment, DeploymentId, State, store};
use crate::cloud::Cloud;
use crate::error::{Error, FieldError};
use crate::scope::Caller;
use arcadia_saga::{SagaId, StartSaga};
use arcadia_sql::{Tx, args};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The plan that provisions a deployment.
pub const PLAN: &str = "provision_deployment";
/// What its sagas are called.
const KIND: &str = "provision";
const RECORD_TTL_S: u32 = 1_800;

/// The caller's key for one request, with the hash of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Keys of different tenants never meet.
    pub owner: String,
    pub key: String,
    pub body_hash: String,
}

/// What a request made, now or when it was first sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    pub id: DeploymentId,
    /// Whether a saga provisions it.
    pub is_provisioned: bool,
}

/// What the same request made before, if it was sent before.
///
/// # Errors
/// [`Error::KeyReused`] when its body was another.
pub async fn made_before(cloud: &Cloud, key: &RequestKey) -> Result<Option<Made>, Error> {
    let args = args![key.owner.as_str(), key.key.as_str()];
    let holder = cloud.db.fetch_optional::<store::KeyRow>(&store::KEY_HOLDER, args).await?;
    holder.map(|holder| replayed(holder, key)).transpose()
}

fn replayed(holder: store::KeyRow, key: &RequestKey) -> Result<Made, Error> {
    if holder.body_hash != key.body_hash {
        return Err(Error::KeyReused);
    }
    Ok(Made { id: holder.deployment_id, is_provisioned: holder.is_provisioned })
}

/// Creates it. Of two simultaneous requests with one key, one creates and the other answers the same.
///
/// # Errors
/// [`Error::Taken`], [`Error::Busy`], [`Error::KeyReused`]; nothing was written then.
pub async fn create(
    cloud: &Arc<Cloud>,
    caller: &Caller,
    wanted: Wanted,
    key: Option<&RequestKey>,
) -> Result<Made, Error> {
    let (id, now) = (DeploymentId(cloud.clock.new_id()), cloud.clock.now());
    let is_provisioned = wanted.provision;
    let saga_id = is_provisioned.then(|| SagaId(cloud.clock.new_id()));
    let made = Made { id, is_provisioned };
    let mut tx = cloud.db.begin().await?;
    if let Some(key) = key
        && let Some(first) = take_key(&mut tx, key, made, now).await?
    {
        return Ok(first);
    }
    let saga = saga_id.map(|saga_id| provisioning(cloud, saga_id, id, caller, &wanted)).transpose()?;
    let deployment = deployment(id, wanted, saga_id, now);
    insert(&mut tx, &deployment, &caller.subject).await?;
    if let Some(saga) = saga {
        cloud.sagas.start_in(&mut tx, saga).await?;
    }
    tx.commit().await?;
    cloud.sagas.wake();
    tracing::info!(deployment = %id, saga = saga_id.map(tracing::field::display), "deployment created");
    Ok(made)
}

/// The first statement of the transaction: a second request with this key waits here for the first to end.
async fn take_key(tx: &mut Tx, key: &RequestKey, made: Made, now: Timestamp) -> Result<Option<Made>, Error> {
    let RequestKey { owner, key: name, body_hash } = key;
    let Made { id, is_provisioned } = made;
    let args = args![owner.as_str(), name.as_str(), body_hash.as_str(), id, is_provisioned, now];
    if tx.execute(&store::TAKE_KEY, args).await? == 1 {
        return Ok(None);
    }
    let holder = tx.fetch_one(&store::KEY_HOLDER, args![owner.as_str(), name.as_str()]).await?;
    replayed(holder, key).map(Some)
}

async fn insert(tx: &mut Tx, deployment: &Deployment, actor: &str) -> Result<(), Error> {
    let Deployment { id, state, saga_id, version, created_at, .. } = deployment;
    let (id, saga_id) = (*id, saga_id.map(|saga| saga.0));
    let plan = serde_json::to_value(&deployment.plan).map_err(|error| Error::Internal(error.into()))?;
    let row = args![
        id,
        deployment.tenant_id.as_str(),
        deployment.slug.as_str(),
        deployment.display_name.as_str(),
        deployment.hostname.as_str(),
        deployment.region.as_str(),
        plan,
        state.as_str(),
        saga_id,
        *version,
        *created_at
    ];
    if tx.execute(&store::INSERT, row).await? == 0 {
        return Err(taken(tx, deployment).await?);
    }
    let event = args![id, *version, None::<&str>, state.as_str(), "created", actor, saga_id, *created_at];
    tx.execute(&store::ADD_EVENT, event).await?;
    Ok(())
}

async fn taken(tx: &mut Tx, wanted: &Deployment) -> Result<Error, Error> {
    let args = args![wanted.hostname.as_str(), wanted.tenant_id.as_str(), wanted.slug.as_str()];
    let holders = tx.fetch_all::<store::NameHolder>(&store::NAME_HOLDERS, args).await?;
    let mut fields = Vec::new();
    if holders.iter().any(|holder| holder.tenant_id == wanted.tenant_id && holder.slug == wanted.slug) {
        fields.push(FieldError::new("slug", format!("`{}` is taken", wanted.slug)));
    }
    if holders.iter().any(|holder| holder.hostname == wanted.hostname) {
        fields.push(FieldError::new("hostname", format!("`{}` is taken", wanted.hostname)));
    }
    let names: Vec<String> = fields.iter().map(|error| format!("the {}", error.field)).collect();
    // Empty when the holder let go of it meanwhile: the same request succeeds when sent again.
    let what = if names.is_empty() { "a name".to_owned() } else { names.join(" and ") };
    Ok(Error::Taken { what, fields })
}

fn deployment(id: DeploymentId, wanted: Wanted, saga_id: Option<SagaId>, now: Timestamp) -> Deployment {
    let state = if saga_id.is_some() { State::Provisioning } else { State::Active };
    Deployment {
        id,
        tenant_id: wanted.tenant_id,
        slug: wanted.slug,
        display_name: wanted.display_name,
        hostname: wanted.hostname,
        region: wanted.region,
        plan: wanted.plan,
        state,
        droplet_id: None,
        ip: None,
        saga_id,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

fn provisioning(
    cloud: &Cloud,
    saga_id: SagaId,
    id: DeploymentId,
    caller: &Caller,
    wanted: &Wanted,
) -> Result<StartSaga, Error> {
    let steps = cloud.sagas.plan_steps(PLAN).map_err(|error| Error::Internal(error.into()))?;
    let record = record_name(&wanted.hostname, &wanted.zone);
    Ok(StartSaga {
        id: Some(saga_id),
        kind: KIND.to_owned(),
        steps,
        inputs: inputs(id, wanted, record),
        tenant_id: Some(wanted.tenant_id.clone()),
        deployment_id: Some(id.0),
        triggered_by: caller.subject.clone(),
        locks: vec![format!("deployment:{id}"), format!("dns:{}/A/{record}", wanted.zone)],
        ..StartSaga::default()
    })
}

fn inputs(id: DeploymentId, wanted: &Wanted, record: &str) -> Map<String, Value> {
    let plan = &wanted.plan;
    let mut inputs = Map::new();
    let mut put = |key: &str, value: Value| inputs.insert(key.to_owned(), value);
    put("deployment_id", json!(id));
    put("tenant_id", json!(wanted.tenant_id));
    put("droplet_name", json!(wanted.hostname));
    put("droplet_region", json!(wanted.region));
    put("droplet_size", json!(plan.size));
    put("droplet_image", json!(plan.image));
    put("droplet_tags", json!(plan.tags));
    if let Some(user_data) = &plan.user_data {
        put("droplet_user_data", json!(user_data.0));
    }
    put("droplet_backups", json!(plan.backups));
    put("dns_domain", json!(wanted.zone));
    put("dns_record_type", json!("A"));
    put("dns_record_name", json!(record));
    put("dns_record_ttl", json!(RECORD_TTL_S));
    put("replace_dns", json!(wanted.replace_dns));
    inputs
}

/// Relative to the zone; `@` is the zone itself.
#[must_use]
pub fn record_name<'n>(hostname: &'n str, zone: &str) -> &'n str {
    hostname.strip_suffix(zone).and_then(|rest| rest.strip_suffix('.')).unwrap_or("@")
}

#[cfg(test)]
mod tests {
    use super::record_name;

    #[test]
    fn a_record_is_named_relative_to_its_zone() {
        assert_eq!(record_name("acme.example.com", "example.com"), "acme");
        assert_eq!(record_name("a.b.example.com", "example.com"), "a.b");
        assert_eq!(record_name("example.com", "example.com"), "@");
    }
}
