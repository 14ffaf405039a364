//! Load balancers.

use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::load_balancers::LoadBalancer;
use crate::model::log::Origin;
use crate::model::refusal::Refusal;
use crate::model::urn::{Urn, UrnKind};
use crate::model::{Account, whole_second};

fn view(account: &Account, balancer: &LoadBalancer) -> Value {
    let mut shown = Value::Object(balancer.settings.clone());
    let ip = balancer.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let project = account.project_id_of(&Urn::new(UrnKind::LoadBalancer, &balancer.id));
    let own = json!({ "id": balancer.id, "name": balancer.name, "project_id": project, "ip": ip,
        "size_unit": balancer.size_unit, "size": "lb-small", "algorithm": "round_robin", "status": balancer.status,
        "created_at": whole_second(balancer.created_at), "forwarding_rules": balancer.forwarding_rules,
        "vpc_uuid": balancer.vpc_uuid, "region": account.catalogue.region(&balancer.region),
        "droplet_ids": balancer.droplet_ids, "tag": balancer.tag });
    for (key, value) in own.as_object().into_iter().flatten() {
        shown[key] = value.clone();
    }
    shown
}

fn shown(account: &Account, status: u16, id: &str) -> Result<Answer, Refusal> {
    Answer::json(status, &json!({ "load_balancer": view(account, account.load_balancer(id)?) }))
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (found, total) = account.list_load_balancers(call.window()?);
    let found: Vec<Value> = found.into_iter().map(|it| view(account, it)).collect();
    paging::page(account, call, "load_balancers", found, total)
}

pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = account.create_load_balancer(&call.body()?, call.twist, Origin::Api)?;
    shown(account, 202, &id)
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    shown(account, 200, call.param("id"))
}

pub(crate) fn replace(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.replace_load_balancer(call.param("id"), &call.body()?, Origin::Api)?;
    shown(account, 200, call.param("id"))
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_load_balancer(call.param("id"), call.twist, Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn add(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.edit_load_balancer(call.param("id"), &call.body()?, true, Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn remove(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.edit_load_balancer(call.param("id"), &call.body()?, false, Origin::Api)?;
    Answer::no_content()
}
