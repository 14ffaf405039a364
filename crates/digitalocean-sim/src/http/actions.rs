//! Actions of droplets and images, and the account's whole history of them.

use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::Account;
use crate::model::actions::{Action, ActionStatus};
use crate::model::catalogue::Region;
use crate::model::refusal::Refusal;
use crate::model::{Window, whole_second};

#[derive(Serialize)]
pub(crate) struct View<'a> {
    id: u64,
    status: ActionStatus,
    #[serde(rename = "type")]
    kind: &'static str,
    started_at: jiff::Timestamp,
    completed_at: Option<jiff::Timestamp>,
    /// A volume's id is no number and does not fit here.
    resource_id: Option<u64>,
    resource_type: &'static str,
    region: Option<&'a Region>,
    region_slug: &'a str,
}

pub(crate) fn view<'a>(account: &'a Account, action: &'a Action) -> View<'a> {
    View {
        id: action.id,
        status: action.status,
        kind: action.work.name(),
        started_at: whole_second(action.started_at),
        completed_at: action.completed_at.map(whole_second),
        resource_id: (action.resource_type != "volume").then_some(action.resource_id),
        resource_type: action.resource_type,
        region: account.catalogue.region(&action.region),
        region_slug: &action.region,
    }
}

pub(crate) fn answer(account: &Account, status: u16, id: u64) -> Result<Answer, Refusal> {
    Answer::json(status, &json!({ "action": view(account, account.action(id)?) }))
}

pub(crate) fn page(
    account: &Account,
    call: &Call,
    (actions, total): (Vec<&Action>, usize),
) -> Result<Answer, Refusal> {
    let views: Vec<View<'_>> = actions.into_iter().map(|action| view(account, action)).collect();
    paging::page(account, call, "actions", views, total)
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    page(account, call, account.list_actions(call.window()?))
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    answer(account, 200, call.id("action")?)
}

pub(crate) fn list_of_droplet(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    page(account, call, account.list_droplet_actions(call.id("id")?, call.window()?)?)
}

pub(crate) fn list_of_image(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let window: Window = call.window()?;
    page(account, call, account.list_image_actions(call.id("image")?, window)?)
}

fn show_of(account: &Account, call: &Call, resource_type: &str, resource_id: u64) -> Result<Answer, Refusal> {
    let action = account.action(call.id("action")?)?;
    if action.resource_type != resource_type || action.resource_id != resource_id {
        return Err(Refusal::NotFound);
    }
    answer(account, 200, action.id)
}

pub(crate) fn show_of_droplet(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    show_of(account, call, "droplet", call.id("id")?)
}

pub(crate) fn show_of_image(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    show_of(account, call, "image", call.id("image")?)
}

pub(crate) fn act_on_droplet(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: Value = call.body()?;
    let id = account.act_on_droplet(call.id("id")?, &body, call.twist)?;
    answer(account, 201, id)
}

pub(crate) fn act_on_tagged(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: Value = call.body()?;
    let Some(tag) = call.query("tag_name") else { return Err(Refusal::NotFound) };
    let ids = account.act_on_tagged(tag, &body, call.twist)?;
    let actions = ids.into_iter().map(|id| account.action(id)).collect::<Result<Vec<_>, _>>()?;
    let views: Vec<_> = actions.into_iter().map(|action| view(account, action)).collect();
    Answer::json(201, &json!({ "actions": views }))
}

pub(crate) fn act_on_image(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: Value = call.body()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let kind = text("type").unwrap_or_default();
    let id = account.act_on_image(call.id("image")?, kind, text("region"), call.twist)?;
    answer(account, 201, id)
}
