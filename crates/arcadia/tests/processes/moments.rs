//! The moments at which a process is killed: before and after each call of a saga, found out by watching a saga to
//! which nothing happens.

use super::child::PATIENCE;
use super::site::{LOOK_EVERY, Site, is_comparison};
use digitalocean_sim::{Fault, FaultId, FaultKind, RequestRecord, Stage};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

pub const CREATE: &str = "POST /v2/droplets";
pub const POINT: &str = "POST /v2/domains/{name}/records";
pub const DESTROY: &str = "DELETE /v2/droplets/{id}";
const LIST: &str = "GET /v2/droplets";
const RECORDS: &str = "GET /v2/domains/{name}/records";
const DELETE_RECORD: &str = "DELETE /v2/domains/{name}/records/{id}";
/// The service's own call while it checks a request.
const ZONES: &str = "GET /v2/domains";

/// How a deployment goes where nobody is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// To its end.
    Provisioned,
    /// Its DNS record is refused.
    DnsRefused,
    /// A cancel arrives while its DNS record is being made.
    Cancelled,
}

/// A request of a route: the first of it, the second, …
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub route: String,
    /// From 1.
    pub nth: u64,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// It has arrived; the provider does nothing any more once its client is gone.
    Arrived,
    /// It has arrived; the provider does it when the successor has already looked.
    ArrivedDoneLate,
    /// It is done, and no answer was sent.
    Done,
    /// It is answered.
    Answered,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    pub call: Call,
    pub stand: Stand,
}

/// One story, and the end of one process or several in turn.
#[derive(Debug, Clone)]
pub struct Moment {
    pub story: Story,
    pub kills: Vec<Kill>,
}

/// A kill for which the provider is prepared.
pub struct Armed<'a> {
    kill: &'a Kill,
    hold: Option<FaultId>,
}

impl Story {
    /// The last call that the story shares with one that goes well.
    fn turns_after(self) -> Option<&'static str> {
        match self {
            Story::Provisioned => None,
            Story::DnsRefused => Some(RECORDS),
            Story::Cancelled => Some(POINT),
        }
    }

    /// Every kill of one process, from the calls of the story when nobody was killed.
    pub fn moments(self, calls: &[RequestRecord]) -> Vec<Moment> {
        let calls = numbered(calls);
        let turn = self.turns_after();
        let from = turn.map_or(0, |route| calls.iter().position(|call| call.route == route).unwrap() + 1);
        let own = calls[from..].iter().filter(|call| !is_yet_another_poll(call, &calls[from..]));
        own.flat_map(|call| stands(self, call).iter().map(|stand| self.moment([kill(call, *stand)])))
            .collect()
    }

    pub fn moment(self, kills: impl Into<Vec<Kill>>) -> Moment {
        Moment { story: self, kills: kills.into() }
    }
}

fn kill(call: &Call, stand: Stand) -> Kill {
    Kill { call: call.clone(), stand }
}

fn numbered(calls: &[RequestRecord]) -> Vec<Call> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let call = |it: &RequestRecord| {
        let route = format!("{} {}", it.method, it.route);
        let nth = counts.entry(route.clone()).or_default();
        *nth += 1;
        Call { route, nth: *nth }
    };
    calls.iter().map(call).collect()
}

/// The first two looks at the same thing stand for the rest.
fn is_yet_another_poll(call: &Call, among: &[Call]) -> bool {
    let before = among.iter().filter(|it| it.route == call.route && it.nth < call.nth).count();
    call.route.starts_with("GET ") && before >= 2
}

fn stands(story: Story, call: &Call) -> &'static [Stand] {
    let is_refused = story == Story::DnsRefused && call.route == POINT;
    if call.route.starts_with("GET ") || is_refused {
        return &[Stand::Arrived, Stand::Answered];
    }
    &[Stand::Arrived, Stand::ArrivedDoneLate, Stand::Done, Stand::Answered]
}

/// Kills around the request itself, and of the successor too while it finds out what its predecessor did.
pub fn special() -> Vec<Moment> {
    use Stand::{Answered, Arrived, ArrivedDoneLate, Done};
    use Story::{Cancelled, DnsRefused, Provisioned};
    let at =
        |route: &str, nth: u64, stand: Stand| Kill { call: Call { route: route.to_owned(), nth }, stand };
    vec![
        Provisioned.moment([at(ZONES, 1, Arrived)]),
        Provisioned.moment([at(ZONES, 1, Answered)]),
        Provisioned.moment([at(CREATE, 1, Done), at(LIST, 1, Arrived)]),
        Provisioned.moment([at(CREATE, 1, ArrivedDoneLate), at(LIST, 2, Answered)]),
        Provisioned.moment([at(CREATE, 1, Arrived), at(CREATE, 2, Done)]),
        Provisioned.moment([at(POINT, 1, Done), at(RECORDS, 2, Answered)]),
        Provisioned.moment([at(POINT, 1, Arrived), at(POINT, 2, Arrived)]),
        DnsRefused.moment([at(DESTROY, 1, Done), at(DESTROY, 2, Arrived)]),
        DnsRefused.moment([at(DESTROY, 1, Answered), at(LIST, 1, Arrived)]),
        Cancelled.moment([at(DELETE_RECORD, 1, Done), at(DESTROY, 1, Done)]),
    ]
}

impl Kill {
    /// Prepares the provider. To be called before the call can come.
    pub fn arm<'a>(&'a self, site: &Site) -> Armed<'a> {
        let (at, detached) = match self.stand {
            Stand::Arrived => (Stage::Before, false),
            Stand::ArrivedDoneLate => (Stage::Before, true),
            Stand::Done => (Stage::After, false),
            Stand::Answered => return Armed { kill: self, hold: None },
        };
        let route = self.call.route.as_str();
        let passed = u64::try_from(self.requests(site).len()).unwrap();
        assert!(passed < self.call.nth, "{self} has passed");
        // A fault counts from its own beginning.
        let mut fault =
            Fault::new(route, FaultKind::Hold { at, detached }).after(self.call.nth - 1 - passed).once();
        if route == LIST {
            // A saga lists what bears its own marks, and so is told from the comparison at a start.
            fault = fault.matching("tag_name=arcadia-s");
        }
        Armed { kill: self, hold: Some(site.simulator.inject(fault)) }
    }

    fn requests(&self, site: &Site) -> Vec<RequestRecord> {
        let is_of_route = |it: &RequestRecord| self.call.route == format!("{} {}", it.method, it.route);
        let requests = site.simulator.requests().into_iter();
        requests.filter(is_of_route).filter(|it| !is_comparison(it)).collect()
    }
}

impl Armed<'_> {
    /// Returns when the call stands where the process is to die.
    pub async fn reached(&self, site: &Site) {
        let reached = async {
            match self.hold {
                Some(hold) => site.simulator.until_held(hold, 1).await,
                None => self.until_answered(site).await,
            }
        };
        if tokio::time::timeout(PATIENCE, reached).await.is_err() {
            panic!("{} never came; these did: {:#?}", self.kill, numbered(&site.calls()));
        }
    }

    async fn until_answered(&self, site: &Site) {
        let at = usize::try_from(self.kill.call.nth).unwrap() - 1;
        while self.kill.requests(site).get(at).is_none_or(|request| request.status.is_none()) {
            tokio::time::sleep(LOOK_EVERY / 4).await;
        }
    }

    /// The process is dead. Answers what the provider is still to do.
    pub async fn died(self, site: &Site) -> Option<FaultId> {
        let hold = self.hold?;
        if self.kill.stand == Stand::ArrivedDoneLate {
            return Some(hold);
        }
        let begun = Instant::now();
        let is_held = |id| site.simulator.faults().iter().any(|fault| fault.id == id && fault.held > 0);
        while is_held(hold) {
            assert!(begun.elapsed() < PATIENCE, "the provider does not notice that its client is gone");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        site.simulator.clear_fault(hold);
        None
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stand = match self.stand {
            Stand::Arrived => "before the work",
            Stand::ArrivedDoneLate => "before the work, which is done late",
            Stand::Done => "after the work",
            Stand::Answered => "after the answer",
        };
        write!(f, "{} ({}) {stand}", self.call.route, self.call.nth)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let story = match self.story {
            Story::Provisioned => "provisioning",
            Story::DnsRefused => "DNS refused",
            Story::Cancelled => "cancelled",
        };
        let kills: Vec<String> = self.kills.iter().map(Kill::to_string).collect();
        write!(f, "{story}: {}", kills.join(", then "))
    }
}
