//! Reserved addresses under both of their names: the path that was used decides which one the answer bears.

use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::{actions, droplets, paging};
use crate::model::Account;
use crate::model::log::Origin;
use crate::model::refusal::Refusal;
use crate::model::reserved_ips::{ReserveIp, ReservedIp};
use crate::model::urn::{Urn, UrnKind};
use crate::options::Profile;

/// The singular and the plural key.
fn keys(call: &Call) -> (&'static str, &'static str) {
    if call.path.starts_with("/v2/floating_ips") {
        ("floating_ip", "floating_ips")
    } else {
        ("reserved_ip", "reserved_ips")
    }
}

fn project_id(account: &Account, ip: &str) -> String {
    account.project_id_of(&Urn::new(UrnKind::FloatingIp, ip)).to_owned()
}

fn view(account: &Account, reserved: &ReservedIp) -> Value {
    let droplet = reserved.droplet_id.and_then(|id| account.droplet(id).ok());
    json!({ "ip": reserved.ip, "region": account.catalogue.region(&reserved.region),
            "droplet": droplet.map(|droplet| json!(droplets::view(account, droplet))),
            "locked": reserved.is_locked(), "project_id": project_id(account, &reserved.ip.to_string()) })
}

fn shown(account: &Account, call: &Call) -> Result<Answer, Refusal> {
    let mut body = json!({});
    body[keys(call).0] = view(account, account.reserved_ip(call.param("ip"))?);
    Answer::json(200, &body)
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (found, total) = account.list_reserved_ips(call.window()?);
    let found: Vec<Value> = found.into_iter().map(|it| view(account, it)).collect();
    paging::page(account, call, keys(call).1, found, total)
}

/// An address for a droplet is still without it, and locked, when it is answered.
pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let request: ReserveIp = call.body()?;
    let (ip, action) = account.reserve_ip(&request, call.twist, Origin::Api)?;
    let base = if account.profile == Profile::Live { "" } else { &call.base };
    let links = match (request.droplet_id, action) {
        (Some(droplet_id), Some(action)) => json!({
            "droplets": [{ "id": droplet_id, "rel": "droplet", "href": format!("{base}/v2/droplets/{droplet_id}") }],
            "actions": [{ "id": action, "rel": "assign_ip", "href": format!("{base}/v2/actions/{action}") }],
        }),
        _ => json!({}),
    };
    let mut body = json!({ "links": links });
    body[keys(call).0] = view(account, account.reserved_ip(&ip)?);
    Answer::json(202, &body)
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    shown(account, call)
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_reserved_ip(call.param("ip"), call.twist, Origin::Api)?;
    Answer::no_content()
}

/// An action names its resource after the path too.
fn action(account: &Account, call: &Call, id: u64) -> Result<Value, Refusal> {
    let mut shown = json!(actions::view(account, account.action(id)?));
    shown["resource_type"] = json!(keys(call).0);
    shown["project_id"] = json!(project_id(account, call.param("ip")));
    Ok(shown)
}

pub(crate) fn act(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: Value = call.body()?;
    let id = account.act_on_reserved_ip(call.param("ip"), &body, call.twist)?;
    Answer::json(201, &json!({ "action": action(account, call, id)? }))
}

pub(crate) fn list_actions(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (found, total) = account.list_ip_actions(call.param("ip"), call.window()?)?;
    let found = found.into_iter().map(|it| action(account, call, it.id)).collect::<Result<Vec<_>, _>>()?;
    paging::page(account, call, "actions", found, total)
}

pub(crate) fn show_action(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = account.ip_action(call.param("ip"), call.id("action")?)?.id;
    Answer::json(200, &json!({ "action": action(account, call, id)? }))
}
