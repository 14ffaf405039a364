//! Load balancers: kept as they were sent, with the service's defaults for the rest. `new` for minutes, without an
//! address until then.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::billing::Product;
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, conflict, invalid};
use super::urn::{Urn, UrnKind};
use super::{Account, Event, Twist, Window, after_ms};

#[derive(Debug, Clone)]
pub(crate) struct LoadBalancer {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: &'static str,
    pub(crate) ip: Option<Ipv4Addr>,
    pub(crate) region: String,
    pub(crate) size_unit: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) droplet_ids: Vec<u64>,
    pub(crate) tag: String,
    pub(crate) vpc_uuid: String,
    pub(crate) forwarding_rules: Vec<Value>,
    /// Everything else, defaults included.
    pub(crate) settings: Map<String, Value>,
}

impl LoadBalancer {
    /// Twelve dollars for each node.
    fn monthly_cost(&self) -> Decimal {
        Decimal::from(12 * self.size_unit)
    }
}

impl Account {
    pub(crate) fn load_balancer(&self, id: &str) -> Result<&LoadBalancer, Refusal> {
        self.load_balancers.get(id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn list_load_balancers(&self, window: Window) -> (Vec<&LoadBalancer>, usize) {
        window.cut(self.load_balancers.listed(self.now))
    }

    pub(crate) fn create_load_balancer(
        &mut self,
        body: &Value,
        twist: Twist,
        by: Origin,
    ) -> Result<String, Refusal> {
        let mut balancer = self.read_load_balancer(body, "")?;
        balancer.id = self.uuid();
        balancer.vpc_uuid = match body.get("vpc_uuid").and_then(Value::as_str) {
            Some(id) => self.vpc(id)?.id.clone(),
            None => self.ensure_default_vpc(&balancer.region),
        };
        let (id, cost) = (balancer.id.clone(), balancer.monthly_cost());
        self.note(by, ChangeKind::Created, Kind::LoadBalancer, &id, &balancer.name, body.clone());
        let urn = Urn::new(UrnKind::LoadBalancer, &id);
        if let Some(project) = body.get("project_id").and_then(Value::as_str) {
            self.put_in_project(&urn, project);
        }
        self.meter_starts(Product::LoadBalancer, &id, balancer.name.clone(), cost, Some(urn));
        self.load_balancers.add(&id, balancer, after_ms(self.now, twist.hide_ms.unwrap_or(0)));
        let takes_ms = self.draw(self.timings.load_balancer).saturating_add(twist.slow_ms);
        self.schedule(takes_ms, Event::LoadBalancerReady { id: id.clone(), failed: twist.error_action });
        Ok(id)
    }

    pub(super) fn load_balancer_ready(&mut self, id: &str, failed: bool) {
        let ip = if failed { None } else { self.addresses.take() };
        if let Some(balancer) = self.load_balancers.get_mut(id) {
            balancer.status = if failed { "errored" } else { "active" };
            balancer.ip = ip;
        }
    }

    /// Replaces the whole: attributes that are not sent return to their defaults.
    pub(crate) fn replace_load_balancer(
        &mut self,
        id: &str,
        body: &Value,
        by: Origin,
    ) -> Result<(), Refusal> {
        let before = self.load_balancer(id)?.clone();
        let mut body = body.clone();
        if body.get("region").is_none() {
            body["region"] = json!(before.region);
        }
        let wanted = self.read_load_balancer(&body, id)?;
        let cost = wanted.monthly_cost();
        if cost != before.monthly_cost() {
            let urn = Urn::new(UrnKind::LoadBalancer, id);
            self.meter_starts(Product::LoadBalancer, id, wanted.name.clone(), cost, Some(urn));
        } else {
            self.meter_renames(Product::LoadBalancer, id, wanted.name.clone());
        }
        self.note(by, ChangeKind::Changed, Kind::LoadBalancer, id, &wanted.name, body);
        if let Some(balancer) = self.load_balancers.get_mut(id) {
            let LoadBalancer { id, status, ip, created_at, vpc_uuid, .. } = before;
            *balancer = LoadBalancer { id, status, ip, created_at, vpc_uuid, ..wanted };
        }
        Ok(())
    }

    pub(crate) fn delete_load_balancer(&mut self, id: &str, twist: Twist, by: Origin) -> Result<(), Refusal> {
        let listed_until = after_ms(self.now, twist.linger_ms);
        let removed = self.load_balancers.remove(id, self.now, listed_until).ok_or(Refusal::NotFound)?;
        let (name, ip) = (removed.name.clone(), removed.ip);
        if let Some(ip) = ip {
            self.addresses.give_back(ip);
        }
        self.meter_stops(Product::LoadBalancer, id);
        self.note(by, ChangeKind::Destroyed, Kind::LoadBalancer, id, &name, json!({}));
        Ok(())
    }

    /// Adds droplets or forwarding rules to a load balancer, or takes them away.
    pub(crate) fn edit_load_balancer(
        &mut self,
        id: &str,
        body: &Value,
        add: bool,
        by: Origin,
    ) -> Result<(), Refusal> {
        let name = self.load_balancer(id)?.name.clone();
        let droplets = droplet_ids(body);
        if add && droplets.iter().any(|id| self.living(*id).is_err()) {
            return invalid("droplet does not exist");
        }
        let rules = body.get("forwarding_rules").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(balancer) = self.load_balancers.get_mut(id) else { return Err(Refusal::NotFound) };
        balancer.droplet_ids.retain(|id| !droplets.contains(id));
        balancer.forwarding_rules.retain(|rule| !rules.contains(rule));
        if add {
            balancer.droplet_ids.extend(droplets);
            balancer.forwarding_rules.extend(rules);
        }
        self.note(by, ChangeKind::Changed, Kind::LoadBalancer, id, &name, body.clone());
        Ok(())
    }

    fn read_load_balancer(&self, body: &Value, own_id: &str) -> Result<LoadBalancer, Refusal> {
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = text("name");
        if name.is_empty() {
            return invalid("name is required");
        }
        let Some(region) = self.catalogue.region(&text("region")) else {
            return invalid("region is invalid");
        };
        let forwarding_rules =
            body.get("forwarding_rules").and_then(Value::as_array).cloned().unwrap_or_default();
        if forwarding_rules.is_empty() {
            return invalid("forwarding_rules must have at least one rule");
        }
        let droplet_ids = droplet_ids(body);
        if droplet_ids.iter().any(|id| self.living(*id).is_err()) {
            return invalid("droplet does not exist");
        }
        if self.load_balancers.living().any(|it| it.id != own_id && it.name == name) {
            return conflict("a load balancer with this name already exists");
        }
        let size_unit = body.get("size_unit").and_then(Value::as_u64).unwrap_or(1);
        if !(1..=100).contains(&size_unit) {
            return invalid("size_unit must lie between 1 and 100");
        }
        Ok(LoadBalancer {
            id: String::new(),
            name,
            status: "new",
            ip: None,
            region: region.slug.clone(),
            size_unit,
            created_at: self.now,
            droplet_ids,
            tag: text("tag"),
            vpc_uuid: String::new(),
            forwarding_rules,
            settings: settings(body),
        })
    }
}

fn droplet_ids(body: &Value) -> Vec<u64> {
    let given = body.get("droplet_ids").and_then(Value::as_array);
    given.into_iter().flatten().filter_map(Value::as_u64).collect()
}

fn settings(body: &Value) -> Map<String, Value> {
    let defaults = json!({
        "health_check": { "protocol": "http", "port": 80, "path": "/", "check_interval_seconds": 10,
                          "response_timeout_seconds": 5, "healthy_threshold": 5, "unhealthy_threshold": 3 },
        "sticky_sessions": { "type": "none" },
        "redirect_http_to_https": false,
        "enable_proxy_protocol": false,
        "enable_backend_keepalive": false,
        "http_idle_timeout_seconds": 60,
        "disable_lets_encrypt_dns_records": false,
        "network": "EXTERNAL",
        "network_stack": "IPV4",
        "type": "REGIONAL",
    });
    let mut settings = defaults.as_object().cloned().unwrap_or_default();
    let sent = |key: &String| body.get(key).cloned();
    settings.iter_mut().for_each(|(key, value)| *value = sent(key).unwrap_or_else(|| value.take()));
    settings
}
