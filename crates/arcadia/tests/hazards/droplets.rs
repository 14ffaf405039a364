//! Sagas on one droplet: it is made, photographed, destroyed.

use crate::site::{DOMAIN, End, Site, Tale, order, same};
use arcadia_saga::{SagaId, Sagas, StartError};
use arcadia_sql::{args, row, statements};
use serde_json::json;
use uuid::Uuid;

statements! {
    INVENTORY = "
        SELECT provider_id, deployment_id FROM cloud_resources WHERE deleted_at IS NULL ORDER BY provider_id";
    DESIRED = "SELECT spec FROM cloud_provisioned";
    ADD_ROW = "
        INSERT INTO cloud_resources (id, provider, kind, provider_id, name, tags, attrs, first_seen_at, last_seen_at,
            stale_strike_count)
        VALUES ($1, 'digitalocean', 'droplet', $2, 'box', {json($3)}, {json($3)}, $4, $4, 0)";
}

row! {
    /// A row of the inventory that is no tombstone.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Known {
        pub provider_id: String,
        pub deployment_id: Option<Uuid>,
    }
}

pub async fn inventory(site: &Site) -> Result<Vec<Known>, String> {
    site.service.cloud.db.fetch_all(&INVENTORY, args![]).await.map_err(|error| error.to_string())
}

/// How many things are to be as somebody asked for them.
pub async fn desired(site: &Site) -> Result<usize, String> {
    let found = site.service.cloud.db.fetch_all::<(serde_json::Value,)>(&DESIRED, args![]).await;
    found.map(|rows| rows.len()).map_err(|error| error.to_string())
}

/// `provision_droplet`.
#[derive(Clone)]
pub struct NewDroplet;

impl Tale for NewDroplet {
    async fn prepare(&mut self, _site: &Site) {}

    async fn start(&self, _site: &Site, sagas: &Sagas) -> Result<SagaId, StartError> {
        let inputs = json!({"droplet_name": format!("box.{DOMAIN}"), "droplet_region": "nyc3",
            "droplet_size": "s-1vcpu-1gb", "droplet_image": "ubuntu-24-04-x64"});
        let steps = sagas.plan_steps("provision_droplet").unwrap();
        Ok(sagas.start(order("provision", steps, inputs, Vec::new())).await?.id())
    }

    async fn verdict(&self, site: &Site, end: &End<'_>) -> Result<(), String> {
        let made = site.tagged(&end.saga.mark(0).step);
        same("droplets of the step", made.len(), usize::from(end.stands(0)))?;
        same("droplets at all", site.all("droplets").len(), made.len())?;
        if end.is_completed() {
            same("the droplet", made[0]["status"].as_str(), Some("active"))?;
            same("its id", &made[0]["id"], &end.saga.context["droplet_id"])?;
        }
        same("rows", inventory(site).await?.len(), usize::from(end.stands(2)))?;
        same("desired states", desired(site).await?, usize::from(end.stands(2)))
    }
}

/// `destroy_droplet`, of one that the inventory knows.
#[derive(Clone, Default)]
pub struct DestroyedDroplet {
    id: u64,
}

impl Tale for DestroyedDroplet {
    async fn prepare(&mut self, site: &Site) {
        self.id = site.add_droplet();
        let cloud = &site.service.cloud;
        let row = args![cloud.clock.new_id(), self.id.to_string(), json!([]), cloud.clock.now()];
        cloud.db.execute(&ADD_ROW, row).await.unwrap();
    }

    async fn start(&self, _site: &Site, sagas: &Sagas) -> Result<SagaId, StartError> {
        let steps = sagas.plan_steps("destroy_droplet").unwrap();
        let (inputs, locks) = (json!({"droplet_id": self.id}), vec![format!("droplet:{}", self.id)]);
        Ok(sagas.start(order("destroy", steps, inputs, locks)).await?.id())
    }

    async fn verdict(&self, site: &Site, end: &End<'_>) -> Result<(), String> {
        let left = usize::from(!end.is_completed());
        same("droplets", site.all("droplets").len(), left)?;
        same("rows", inventory(site).await?.len(), left)
    }
}

/// `snapshot_droplet`.
#[derive(Clone, Default)]
pub struct PhotographedDroplet {
    id: u64,
}

impl Tale for PhotographedDroplet {
    async fn prepare(&mut self, site: &Site) {
        self.id = site.add_droplet();
    }

    async fn start(&self, _site: &Site, sagas: &Sagas) -> Result<SagaId, StartError> {
        let steps = sagas.plan_steps("snapshot_droplet").unwrap();
        let (inputs, locks) = (json!({"droplet_id": self.id}), vec![format!("droplet:{}", self.id)]);
        Ok(sagas.start(order("snapshot", steps, inputs, locks)).await?.id())
    }

    async fn verdict(&self, site: &Site, end: &End<'_>) -> Result<(), String> {
        let names: Vec<String> = site
            .all("snapshots")
            .iter()
            .map(|it| it["name"].as_str().unwrap_or_default().to_owned())
            .collect();
        let wanted = end.stands(0).then(|| format!("arcadia-snap-{}-{}", self.id, end.saga.id));
        same("snapshots", names, wanted.into_iter().collect())?;
        let left: Vec<u64> = site.all("droplets").iter().filter_map(|it| it["id"].as_u64()).collect();
        same("droplets", left, vec![self.id])
    }
}
