//! Processes that are asked to stop, and processes that may not start: what is given back at once, what is waited
//! for, and what is refused.

use super::child::Child;
use super::customer::{Asked, Customer};
use super::moments::{CREATE, POINT, Story};
use super::site::{LONG, SHORT, Site};
use super::verdict::{judge, owner_of, until_completed};
use super::witness;
use arcadia_sql::Engine;
use digitalocean_sim::{Fault, FaultId, FaultKind, Stage};
use uuid::Uuid;

on_both_databases! {
    async fn a_stop_in_the_middle_of_a_call_leaves_no_doubt(engine: Engine) {
        let (site, customer) = (Site::new(engine, LONG).await, Customer::new());
        let hold = hold(&site, CREATE, "main");
        let first = Child::serve(&site).await;
        let asked = customer.ask(&first.base, "main").await.unwrap();
        site.simulator.until_held(hold, 1).await;
        first.terminate().await;
        first.until_it_says("stopping").await;
        site.simulator.release(hold);
        let first = first.end().await;
        assert!(first.status.success(), "{:?}", first.log);

        let second = Child::serve(&site).await;
        let shown = customer.until_ended(&second.base, asked.deployment).await;
        let events = customer.get(&second.base, &format!("/api/v1/sagas/{}/events", asked.saga)).await;
        let second = second.stop().await;
        judge(&site, Story::Provisioned, asked, &shown, &[first.runners(), second.runners()]).await;
        let creations = site.calls().into_iter().filter(|call| call.method == "POST" && call.route == "/v2/droplets");
        assert_eq!(creations.count(), 1);
        let kinds: Vec<&str> = events["data"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
        assert!(!kinds.contains(&"resumed_in_doubt"), "{events:#}");
    }
}

/// Every answer to a request of that route is held that names that thing, with its zone or without.
fn hold(site: &Site, route: &str, name: &str) -> FaultId {
    let kind = FaultKind::Hold { at: Stage::After, detached: false };
    site.simulator.inject(Fault::new(route, kind).matching(format!("\"name\":\"{name}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_gives_back_what_has_no_call_under_way_and_the_other_goes_on_at_once() {
    let (site, customer) = (Site::new(Engine::Postgres, LONG).await, Customer::new());
    let db = site.database().await;
    let (calling, answered) = (hold(&site, CREATE, "calling"), hold(&site, POINT, "answered"));
    let leaving = Child::serve(&site).await;
    let mut asked: Vec<Asked> = Vec::new();
    for name in ["calling", "answered"] {
        asked.push(customer.ask(&leaving.base, name).await.unwrap());
    }
    site.simulator.until_held(calling, 1).await;
    site.simulator.until_held(answered, 1).await;
    let staying = Child::worker(&site).await;
    let [leaver, stayer] = [&leaving, &staying].map(|child| child.runners().into_iter().next().unwrap());

    leaving.terminate().await;
    leaving.until_it_says("stopping").await;
    site.simulator.release(answered);
    until_completed(&db, asked[1].saga).await;
    assert_eq!(
        owner_of(&db, asked[0].saga).await,
        Some(leaver),
        "a saga with a call under way was given away"
    );

    site.simulator.release(calling);
    let left = leaving.end().await;
    assert!(left.status.success(), "{:?}", left.log);
    until_completed(&db, asked[0].saga).await;
    // Of the one the stopped node did the first two steps, of the other all but the last.
    for (it, own) in asked.iter().zip([2, 6]) {
        let steps = witness::ledger_of(&db, it.saga).await;
        let doers: Vec<Uuid> = steps.iter().map(|(_, runner)| *runner).collect();
        assert_eq!(doers, [vec![leaver; own], vec![stayer; 7 - own]].concat(), "{steps:?}");
    }
    let stayed = staying.stop().await;
    witness::judge(&db, &[left.runners(), stayed.runners()]).await;
    assert_eq!(site.droplets().len(), asked.len());
    site.judge_foreign();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_one_sqlite_file_is_refused_in_plain_words() {
    let (site, customer) = (Site::new(Engine::Sqlite, SHORT).await, Customer::new());
    let first = Child::serve(&site).await;
    for command in ["serve", "worker", "migrate"] {
        let refused = Child::start(&site, command).end().await;
        assert_eq!(refused.status.code(), Some(1), "{command}: {:?}", refused.log);
        let words = refused.log.last().map(String::as_str).unwrap_or_default();
        assert!(words.starts_with("error: another process is using the database "), "{command}: {words}");
        assert!(words.contains(".db"), "{command} names no file: {words}");
    }
    let asked = customer.ask(&first.base, "main").await.unwrap();
    let shown = customer.until_ended(&first.base, asked.deployment).await;
    let first = first.stop().await;
    judge(&site, Story::Provisioned, asked, &shown, &[first.runners()]).await;
}
