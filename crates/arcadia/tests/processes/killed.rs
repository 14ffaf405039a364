//! `arcadia serve` is killed with SIGKILL before and after every provider call of a deployment's provisioning and
//! of its undoing, and started again: there is the complete deployment, or an account as it was.

use super::child::{Child, PATIENCE};
use super::customer::{Asked, Customer};
use super::moments::{Moment, POINT, Story, special};
use super::site::{LOOK_EVERY, SHORT, Site};
use super::verdict::judge;
use arcadia_sql::Engine;
use digitalocean_sim::{Fault, FaultId, FaultKind, RequestRecord, Stage};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Processes are started by so many moments at once, whatever tests run beside each other.
static PLACES: Semaphore = Semaphore::const_new(4);

/// What the issue asks for is twenty.
const MOMENTS_MIN: usize = 20;

on_both_databases! {
    async fn a_deployment_survives_a_kill_at_any_moment(engine: Engine) {
        let begun = Instant::now();
        let mut moments = special();
        for story in [Story::Provisioned, Story::DnsRefused, Story::Cancelled] {
            let calls = tell(&story.moment([]), engine).await;
            moments.extend(story.moments(&calls));
        }
        let count = moments.len();
        let mut told: JoinSet<Result<(), String>> = moments.into_iter().map(|it| told(it, engine)).collect();
        let mut failures = Vec::new();
        while let Some(moment) = told.join_next().await {
            failures.extend(moment.unwrap().err());
        }
        say(format_args!("{engine:?}: {count} moments in {:.1?}", begun.elapsed()));
        assert!(failures.is_empty(), "{} of {count} moments:\n{}", failures.len(), failures.join("\n"));
        assert!(count >= MOMENTS_MIN, "only {count} moments");
    }
}

#[allow(clippy::print_stdout, reason = "how many moments there were, and which, is part of the proof")]
fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

/// Tells one moment and says by name how it ended.
async fn told(moment: Moment, engine: Engine) -> Result<(), String> {
    let _place = PLACES.acquire().await.unwrap();
    let (begun, name) = (Instant::now(), moment.to_string());
    let ended = tokio::spawn(async move { tell(&moment, engine).await }).await;
    let verdict = if ended.is_ok() { "ok" } else { "FAILED" };
    say(format_args!("{engine:?}: {name} ... {verdict} ({:.1?})", begun.elapsed()));
    ended.map(drop).map_err(|_| name)
}

/// Lives through the moment and judges the world at its end. Answers the calls that sagas made.
async fn tell(moment: &Moment, engine: Engine) -> Vec<RequestRecord> {
    let (site, customer) = (Site::new(engine, SHORT).await, Customer::new());
    let (mut lives, mut late, mut held) = (Vec::new(), None, None);
    for (at, kill) in moment.kills.iter().enumerate() {
        let armed = kill.arm(&site);
        if at == 0 {
            // After the kill's own hold, which is to strike first.
            held = prepare(&site, moment.story);
        }
        let life = Child::serve(&site).await;
        let base = life.base.clone();
        let death = async {
            armed.reached(&site).await;
            life.kill().await
        };
        let asking = ask(&site, &customer, &base, held.take());
        let (ended, _, ()) = tokio::join!(death, asking, finish_late(&site, late.take()));
        late = armed.died(&site).await;
        lives.push(ended.runners());
    }
    if moment.kills.is_empty() {
        held = prepare(&site, moment.story);
    }
    let life = Child::serve(&site).await;
    let asking = ask(&site, &customer, &life.base, held);
    let (asked, ()) = tokio::join!(asking, finish_late(&site, late));
    let asked = asked.expect("nobody was killed who could have answered");
    let shown = customer.until_ended(&life.base, asked.deployment).await;
    lives.push(life.stop().await.runners());
    judge(&site, moment.story, asked, &shown, &lives).await;
    site.calls()
}

/// What makes the story go as it goes; a hold during which it is cancelled.
fn prepare(site: &Site, story: Story) -> Option<FaultId> {
    let kind = match story {
        Story::Provisioned => return None,
        Story::DnsRefused => FaultKind::Refuse { message: "not this one".to_owned() },
        Story::Cancelled => FaultKind::Hold { at: Stage::After, detached: false },
    };
    let fault = Fault::new(POINT, kind);
    match story {
        Story::Cancelled => Some(site.simulator.inject(fault.once())),
        _ => {
            site.simulator.inject(fault);
            None
        }
    }
}

/// Asks for the deployment, always with the same key; cancels it while a call of its saga is held.
async fn ask(site: &Site, customer: &Customer, base: &str, cancel_while: Option<FaultId>) -> Option<Asked> {
    let asked = customer.ask(base, "main").await.ok()?;
    if let Some(hold) = cancel_while {
        let held = tokio::time::timeout(PATIENCE, site.simulator.until_held(hold, 1)).await;
        held.expect("the call to be cancelled at comes");
        customer.cancel(base, asked.saga).await;
        site.simulator.release(hold);
    }
    Some(asked)
}

/// Has the provider do what the dead process asked for, when its successor has looked and seen nothing of it.
async fn finish_late(site: &Site, late: Option<FaultId>) {
    let Some(hold) = late else { return };
    let (before, begun) = (site.calls().len(), Instant::now());
    while site.calls().get(before).is_none_or(|call| call.status.is_none()) {
        assert!(begun.elapsed() < PATIENCE, "the successor makes no call");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    assert_eq!(site.simulator.release(hold), Some(1), "the provider has forgotten the call");
    site.simulator.clear_fault(hold);
}
