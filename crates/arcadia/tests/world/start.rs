//! How stories begin: a deployment with its row and its saga in one transaction, or a saga of its own.

use super::World;
use arcadia_saga::{SagaId, StartSaga};
use arcadia_sql::{args, statements};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The zone of all stories.
pub const DOMAIN: &str = "arcadia-demo.com";

statements! {
    pub(super) ADD_DEPLOYMENT = "
        INSERT INTO cloud_deployments (id, tenant_id, slug, display_name, hostname, region, plan, state, saga_id,
            version, created_at, updated_at)
        VALUES ($1, 'acme', $2, 'Acme', $3, 'nyc3', $4, 'provisioning', $5, 1, $6, $6)";
}

/// A deployment and the saga that provisions it.
#[derive(Debug, Clone)]
pub struct Story {
    pub deployment: Uuid,
    pub saga: SagaId,
    pub hostname: String,
}

impl World {
    /// Asks for a deployment called `name` in the zone of all stories.
    pub async fn provision(&self, name: &str) -> Story {
        self.provision_with(name, json!({})).await
    }

    /// The same with further or other inputs.
    pub async fn provision_with(&self, name: &str, inputs: Value) -> Story {
        let steps = self.service.cloud.sagas.plan_steps("provision_deployment").unwrap();
        self.provision_by(name, steps, inputs).await
    }

    /// The same with a plan of its own.
    pub async fn provision_by(&self, name: &str, steps: Vec<String>, inputs: Value) -> Story {
        let cloud = &self.service.cloud;
        let (deployment, hostname) = (cloud.clock.new_id(), format!("{name}.{DOMAIN}"));
        let saga = SagaId(cloud.clock.new_id());
        let mut all = json!({
            "deployment_id": deployment, "tenant_id": "acme", "droplet_name": hostname,
            "droplet_region": "nyc3", "droplet_size": "s-1vcpu-1gb", "droplet_image": "ubuntu-24-04-x64",
            "droplet_tags": ["env:test"], "droplet_backups": false,
            "dns_domain": DOMAIN, "dns_record_type": "A", "dns_record_name": name, "dns_record_ttl": 1800,
            "replace_dns": false,
        });
        merge(&mut all, inputs);
        let plan = json!({"size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": [], "user_data": null,
            "backups": false});
        let mut tx = cloud.db.begin().await.unwrap();
        let row = args![deployment, name, hostname.as_str(), plan, saga, cloud.clock.now()];
        tx.execute(&ADD_DEPLOYMENT, row).await.unwrap();
        let start = StartSaga {
            id: Some(saga),
            kind: "provision".to_owned(),
            steps,
            inputs: object(all),
            tenant_id: Some("acme".to_owned()),
            deployment_id: Some(deployment),
            triggered_by: "a-test".to_owned(),
            locks: vec![format!("deployment:{deployment}"), format!("dns:{DOMAIN}/A/{name}")],
            ..StartSaga::default()
        };
        cloud.sagas.start_in(&mut tx, start).await.unwrap();
        tx.commit().await.unwrap();
        Story { deployment, saga, hostname }
    }

    /// Starts a saga of a plan.
    pub async fn start(&self, plan: &str, inputs: Value) -> SagaId {
        let steps = self.service.cloud.sagas.plan_steps(plan).unwrap();
        self.start_steps(steps, inputs).await
    }

    /// Starts a saga of a list of steps.
    pub async fn start_steps(&self, steps: Vec<String>, inputs: Value) -> SagaId {
        let start = StartSaga {
            kind: "test".to_owned(),
            steps,
            inputs: object(inputs),
            triggered_by: "a-test".to_owned(),
            ..StartSaga::default()
        };
        self.service.cloud.sagas.start(start).await.unwrap().id()
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn merge(all: &mut Value, more: Value) {
    for (key, value) in object(more) {
        all[key] = value;
    }
}
