//! Envelopes of collections: the items under their own key, links with our own base URL, and the total.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use crate::model::refusal::Refusal;
use crate::model::{Account, Window};
use crate::options::Profile;

struct Collection<'a, T> {
    key: &'a str,
    items: T,
    links: Value,
    total: usize,
    /// What else stands in the envelope.
    more: Option<(&'a str, Value)>,
}

impl<T: Serialize> Serialize for Collection<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.key, &self.items)?;
        if let Some((key, value)) = &self.more {
            map.serialize_entry(key, value)?;
        }
        map.serialize_entry("links", &self.links)?;
        map.serialize_entry("meta", &json!({ "total": self.total }))?;
        map.end()
    }
}

/// Answers one page of a collection.
pub(crate) fn page(
    account: &Account,
    call: &Call,
    key: &str,
    items: impl Serialize,
    total: usize,
) -> Result<Answer, Refusal> {
    page_with(account, call, (key, items, total), None)
}

/// As `page`, with something beside the collection.
pub(crate) fn page_with(
    account: &Account,
    call: &Call,
    (key, items, total): (&str, impl Serialize, usize),
    more: Option<(&str, Value)>,
) -> Result<Answer, Refusal> {
    let links = links(account.profile, call, call.window()?, total);
    Answer::json(200, &Collection { key, items, links, total, more })
}

fn links(profile: Profile, call: &Call, window: Window, total: usize) -> Value {
    let last = total.div_ceil(window.per_page).max(1);
    let mut pages = Map::new();
    let mut add = |rel: &str, page: usize| {
        pages.insert(rel.to_owned(), Value::String(url(call, page, window.per_page)));
    };
    if window.page > 1 {
        add("first", 1);
        add("prev", (window.page - 1).min(last));
    }
    if window.page < last {
        add("next", window.page + 1);
        add("last", last);
    }
    if pages.is_empty() && profile == Profile::Live { json!({}) } else { json!({ "pages": pages }) }
}

/// Everything but letters, digits and what needs no escape in a query; a tag's colon is sent as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');

fn url(call: &Call, page: usize, per_page: usize) -> String {
    let mut url = format!("{}{}?", call.base, call.path);
    for (key, value) in &call.query {
        if key != "page" && key != "per_page" {
            let (key, value) = (utf8_percent_encode(key, ESCAPED), utf8_percent_encode(value, ESCAPED));
            url.push_str(&format!("{key}={value}&"));
        }
    }
    url.push_str(&format!("page={page}&per_page={per_page}"));
    url
}
