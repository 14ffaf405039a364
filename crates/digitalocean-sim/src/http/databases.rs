//! Database clusters, for reading. Their credentials are shown, as the service does to any token that may see them.

use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::Account;
use crate::model::log::Kind;
use crate::model::refusal::Refusal;

fn view(call: &Call, shown: &Value) -> Value {
    let mut shown = shown.clone();
    let may_see = call.scopes.as_ref().is_none_or(|scopes| scopes.allow("database:view_credentials"));
    if !may_see && let Some(fields) = shown.as_object_mut() {
        fields.remove("users");
        fields.retain(|key, _| !key.ends_with("connection"));
    }
    shown
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let tag = call.query("tag_name");
    let bears = |shown: &Value, tag: &str| {
        shown["tags"].as_array().into_iter().flatten().any(|other| other.as_str() == Some(tag))
    };
    let all = account.living_fixtures(Kind::Database).map(|it| view(call, &it.shown));
    let found = all.filter(|shown| tag.is_none_or(|tag| bears(shown, tag)));
    let (found, total) = call.window()?.cut(found);
    paging::page(account, call, "databases", found, total)
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let found = account.fixture(Kind::Database, call.param("id"))?;
    Answer::json(200, &json!({ "database": view(call, &found.shown) }))
}
