//! Sagas on DNS records: made, changed, left as they are, deleted.

use crate::site::{DOMAIN, End, Site, Tale, order, same};
use arcadia_saga::{SagaId, Sagas, StartError};
use digitalocean_sim::{Kind, Mutation};
use serde_json::json;

/// Where the name is to lead.
pub const WANTED: &str = "192.0.2.1";

/// The steps that the tales of records go through.
pub const STEPS: [&str; 2] = ["upsert_dns_record", "delete_dns_record"];

const NAME: &str = "shop";

/// Steps on one name, and where it leads before they begin.
#[derive(Clone)]
pub struct Records {
    pub steps: &'static [&'static str],
    pub before: &'static [&'static str],
}

impl Records {
    /// Where the name must lead now.
    fn wanted(&self, end: &End<'_>) -> Vec<String> {
        let mut data: Vec<String> = self.before.iter().map(|&data| data.to_owned()).collect();
        let makes_room = self.steps[0] == "delete_dns_record";
        for (idx, step) in self.steps.iter().enumerate().filter(|(idx, _)| end.stands(*idx)) {
            match (*step, makes_room) {
                ("delete_dns_record", _) => data.clear(),
                ("upsert_dns_record", true) => data.push(WANTED.to_owned()),
                ("upsert_dns_record", false) => data = vec![WANTED.to_owned()],
                _ => assert!(idx > 0, "a tale of records begins with one"),
            }
        }
        data.sort();
        data
    }
}

impl Tale for Records {
    async fn prepare(&mut self, site: &Site) {
        for data in self.before {
            let body = json!({"domain": DOMAIN, "type": "A", "name": NAME, "data": data, "ttl": 600});
            site.simulator.mutate(&Mutation::create(Kind::DomainRecord, body)).unwrap();
        }
    }

    async fn start(&self, _site: &Site, sagas: &Sagas) -> Result<SagaId, StartError> {
        let inputs = json!({"dns_domain": DOMAIN, "dns_record_type": "A", "dns_record_name": NAME,
            "dns_record_data": WANTED, "dns_record_ttl": 600});
        let steps = self.steps.iter().map(|&step| step.to_owned()).collect();
        let locks = vec![format!("dns:{DOMAIN}/A/{NAME}")];
        Ok(sagas.start(order("records", steps, inputs, locks)).await?.id())
    }

    async fn verdict(&self, site: &Site, end: &End<'_>) -> Result<(), String> {
        let zones = site.all("domains");
        let records = zones.iter().filter_map(|zone| zone["records"].as_array()).flatten();
        let ours = records.filter(|record| record["name"] == NAME);
        let mut found: Vec<String> =
            ours.map(|record| record["data"].as_str().unwrap_or_default().to_owned()).collect();
        found.sort();
        same("records", found, self.wanted(end))
    }
}
