//! What goes around every request: its id, a time limit, a net under panics, and the one form of all errors
//! (RFC 9457). Server errors are logged here, once, with what is hidden from the caller.

use super::App;
use crate::error::{Error, FieldError};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use serde::Serialize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES_MAX: usize = 128;
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// RFC 9457.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

/// Left in the response for [`around`], which knows the request's id.
#[derive(Debug, Clone)]
struct Failed(Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.face().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if let Error::Unauthenticated { token_given, .. } = &self {
            let challenge = if *token_given { "Bearer error=\"invalid_token\"" } else { "Bearer" };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

/// The outermost layer.
pub async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = given_id(&request).unwrap_or_else(|| app.cloud.clock.new_id().to_string());
    let (method, path) = (request.method(), request.uri().path());
    let span = tracing::info_span!("request", request_id = %id, %method, %path);
    async {
        let answered = AssertUnwindSafe(next.run(request)).catch_unwind();
        let response = match tokio::time::timeout(REQUEST_TIME_MAX, answered).await {
            Ok(Ok(response)) => response,
            Ok(Err(_panic)) => Error::Internal("the handler panicked".into()).into_response(),
            Err(_elapsed) => Error::TooSlow.into_response(),
        };
        finish(response, &id)
    }
    .instrument(span)
    .await
}

/// The caller's own id, where it can be taken over into logs and headers.
fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    ((1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && is_plain).then(|| id.to_owned())
}

fn finish(mut response: Response, id: &str) -> Response {
    if let Some(Failed(error)) = response.extensions_mut().remove::<Failed>() {
        log(&error);
        let rendered = render(&error, id);
        let mut headers = std::mem::take(response.headers_mut());
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, PROBLEM);
        response = rendered;
        *response.headers_mut() = headers;
    }
    tracing::debug!(status = response.status().as_u16(), "answered");
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn render(error: &Error, id: &str) -> Response {
    let face = error.face();
    let problem = Problem {
        r#type: format!("urn:arcadia-cloud:problem:{}", face.name),
        title: face.title,
        status: face.status,
        detail: error.detail(),
        request_id: id,
        errors: error.fields(),
    };
    let status = StatusCode::from_u16(face.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(problem)).into_response()
}

fn log(error: &Error) {
    let face = error.face();
    if face.status < 500 {
        return;
    }
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        causes.push(source.to_string());
        cause = source.source();
    }
    tracing::error!(status = face.status, problem = face.name, causes = causes.join(": "), "{error}");
}
