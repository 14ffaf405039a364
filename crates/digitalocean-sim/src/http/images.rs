//! Images, named by number or slug. The filter `type` has nothing to do with the attribute of that name.

use serde::Deserialize;
use serde_json::json;

use super::call::{Answer, Call};
use super::paging;
use crate::model::Account;
use crate::model::images::{ImageFilter, ImageKey};
use crate::model::log::Origin;
use crate::model::refusal::Refusal;

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let filter = ImageFilter {
        application: call.query("type").map(|kind| kind == "application"),
        private: call.query("private") == Some("true"),
        tag: call.query("tag_name").map(str::to_owned),
    };
    let (images, total) = account.list_images(&filter, call.window()?);
    paging::page(account, call, "images", images.iter().map(AsRef::as_ref).collect::<Vec<_>>(), total)
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let image = account.image(&ImageKey::parse(call.param("image")))?;
    Answer::json(200, &json!({ "image": image.as_ref() }))
}

#[derive(Deserialize)]
struct Rename {
    name: Option<String>,
}

pub(crate) fn rename(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (id, body) = (call.id("image")?, call.body::<Rename>()?);
    let image = match body.name {
        Some(name) => account.rename_image(id, &name, Origin::Api)?,
        None => account.image(&ImageKey::Id(id))?.clone(),
    };
    Answer::json(200, &json!({ "image": image.as_ref() }))
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_image(call.id("image")?, call.twist, Origin::Api)?;
    Answer::no_content()
}
