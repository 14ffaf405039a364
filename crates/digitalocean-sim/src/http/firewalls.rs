//! Firewalls: whole, or edited piece by piece.

use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::firewalls::{Firewall, Part, Rule};
use crate::model::log::Origin;
use crate::model::refusal::Refusal;
use crate::model::{Account, whole_second};
use crate::options::Profile;

/// The specification knows no `action`; the live service adds it to every rule.
fn rules(account: &Account, rules: &[Rule], target_key: &str) -> Vec<Value> {
    let view = |rule: &Rule| {
        let mut shown = json!({ "protocol": rule.protocol, "ports": rule.ports });
        shown[target_key] = json!(rule.target);
        if account.profile == Profile::Live {
            shown["action"] = json!(rule.action);
        }
        shown
    };
    rules.iter().map(view).collect()
}

fn view(account: &Account, firewall: &Firewall) -> Value {
    let pending = firewall.pending.iter().map(
        |(droplet_id, removing)| json!({ "droplet_id": droplet_id, "removing": removing, "status": "waiting" }),
    );
    json!({ "id": firewall.id, "name": firewall.name, "status": firewall.status,
            "created_at": whole_second(firewall.created_at), "pending_changes": pending.collect::<Vec<_>>(),
            "droplet_ids": firewall.droplet_ids, "tags": firewall.tags,
            "inbound_rules": rules(account, &firewall.inbound, "sources"),
            "outbound_rules": rules(account, &firewall.outbound, "destinations") })
}

fn shown(account: &Account, status: u16, id: &str) -> Result<Answer, Refusal> {
    Answer::json(status, &json!({ "firewall": view(account, account.firewall(id)?) }))
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (firewalls, total) = account.list_firewalls(call.window()?);
    let firewalls: Vec<Value> = firewalls.into_iter().map(|it| view(account, it)).collect();
    paging::page(account, call, "firewalls", firewalls, total)
}

pub(crate) fn of_droplet(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (firewalls, total) = account.firewalls_of_droplet(call.id("id")?, call.window()?)?;
    let firewalls: Vec<Value> = firewalls.into_iter().map(|it| view(account, it)).collect();
    paging::page(account, call, "firewalls", firewalls, total)
}

pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = account.create_firewall(&call.body()?, call.twist, Origin::Api)?;
    shown(account, 202, &id)
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    shown(account, 200, call.param("id"))
}

pub(crate) fn replace(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.replace_firewall(call.param("id"), &call.body()?, call.twist, Origin::Api)?;
    shown(account, 200, call.param("id"))
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_firewall(call.param("id"), call.twist, Origin::Api)?;
    Answer::no_content()
}

fn edit(account: &mut Account, call: &Call, part: &Part, add: bool) -> Result<Answer, Refusal> {
    account.edit_firewall(call.param("id"), part, &call.body()?, add, Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn add_droplets(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    edit(account, call, &Part::Droplets, true)
}

pub(crate) fn remove_droplets(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    edit(account, call, &Part::Droplets, false)
}

pub(crate) fn add_tags(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    edit(account, call, &Part::Tags, true)
}

pub(crate) fn remove_tags(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    edit(account, call, &Part::Tags, false)
}

pub(crate) fn add_rules(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    edit(account, call, &Part::Rules, true)
}

pub(crate) fn remove_rules(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    edit(account, call, &Part::Rules, false)
}
