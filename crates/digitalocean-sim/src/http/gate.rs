//! The way of every request: recorded, its token checked, counted against the limits, struck by faults, worked on.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use axum::response::Response;
use futures_util::stream;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::call::{Answer, Call, Face};
use super::errors;
use super::limits::{Budget, Refused};
use super::routes::IMPORT_INVOICE;
use super::scopes::Scopes;
use crate::clock::after_ms;
use crate::connection::Wire;
use crate::faults::{self, FaultKind, Limit, Stage, Strike, Struck};
use crate::requests::RequestRecord;
use crate::simulator::{Simulator, World};

/// Nothing that the API takes is near this size.
const BODY_LIMIT_BYTES: usize = 4 * 1024 * 1024;
const SLOW_PIECES: u64 = 10;

/// The route that a request fits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) pattern: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) face: Face,
}

/// A request that has been let in or turned away, and all that is known of it.
struct Arrival {
    seq: u64,
    request_id: String,
    budget: Budget,
    refused: Option<(Answer, Option<i64>)>,
    strikes: Vec<Strike>,
    token: String,
    scopes: Option<Scopes>,
}

/// What goes back, if anything does.
enum Reply {
    Answer { answer: Answer, slow_ms: Option<u64>, retry_after_s: Option<i64> },
    Cut,
}

impl Reply {
    fn of(answer: Answer) -> Reply {
        Reply::Answer { answer, slow_ms: None, retry_after_s: None }
    }
}

pub(crate) async fn answer(
    simulator: Simulator,
    route: Route,
    params: Vec<(String, String)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let wire = parts.extensions.get::<ConnectInfo<Wire>>().map(|ConnectInfo(wire)| wire.clone());
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT_BYTES).await else {
        return cut(wire.as_ref());
    };
    let arrival = arrive(&mut simulator.world(), &simulator, route, &parts, &body);
    let (seq, mut budget, request_id) = (arrival.seq, arrival.budget, arrival.request_id.clone());
    let shutdown = wire.as_ref().map(|wire| wire.shutdown.clone()).unwrap_or_default();
    let reply = tokio::select! {
        reply = run(simulator.clone(), route, call(&parts, params, body, &arrival), parts.method.to_string(), arrival) => reply,
        () = shutdown.cancelled() => Reply::Cut,
    };
    match reply {
        Reply::Cut => cut(wire.as_ref()),
        Reply::Answer { mut answer, slow_ms, retry_after_s } => {
            errors::sign(&mut answer, route.pattern, &request_id);
            simulator.world().requests.amend(seq, |record| record.status = Some(answer.status));
            if answer.status == 429 {
                budget.remaining = 0;
            }
            let mut response = Response::new(Body::empty());
            *response.status_mut() = answer.status.try_into().unwrap_or_default();
            let now = simulator.clock().now();
            write_headers(response.headers_mut(), &answer, (budget, now), &request_id, retry_after_s);
            *response.body_mut() = body_of(&simulator, answer.body, slow_ms);
            response
        }
    }
}

fn arrive(world: &mut World, simulator: &Simulator, route: Route, parts: &Parts, body: &Bytes) -> Arrival {
    let now = simulator.clock().now();
    world.account.settle(now);
    let request_id = world.request_id();
    let record = RequestRecord {
        seq: 0,
        at: now,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        route: route.pattern.to_owned(),
        status: None,
        request_id: request_id.clone(),
        faults: Vec::new(),
    };
    let seq = world.requests.begin(record);
    let budget = world.limiter.untouched(now);
    let token = token(&parts.headers).unwrap_or_default().to_owned();
    let scopes = world.tokens.scopes(&token).cloned();
    let mut arrival = Arrival { seq, request_id, budget, refused: None, strikes: Vec::new(), token, scopes };
    if arrival.token.is_empty() || world.tokens.is_revoked(&arrival.token) {
        arrival.refused = Some((errors::plain(401, None), None));
        return arrival;
    }
    if route.pattern != IMPORT_INVOICE {
        admit(world, &mut arrival, route, parts, now);
    }
    if arrival.refused.is_some() {
        return arrival;
    }
    let method = if parts.method == "HEAD" { "GET" } else { parts.method.as_str() };
    let text = String::from_utf8_lossy(body);
    arrival.strikes = world.faults.strike(&Struck {
        method,
        pattern: route.pattern,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        body: &text,
    });
    let names: Vec<String> = arrival.strikes.iter().map(|strike| faults::name(&strike.kind)).collect();
    world.requests.amend(seq, |record| record.faults = names);
    arrival
}

/// Counts the request, and asks whether its token may make it.
fn admit(world: &mut World, arrival: &mut Arrival, route: Route, parts: &Parts, now: Timestamp) {
    let key_list = parts.method == "GET" && route.pattern == "/v2/account/keys";
    let (budget, refused) = world.limiter.count(&arrival.token, now, key_list);
    arrival.budget = budget;
    if let Some(Refused { limit, retry_after_s }) = refused {
        let retry_after_s = (limit == Limit::Burst).then_some(retry_after_s);
        arrival.refused = Some((errors::rate_limited(limit), retry_after_s));
        return;
    }
    if let Some(scopes) = arrival.scopes.as_ref().filter(|scopes| !scopes.allow(route.scope)) {
        let message = format!("You are missing the required permission {}.", scopes.missing(route.scope));
        arrival.refused = Some((errors::plain(403, Some(&message)), None));
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn call(parts: &Parts, params: Vec<(String, String)>, body: Bytes, arrival: &Arrival) -> Call {
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    Call {
        path: parts.uri.path().to_owned(),
        params,
        query: query.map(|query| query.0).unwrap_or_default(),
        body,
        base: format!("http://{host}"),
        token: arrival.token.clone(),
        scopes: arrival.scopes.clone(),
        twist: Default::default(),
    }
}

/// A request in process of the simulator's own clock; detached faults let it finish without its client.
async fn run(simulator: Simulator, route: Route, mut call: Call, method: String, arrival: Arrival) -> Reply {
    if let Some((answer, retry_after_s)) = arrival.refused {
        return Reply::Answer { answer, slow_ms: None, retry_after_s };
    }
    let strikes = arrival.strikes;
    call.twist = faults::twist(&strikes);
    let detached = strikes.iter().any(|strike| {
        matches!(
            strike.kind,
            FaultKind::Hold { detached: true, .. } | FaultKind::Delay { detached: true, .. }
        )
    });
    let work = through(simulator, route, call, method, strikes);
    if !detached {
        return work.await;
    }
    tokio::spawn(work).await.unwrap_or(Reply::Cut)
}

async fn through(
    simulator: Simulator,
    route: Route,
    call: Call,
    method: String,
    strikes: Vec<Strike>,
) -> Reply {
    for strike in &strikes {
        if let Some(reply) = before(&simulator, strike).await {
            return reply;
        }
    }
    let mut answer = {
        let now = simulator.clock().now();
        let mut world = simulator.world();
        world.account.settle(now);
        (route.face)(&mut world.account, &call).unwrap_or_else(|refusal| errors::answer(&refusal))
    };
    if let Some(scopes) = &call.scopes {
        censor(scopes, &mut answer);
    }
    if method == "POST" && route.pattern == "/v2/droplets" && answer.status == 202 {
        simulator.linger_over_create().await;
    }
    let mut slow_ms = None;
    for strike in &strikes {
        match &strike.kind {
            FaultKind::Hold { at: Stage::After, .. } => strike.gate.wait().await,
            FaultKind::Delay { ms, at: Stage::After, .. } => pause(&simulator, *ms).await,
            FaultKind::CutAfter => return Reply::Cut,
            FaultKind::SlowBody { ms } => slow_ms = Some(*ms),
            FaultKind::Status { status, message, at: Stage::After } => {
                answer = errors::plain(*status, message.as_deref());
            }
            FaultKind::Html502 { at: Stage::After } => answer = html_502(),
            FaultKind::Garbage { at: Stage::After } => answer = garbage(),
            FaultKind::Truncate => answer.body.truncate(answer.body.len() / 2),
            _ => {}
        }
    }
    Reply::Answer { answer, slow_ms, retry_after_s: None }
}

/// What is no JSON holds no embedded resources.
fn censor(scopes: &Scopes, answer: &mut Answer) {
    if let Ok(mut body) = serde_json::from_slice(&answer.body) {
        scopes.censor(&mut body);
        answer.body = body.to_string().into_bytes();
    }
}

/// What a fault does before the work; an answer means that there will be no work.
async fn before(simulator: &Simulator, strike: &Strike) -> Option<Reply> {
    match &strike.kind {
        FaultKind::Hold { at: Stage::Before, .. } => {
            strike.gate.wait().await;
            None
        }
        FaultKind::Delay { ms, at: Stage::Before, .. } => {
            pause(simulator, *ms).await;
            None
        }
        FaultKind::CutBefore => Some(Reply::Cut),
        FaultKind::Refuse { message } => Some(Reply::of(errors::plain(422, Some(message)))),
        FaultKind::Status { status, message, at: Stage::Before } => {
            Some(Reply::of(errors::plain(*status, message.as_deref())))
        }
        FaultKind::Html502 { at: Stage::Before } => Some(Reply::of(html_502())),
        FaultKind::Garbage { at: Stage::Before } => Some(Reply::of(garbage())),
        FaultKind::RateLimit { limit, retry_after_s } => {
            let wait_s = i64::try_from(*retry_after_s).unwrap_or(i64::MAX);
            let retry_after_s = (*limit == Limit::Burst).then_some(wait_s);
            let answer = errors::rate_limited(*limit);
            Some(Reply::Answer { answer, slow_ms: None, retry_after_s })
        }
        _ => None,
    }
}

async fn pause(simulator: &Simulator, ms: u64) {
    let due = after_ms(simulator.clock().now(), ms);
    simulator.clock().sleep_until(due).await;
}

fn html_502() -> Answer {
    let body = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n";
    Answer::of(502, body.as_bytes().to_vec(), "text/html")
}

fn garbage() -> Answer {
    Answer::rendered(200, b"{\"droplet\": {\"id\": 7001, \"na".to_vec())
}

fn body_of(simulator: &Simulator, bytes: Vec<u8>, slow_ms: Option<u64>) -> Body {
    let Some(slow_ms) = slow_ms else { return Body::from(bytes) };
    let size = bytes.len().div_ceil(SLOW_PIECES as usize).max(1);
    let gap = Duration::from_millis(slow_ms) / SLOW_PIECES as u32;
    let pieces: Vec<Bytes> = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
    let simulator = simulator.clone();
    let pieces = stream::unfold(pieces.into_iter(), move |mut pieces| {
        let simulator = simulator.clone();
        async move {
            let piece = pieces.next()?;
            let due = crate::clock::after(simulator.clock().now(), gap);
            simulator.clock().sleep_until(due).await;
            Some((Ok::<Bytes, std::io::Error>(piece), pieces))
        }
    });
    Body::from_stream(pieces)
}

/// Outside of our own server the connection cannot be reached; there a body that fails at once has to do.
fn cut(wire: Option<&Wire>) -> Response {
    if let Some(wire) = wire {
        wire.cut();
        return Response::new(Body::empty());
    }
    let broken = stream::iter([Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))]);
    Response::new(Body::from_stream(broken))
}

fn write_headers(
    headers: &mut HeaderMap,
    answer: &Answer,
    (budget, now): (Budget, Timestamp),
    request_id: &str,
    retry_after_s: Option<i64>,
) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    let cache = HeaderValue::from_static("max-age=0, private, must-revalidate");
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert("ratelimit-limit", HeaderValue::from(budget.limit));
    headers.insert("ratelimit-remaining", HeaderValue::from(budget.remaining));
    headers.insert("ratelimit-reset", HeaderValue::from(budget.reset_s));
    let date = now.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let disposition = answer.file_name.as_ref().map(|name| format!("attachment; filename=\"{name}\""));
    // The simulated time, so that a client can tell the reset from its own clock.
    let texts = [
        (header::DATE, Some(date)),
        (header::HeaderName::from_static("x-request-id"), Some(request_id.to_owned())),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}
