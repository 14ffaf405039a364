//! The process was stopped, an older copy of its database was put back, and it is started again.

use super::child::{Child, PATIENCE};
use super::customer::{Asked, Customer};
use super::operator::{
    REASON, asked_of_nobody, difference, named, provisioned, record, recover, recover_as_table,
    refuses_to_start, release, until_claiming, until_held,
};
use super::site::{LOOK_EVERY, Site};
use arcadia_sql::Engine;
use digitalocean_sim::{Fault, FaultKind, Stage};
use std::collections::BTreeSet;
use std::time::Duration;
use std::time::Instant;

const UNKNOWN_SAGA: &str = "0199a000-0000-7000-8000-000000000001";
const POINT: &str = "POST /v2/domains/{name}/records";

on_both_databases! {
    async fn an_older_copy_is_held_every_difference_is_named_and_nothing_is_doubled(engine: Engine) {
        let (mut site, customer) = (Site::new(engine).await, Customer::new());
        let server = Child::serve(&site).await;
        let [one, two, three] = provisioned(&server, &customer, ["one", "two", "three"]).await;
        server.stop().await;
        let copy = site.copy().await;

        let server = Child::serve(&site).await;
        let [four, five] = provisioned(&server, &customer, ["four", "five"]).await;
        let six = cancelled(&site, &server, &customer, "six").await;
        let droplet = |site: &Site, asked: Asked| site.droplets()[&mark(asked)];
        let at = |asked: Asked| droplet(&site, asked);
        let (lost, gone, kept) = ([at(four), at(five)], at(two), [at(one), at(three)]);
        site.destroy(gone);
        server.stop().await;
        let (writes, destructions) = (site.writes(), site.destructions());

        site.put_back(&copy).await;
        site.forget_beat();
        let server = Child::serve(&site).await;
        until_held(&server, "2 droplets and 0 snapshots").await;
        refuses_to_start(&server, "seven").await;
        let shown = customer.get(&server.base, &format!("/api/v1/deployments/{}", one.deployment)).await;
        assert_eq!(shown["state"], "active", "reading goes on");
        let report = recover(&site, &[]).await;
        let expected = BTreeSet::from([
            difference(lost[0], "unknown_saga", "adopt"),
            difference(lost[1], "unknown_saga", "adopt"),
            difference(gone, "gone", "leave"),
            record(&site.record("four").0, "unknown_record"),
            record(&site.record("five").0, "unknown_record"),
        ]);
        assert_eq!(named(&report), expected, "{report:#}");
        let found = report["differences"].as_array().unwrap().iter();
        let marks: BTreeSet<&str> = found.flat_map(|it| it["marks"].as_array().unwrap()).filter_map(|it| it.as_str()).collect();
        for asked in [four, five] {
            assert!(marks.contains(mark(asked).as_str()), "{report:#}");
        }
        let table = recover_as_table(&site).await;
        for [_, id, disagreement, proposal] in &expected {
            let is_told = table.contains(id) && table.contains(disagreement) && table.contains(proposal);
            assert!(is_told && table.contains("5 differences"), "{table}");
        }
        assert_eq!(site.writes(), writes, "something was asked of the provider");

        assert_eq!(named(&release(&site).await), expected);
        assert_eq!(site.releases().await, [("ada".to_owned(), REASON.to_owned())]);
        until_claiming(&server).await;
        let [seven] = provisioned(&server, &customer, ["seven"]).await;
        server.stop().await;

        // What a person knows of holds nothing again.
        let server = Child::serve(&site).await;
        let [eight] = provisioned(&server, &customer, ["eight"]).await;
        let report = recover(&site, &[]).await;
        assert_eq!(named(&report), expected, "{report:#}");
        assert!(report["differences"].as_array().unwrap().iter().all(|it| it["known"] == true), "{report:#}");
        server.stop().await;
        let everything = sorted([one, two, three, four, five, six, seven, eight].map(mark));
        assert_eq!(site.creations(), everything, "a droplet was made twice");
        assert_eq!(site.destructions(), destructions, "a droplet was destroyed");
        let alive: BTreeSet<u64> = site.droplets().into_values().collect();
        assert_eq!(alive, BTreeSet::from([kept[0], kept[1], lost[0], lost[1], droplet(&site, seven), droplet(&site, eight)]));
    }

    async fn a_saga_whose_droplet_the_ledger_forgot_adopts_it_after_the_release(engine: Engine) {
        let (mut site, customer) = (Site::new(engine).await, Customer::new());
        let asked = asked_of_nobody(&site, &customer, "main").await;
        let copy = site.copy().await;
        let server = Child::serve(&site).await;
        until_created(&site).await;
        server.kill().await;
        let droplet = site.droplets()[&mark(asked)];

        site.put_back(&copy).await;
        site.forget_beat();
        let writes = site.writes();
        let server = Child::serve(&site).await;
        until_held(&server, "1 droplets").await;
        let report = recover(&site, &[]).await;
        let expected = BTreeSet::from([difference(droplet, "step_never_begun", "adopt")]);
        assert_eq!(named(&report), expected, "{report:#}");
        assert_eq!(report["unfinished_sagas"], 1);
        assert_eq!(site.writes(), writes, "something was asked of the provider");

        release(&site).await;
        let shown = customer.until_ended(&server.base, asked.deployment).await;
        assert_eq!((&shown["state"], &shown["droplet_id"]), (&"active".into(), &droplet.into()), "{shown:#}");
        server.stop().await;
        assert_eq!(site.creations(), [mark(asked)], "a droplet was made twice");
        assert_eq!(site.destructions(), Vec::<String>::new());
        assert_eq!(named(&recover(&site, &[]).await), BTreeSet::new());
    }

    /// Its intent is in the copy: nothing at the provider tells that it came further since.
    async fn a_saga_in_the_middle_of_its_creation_at_the_copy_ends_with_one_droplet(engine: Engine) {
        let (mut site, customer) = (Site::new(engine).await, Customer::new());
        let server = Child::serve(&site).await;
        let kind = FaultKind::Hold { at: Stage::After, detached: true };
        let hold = site.simulator.inject(Fault::new("POST /v2/droplets", kind).once());
        let asked = customer.ask(&server.base, "main").await.unwrap();
        site.simulator.until_held(hold, 1).await;
        server.kill().await;
        let copy = site.copy().await;
        site.simulator.release(hold);
        let server = Child::serve(&site).await;
        assert_eq!(customer.until_ended(&server.base, asked.deployment).await["state"], "active");
        until_claiming(&server).await;
        server.stop().await;

        site.put_back(&copy).await;
        let writes = site.writes();
        let server = Child::serve(&site).await;
        until_held(&server, "lost commits").await;
        let expected = BTreeSet::from([record(&site.record("main").0, "unknown_record")]);
        assert_eq!(named(&recover(&site, &[]).await), expected);
        assert_eq!(site.writes(), writes, "something was asked of the provider");
        release(&site).await;
        assert_eq!(customer.until_ended(&server.base, asked.deployment).await["state"], "active");
        server.stop().await;
        assert_eq!(site.creations(), [mark(asked)], "a droplet was made twice");
        assert_eq!(site.destructions(), Vec::<String>::new());
    }

    /// Where nothing at the provider tells of it, what the process wrote beside its database does.
    async fn lost_commits_that_left_no_mark_are_held_too(engine: Engine) {
        let (mut site, customer) = (Site::new(engine).await, Customer::new());
        let server = Child::serve(&site).await;
        let [one] = provisioned(&server, &customer, ["one"]).await;
        server.stop().await;
        let copy = site.copy().await;
        let server = Child::serve(&site).await;
        until_claiming(&server).await;
        server.stop().await;
        site.put_back(&copy).await;

        let server = Child::serve(&site).await;
        until_held(&server, "lost commits").await;
        let report = release(&site).await;
        assert_eq!(named(&report), BTreeSet::new(), "{report:#}");
        until_claiming(&server).await;
        server.stop().await;
        assert_eq!(site.creations(), [mark(one)]);
    }

    async fn a_database_that_lost_nothing_is_compared_by_one_listing_and_not_held(engine: Engine) {
        let (site, customer) = (Site::new(engine).await.patient(PATIENCE.as_secs()), Customer::new());
        site.add_strangers();
        let server = Child::serve(&site).await;
        let [one] = provisioned(&server, &customer, ["one"]).await;
        let six = cancelled(&site, &server, &customer, "six").await;
        server.kill().await;
        site.destroy(site.droplets()[&mark(one)]);
        let compared = site.comparisons();
        let server = Child::serve(&site).await;
        until_claiming(&server).await;
        assert_eq!(site.comparisons() - compared, 1);
        let [two] = provisioned(&server, &customer, ["two"]).await;
        never_held(server).await;
        assert_eq!(site.creations(), sorted([one, two, six].map(mark)));
    }

    /// Nobody knows it, and it is gone: the provider lists it a little longer.
    async fn what_is_listed_after_its_destruction_holds_nothing(engine: Engine) {
        let (site, customer) = (Site::new(engine).await.patient(PATIENCE.as_secs()), Customer::new());
        let server = Child::serve(&site).await;
        let [one] = provisioned(&server, &customer, ["one"]).await;
        server.stop().await;
        let lost = site.add_like(&mark(one), UNKNOWN_SAGA);
        // What is new is listed a little later.
        site.simulator.advance(Duration::from_secs(60));
        let kind = FaultKind::Hold { at: Stage::After, detached: false };
        let look = Fault::new("GET /v2/droplets", kind).matching("arcadia-install-").once();
        let (hold, compared) = (site.simulator.inject(look), site.comparisons());
        let server = Child::serve(&site).await;
        site.simulator.until_held(hold, 1).await;
        site.destroy(lost);
        site.simulator.release(hold);
        until_claiming(&server).await;
        assert_eq!(site.comparisons() - compared, 2, "it looked twice");
        never_held(server).await;
    }

    async fn a_droplet_whose_saga_was_forgotten_after_its_end_holds_nothing(engine: Engine) {
        let (site, customer) = (Site::new(engine).await, Customer::new());
        let server = Child::serve(&site).await;
        let [one] = provisioned(&server, &customer, ["one"]).await;
        server.stop().await;
        site.forget(one.saga).await;
        let server = Child::serve(&site).await;
        until_claiming(&server).await;
        never_held(server).await;
        assert_eq!(named(&recover(&site, &[]).await), BTreeSet::new());
    }
}

/// The droplet exists, and the node that asked for it has not heard so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sagas_in_flight_on_another_node_hold_nothing() {
    let (site, customer) = (Site::new(Engine::Postgres).await, Customer::new());
    let first = Child::serve(&site).await;
    until_claiming(&first).await;
    let kind = FaultKind::Hold { at: Stage::After, detached: false };
    let hold = site.simulator.inject(Fault::new("POST /v2/droplets", kind).once());
    let mut asked = Vec::new();
    for name in ["one", "two", "three", "four"] {
        asked.push(customer.ask(&first.base, name).await.unwrap());
    }
    site.simulator.until_held(hold, 1).await;
    let second = Child::serve(&site).await;
    until_claiming(&second).await;
    site.simulator.release(hold);
    for it in &asked {
        assert_eq!(customer.until_ended(&second.base, it.deployment).await["state"], "active");
    }
    never_held(second).await;
    never_held(first).await;
    assert_eq!(site.creations(), sorted(asked.into_iter().map(mark)));
}

async fn never_held(server: Child) {
    let ended = server.stop().await;
    assert!(!ended.log.iter().any(|line| line.contains("claims are held")), "{}", ended.log.join("\n"));
}

fn sorted(marks: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut marks: Vec<String> = marks.into_iter().collect();
    marks.sort();
    marks
}

fn mark(asked: Asked) -> String {
    format!("arcadia-saga-{}", asked.saga)
}

async fn until_created(site: &Site) {
    let begun = Instant::now();
    while site.droplets().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "no droplet is created");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Asks for a deployment and cancels it while its record is being made; nothing of it is left.
async fn cancelled(site: &Site, server: &Child, customer: &Customer, name: &str) -> Asked {
    let kind = FaultKind::Hold { at: Stage::After, detached: false };
    let hold = site.simulator.inject(Fault::new(POINT, kind).once());
    let asked = customer.ask(&server.base, name).await.unwrap();
    site.simulator.until_held(hold, 1).await;
    customer.cancel(&server.base, asked.saga).await;
    site.simulator.release(hold);
    let shown = customer.until_ended(&server.base, asked.deployment).await;
    assert_eq!(shown["state"], "cancelled", "{shown:#}");
    asked
}
