//! What can be listed but not worked with: database clusters and Kubernetes clusters, which carry credentials so
//! that a client can prove it drops them, and Spaces buckets, which only their projects know.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::billing::Product;
use super::log::{ChangeKind, Kind, Origin};
use super::mutate::only_known;
use super::mutate_others::keys;
use super::refusal::{Refusal, conflict, invalid};
use super::shelf::Shelf;
use super::tags::Holder;
use super::urn::{Urn, UrnKind};
use super::{Account, whole_second};

/// Found in no answer but the listing of databases: whoever shows or keeps it has leaked it.
pub(crate) const FAKE_PASSWORD: &str = "simulated-database-password";

#[derive(Debug, Clone)]
pub(crate) struct Fixture {
    pub(crate) id: String,
    pub(crate) created_at: Timestamp,
    /// As the API shows it; a bucket shows nothing.
    pub(crate) shown: Value,
}

#[derive(Debug, Default)]
pub(crate) struct Fixtures {
    databases: Shelf<Fixture>,
    clusters: Shelf<Fixture>,
    buckets: Shelf<Fixture>,
}

impl Fixtures {
    fn shelf(&self, kind: Kind) -> &Shelf<Fixture> {
        match kind {
            Kind::Database => &self.databases,
            Kind::KubernetesCluster => &self.clusters,
            _ => &self.buckets,
        }
    }

    fn shelf_mut(&mut self, kind: Kind) -> &mut Shelf<Fixture> {
        match kind {
            Kind::Database => &mut self.databases,
            Kind::KubernetesCluster => &mut self.clusters,
            _ => &mut self.buckets,
        }
    }

    pub(super) fn urns(&self) -> impl Iterator<Item = (Urn, Timestamp)> {
        let of = |kind: Kind| {
            self.shelf(kind).living().map(move |it| (Urn::new(urn_kind(kind), &it.id), it.created_at))
        };
        of(Kind::Database).chain(of(Kind::KubernetesCluster)).chain(of(Kind::SpacesBucket))
    }
}

fn urn_kind(kind: Kind) -> UrnKind {
    match kind {
        Kind::Database => UrnKind::Database,
        Kind::KubernetesCluster => UrnKind::Kubernetes,
        _ => UrnKind::Space,
    }
}

fn product(kind: Kind) -> Product {
    match kind {
        Kind::Database => Product::Database,
        Kind::KubernetesCluster => Product::Kubernetes,
        _ => Product::Spaces,
    }
}

/// The one subscription that all buckets share.
const SUBSCRIPTION: &str = "subscription";

impl Account {
    pub(crate) fn fixture(&self, kind: Kind, id: &str) -> Result<&Fixture, Refusal> {
        self.fixtures.shelf(kind).get(id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn living_fixtures(&self, kind: Kind) -> impl Iterator<Item = &Fixture> {
        self.fixtures.shelf(kind).living()
    }

    /// Adds a database cluster, a Kubernetes cluster or a bucket; what `body` says stands over the usual.
    pub(crate) fn add_fixture(&mut self, kind: Kind, body: &Value, by: Origin) -> Result<String, Refusal> {
        let name = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if name.is_empty() {
            return invalid("name is required");
        }
        let id = if kind == Kind::SpacesBucket { name.clone() } else { self.uuid() };
        if self.fixtures.shelf(kind).get(&id).is_some() {
            return conflict("the name is taken");
        }
        let mut shown = match kind {
            Kind::Database => database(&id, self.now, self.project_id_of(&Urn::new(UrnKind::Database, &id))),
            Kind::KubernetesCluster => cluster(&id, self.now, &self.ensure_default_vpc("nyc3")),
            _ => json!({}),
        };
        merge(&mut shown, body);
        self.note(by, ChangeKind::Created, kind, &id, &name, body.clone());
        let tags = shown.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
        let urn = Urn::new(urn_kind(kind), &id);
        if let Some(project) = body.get("project_id").and_then(Value::as_str) {
            self.put_in_project(&urn, project);
        }
        self.meter_fixture(kind, &id, &name, urn);
        let fixture = Fixture { id: id.clone(), created_at: self.now, shown };
        self.fixtures.shelf_mut(kind).add(&id, fixture, self.now);
        if kind == Kind::Database {
            for tag in tags.iter().filter_map(Value::as_str) {
                let tag = self.ensure_tag(tag, by);
                self.set_holder_tag(&tag, Holder::Database, &id, true);
            }
        }
        Ok(id)
    }

    fn meter_fixture(&mut self, kind: Kind, id: &str, name: &str, urn: Urn) {
        match kind {
            Kind::Database => {
                let line = format!("{name} (db-s-1vcpu-1gb)");
                self.meter_starts(Product::Database, id, line, Decimal::from(15), Some(urn));
            }
            Kind::KubernetesCluster => {
                let line = format!("{name} (s-2vcpu-4gb)");
                self.meter_starts(Product::Kubernetes, id, line, Decimal::from(24), Some(urn));
            }
            _ if self.fixtures.buckets.living().next().is_none() => {
                let line = "Spaces Subscription ($5/mo 250GB storage & 1TB bandwidth)".to_owned();
                self.meter_starts(Product::Spaces, SUBSCRIPTION, line, Decimal::from(5), None);
            }
            _ => {}
        }
    }

    pub(super) fn set_fixture(
        &mut self,
        kind: Kind,
        id: &str,
        set: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let Some(fixture) = self.fixtures.shelf_mut(kind).get_mut(id) else { return Err(Refusal::NotFound) };
        only_known(set, &keys(&fixture.shown))?;
        merge(&mut fixture.shown, &Value::Object(set.clone()));
        self.note(Origin::OutOfBand, ChangeKind::Changed, kind, id, id, Value::Object(set.clone()));
        Ok(())
    }

    pub(super) fn remove_fixture(&mut self, kind: Kind, id: &str, by: Origin) -> Result<(), Refusal> {
        let now = self.now;
        self.fixtures.shelf_mut(kind).remove(id, now, now).ok_or(Refusal::NotFound)?;
        self.meter_stops(product(kind), id);
        if kind == Kind::SpacesBucket && self.fixtures.buckets.living().next().is_none() {
            self.meter_stops(Product::Spaces, SUBSCRIPTION);
        }
        self.forget_membership(&Urn::new(urn_kind(kind), id));
        self.note(by, ChangeKind::Destroyed, kind, id, id, json!({}));
        Ok(())
    }
}

fn merge(shown: &mut Value, over: &Value) {
    for (key, value) in over.as_object().into_iter().flatten() {
        shown[key] = value.clone();
    }
}

fn database(id: &str, now: Timestamp, project_id: &str) -> Value {
    let host = "db-postgresql-nyc3-1.db.example.com";
    let connection = json!({ "uri": format!("postgres://doadmin:{FAKE_PASSWORD}@{host}:25060/defaultdb?sslmode=require"),
        "database": "defaultdb", "host": host, "port": 25060, "user": "doadmin", "password": FAKE_PASSWORD, "ssl": true });
    json!({ "id": id, "name": "", "engine": "pg", "version": "17", "semantic_version": "17.2", "num_nodes": 1,
            "size": "db-s-1vcpu-1gb", "region": "nyc3", "status": "online", "created_at": whole_second(now),
            "private_network_uuid": "", "tags": [], "db_names": ["defaultdb"], "connection": connection,
            "private_connection": connection, "project_id": project_id, "storage_size_mib": 10_240,
            "users": [{ "name": "doadmin", "role": "primary", "password": FAKE_PASSWORD }],
            "maintenance_window": { "day": "monday", "hour": "02:00:00", "pending": false, "description": [] },
            "rules": [] })
}

fn cluster(id: &str, now: Timestamp, vpc: &str) -> Value {
    let at = whole_second(now);
    let node = json!({ "id": "478247f8-b1bb-4f7a-8db9-2a5f8d4b8f8f", "name": "pool-1-a", "status": { "state": "running" },
                       "droplet_id": "205545370", "created_at": at, "updated_at": at });
    let pool = json!({ "id": "cdda885e-7663-40c8-bc74-3a036c66545d", "name": "pool-1", "size": "s-2vcpu-4gb", "count": 1,
        "tags": ["k8s", format!("k8s:{id}"), "k8s:worker"], "labels": {}, "taints": [], "auto_scale": false,
        "min_nodes": 0, "max_nodes": 0, "nodes": [node] });
    json!({ "id": id, "name": "", "region": "nyc3", "version": "1.33.1-do.0", "cluster_subnet": "10.244.0.0/16",
            "service_subnet": "10.245.0.0/16", "vpc_uuid": vpc, "ipv4": "203.0.113.250",
            "endpoint": format!("https://{id}.k8s.example.com"), "tags": ["k8s", format!("k8s:{id}")], "node_pools": [pool],
            "maintenance_policy": { "start_time": "00:00", "duration": "4h0m0s", "day": "any" }, "auto_upgrade": false,
            "status": { "state": "running", "message": "" }, "created_at": at, "updated_at": at, "surge_upgrade": true,
            "ha": false, "registry_enabled": false })
}
