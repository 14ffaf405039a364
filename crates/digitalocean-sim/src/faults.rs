//! Misbehaviour on demand: which requests are struck, and by what.
//! Every matching fault applies; one with `times` is spent after so many strikes but stays listed until cleared.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::model::Twist;

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
    /// The action that the request starts ends `errored` and has no effect.
    ErrorAction,
    /// The action that the request starts ends `completed` and has no effect.
    NoEffect,
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
        if !path.is_some_and(|path| path == "*" || path.starts_with("/v2")) {
            return Err("`route` is a method and a path: `POST /v2/droplets`".to_owned());
        }
        match self.kind {
            FaultKind::Status { status, .. } if !(200..=599).contains(&status) => {
                Err("`status` lies between 200 and 599".to_owned())
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

/// A fault that applies to a request, with the gate at which the request may have to wait.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    pub(crate) kind: FaultKind,
    pub(crate) gate: Gate,
}

/// Where held requests wait. A release lets go those that were struck before it.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    releases: watch::Sender<u64>,
    held: watch::Sender<usize>,
    struck_at: u64,
}

impl Gate {
    fn new() -> Gate {
        Gate { releases: watch::Sender::new(0), held: watch::Sender::new(0), struck_at: 0 }
    }

    /// Waits for the release; counts as held until it returns or is dropped.
    pub(crate) async fn wait(&self) {
        let _held = Held::begin(&self.held);
        let struck_at = self.struck_at;
        // The sender lives as long as this gate, so that waiting for it cannot fail.
        let _ = self.releases.subscribe().wait_for(|released| *released > struck_at).await;
    }
}

struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    fn begin(held: &'a watch::Sender<usize>) -> Held<'a> {
        held.send_modify(|count| *count += 1);
        Held(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[derive(Debug)]
struct Entry {
    id: FaultId,
    fault: Fault,
    random: fastrand::Rng,
    matched: u64,
    strikes: u64,
    gate: Gate,
}

/// An injected fault with what it has done so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultReport {
    pub id: FaultId,
    #[serde(flatten)]
    pub fault: Fault,
    /// Requests that fitted route and match.
    pub matched: u64,
    /// Requests that were struck.
    pub strikes: u64,
    /// Requests that it holds at this moment.
    pub held: usize,
}

#[derive(Debug, Default)]
pub(crate) struct FaultBook {
    entries: Vec<Entry>,
    last_id: FaultId,
}

impl FaultBook {
    pub(crate) fn add(&mut self, fault: Fault) -> FaultId {
        self.last_id += 1;
        let id = self.last_id;
        let random = fastrand::Rng::with_seed(fault.seed.unwrap_or(id));
        self.entries.push(Entry { id, fault, random, matched: 0, strikes: 0, gate: Gate::new() });
        id
    }

    pub(crate) fn reports(&self) -> Vec<FaultReport> {
        let report = |entry: &Entry| FaultReport {
            id: entry.id,
            fault: entry.fault.clone(),
            matched: entry.matched,
            strikes: entry.strikes,
            held: *entry.gate.held.borrow(),
        };
        self.entries.iter().map(report).collect()
    }

    /// Removes one fault or all of them, letting go what they hold. Answers whether there was any.
    pub(crate) fn clear(&mut self, id: Option<FaultId>) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| {
            let goes = id.is_none_or(|id| id == entry.id);
            if goes {
                entry.gate.releases.send_modify(|count| *count += 1);
            }
            !goes
        });
        self.entries.len() < before
    }

    /// Lets go what a fault holds now; answers how many requests that are, or nothing for an unknown fault.
    pub(crate) fn release(&mut self, id: FaultId) -> Option<usize> {
        let entry = self.entries.iter().find(|entry| entry.id == id)?;
        let held = *entry.gate.held.borrow();
        entry.gate.releases.send_modify(|count| *count += 1);
        Some(held)
    }

    /// Follows how many requests a fault holds.
    pub(crate) fn watch_held(&self, id: FaultId) -> Option<watch::Receiver<usize>> {
        self.entries.iter().find(|entry| entry.id == id).map(|entry| entry.gate.held.subscribe())
    }

    pub(crate) fn strike(&mut self, request: &Struck<'_>) -> Vec<Strike> {
        self.entries.iter_mut().filter_map(|entry| entry.strike(request)).collect()
    }
}

impl Entry {
    fn strike(&mut self, request: &Struck<'_>) -> Option<Strike> {
        let spent = self.fault.times.is_some_and(|times| self.strikes >= times);
        if spent || !self.fault.matches(request) {
            return None;
        }
        self.matched += 1;
        if self.matched <= self.fault.after {
            return None;
        }
        if self.fault.probability.is_some_and(|probability| self.random.f64() >= probability) {
            return None;
        }
        self.strikes += 1;
        let struck_at = *self.gate.releases.borrow();
        Some(Strike { kind: self.fault.kind.clone(), gate: Gate { struck_at, ..self.gate.clone() } })
    }
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
            FaultKind::Vanish { ms } => twist.vanish_ms = Some(ms),
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
