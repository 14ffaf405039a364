//! Volumes with their actions and snapshots, found by UUID or by name and region.

use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::{actions, paging, snapshots};
use crate::model::log::Origin;
use crate::model::refusal::Refusal;
use crate::model::volume_snapshots::CreateVolumeSnapshot;
use crate::model::volumes::{CreateVolume, Volume};
use crate::model::{Account, whole_second};

fn view(account: &Account, volume: &Volume) -> Value {
    let droplet_ids: Vec<u64> = volume.droplet_id.into_iter().collect();
    json!({ "id": volume.id, "name": volume.name, "description": volume.description,
            "size_gigabytes": volume.size_gigabytes, "created_at": whole_second(volume.created_at),
            "droplet_ids": droplet_ids, "region": account.catalogue.region(&volume.region),
            "filesystem_type": volume.filesystem_type, "filesystem_label": volume.filesystem_label,
            "tags": volume.tags })
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (volumes, total) = account.list_volumes(call.query("name"), call.query("region"), call.window()?);
    let volumes: Vec<Value> = volumes.into_iter().map(|volume| view(account, volume)).collect();
    paging::page(account, call, "volumes", volumes, total)
}

pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let request: CreateVolume = call.body()?;
    let id = account.create_volume(&request, call.twist, Origin::Api)?;
    Answer::json(201, &json!({ "volume": view(account, account.volume(&id)?) }))
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::json(200, &json!({ "volume": view(account, account.volume(call.param("id"))?) }))
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_volume(call.param("id"), call.twist, Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn delete_named(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (name, region) = (call.query("name").unwrap_or_default(), call.query("region").unwrap_or_default());
    let id = account.volume_named(name, region)?.id.clone();
    account.delete_volume(&id, call.twist, Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn act(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: Value = call.body()?;
    let id = account.act_on_volume(call.param("id"), &body, call.twist)?;
    actions::answer(account, 202, id)
}

/// The volume is named in the body; without a region the name must be enough.
pub(crate) fn act_on_named(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: Value = call.body()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let window = crate::model::Window { page: 1, per_page: 1, shift: 0 };
    let (found, _) = account.list_volumes(text("volume_name"), text("region"), window);
    let id = found.first().ok_or(Refusal::NotFound)?.id.clone();
    let id = account.act_on_volume(&id, &body, call.twist)?;
    actions::answer(account, 202, id)
}

pub(crate) fn list_actions(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    actions::page(account, call, account.list_volume_actions(call.param("id"), call.window()?)?)
}

pub(crate) fn show_action(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = account.volume_action(call.param("id"), call.id("action")?)?.id;
    actions::answer(account, 200, id)
}

pub(crate) fn list_snapshots(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (found, total) = account.list_snapshots_of_volume(call.param("id"), call.window()?)?;
    let found: Vec<Value> = found.into_iter().map(snapshots::volume_view).collect();
    paging::page(account, call, "snapshots", found, total)
}

pub(crate) fn create_snapshot(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let request: CreateVolumeSnapshot = call.body()?;
    let id = account.create_volume_snapshot(call.param("id"), &request, call.twist, Origin::Api)?;
    Answer::json(201, &json!({ "snapshot": snapshots::volume_view(account.volume_snapshot(&id)?) }))
}
