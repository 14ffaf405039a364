//! The account seen from outside: what exists now, and what of it bears arcadia's marks.
//! A destroyed droplet that still answers does not exist.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Account;
use super::images::ImageType;
use super::log::Kind;

const MARK_TAG: &str = "managed-by-arcadia-cloud";
const SNAPSHOT_PREFIX: &str = "arcadia-snap-";

/// Something that bears arcadia's mark and costs money.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Marked {
    pub kind: Kind,
    pub id: String,
    pub name: String,
    pub tags: Vec<String>,
    pub created_at: Timestamp,
    /// Dollars.
    pub monthly_cost: Decimal,
}

impl Account {
    pub(crate) fn marked(&self) -> Vec<Marked> {
        let is_marked = |name: &str, tags: &[String]| {
            name.starts_with(SNAPSHOT_PREFIX) || tags.iter().any(|tag| tag == MARK_TAG)
        };
        let droplets = self.living_droplets().filter(|it| is_marked(&it.name, &it.tags)).map(|it| Marked {
            kind: Kind::Droplet,
            id: it.id.to_string(),
            name: it.name.clone(),
            tags: it.tags.clone(),
            created_at: it.created_at,
            monthly_cost: self.catalogue.size(&it.size).map(|size| size.monthly_cost()).unwrap_or_default(),
        });
        let images = self.images.values().filter(|it| !it.leaving && is_marked(&it.name, &it.tags));
        let images = images.map(|it| Marked {
            kind: it.log_kind(),
            id: it.id.to_string(),
            name: it.name.clone(),
            tags: it.tags.clone(),
            created_at: it.created_at,
            monthly_cost: it.monthly_cost(),
        });
        let volumes = self.volumes.living().filter(|it| is_marked(&it.name, &it.tags)).map(|it| Marked {
            kind: Kind::Volume,
            id: it.id.clone(),
            name: it.name.clone(),
            tags: it.tags.clone(),
            created_at: it.created_at,
            monthly_cost: it.monthly_cost(),
        });
        let snapshots =
            self.volume_snapshots.living().filter(|it| is_marked(&it.name, &it.tags)).map(|it| Marked {
                kind: Kind::VolumeSnapshot,
                id: it.id.clone(),
                name: it.name.clone(),
                tags: it.tags.clone(),
                created_at: it.created_at,
                monthly_cost: it.monthly_cost(),
            });
        droplets.chain(images).chain(volumes).chain(snapshots).collect()
    }

    pub(crate) fn overview(&self) -> Value {
        let images = |wanted: ImageType| -> Vec<Value> {
            let existing = self.images.values().filter(|it| !it.leaving && it.image_type == wanted);
            existing
                .map(|it| {
                    json!({ "id": it.id, "name": it.name, "created_at": it.created_at, "regions": it.regions,
                            "droplet_id": it.droplet_id, "size_gigabytes": it.size_gigabytes, "tags": it.tags })
                })
                .collect()
        };
        let droplets: Vec<Value> = self
            .living_droplets()
            .map(|it| {
                json!({ "id": it.id, "name": it.name, "status": it.status, "size_slug": it.size,
                        "region": it.region, "image": it.image.slug, "image_id": it.image.id, "disk": it.disk,
                        "tags": it.tags, "locked": it.locked, "backups": it.backups.is_some(),
                        "ip_address": it.networks.and_then(|networks| networks.public),
                        "created_at": it.created_at })
            })
            .collect();
        let domains: Vec<Value> = self
            .domains()
            .map(|it| {
                let records: Vec<_> = it.records.values().collect();
                json!({ "name": it.name, "ttl": it.ttl, "records": records })
            })
            .collect();
        let mut others = self.other_kinds();
        let tags: Vec<&str> = self.tags.all().map(|tag| tag.name.as_str()).collect();
        let keys: Vec<_> = self.keys().collect();
        let usual = json!({ "droplets": droplets, "snapshots": images(ImageType::Snapshot),
                "droplet_backups": images(ImageType::Backup), "domains": domains, "tags": tags, "ssh_keys": keys });
        others.extend(usual.as_object().cloned().unwrap_or_default());
        Value::Object(others)
    }

    fn other_kinds(&self) -> Map<String, Value> {
        let projects = self.living_projects().map(|it| {
            let members: Vec<String> = self.members_of(&it.id).iter().map(|it| it.urn.to_string()).collect();
            json!({ "id": it.id, "name": it.name, "purpose": it.purpose, "is_default": it.is_default, "resources": members })
        });
        let volumes = self.volumes.living().map(|it| {
            json!({ "id": it.id, "name": it.name, "region": it.region, "size_gigabytes": it.size_gigabytes,
                    "droplet_id": it.droplet_id, "tags": it.tags })
        });
        let snapshots = self.volume_snapshots.living().map(
            |it| json!({ "id": it.id, "name": it.name, "volume_id": it.volume_id, "size_gigabytes": it.size_gigabytes }),
        );
        let addresses = self
            .reserved_ips
            .living()
            .map(|it| json!({ "ip": it.ip, "region": it.region, "droplet_id": it.droplet_id }));
        let firewalls = self.firewalls.living().map(|it| {
            json!({ "id": it.id, "name": it.name, "status": it.status, "droplet_ids": it.droplet_ids, "tags": it.tags })
        });
        let balancers = self
            .load_balancers
            .living()
            .map(|it| json!({ "id": it.id, "name": it.name, "status": it.status, "ip": it.ip }));
        let vpcs = self
            .vpcs
            .living()
            .map(|it| json!({ "id": it.id, "name": it.name, "region": it.region, "default": it.default }));
        let fixtures =
            |kind: Kind| self.living_fixtures(kind).map(|it| json!({ "id": it.id })).collect::<Vec<_>>();
        let invoices = self
            .invoices()
            .map(|it| json!({ "uuid": it.uuid, "period": it.period.to_string(), "amount": it.amount() }));
        let mut kinds = Map::new();
        kinds.insert("projects".to_owned(), projects.collect());
        kinds.insert("volumes".to_owned(), volumes.collect());
        kinds.insert("volume_snapshots".to_owned(), snapshots.collect());
        kinds.insert("reserved_ips".to_owned(), addresses.collect());
        kinds.insert("firewalls".to_owned(), firewalls.collect());
        kinds.insert("load_balancers".to_owned(), balancers.collect());
        kinds.insert("vpcs".to_owned(), vpcs.collect());
        kinds.insert("databases".to_owned(), fixtures(Kind::Database).into());
        kinds.insert("kubernetes_clusters".to_owned(), fixtures(Kind::KubernetesCluster).into());
        kinds.insert("spaces_buckets".to_owned(), fixtures(Kind::SpacesBucket).into());
        kinds.insert("invoices".to_owned(), invoices.collect());
        kinds
    }
}
