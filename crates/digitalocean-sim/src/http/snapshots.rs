//! Snapshots and backups. The same snapshot has a number as its id under its droplet, and text in the global list.

use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::Account;
use crate::model::images::{Image, ImageType};
use crate::model::log::Origin;
use crate::model::refusal::Refusal;
use crate::model::volume_snapshots::VolumeSnapshot;
use crate::model::whole_second;

fn global(image: &Image) -> Value {
    json!({
        "id": image.id.to_string(),
        "name": image.name,
        "created_at": whole_second(image.created_at),
        "regions": image.regions,
        "min_disk_size": image.min_disk_size,
        "size_gigabytes": image.size_gigabytes,
        "resource_id": image.droplet_id.map(|id| id.to_string()).unwrap_or_default(),
        "resource_type": "droplet",
        "tags": image.tags,
    })
}

pub(crate) fn volume_view(snapshot: &VolumeSnapshot) -> Value {
    json!({
        "id": snapshot.id,
        "name": snapshot.name,
        "created_at": whole_second(snapshot.created_at),
        "regions": snapshot.regions,
        "min_disk_size": snapshot.min_disk_size,
        "size_gigabytes": snapshot.size_gigabytes,
        "resource_id": snapshot.volume_id,
        "resource_type": "volume",
        "tags": snapshot.tags,
    })
}

pub(crate) fn of_volume(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::json(200, &json!({ "snapshot": volume_view(account.volume_snapshot(call.param("id"))?) }))
}

pub(crate) fn delete_of_volume(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_volume_snapshot(call.param("id"), call.twist, Origin::Api)?;
    Answer::no_content()
}

fn under_droplet(image: &Image) -> Value {
    json!({
        "id": image.id,
        "name": image.name,
        "created_at": whole_second(image.created_at),
        "regions": image.regions,
        "min_disk_size": image.min_disk_size,
        "size_gigabytes": image.size_gigabytes,
        "type": image.image_type,
    })
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let wanted = call.query("resource_type");
    let of = |kind: &str| wanted.is_none_or(|wanted| wanted == kind);
    let droplets = account.listed_snapshots().filter(|_| of("droplet")).map(|it| global(it));
    let volumes = account.listed_volume_snapshots().filter(|_| of("volume")).map(volume_view);
    let (snapshots, total) = call.window()?.cut(droplets.chain(volumes));
    paging::page(account, call, "snapshots", snapshots, total)
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    if let Ok(snapshot) = account.volume_snapshot(call.param("id")) {
        return Answer::json(200, &json!({ "snapshot": volume_view(snapshot) }));
    }
    Answer::json(200, &json!({ "snapshot": global(account.snapshot(call.id("id")?)?) }))
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    if account.volume_snapshot(call.param("id")).is_ok() {
        return delete_of_volume(account, call);
    }
    account.delete_snapshot(call.id("id")?, call.twist, Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn of_droplet(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (images, total) = account.droplet_images(call.id("id")?, ImageType::Snapshot, call.window()?)?;
    paging::page(
        account,
        call,
        "snapshots",
        images.iter().map(|it| under_droplet(it)).collect::<Vec<_>>(),
        total,
    )
}

pub(crate) fn backups_of_droplet(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (images, total) = account.droplet_images(call.id("id")?, ImageType::Backup, call.window()?)?;
    paging::page(
        account,
        call,
        "backups",
        images.iter().map(|it| under_droplet(it)).collect::<Vec<_>>(),
        total,
    )
}
