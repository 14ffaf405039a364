//! Tags and what bears them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::Account;
use crate::model::log::Origin;
use crate::model::refusal::Refusal;
use crate::model::tags::{Holder, Tag, TagTarget};

#[derive(Deserialize)]
struct TagBody {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct TargetsBody {
    #[serde(default)]
    resources: Vec<TagTarget>,
}

fn view(call: &Call, tag: &Tag) -> Value {
    let counted = |kind: &str, count: usize, last: Option<u64>| {
        let mut counted = json!({ "count": count });
        if let Some(id) = last {
            counted["last_tagged_uri"] = json!(format!("{}/v2/{kind}/{id}", call.base));
        }
        counted
    };
    let mut resources = counted("droplets", tag.count(), tag.last_droplet);
    resources["droplets"] = counted("droplets", tag.droplets.len(), tag.last_droplet);
    resources["images"] = counted("images", tag.images.len(), tag.last_image);
    for (holder, kind) in Holder::ALL.into_iter().zip(["volumes", "volume_snapshots", "databases"]) {
        resources[kind] = counted(kind, tag.held(holder), None);
    }
    json!({ "name": tag.name, "resources": resources })
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (tags, total) = account.list_tags(call.window()?);
    paging::page(account, call, "tags", tags.iter().map(|tag| view(call, tag)).collect::<Vec<_>>(), total)
}

pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: TagBody = call.body()?;
    let name = account.create_tag(&body.name, call.twist, Origin::Api)?;
    Answer::json(201, &json!({ "tag": view(call, account.tag(&name)?) }))
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::json(200, &json!({ "tag": view(call, account.tag(call.param("name"))?) }))
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_tag(call.param("name"), Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn tag(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: TargetsBody = call.body()?;
    account.retag(call.param("name"), &body.resources, true, Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn untag(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: TargetsBody = call.body()?;
    account.retag(call.param("name"), &body.resources, false, Origin::Api)?;
    Answer::no_content()
}
