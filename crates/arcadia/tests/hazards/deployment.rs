//! `provision_deployment`: a droplet, its row, its link, its name, and the deployment's own state.

use crate::droplets::{desired, inventory};
use crate::site::{DOMAIN, End, Site, Tale, order, same};
use arcadia_saga::{SagaId, Sagas, StartError, StepStatus};
use arcadia_sql::{args, row, statements};
use serde_json::json;
use uuid::Uuid;

const NAME: &str = "acme";

statements! {
    ADD_DEPLOYMENT = "
        INSERT INTO cloud_deployments (id, tenant_id, slug, display_name, hostname, region, plan, state, saga_id,
            version, created_at, updated_at)
        VALUES ($1, 'acme', 'acme', 'Acme', $2, 'nyc3', $3, 'provisioning', $4, 1, $5, $5)";
    DEPLOYMENT = "SELECT state, droplet_id, ip FROM cloud_deployments WHERE id = $1";
}

row! {
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Facts {
        state: String,
        droplet_id: Option<i64>,
        ip: Option<String>,
    }
}

#[derive(Clone, Default)]
pub struct Deployment {
    id: Uuid,
}

impl Tale for Deployment {
    async fn prepare(&mut self, site: &Site) {
        self.id = site.service.cloud.clock.new_id();
    }

    async fn start(&self, site: &Site, sagas: &Sagas) -> Result<SagaId, StartError> {
        let (cloud, saga, hostname) = (&site.service.cloud, sagas.new_id(), format!("{NAME}.{DOMAIN}"));
        let inputs = json!({
            "deployment_id": self.id, "tenant_id": "acme", "droplet_name": hostname, "droplet_region": "nyc3",
            "droplet_size": "s-1vcpu-1gb", "droplet_image": "ubuntu-24-04-x64", "droplet_backups": false,
            "dns_domain": DOMAIN, "dns_record_name": NAME, "dns_record_ttl": 1800,
        });
        let plan = json!({"size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": [], "user_data": null,
            "backups": false});
        let mut tx = cloud.db.begin().await?;
        let row = args![self.id, hostname, plan, saga, cloud.clock.now()];
        tx.execute(&ADD_DEPLOYMENT, row).await?;
        let steps = sagas.plan_steps("provision_deployment").unwrap();
        let locks = vec![format!("deployment:{}", self.id), format!("dns:{DOMAIN}/A/{NAME}")];
        let mut start = order("provision", steps, inputs, locks);
        (start.id, start.deployment_id) = (Some(saga), Some(self.id));
        start.tenant_id = Some("acme".to_owned());
        sagas.start_in(&mut tx, start).await?;
        tx.commit().await?;
        Ok(saga)
    }

    async fn verdict(&self, site: &Site, end: &End<'_>) -> Result<(), String> {
        let made = site.tagged(&end.saga.mark(1).step);
        same("droplets of the step", made.len(), usize::from(end.stands(1)))?;
        same("droplets at all", site.all("droplets").len(), made.len())?;
        let found: Facts = site
            .service
            .cloud
            .db
            .fetch_one(&DEPLOYMENT, args![self.id])
            .await
            .map_err(|error| error.to_string())?;
        let known = inventory(site).await?;
        same("rows", known.len(), usize::from(end.stands(3)))?;
        same("desired states", desired(site).await?, usize::from(end.stands(3)))?;
        let linked = known.iter().filter(|row| row.deployment_id == Some(self.id)).count();
        same("links", linked, usize::from(end.stands(3) && end.stands(4)))?;
        same("the deployment's droplet", found.droplet_id.is_some(), end.stands(4))?;
        let addresses = addresses(site);
        same("records", addresses.len(), usize::from(end.stands(5)))?;
        if end.is_completed() {
            same("the droplet", made[0]["status"].as_str(), Some("active"))?;
            same("its id", made[0]["id"].as_i64(), found.droplet_id)?;
            same("its address", made[0]["ip_address"].as_str(), found.ip.as_deref())?;
            same("its name", addresses.first().map(String::as_str), found.ip.as_deref())?;
            return same("the deployment", found.state.as_str(), "active");
        }
        // A first step that was refused found the deployment in nobody's hands: it is left as it is.
        let was_refused = end.steps[0].status == StepStatus::Failed;
        let is_over = found.state == "cancelled";
        same("whether the deployment is over", is_over, !end.stands(0) && !was_refused)
    }
}

/// Where the deployment's name leads.
fn addresses(site: &Site) -> Vec<String> {
    let zones = site.all("domains");
    let records = zones.iter().filter_map(|zone| zone["records"].as_array()).flatten();
    let ours = records.filter(|record| record["type"] == "A" && record["name"] == NAME);
    ours.map(|record| record["data"].as_str().unwrap_or_default().to_owned()).collect()
}
