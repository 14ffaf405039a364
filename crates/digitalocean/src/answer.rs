//! What came back: status, rate headers, body within its limit; and how a refusal becomes an error.

use std::time::Duration;

use reqwest::{Response, header::HeaderMap};
use serde::Deserialize;

use crate::{Error, ErrorKind, attempt::Lane, budget::RateHeaders, call::Call};

const LONGEST_MESSAGE_CHARS: usize = 1_000;

/// A success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) attempts: u32,
}

pub(crate) fn rate_headers(status: u16, headers: &HeaderMap) -> RateHeaders {
    fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
        headers.get(name)?.to_str().ok()?.trim().parse().ok()
    }
    let seconds: Option<f64> = number(headers, "retry-after");
    RateHeaders {
        limit: number(headers, "ratelimit-limit"),
        remaining: number(headers, "ratelimit-remaining"),
        reset_epoch_s: number(headers, "ratelimit-reset"),
        retry_after: seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()),
        is_429: status == 429,
    }
}

pub(crate) fn request_id(headers: &HeaderMap, lane: &Lane) -> Option<String> {
    Some(lane.redact(headers.get("x-request-id")?.to_str().ok()?.to_owned()))
}

/// Why a body was not read to its end.
pub(crate) enum Unread {
    TooLarge,
    Broken(reqwest::Error),
}

pub(crate) async fn read_body(response: &mut Response, longest: usize) -> Result<Vec<u8>, Unread> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > longest {
        return Err(Unread::TooLarge);
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
        if body.len() + chunk.len() > longest {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Both shapes of an error body: the usual one, and the tag endpoints' `error`.
#[derive(Default, Deserialize)]
struct Refusal {
    id: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    error: Option<String>,
}

/// The error for an answer that is no success. The body may be anything, also HTML or nothing.
pub(crate) fn refusal(
    call: &Call,
    lane: &Lane,
    status: u16,
    header_id: Option<String>,
    body: &[u8],
) -> Error {
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let said = refusal.message.or(refusal.error).unwrap_or_default();
    let message: String = lane.redact(said).chars().take(LONGEST_MESSAGE_CHARS).collect();
    Error::answered(&call.method, &call.path, status, message)
        .with_id(refusal.id.map(|id| lane.redact(id)))
        .with_request_id(refusal.request_id.map(|id| lane.redact(id)).or(header_id))
}

/// The error for an answer that did not come, or not whole.
pub(crate) fn transport(call: &Call, lane: &Lane, source: &reqwest::Error) -> Error {
    // A connection that never came about carried nothing; every other failure may have.
    let kind = if source.is_connect() {
        ErrorKind::NotSent
    } else if source.is_timeout() {
        ErrorKind::TimedOut
    } else if source.is_builder() {
        ErrorKind::Invalid
    } else {
        ErrorKind::ConnectionLost
    };
    call.error(kind, lane.redact(innermost(source)))
}

/// The cause at the bottom says most; the layers above only repeat that a request failed, with its URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut deepest: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(below) = deepest.and_then(std::error::Error::source) {
        deepest = Some(below);
    }
    deepest.map(ToString::to_string).unwrap_or_default()
}
