//! What bears no mark: records and sizes. No listing by marks shows them, the report does.

use super::child::Child;
use super::customer::Customer;
use super::operator::{named, provisioned, record, recover, release, until_claiming, until_held};
use super::site::{Site, ZONE};
use arcadia_sql::Engine;
use digitalocean_sim::{Kind, Mutation};
use serde_json::json;
use std::collections::BTreeSet;

/// All that was counted survives, and what came after the last count does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_lost_nothing_but_a_record_holds_the_living_process() {
    let (mut site, customer) = (Site::new(Engine::Postgres).await, Customer::new());
    let server = Child::serve(&site).await;
    let [one] = provisioned(&server, &customer, ["one"]).await;
    until_claiming(&server).await;
    site.stop_beats().await;
    let copy = site.copy().await;
    let (_, address) = site.record("one");
    site.point("alias", &address).await;
    let writes = site.writes();

    site.put_back(&copy).await;
    site.let_beats().await;
    until_held(&server, "lost commits").await;
    let expected = BTreeSet::from([record(&site.record("alias").0, "unknown_record")]);
    let report = recover(&site, &[]).await;
    assert_eq!(named(&report), expected, "{report:#}\n{}", server.said());
    assert_eq!(site.writes(), writes, "something was asked of the provider:\n{}", server.said());

    release(&site).await;
    until_claiming(&server).await;
    let [two] = provisioned(&server, &customer, ["two"]).await;
    let ended = server.stop().await;
    let holds = ended.log.iter().filter(|line| line.contains("claims are held")).count();
    assert_eq!(holds, 1, "one loss was told more than once:\n{}", ended.log.join("\n"));
    let mut everything: Vec<String> = [one, two].map(|asked| format!("arcadia-saga-{}", asked.saga)).into();
    everything.sort();
    assert_eq!(site.creations(), everything);
    assert_eq!(site.destructions(), Vec::<String>::new());
}

on_both_databases! {
    async fn a_size_and_records_that_are_not_as_the_copy_has_them_are_named(engine: Engine) {
        let (mut site, customer) = (Site::new(engine).await, Customer::new());
        let server = Child::serve(&site).await;
        let [one, ..] = provisioned(&server, &customer, ["one", "two", "three"]).await;
        let (_, address) = site.record("three");
        site.point("alias", &address).await;
        server.stop().await;
        let copy = site.copy().await;
        let server = Child::serve(&site).await;
        until_claiming(&server).await;
        server.stop().await;
        let droplet = site.droplets()[&format!("arcadia-saga-{}", one.saga)];
        let (gone, moved) = (site.record("one").0, site.record("two").0);
        let number = |record: &str| record.rsplit_once('/').unwrap().1.to_owned();
        let elsewhere = json!({"type": "A", "name": "two", "data": "192.0.2.9", "ttl": 600});
        for change in [
            Mutation::set(Kind::Droplet, droplet, json!({"size": "s-2vcpu-2gb"})),
            Mutation::destroy(Kind::DomainRecord, number(&gone)),
            Mutation::set(Kind::DomainRecord, number(&moved), elsewhere),
        ] {
            site.simulator.mutate(&change).unwrap();
        }
        let writes = site.writes();

        site.put_back(&copy).await;
        let server = Child::serve(&site).await;
        until_held(&server, "lost commits").await;
        let expected = BTreeSet::from([
            ["size", &droplet.to_string(), "differs", "leave"].map(str::to_owned),
            record(&format!("one.{ZONE}"), "gone"),
            record(&moved, "differs"),
        ]);
        let report = recover(&site, &[]).await;
        assert_eq!(named(&report), expected, "{report:#}");
        assert_eq!(site.writes(), writes, "something was asked of the provider");
        release(&site).await;
        until_claiming(&server).await;
        server.stop().await;
    }
}
