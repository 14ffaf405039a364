//! Firewalls. Their rules reach the droplets some time after they are written, and a destroyed droplet stays named
//! for a while.

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use super::firewall_rules::Rule;
use super::firewall_rules::Target;
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, conflict, invalid};
use super::{Account, Event, Twist, Window, after_ms};

#[derive(Debug, Clone)]
pub(crate) struct Firewall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: &'static str,
    pub(crate) created_at: Timestamp,
    /// The droplet, and whether it is being taken off.
    pub(crate) pending: Vec<(u64, bool)>,
    pub(crate) droplet_ids: Vec<u64>,
    pub(crate) tags: Vec<String>,
    pub(crate) inbound: Vec<Rule>,
    pub(crate) outbound: Vec<Rule>,
    settles_with: u64,
}

/// What a request says a firewall shall be.
struct Wanted {
    name: String,
    droplet_ids: Vec<u64>,
    tags: Vec<String>,
    inbound: Vec<Rule>,
    outbound: Vec<Rule>,
}

/// What the incremental calls add or take away.
pub(crate) enum Part {
    Droplets,
    Tags,
    Rules,
}

const MOST_DROPLETS: usize = 10;
const MOST_TAGS: usize = 5;
const MOST_RULES: usize = 50;

impl Account {
    pub(crate) fn firewall(&self, id: &str) -> Result<&Firewall, Refusal> {
        self.firewalls.get(id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn list_firewalls(&self, window: Window) -> (Vec<&Firewall>, usize) {
        window.cut(self.firewalls.listed(self.now))
    }

    /// The firewalls before a droplet, by its id or by one of its tags.
    pub(crate) fn firewalls_of_droplet(
        &self,
        id: u64,
        window: Window,
    ) -> Result<(Vec<&Firewall>, usize), Refusal> {
        let droplet = self.droplet(id)?;
        Ok(window.cut(self.firewalls.listed(self.now).filter(|firewall| {
            firewall.droplet_ids.contains(&id) || firewall.tags.iter().any(|tag| droplet.tags.contains(tag))
        })))
    }

    pub(crate) fn create_firewall(
        &mut self,
        body: &Value,
        twist: Twist,
        by: Origin,
    ) -> Result<String, Refusal> {
        let wanted = self.read_firewall(body, "")?;
        let id = self.uuid();
        let firewall = Firewall {
            id: id.clone(),
            name: wanted.name.clone(),
            status: "succeeded",
            created_at: self.now,
            pending: Vec::new(),
            droplet_ids: Vec::new(),
            tags: Vec::new(),
            inbound: Vec::new(),
            outbound: Vec::new(),
            settles_with: 0,
        };
        self.note(by, ChangeKind::Created, Kind::Firewall, &id, &wanted.name, body.clone());
        self.firewalls.add(&id, firewall, after_ms(self.now, twist.hide_ms.unwrap_or(0)));
        self.write_firewall(&id, wanted, twist);
        Ok(id)
    }

    /// Replaces the whole: what the body leaves out is emptied.
    pub(crate) fn replace_firewall(
        &mut self,
        id: &str,
        body: &Value,
        twist: Twist,
        by: Origin,
    ) -> Result<(), Refusal> {
        self.firewall(id)?;
        let wanted = self.read_firewall(body, id)?;
        self.note(by, ChangeKind::Changed, Kind::Firewall, id, &wanted.name, body.clone());
        self.write_firewall(id, wanted, twist);
        Ok(())
    }

    /// Adds to a firewall, or takes from it.
    pub(crate) fn edit_firewall(
        &mut self,
        id: &str,
        part: &Part,
        body: &Value,
        add: bool,
        by: Origin,
    ) -> Result<(), Refusal> {
        let firewall = self.firewall(id)?;
        let mut wanted = Wanted {
            name: firewall.name.clone(),
            droplet_ids: firewall.droplet_ids.clone(),
            tags: firewall.tags.clone(),
            inbound: firewall.inbound.clone(),
            outbound: firewall.outbound.clone(),
        };
        match part {
            Part::Droplets => edit(&mut wanted.droplet_ids, numbers(body, "droplet_ids"), add),
            Part::Tags => edit(&mut wanted.tags, texts(body, "tags"), add),
            Part::Rules => {
                edit(&mut wanted.inbound, rules(body, "inbound_rules", "sources")?, add);
                edit(&mut wanted.outbound, rules(body, "outbound_rules", "destinations")?, add);
            }
        }
        self.check_firewall(&wanted, id)?;
        self.note(by, ChangeKind::Changed, Kind::Firewall, id, &wanted.name, body.clone());
        self.write_firewall(id, wanted, Twist::default());
        Ok(())
    }

    pub(crate) fn delete_firewall(&mut self, id: &str, twist: Twist, by: Origin) -> Result<(), Refusal> {
        let listed_until = after_ms(self.now, twist.linger_ms);
        let removed = self.firewalls.remove(id, self.now, listed_until).ok_or(Refusal::NotFound)?;
        let name = removed.name.clone();
        self.note(by, ChangeKind::Destroyed, Kind::Firewall, id, &name, json!({}));
        Ok(())
    }

    fn read_firewall(&self, body: &Value, own_id: &str) -> Result<Wanted, Refusal> {
        let wanted = Wanted {
            name: body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            droplet_ids: numbers(body, "droplet_ids"),
            tags: texts(body, "tags"),
            inbound: rules(body, "inbound_rules", "sources")?,
            outbound: rules(body, "outbound_rules", "destinations")?,
        };
        self.check_firewall(&wanted, own_id)?;
        Ok(wanted)
    }

    fn check_firewall(&self, wanted: &Wanted, own_id: &str) -> Result<(), Refusal> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let name = &wanted.name;
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts_well || name.len() < 2 || name.len() > 255 || !name.chars().all(allowed) {
            return invalid("invalid name");
        }
        let rules = wanted.inbound.len() + wanted.outbound.len();
        if rules == 0 {
            return invalid("must have at least one rule");
        }
        if rules > MOST_RULES {
            return invalid("must have no more than 50 rules");
        }
        if wanted.droplet_ids.len() > MOST_DROPLETS {
            return invalid("must have no more than 10 droplets");
        }
        if wanted.tags.len() > MOST_TAGS {
            return invalid("must have no more than 5 tags");
        }
        let targets = wanted.inbound.iter().chain(&wanted.outbound).map(|rule| &rule.target);
        let own = Target {
            droplet_ids: wanted.droplet_ids.clone(),
            tags: wanted.tags.clone(),
            ..Target::default()
        };
        // A droplet that is gone may stay named, but none may be added.
        let kept = self.firewalls.get(own_id).map(|it| it.droplet_ids.as_slice()).unwrap_or_default();
        targets.chain([&own]).try_for_each(|target| self.check_target(target, kept))?;
        if self.firewalls.living().any(|it| it.id != own_id && it.name == *name) {
            return conflict("duplicate name");
        }
        Ok(())
    }

    fn check_target(&self, target: &Target, kept: &[u64]) -> Result<(), Refusal> {
        if let Some(tag) = target.tags.iter().find(|tag| self.tag(tag).is_err()) {
            return invalid(format!("tag {tag} does not exist"));
        }
        if target.droplet_ids.iter().any(|id| !kept.contains(id) && self.living(*id).is_err()) {
            return invalid("droplet does not exist");
        }
        if target.load_balancer_uids.iter().any(|id| self.load_balancers.get(id).is_none()) {
            return invalid("load balancer does not exist");
        }
        Ok(())
    }

    fn write_firewall(&mut self, id: &str, wanted: Wanted, twist: Twist) {
        let takes_ms = self.draw(self.timings.firewall).saturating_add(twist.slow_ms);
        self.agenda_seq += 1;
        let settles_with = self.agenda_seq;
        let Some(firewall) = self.firewalls.get_mut(id) else { return };
        let added = wanted.droplet_ids.iter().filter(|id| !firewall.droplet_ids.contains(id));
        let taken = firewall.droplet_ids.iter().filter(|id| !wanted.droplet_ids.contains(id));
        firewall.pending = added.map(|id| (*id, false)).chain(taken.map(|id| (*id, true))).collect();
        firewall.name = wanted.name;
        firewall.droplet_ids = wanted.droplet_ids;
        firewall.tags = wanted.tags;
        firewall.inbound = wanted.inbound;
        firewall.outbound = wanted.outbound;
        firewall.settles_with = settles_with;
        let attached = !firewall.droplet_ids.is_empty() || !firewall.pending.is_empty();
        firewall.status = if attached { "waiting" } else { "succeeded" };
        if attached || twist.error_action {
            let firewall_id = id.to_owned();
            let failed = twist.error_action;
            self.schedule(takes_ms, Event::FirewallSettles { firewall_id, settles_with, failed });
        }
    }

    pub(super) fn firewall_settles(&mut self, id: &str, settles_with: u64, failed: bool) {
        if let Some(firewall) = self.firewalls.get_mut(id).filter(|it| it.settles_with == settles_with) {
            firewall.status = if failed { "failed" } else { "succeeded" };
            firewall.pending.clear();
        }
    }

    pub(super) fn firewalls_forget(&mut self, droplet_id: u64) {
        for firewall in self.firewalls.living_mut() {
            firewall.droplet_ids.retain(|other| *other != droplet_id);
            firewall.pending.retain(|(other, _)| *other != droplet_id);
        }
    }
}

fn edit<T: PartialEq>(list: &mut Vec<T>, given: Vec<T>, add: bool) {
    list.retain(|kept| !given.contains(kept));
    if add {
        list.extend(given);
    }
}

fn numbers(body: &Value, key: &str) -> Vec<u64> {
    let given = body.get(key).and_then(Value::as_array);
    given.into_iter().flatten().filter_map(Value::as_u64).collect()
}

fn texts(body: &Value, key: &str) -> Vec<String> {
    let given = body.get(key).and_then(Value::as_array);
    given.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn rules(body: &Value, key: &str, target_key: &str) -> Result<Vec<Rule>, Refusal> {
    let given = body.get(key).and_then(Value::as_array);
    given.into_iter().flatten().map(|rule| Rule::read(rule, target_key)).collect()
}
