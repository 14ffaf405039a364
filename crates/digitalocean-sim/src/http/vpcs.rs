//! Private networks and their members, whose names are not those of the droplets they are.

use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::droplets::Droplet;
use crate::model::log::Origin;
use crate::model::refusal::Refusal;
use crate::model::vpcs::{Vpc, VpcDraft};
use crate::model::{Account, whole_second};
use crate::options::Profile;

fn view(account: &Account, vpc: &Vpc) -> Value {
    let mut shown = json!({ "id": vpc.id, "urn": format!("do:vpc:{}", vpc.id), "name": vpc.name,
        "description": vpc.description, "region": vpc.region, "ip_range": vpc.ip_range, "default": vpc.default,
        "created_at": vpc.created_at });
    if account.profile == Profile::Live {
        shown["resolver_ip"] = json!("");
    }
    shown
}

fn shown(account: &Account, status: u16, id: &str) -> Result<Answer, Refusal> {
    Answer::json(status, &json!({ "vpc": view(account, account.vpc(id)?) }))
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (found, total) = account.list_vpcs(call.window()?);
    let found: Vec<Value> = found.into_iter().map(|it| view(account, it)).collect();
    paging::page(account, call, "vpcs", found, total)
}

pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let draft: VpcDraft = call.body()?;
    let id = account.create_vpc(&draft, call.twist, Origin::Api)?;
    shown(account, 201, &id)
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    shown(account, 200, call.param("id"))
}

fn write(account: &mut Account, call: &Call, whole: bool) -> Result<Answer, Refusal> {
    let draft: VpcDraft = call.body()?;
    account.update_vpc(call.param("id"), &draft, whole, Origin::Api)?;
    shown(account, 200, call.param("id"))
}

pub(crate) fn replace(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    write(account, call, true)
}

pub(crate) fn update(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    write(account, call, false)
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_vpc(call.param("id"), call.twist, Origin::Api)?;
    Answer::no_content()
}

/// A droplet's URN is a UUID here, not its number.
fn member(droplet: &Droplet) -> Value {
    let uuid = uuid::Builder::from_random_bytes(u128::from(droplet.id).to_be_bytes()).into_uuid();
    json!({ "name": droplet.name, "urn": format!("do:droplet:{uuid}"),
            "created_at": whole_second(droplet.created_at) })
}

pub(crate) fn members(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let wanted = call.query("resource_type").is_none_or(|kind| kind == "droplet");
    let found = account.vpc_members(call.param("id"))?.into_iter().filter(|_| wanted);
    let (found, total) = call.window()?.cut(found.map(member));
    paging::page(account, call, "members", found, total)
}
