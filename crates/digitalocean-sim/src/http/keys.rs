//! SSH keys, found by id or fingerprint.

use serde::Deserialize;
use serde_json::json;

use super::call::{Answer, Call};
use super::paging;
use crate::model::Account;
use crate::model::log::Origin;
use crate::model::refusal::Refusal;

#[derive(Deserialize)]
struct KeyBody {
    #[serde(default)]
    name: String,
    #[serde(default)]
    public_key: String,
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (keys, total) = account.list_keys(call.window()?);
    paging::page(account, call, "ssh_keys", keys, total)
}

pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: KeyBody = call.body()?;
    let key = account.create_key(&body.name, &body.public_key, Origin::Api)?;
    Answer::json(201, &json!({ "ssh_key": key }))
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::json(200, &json!({ "ssh_key": account.key(call.param("key"))? }))
}

pub(crate) fn rename(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: KeyBody = call.body()?;
    Answer::json(200, &json!({ "ssh_key": account.rename_key(call.param("key"), &body.name)? }))
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_key(call.param("key"), Origin::Api)?;
    Answer::no_content()
}
