//! The header `Idempotency-Key`: the same request sent twice is done once.

use crate::deployments::create::RequestKey;
use crate::error::Error;
use crate::scope::Scope;
use axum::http::HeaderMap;
use ring::digest;
use serde_json::{Map, Value};

const KEY: &str = "idempotency-key";
const KEY_BYTES_MAX: usize = 255;

/// The key of a request, if it has one. Keys are per tenant; platform admins share theirs.
///
/// # Errors
/// [`Error::Invalid`] for a key that is none.
pub fn of_request(
    headers: &HeaderMap,
    scope: &Scope,
    body: &Map<String, Value>,
) -> Result<Option<RequestKey>, Error> {
    let mut given = headers.get_all(KEY).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let is_key = (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_key || given.next().is_some() {
        return Err(Error::invalid("Idempotency-Key", "must be once 1 to 255 visible ASCII characters"));
    }
    let owner = match scope {
        Scope::All => "platform".to_owned(),
        Scope::Tenant(tenant) => format!("tenant:{tenant}"),
    };
    Ok(Some(RequestKey { owner, key: key.to_owned(), body_hash: hash(body) }))
}

/// Of what the body says, not of its spelling: the keys of a parsed object are sorted.
fn hash(body: &Map<String, Value>) -> String {
    let text = Value::Object(body.clone()).to_string();
    let sum = digest::digest(&digest::SHA256, text.as_bytes());
    sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
