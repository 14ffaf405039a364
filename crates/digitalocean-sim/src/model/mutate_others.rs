//! Changes out of band to everything beyond droplets, images, DNS, tags and keys: the same operations as the API's,
//! past its locks.

use serde_json::{Map, Value, json};

use super::log::{ChangeKind, Kind, Origin};
use super::mutate::{only_known, parse};
use super::refusal::{Refusal, invalid};
use super::volume_snapshots::CreateVolumeSnapshot;
use super::{Account, Twist};

const BY: Origin = Origin::OutOfBand;

impl Account {
    /// Answers the id of what was created.
    pub(crate) fn create_other(&mut self, kind: Kind, body: &Value, by: Origin) -> Result<String, Refusal> {
        let twist = Twist::default();
        match kind {
            Kind::Volume => self.create_volume(&parse(body)?, twist, by),
            Kind::VolumeSnapshot => {
                let request: CreateVolumeSnapshot = parse(body)?;
                let volume_id = body.get("volume_id").and_then(Value::as_str).unwrap_or_default();
                self.create_volume_snapshot(volume_id, &request, twist, by)
            }
            Kind::ReservedIp => self.reserve_ip(&parse(body)?, twist, by).map(|(ip, _)| ip),
            Kind::Firewall => self.create_firewall(body, twist, by),
            Kind::LoadBalancer => self.create_load_balancer(body, twist, by),
            Kind::Vpc => self.create_vpc(&parse(body)?, twist, by),
            Kind::Project => self.create_project(&parse(body)?, twist, by),
            Kind::Database | Kind::KubernetesCluster | Kind::SpacesBucket => self.add_fixture(kind, body, by),
            _ => invalid("this kind is created elsewhere"),
        }
    }

    pub(super) fn destroy_other(&mut self, kind: Kind, id: &str, by: Origin) -> Result<(), Refusal> {
        let twist = Twist::default();
        match kind {
            Kind::Volume => self.delete_volume(id, twist, by),
            Kind::VolumeSnapshot => self.delete_volume_snapshot(id, twist, by),
            Kind::ReservedIp => self.delete_reserved_ip(id, twist, by),
            Kind::Firewall => self.delete_firewall(id, twist, by),
            Kind::LoadBalancer => self.delete_load_balancer(id, twist, by),
            Kind::Vpc => self.delete_vpc(id, twist, by),
            Kind::Project => self.delete_project(id, twist, by),
            Kind::Database | Kind::KubernetesCluster | Kind::SpacesBucket => {
                self.remove_fixture(kind, id, by)
            }
            _ => invalid("this kind is destroyed elsewhere"),
        }
    }

    pub(super) fn set_other(
        &mut self,
        kind: Kind,
        id: &str,
        set: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let body = Value::Object(set.clone());
        match kind {
            Kind::Volume => self.set_volume(id, set),
            Kind::ReservedIp => {
                self.reserved_ip(id)?;
                match set.get("droplet_id") {
                    Some(droplet_id) => {
                        let droplet_id = droplet_id.as_u64();
                        droplet_id.map_or(Ok(()), |droplet_id| self.living(droplet_id).map(|_| ()))?;
                        self.place_ip(id, droplet_id, BY);
                        Ok(())
                    }
                    None => invalid("only `droplet_id` of a reserved IP can be set"),
                }
            }
            Kind::Firewall => {
                let shown = self.firewall_body(id)?;
                self.replace_firewall(id, &over(shown, set), Twist::default(), BY)
            }
            Kind::LoadBalancer => {
                let before = self.load_balancer(id)?;
                let mut shown = Value::Object(before.settings.clone());
                shown["name"] = json!(before.name);
                shown["forwarding_rules"] = json!(before.forwarding_rules);
                shown["droplet_ids"] = json!(before.droplet_ids);
                shown["size_unit"] = json!(before.size_unit);
                only_known(set, &keys(&shown))?;
                self.replace_load_balancer(id, &over(shown, set), BY)
            }
            Kind::Vpc => self.update_vpc(id, &parse(&body)?, false, BY),
            Kind::Project => self.update_project(id, &parse(&body)?, false, BY).map(|_| ()),
            Kind::Database | Kind::KubernetesCluster => self.set_fixture(kind, id, set),
            _ => invalid("nothing of this kind can be set"),
        }
    }

    fn set_volume(&mut self, id: &str, set: &Map<String, Value>) -> Result<(), Refusal> {
        let least = self.volume(id)?.size_gigabytes;
        for (field, value) in set {
            let valid = match field.as_str() {
                "size_gigabytes" => value.as_u64().is_some_and(|size| size >= least),
                "name" => value.is_string(),
                "droplet_id" => value.is_null() || value.as_u64().is_some_and(|id| self.living(id).is_ok()),
                _ => false,
            };
            if !valid {
                return invalid(format!("`{value}` is no valid {field}"));
            }
        }
        for (field, value) in set {
            match (field.as_str(), value.as_u64(), value.as_str()) {
                ("size_gigabytes", Some(size), _) => self.grow_volume(id, size, BY),
                ("name", _, Some(name)) => {
                    self.rename_volume(id, name);
                    self.note(BY, ChangeKind::Changed, Kind::Volume, id, name, json!({ "name": name }));
                }
                _ => self.place_volume(id, value.as_u64(), BY),
            }
        }
        Ok(())
    }

    /// A firewall as a request would write it.
    fn firewall_body(&self, id: &str) -> Result<Value, Refusal> {
        let firewall = self.firewall(id)?;
        let rules = |rules: &[super::firewalls::Rule], target: &str| -> Vec<Value> {
            let write = |rule: &super::firewalls::Rule| {
                let mut written =
                    json!({ "protocol": rule.protocol, "ports": rule.ports, "action": rule.action });
                written[target] = json!(rule.target);
                written
            };
            rules.iter().map(write).collect()
        };
        Ok(json!({ "name": firewall.name, "droplet_ids": firewall.droplet_ids, "tags": firewall.tags,
                   "inbound_rules": rules(&firewall.inbound, "sources"),
                   "outbound_rules": rules(&firewall.outbound, "destinations") }))
    }
}

pub(super) fn keys(shown: &Value) -> Vec<&str> {
    shown.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

fn over(mut shown: Value, set: &Map<String, Value>) -> Value {
    for (key, value) in set {
        shown[key] = value.clone();
    }
    shown
}
