//! Misbehaviour on demand: which requests are struck, and by what.
//! Every matching fault applies; `book` keeps count of what each has done.

mod book;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::Twist;

pub use book::FaultReport;
pub(crate) use book::{FaultBook, Strike};

/// Identifies an injected fault.
pub type FaultId = u64;

/// A rule that strikes requests of one route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Method and path, such as `POST /v2/domains/{name}/records`. A part in braces stands for any value, whatever
    /// it is called; `*` stands for any method, and as the path for any path.
    pub route: String,
    #[serde(flatten)]
    pub kind: FaultKind,
    /// How many requests it strikes; absent means all.
    #[serde(default)]
    pub times: Option<u64>,
    /// Only requests that contain this text in path, query or body.
    #[serde(default, rename = "match")]
    pub matching: Option<String>,
    /// How many matching requests pass before the first is struck.
    #[serde(default)]
    pub after: u64,
    /// Strikes with this probability, drawn from `seed`.
    #[serde(default)]
    pub probability: Option<f64>,
    #[serde(default)]
    pub seed: Option<u64>,
}

/// What happens to a request that is struck. Milliseconds are simulated time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// 422 with this message, nothing done.
    Refuse {
        #[serde(default = "refused")]
        message: String,
    },
    /// This status with DigitalOcean's body for it.
    Status {
        status: u16,
        #[serde(default)]
        message: Option<String>,
        #[serde(default)]
        at: Stage,
    },
    /// The connection is closed and nothing is done.
    CutBefore,
    /// The work is done and the connection is closed without an answer.
    CutAfter,
    /// The answer takes this much longer.
    Delay {
        ms: u64,
        #[serde(default = "after_work")]
        at: Stage,
        /// Whether work that was delayed is done although the client has gone.
        #[serde(default)]
        detached: bool,
    },
    /// The body comes in ten pieces, spread over this time.
    SlowBody { ms: u64 },
    /// What the request creates stays out of listings for so long; asked for by its id it is there.
    Hide { ms: u64 },
    /// Droplets that the request creates stay `new`.
    NeverActive,
    /// The action that the request starts ends `errored` and has no effect; a firewall ends `failed`.
    ErrorAction,
    /// The action that the request starts ends `completed` and has no effect.
    NoEffect,
    /// The action that the request starts takes this much longer; with a large number it is stuck.
    SlowAction { ms: u64 },
    /// Droplets that the request creates are `active` this much before their public address appears.
    LateAddress { ms: u64 },
    /// Droplets that the request creates answer 404 by their id for so long, although they exist.
    NotYet { ms: u64 },
    /// What the request destroys stays in listings (a droplet also by its id) this much longer.
    Linger { ms: u64 },
    /// Droplets that the request creates are lost after so long, their create action errored.
    Vanish {
        #[serde(default)]
        ms: u64,
    },
    /// The request blocks until the fault is released or cleared.
    Hold {
        #[serde(default)]
        at: Stage,
        /// Whether work that was held is done on release although the client has gone.
        #[serde(default)]
        detached: bool,
    },
    /// 502 with a page of HTML, as a load balancer sends it.
    #[serde(rename = "html_502")]
    Html502 {
        #[serde(default)]
        at: Stage,
    },
    /// 200 with a body that is no JSON.
    Garbage {
        #[serde(default = "after_work")]
        at: Stage,
    },
    /// The first half of the body, as if that were all of it.
    Truncate,
    /// A page of a listing comes as if `by` more entries stood before it (fewer, when negative): the listing has changed
    /// since the page before.
    ShiftPage { by: i64 },
    /// 429, nothing done: with `retry-after` for the burst limit, without for the hourly one.
    RateLimit {
        #[serde(default)]
        limit: Limit,
        #[serde(default = "one_second")]
        retry_after_s: u64,
    },
}

/// Whether a fault strikes before or after the work of the request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    #[default]
    Before,
    After,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    #[default]
    Burst,
    Hourly,
}

fn refused() -> String {
    "The request was refused.".to_owned()
}

fn after_work() -> Stage {
    Stage::After
}

fn one_second() -> u64 {
    1
}

impl Fault {
    pub fn new(route: impl Into<String>, kind: FaultKind) -> Fault {
        let route = route.into();
        Fault { route, kind, times: None, matching: None, after: 0, probability: None, seed: None }
    }

    pub fn times(self, times: u64) -> Fault {
        Fault { times: Some(times), ..self }
    }

    pub fn once(self) -> Fault {
        self.times(1)
    }

    pub fn matching(self, text: impl Into<String>) -> Fault {
        Fault { matching: Some(text.into()), ..self }
    }

    pub fn after(self, passes: u64) -> Fault {
        Fault { after: passes, ..self }
    }

    pub fn with_probability(self, probability: f64, seed: u64) -> Fault {
        Fault { probability: Some(probability), seed: Some(seed), ..self }
    }

    /// Reads a fault from JSON; a key that means nothing for its kind is refused by name.
    pub(crate) fn parse(given: &Value) -> Result<Fault, String> {
        let fault = Fault::deserialize(given).map_err(|error| error.to_string())?;
        let known = serde_json::to_value(&fault).map_err(|error| error.to_string())?;
        let keys = given.as_object().into_iter().flatten().map(|(key, _)| key);
        match keys.into_iter().find(|key| known.get(key.as_str()).is_none()) {
            Some(key) => Err(format!("unknown field `{key}` for this kind of fault")),
            None => fault.check().map(|()| fault),
        }
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let path = self.route.split_once(' ').map(|(_, path)| path);
        let served = |path: &str| path == "*" || path.starts_with("/v2") || path.starts_with("/api/v1");
        if !path.is_some_and(served) {
            return Err("`route` is a method and a path: `POST /v2/droplets`".to_owned());
        }
        match self.kind {
            FaultKind::Status { status, .. } if !(300..=599).contains(&status) => {
                Err("`status` lies between 300 and 599".to_owned())
            }
            _ if self.probability.is_some_and(|it| !(0.0..=1.0).contains(&it)) => {
                Err("`probability` lies between 0 and 1".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn matches(&self, request: &Struck<'_>) -> bool {
        let Some((method, path)) = self.route.split_once(' ') else { return false };
        (method == "*" || method.eq_ignore_ascii_case(request.method))
            && (path == "*" || path_matches(path, request.pattern, request.path))
            && self.matching.as_deref().is_none_or(|text| {
                request.path.contains(text) || request.query.contains(text) || request.body.contains(text)
            })
    }
}

/// A part in braces fits a part that the route has in braces; any other part must be what was asked for.
fn path_matches(wanted: &str, pattern: &str, path: &str) -> bool {
    let in_braces = |part: &str| part.starts_with('{');
    let wanted: Vec<&str> = wanted.trim_end_matches('/').split('/').collect();
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    wanted.len() == pattern.len()
        && pattern.len() == path.len()
        && wanted.iter().zip(&pattern).zip(&path).all(|((wanted, pattern), path)| {
            if in_braces(wanted) { in_braces(pattern) } else { wanted == path }
        })
}

/// The request as faults see it; `pattern` is the route's own path with its braces.
pub(crate) struct Struck<'a> {
    pub(crate) method: &'a str,
    pub(crate) pattern: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a str,
}

/// What the struck request's work is to do differently.
pub(crate) fn twist(strikes: &[Strike]) -> Twist {
    let mut twist = Twist::default();
    for strike in strikes {
        match strike.kind {
            FaultKind::Hide { ms } => twist.hide_ms = Some(ms),
            FaultKind::NeverActive => twist.never_active = true,
            FaultKind::ErrorAction => twist.error_action = true,
            FaultKind::NoEffect => twist.no_effect = true,
            FaultKind::SlowAction { ms } => twist.slow_ms = ms,
            FaultKind::LateAddress { ms } => twist.late_address_ms = ms,
            FaultKind::NotYet { ms } => twist.not_yet_ms = ms,
            FaultKind::Linger { ms } => twist.linger_ms = ms,
            FaultKind::Vanish { ms } => twist.vanish_ms = Some(ms),
            FaultKind::ShiftPage { by } => twist.shift = by,
            _ => {}
        }
    }
    twist
}

pub(crate) fn name(kind: &FaultKind) -> String {
    let value = serde_json::to_value(kind).unwrap_or_default();
    value.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_fit_only_what_the_route_has_in_braces() {
        let pattern = "/v2/droplets/{id}";
        assert!(path_matches("/v2/droplets/{droplet_id}", pattern, "/v2/droplets/7"));
        assert!(path_matches("/v2/droplets/7", pattern, "/v2/droplets/7"));
        assert!(!path_matches("/v2/droplets/8", pattern, "/v2/droplets/7"));
        assert!(!path_matches("/v2/droplets/{id}", "/v2/droplets/actions", "/v2/droplets/actions"));
    }

    #[test]
    fn a_fault_with_a_misspelt_parameter_is_refused_by_name() {
        let given = serde_json::json!({ "route": "GET /v2/droplets", "kind": "delay", "ms": 5, "tmes": 1 });
        assert_eq!(Fault::parse(&given), Err("unknown field `tmes` for this kind of fault".to_owned()));
    }
}
