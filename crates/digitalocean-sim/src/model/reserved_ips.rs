//! Reserved addresses, called floating ones on their old paths: one store. An assignment is an action, and an event
//! of the droplet.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::actions::Action;
use super::billing::Product;
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{PENDING_EVENT, Refusal, invalid};
use super::urn::{Urn, UrnKind};
use super::work::Work;
use super::{Account, Twist, Window, after_ms};

#[derive(Debug, Clone)]
pub(crate) struct ReservedIp {
    pub(crate) ip: Ipv4Addr,
    pub(crate) region: String,
    pub(crate) droplet_id: Option<u64>,
    pub(crate) created_at: Timestamp,
    pub(super) busy_with: Option<u64>,
}

impl ReservedIp {
    pub(crate) fn is_locked(&self) -> bool {
        self.busy_with.is_some()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReserveIp {
    pub(crate) droplet_id: Option<u64>,
    pub(crate) region: Option<String>,
    pub(crate) project_id: Option<String>,
}

pub(crate) const PER_ACCOUNT: usize = 10;

/// What an address costs a month while no droplet has it.
fn idle_monthly_cost() -> Decimal {
    Decimal::from(5)
}

impl Account {
    pub(crate) fn reserved_ip(&self, ip: &str) -> Result<&ReservedIp, Refusal> {
        self.reserved_ips.get(ip).ok_or(Refusal::NotFound)
    }

    pub(crate) fn list_reserved_ips(&self, window: Window) -> (Vec<&ReservedIp>, usize) {
        window.cut(self.reserved_ips.listed(self.now))
    }

    /// Reserves an address for a region, or for a droplet, to which it is then assigned. Answers the address, and
    /// the action that assigns it.
    pub(crate) fn reserve_ip(
        &mut self,
        request: &ReserveIp,
        twist: Twist,
        by: Origin,
    ) -> Result<(String, Option<u64>), Refusal> {
        let region = match (request.droplet_id, &request.region) {
            (Some(id), None) => self.droplet_for_ip(id)?,
            (None, Some(slug)) => self.catalogue.region(slug).map(|it| it.slug.clone()).ok_or_else(|| {
                Refusal::Invalid("You specified an invalid region for IP reservation.".to_owned())
            })?,
            _ => return invalid("either droplet_id or region is required"),
        };
        if let Some(project) = &request.project_id {
            self.project(project)?;
        }
        if self.reserved_ips.living().count() >= PER_ACCOUNT {
            return invalid("reserving this IP will exceed your reserved IP limit");
        }
        let Some(ip) = self.addresses.take() else { return invalid("no address is free in this region") };
        let text = ip.to_string();
        let reserved = ReservedIp {
            ip,
            region: region.clone(),
            droplet_id: None,
            created_at: self.now,
            busy_with: None,
        };
        self.note(by, ChangeKind::Created, Kind::ReservedIp, ip, &text, json!({ "region": region }));
        self.reserved_ips.add(&text, reserved, after_ms(self.now, twist.hide_ms.unwrap_or(0)));
        if let Some(project) = &request.project_id {
            self.put_in_project(&Urn::new(UrnKind::FloatingIp, ip), project);
        }
        self.meter_ip(&text, true);
        let action = request.droplet_id.map(|droplet_id| {
            let work = Work::AssignIp { ip: text.clone(), droplet_id };
            self.start_ip_action(&text, work, twist)
        });
        Ok((text, action))
    }

    /// The region of a droplet that is free to be given an address.
    fn droplet_for_ip(&self, droplet_id: u64) -> Result<String, Refusal> {
        let droplet = self.living(droplet_id)?;
        if droplet.busy_with.is_some() {
            return invalid(PENDING_EVENT);
        }
        if self.reserved_ips.living().any(|it| it.droplet_id == Some(droplet_id)) {
            return invalid("Droplet already has a reserved IP assigned.");
        }
        Ok(droplet.region.clone())
    }

    pub(crate) fn act_on_reserved_ip(
        &mut self,
        ip: &str,
        body: &Value,
        twist: Twist,
    ) -> Result<u64, Refusal> {
        let reserved = self.reserved_ip(ip)?;
        if reserved.busy_with.is_some() {
            return invalid("The reserved IP already has a pending event.");
        }
        let work = match body.get("type").and_then(Value::as_str).unwrap_or_default() {
            "assign" => {
                let droplet_id = body.get("droplet_id").and_then(Value::as_u64).unwrap_or_default();
                if self.droplet_for_ip(droplet_id)? != reserved.region {
                    return invalid("The reserved IP and the Droplet must be in the same region.");
                }
                Work::AssignIp { ip: ip.to_owned(), droplet_id }
            }
            "unassign" => match reserved.droplet_id {
                Some(droplet_id) => Work::UnassignIp { ip: ip.to_owned(), droplet_id },
                None => return invalid("The reserved IP is not assigned to a Droplet."),
            },
            _ => return invalid("You specified an invalid action type."),
        };
        Ok(self.start_ip_action(ip, work, twist))
    }

    fn start_ip_action(&mut self, ip: &str, work: Work, twist: Twist) -> u64 {
        let Some(reserved) = self.reserved_ips.get(ip) else { return 0 };
        let (region, number) = (reserved.region.clone(), u64::from(u32::from(reserved.ip)));
        let holds = work.holds();
        let action_id = self.start_action(work, "reserved_ip", number, &region, twist, Origin::Api);
        self.lock_for(holds, action_id);
        if let Some(reserved) = self.reserved_ips.get_mut(ip) {
            reserved.busy_with = Some(action_id);
        }
        action_id
    }

    pub(super) fn place_ip(&mut self, ip: &str, droplet_id: Option<u64>, by: Origin) {
        let Some(reserved) = self.reserved_ips.get_mut(ip).filter(|it| it.droplet_id != droplet_id) else {
            return;
        };
        reserved.droplet_id = droplet_id;
        self.note(by, ChangeKind::Changed, Kind::ReservedIp, ip, ip, json!({ "droplet_id": droplet_id }));
        self.meter_ip(ip, droplet_id.is_none());
    }

    pub(super) fn unlock_ip(&mut self, ip: &str, action_id: u64) {
        if let Some(reserved) = self.reserved_ips.get_mut(ip).filter(|it| it.busy_with == Some(action_id)) {
            reserved.busy_with = None;
        }
    }

    /// An address costs only while it is idle.
    fn meter_ip(&mut self, ip: &str, idle: bool) {
        self.meter_stops(Product::ReservedIp, ip);
        if idle {
            let urn = Urn::new(UrnKind::FloatingIp, ip);
            self.meter_starts(Product::ReservedIp, ip, ip.to_owned(), idle_monthly_cost(), Some(urn));
        }
    }

    pub(crate) fn delete_reserved_ip(&mut self, ip: &str, twist: Twist, by: Origin) -> Result<(), Refusal> {
        if self.reserved_ip(ip)?.busy_with.is_some() && by == Origin::Api {
            return invalid("The reserved IP already has a pending event.");
        }
        self.meter_stops(Product::ReservedIp, ip);
        let listed_until = after_ms(self.now, twist.linger_ms);
        let removed = self.reserved_ips.remove(ip, self.now, listed_until).map(|it| it.ip);
        if let Some(address) = removed {
            self.addresses.give_back(address);
        }
        self.forget_membership(&Urn::new(UrnKind::FloatingIp, ip));
        self.note(by, ChangeKind::Destroyed, Kind::ReservedIp, ip, ip, json!({}));
        Ok(())
    }

    pub(super) fn release_ip_of(&mut self, droplet_id: u64, by: Origin) {
        let held = self.reserved_ips.living().find(|it| it.droplet_id == Some(droplet_id));
        if let Some(ip) = held.map(|it| it.ip.to_string()) {
            self.place_ip(&ip, None, by);
        }
    }

    pub(crate) fn list_ip_actions(&self, ip: &str, window: Window) -> Result<(Vec<&Action>, usize), Refusal> {
        self.reserved_ip(ip)?;
        Ok(window.cut(self.all_actions().filter(|action| action.work.ip() == Some(ip))))
    }

    pub(crate) fn ip_action(&self, ip: &str, action_id: u64) -> Result<&Action, Refusal> {
        self.action(action_id).ok().filter(|it| it.work.ip() == Some(ip)).ok_or(Refusal::NotFound)
    }
}
