//! A request's JSON body: read up to a limit, parsed, and checked for what no part of the service could store.

use super::App;
use crate::error::{Error, FieldError};
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use serde_json::{Map, Value};

const BODY_BYTES_MAX: usize = 256 * 1024;
const DEPTH_MAX: usize = 16;

/// A JSON object.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonObject(pub Map<String, Value>);

impl FromRequest<App> for JsonObject {
    type Rejection = Error;

    async fn from_request(request: Request, _app: &App) -> Result<JsonObject, Error> {
        if !is_json(request.headers()) {
            return Err(Error::NotJson);
        }
        let bytes = read(request).await?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Malformed { why: format!("the body is not JSON: {error}") })?;
        let Value::Object(object) = value else {
            return Err(Error::invalid("", "the body must be a JSON object"));
        };
        let mut errors = Vec::new();
        for (key, value) in &object {
            check(key, value, 2, &mut errors);
        }
        if errors.is_empty() { Ok(JsonObject(object)) } else { Err(Error::Invalid(errors)) }
    }
}

/// A request without a content type has no body.
impl OptionalFromRequest<App> for JsonObject {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Option<JsonObject>, Error> {
        if request.headers().contains_key(header::CONTENT_TYPE) {
            return <JsonObject as FromRequest<App>>::from_request(request, app).await.map(Some);
        }
        Ok(None)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn read(request: Request) -> Result<Vec<u8>, Error> {
    let mut chunks = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Error::Malformed { why: "the body broke off".to_owned() })?;
        if bytes.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Error::TooLarge { bytes_max: BODY_BYTES_MAX });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// PostgreSQL stores no NUL, neither in text nor in JSON.
fn check(path: &str, value: &Value, depth: usize, errors: &mut Vec<FieldError>) {
    if path.contains('\0') {
        errors.push(FieldError::new(path.replace('\0', "\\u0000"), "a name may not hold NUL"));
        return;
    }
    match value {
        Value::String(text) if text.contains('\0') => {
            errors.push(FieldError::new(path, "may not hold NUL"));
        }
        Value::Array(_) | Value::Object(_) if depth > DEPTH_MAX => {
            errors.push(FieldError::new(path, format!("is nested more than {DEPTH_MAX} deep")));
        }
        Value::Array(list) => {
            for (idx, value) in list.iter().enumerate() {
                check(&format!("{path}[{idx}]"), value, depth + 1, errors);
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                check(&format!("{path}.{key}"), value, depth + 1, errors);
            }
        }
        _ => {}
    }
}
