//! The one place that turns a refusal into a status and DigitalOcean's error body.

use serde_json::{Map, Value, json};

use super::call::Answer;
use crate::faults::Limit;
use crate::model::refusal::Refusal;

pub(crate) fn answer(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::NotFound => plain(404, None),
        Refusal::Missing(message) => plain(404, Some(message)),
        Refusal::Invalid(message) => plain(422, Some(message)),
        Refusal::Malformed(message) => plain(400, Some(message)),
        Refusal::Forbidden(message) => plain(403, Some(message)),
        Refusal::Conflict(message) => plain(409, Some(message)),
        Refusal::Precondition(message) => plain(412, Some(message)),
        Refusal::Unauthorized => plain(401, None),
        Refusal::BadTag(reason) => bad_tag(&refusal.to_string(), reason),
    }
}

/// The usual body: the status's name in snake case, and a message.
pub(crate) fn plain(status: u16, message: Option<&str>) -> Answer {
    let (id, usual) = wording(status);
    rendered(status, &json!({ "id": id, "message": message.unwrap_or(usual) }))
}

/// The newer services repeat the header's request id in the bodies of their errors; the older ones do not.
pub(crate) fn sign(answer: &mut Answer, pattern: &str, request_id: &str) {
    let is_newer = ["/v2/firewalls", "/v2/vpcs"].iter().any(|service| pattern.starts_with(service));
    if answer.status < 400 || !is_newer {
        return;
    }
    let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(&answer.body) else { return };
    body.insert("request_id".to_owned(), json!(request_id));
    answer.body = Value::Object(body).to_string().into_bytes();
}

pub(crate) fn rate_limited(limit: Limit) -> Answer {
    match limit {
        Limit::Burst => plain(429, Some("Too many requests")),
        Limit::Hourly => plain(429, None),
    }
}

fn bad_tag(error: &str, reason: &str) -> Answer {
    let cause = format!("rpc error: code = InvalidArgument desc = {reason}");
    rendered(400, &json!({ "error": error, "messages": null, "root_causes": [cause] }))
}

fn rendered(status: u16, body: &Value) -> Answer {
    Answer::rendered(status, body.to_string().into_bytes())
}

fn wording(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("bad_request", "error parsing request body"),
        401 => ("unauthorized", "Unable to authenticate you."),
        403 => ("forbidden", "You are not authorized to perform this operation."),
        404 => ("not_found", "The resource you were accessing could not be found."),
        409 => ("conflict", "The resource is in conflict with another."),
        412 => ("precondition_failed", "A precondition of the request is not met."),
        422 => ("unprocessable_entity", "The request could not be processed."),
        429 => ("too_many_requests", "API rate limit exceeded."),
        502 => ("bad_gateway", "Bad gateway"),
        503 => ("service_unavailable", "Service unavailable"),
        504 => ("gateway_timeout", "Gateway timeout"),
        500..=599 => ("server_error", "Unexpected server-side error"),
        _ => ("error", "The request failed."),
    }
}
