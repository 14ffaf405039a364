//! Every fault, one by one: what the client makes of it, whether it says that something may have happened, and what has
//! happened in truth. Whatever was logged, reported or answered on the way holds no token.

use std::collections::BTreeSet;
use std::time::Duration;

use digitalocean::{
    ActionStatus, Certainty, Client, CreateDroplet, DropletAction, DropletId, DropletStatus, Error,
    ErrorKind, Limits, Purpose, Retry, SnapshotId,
};
use digitalocean_sim::{Fault, FaultKind, Limit, Stage};
use serde_json::Value;

use crate::log;
use crate::site::{PROVISIONING_TOKEN, SYNC_TOKEN, Site, no_token, options};

/// Every kind there is: a new one does not compile until it is named here, and then must be tried below.
fn word(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::Refuse { .. } => "refuse",
        FaultKind::Status { .. } => "status",
        FaultKind::CutBefore => "cut_before",
        FaultKind::CutAfter => "cut_after",
        FaultKind::Delay { .. } => "delay",
        FaultKind::SlowBody { .. } => "slow_body",
        FaultKind::Hide { .. } => "hide",
        FaultKind::NeverActive => "never_active",
        FaultKind::ErrorAction => "error_action",
        FaultKind::NoEffect => "no_effect",
        FaultKind::SlowAction { .. } => "slow_action",
        FaultKind::LateAddress { .. } => "late_address",
        FaultKind::NotYet { .. } => "not_yet",
        FaultKind::Linger { .. } => "linger",
        FaultKind::Vanish { .. } => "vanish",
        FaultKind::Hold { .. } => "hold",
        FaultKind::Html502 { .. } => "html_502",
        FaultKind::Garbage { .. } => "garbage",
        FaultKind::Truncate => "truncate",
        FaultKind::ShiftPage { .. } => "shift_page",
        FaultKind::RateLimit { .. } => "rate_limit",
    }
}

const KINDS: usize = 21;

fn wanted() -> CreateDroplet {
    CreateDroplet {
        name: "edge-1".to_owned(),
        region: Some("nyc3".to_owned()),
        size: "s-1vcpu-1gb".to_owned(),
        image: "ubuntu-24-04-x64".into(),
        tags: vec!["mine".to_owned()],
        ..CreateDroplet::default()
    }
}

fn status(status: u16, at: Stage) -> FaultKind {
    FaultKind::Status { status, message: None, at }
}

/// What a creation comes to: how the error is, and whether there is a droplet all the same.
type Outcome = (ErrorKind, Option<u16>, Certainty, bool);

fn failures() -> Vec<(FaultKind, Outcome)> {
    use Certainty::{Certain, InDoubt};
    use ErrorKind::{Answered, ConnectionLost, TimedOut, Undecodable};
    let hour_ms = 3_600_000;
    let delay = |at, detached| FaultKind::Delay { ms: hour_ms, at, detached };
    let hold = |at| FaultKind::Hold { at, detached: false };
    let limited = |limit| FaultKind::RateLimit { limit, retry_after_s: 7 };
    let mut failures = vec![
        (FaultKind::Refuse { message: "no".to_owned() }, (Answered, Some(422), Certain, false)),
        (FaultKind::CutBefore, (ConnectionLost, None, InDoubt, false)),
        (FaultKind::CutAfter, (ConnectionLost, None, InDoubt, true)),
        (delay(Stage::Before, false), (TimedOut, None, InDoubt, false)),
        (delay(Stage::After, false), (TimedOut, None, InDoubt, true)),
        (FaultKind::SlowBody { ms: hour_ms }, (TimedOut, Some(202), InDoubt, true)),
        (hold(Stage::Before), (TimedOut, None, InDoubt, false)),
        (hold(Stage::After), (TimedOut, None, InDoubt, true)),
        (FaultKind::Html502 { at: Stage::Before }, (Answered, Some(502), InDoubt, false)),
        (FaultKind::Html502 { at: Stage::After }, (Answered, Some(502), InDoubt, true)),
        (FaultKind::Garbage { at: Stage::After }, (Undecodable, Some(200), InDoubt, true)),
        (FaultKind::Garbage { at: Stage::Before }, (Undecodable, Some(200), InDoubt, false)),
        (FaultKind::Truncate, (Undecodable, Some(202), InDoubt, true)),
        (limited(Limit::Burst), (Answered, Some(429), Certain, false)),
        (limited(Limit::Hourly), (Answered, Some(429), Certain, false)),
    ];
    for code in [400, 401, 403, 404, 409, 412, 422] {
        failures.push((status(code, Stage::Before), (Answered, Some(code), Certain, false)));
    }
    for code in [500, 502, 503, 504] {
        failures.push((status(code, Stage::Before), (Answered, Some(code), InDoubt, false)));
        failures.push((status(code, Stage::After), (Answered, Some(code), InDoubt, true)));
    }
    failures
}

/// Collects what is shown of errors while it checks them.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn see(&mut self, error: &Error) {
        self.0 += &format!("{error}\n{error:?}\n{error:#?}\n{}\n", error.message());
    }
}

#[tokio::test]
async fn every_fault_that_fails_a_creation_says_truly_whether_it_may_have_happened() {
    let (mut shown, mut tried) = (Shown::default(), BTreeSet::new());
    for (kind, (error_kind, code, certainty, exists)) in failures() {
        let site = Site::start(options()).await;
        let client = site.plain_client().with_timeout(Duration::from_millis(300));
        site.simulator.inject(Fault::new("POST /v2/droplets", kind.clone()).once());
        let error = client.droplets().create(&wanted()).await.unwrap_err();
        shown.see(&error);
        assert_eq!((error.kind(), error.certainty()), (error_kind, certainty), "{kind:?}: {error}");
        if error_kind != ErrorKind::TimedOut {
            assert_eq!(error.status(), code, "{kind:?}");
        }
        // After a 429 the client keeps still for as long as it was asked to.
        let found = site.clock.drive(client.droplets().list_tagged("mine").into_future()).await.unwrap();
        assert_eq!(found.len(), usize::from(exists), "{kind:?}");
        assert!(
            exists <= error.is_in_doubt(),
            "{kind:?}: it happened, and the error was certain that it had not"
        );
        assert_eq!(error.is_rate_limited().is_some(), code == Some(429), "{kind:?}");
        assert_eq!(site.simulator.faults()[0].strikes, 1, "{kind:?}");
        tried.insert(word(&kind));
        no_token_in(&site, &client).await;
    }
    no_token(&shown.0);
    no_token(&log::text());
    assert!(log::text().contains("called the provider"));
    tried.extend(EFFECTS);
    assert_eq!(tried.len(), KINDS, "{tried:?}");
}

/// The faults that fail no request, but change what comes of it; each has a test below, and the last in `pages`.
const EFFECTS: [&str; 10] = [
    "hide",
    "never_active",
    "error_action",
    "no_effect",
    "slow_action",
    "late_address",
    "not_yet",
    "linger",
    "vanish",
    "shift_page",
];

#[tokio::test]
async fn a_server_that_is_not_there_got_nothing_and_a_token_that_is_revoked_did_nothing() {
    let mut shown = Shown::default();
    let site = Site::start(options()).await;
    let client = site.plain_client();
    site.simulator.limit_token(PROVISIONING_TOKEN, Some(&["droplet:read", "tag:read"]));
    let error = client.droplets().create(&wanted()).await.unwrap_err();
    shown.see(&error);
    assert_eq!((error.is_forbidden(), error.certainty()), (true, Certainty::Certain));
    assert_eq!(error.message(), "You are missing the required permission droplet:create.");
    site.simulator.revoke_token(PROVISIONING_TOKEN);
    let error = client.droplets().create(&wanted()).await.unwrap_err();
    shown.see(&error);
    assert_eq!((error.is_unauthorized(), error.certainty()), (true, Certainty::Certain));
    assert_eq!(client.for_purpose(Purpose::Sync).droplets().list().await.unwrap().len(), 0);

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let builder = Client::builder(nobody).token(Purpose::Provisioning, PROVISIONING_TOKEN);
    let client = builder.retry(Retry::none()).limits(Limits::unlimited()).build().unwrap();
    let error = client.droplets().create(&wanted()).await.unwrap_err();
    shown.see(&error);
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::NotSent, Certainty::Certain));
    no_token(&shown.0);
}

#[tokio::test]
async fn what_can_be_asked_twice_gets_over_every_passing_failure() {
    let passing = [
        FaultKind::CutBefore,
        FaultKind::CutAfter,
        FaultKind::Html502 { at: Stage::After },
        status(500, Stage::Before),
        status(503, Stage::After),
        status(504, Stage::Before),
        FaultKind::RateLimit { limit: Limit::Burst, retry_after_s: 2 },
    ];
    for kind in passing {
        let site = Site::start(options()).await;
        let id = DropletId(site.make("edge-1", "mine"));
        let client = site.finish(site.builder(PROVISIONING_TOKEN, SYNC_TOKEN).limits(Limits::unlimited()));
        for route in ["GET /v2/droplets/{id}", "GET /v2/droplets", "DELETE /v2/droplets/{id}"] {
            site.simulator.inject(Fault::new(route, kind.clone()).once());
        }
        let work = async {
            client.droplets().get(id).await.unwrap();
            assert_eq!(client.droplets().list().await.unwrap().len(), 1, "{kind:?}");
            let destroyed = client.droplets().destroy(id).await;
            // When the first attempt did its work, the second finds nothing, which is as good.
            assert!(destroyed.as_ref().err().is_none_or(Error::is_not_found), "{kind:?}: {destroyed:?}");
        };
        site.clock.drive(work).await;
        assert!(site.simulator.faults().iter().all(|fault| fault.strikes == 1), "{kind:?}");
    }
}

/// A client, and a droplet that was created under a fault.
async fn created(kind: FaultKind) -> (Site, Client, DropletId) {
    let site = Site::start(options()).await;
    let client = site.plain_client();
    site.simulator.inject(Fault::new("POST /v2/droplets", kind).once());
    let id = client.droplets().create(&wanted()).await.unwrap().droplet.id;
    (site, client, id)
}

fn minutes(site: &Site, minutes: u64) {
    site.simulator.advance(Duration::from_secs(60 * minutes));
}

#[tokio::test]
async fn a_droplet_may_be_hidden_not_yet_found_never_active_without_address_or_gone() {
    let ms = 60_000;
    let (site, client, id) = created(FaultKind::Hide { ms }).await;
    assert_eq!(
        (client.droplets().list().await.unwrap().len(), client.droplets().get(id).await.unwrap().id),
        (0, id)
    );
    minutes(&site, 1);
    assert_eq!(client.droplets().list().await.unwrap().len(), 1);

    let (site, client, id) = created(FaultKind::NotYet { ms }).await;
    let error = client.droplets().get(id).await.unwrap_err();
    assert_eq!((error.is_not_found(), error.certainty()), (true, Certainty::Certain));
    minutes(&site, 1);
    client.droplets().get(id).await.unwrap();

    let (site, client, id) = created(FaultKind::NeverActive).await;
    minutes(&site, 60);
    assert_eq!(client.droplets().get(id).await.unwrap().status, DropletStatus::New);

    let (site, client, id) = created(FaultKind::LateAddress { ms }).await;
    let early = client.droplets().get(id).await.unwrap();
    assert_eq!((early.status.clone(), early.public_ipv4()), (DropletStatus::Active, None));
    minutes(&site, 1);
    assert!(client.droplets().get(id).await.unwrap().public_ipv4().is_some());

    let (site, client, id) = created(FaultKind::Vanish { ms }).await;
    client.droplets().get(id).await.unwrap();
    minutes(&site, 1);
    assert!(client.droplets().get(id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_action_may_end_errored_or_without_effect_or_late() {
    for (kind, ended, status_after) in [
        (FaultKind::ErrorAction, ActionStatus::Errored, DropletStatus::Active),
        (FaultKind::NoEffect, ActionStatus::Completed, DropletStatus::Active),
        (FaultKind::SlowAction { ms: 600_000 }, ActionStatus::InProgress, DropletStatus::Active),
    ] {
        let site = Site::start(options()).await;
        let client = site.plain_client();
        let id = client.droplets().create(&wanted()).await.unwrap().droplet.id;
        minutes(&site, 1);
        site.simulator.inject(Fault::new("POST /v2/droplets/{id}/actions", kind.clone()).once());
        let action = client.droplets().act(id, &DropletAction::PowerOff).await.unwrap();
        minutes(&site, 1);
        assert_eq!(client.droplets().action(id, action.id).await.unwrap().status, ended, "{kind:?}");
        assert_eq!(client.droplets().get(id).await.unwrap().status, status_after, "{kind:?}");
        if ended == ActionStatus::InProgress {
            let error = client.droplets().power_off(id).await.unwrap_err();
            assert_eq!((error.is_pending_event(), error.certainty()), (true, Certainty::Certain));
            minutes(&site, 10);
            assert_eq!(client.droplets().get(id).await.unwrap().status, DropletStatus::Off);
        }
    }
}

#[tokio::test]
async fn a_snapshot_may_be_listed_late_and_linger_after_its_deletion() {
    let site = Site::start(options()).await;
    let client = site.plain_client();
    let id = client.droplets().create(&wanted()).await.unwrap().droplet.id;
    minutes(&site, 1);
    site.simulator
        .inject(Fault::new("POST /v2/droplets/{id}/actions", FaultKind::Hide { ms: 60_000 }).once());
    let action = client.droplets().snapshot(id, "keep").await.unwrap();
    assert_eq!(client.droplets().action(id, action.id).await.unwrap().status, ActionStatus::Completed);
    assert_eq!(client.snapshots().list().await.unwrap().len(), 0);
    minutes(&site, 1);
    let snapshot: SnapshotId = client.snapshots().list().await.unwrap()[0].id.clone();
    site.simulator.inject(Fault::new("DELETE /v2/snapshots/{id}", FaultKind::Linger { ms: 60_000 }).once());
    client.snapshots().delete(&snapshot).await.unwrap();
    assert_eq!(client.snapshots().list().await.unwrap().len(), 1);
    assert!(client.snapshots().delete(&snapshot).await.unwrap_err().is_not_found());
    minutes(&site, 1);
    assert_eq!(client.snapshots().list().await.unwrap().len(), 0);
}

/// Debug output of what holds tokens, what was reported, and all that the control interface answers.
async fn no_token_in(site: &Site, client: &Client) {
    no_token(&format!(
        "{client:?} {:?} {:?}",
        client.droplets(),
        site.builder(PROVISIONING_TOKEN, SYNC_TOKEN)
    ));
    no_token(&site.reports.lock().unwrap());
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["account", "marked", "log", "requests", "time", "faults", "finance"] {
        let answer = plain.get(format!("{}/_sim/{path}", site.base)).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        no_token(&answer.to_string());
    }
}
