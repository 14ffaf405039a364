//! An older copy takes the place of a PostgreSQL database under a living process: what a failover to a standby that
//! lagged behind looks like from here.

use super::child::Child;
use super::customer::Customer;
use super::operator::{difference, named, provisioned, record, recover, release, until_claiming, until_held};
use super::site::Site;
use arcadia_sql::Engine;
use digitalocean_sim::{Fault, FaultKind, Stage};
use std::collections::BTreeSet;

const CREATE: &str = "POST /v2/droplets";
/// The call that is held is not given up while the database is replaced.
const CALL_TIMEOUT_S: u64 = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_replaced_under_a_living_process_holds_it_before_it_writes_anything() {
    judge(Site::new(Engine::Postgres).await.patient(CALL_TIMEOUT_S)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_with_older_data_holds_the_living_process_before_it_writes_anything() {
    judge(Site::on_cluster().await.patient(CALL_TIMEOUT_S)).await;
}

async fn judge(mut site: Site) {
    let customer = Customer::new();
    let server = Child::serve(&site).await;
    let [one] = provisioned(&server, &customer, ["one"]).await;
    let copy = site.copy().await;
    until_claiming(&server).await;
    let [two] = provisioned(&server, &customer, ["two"]).await;
    // The call is done and not yet answered when the commit of its intent is lost.
    let kind = FaultKind::Hold { at: Stage::After, detached: false };
    let hold = site.simulator.inject(Fault::new(CREATE, kind).once());
    let three = customer.ask(&server.base, "three").await.unwrap();
    site.simulator.until_held(hold, 1).await;
    let writes = site.writes();

    site.put_back(&copy).await;
    site.simulator.release(hold);
    until_held(&server, "run `arcadia recover`").await;
    let droplets = site.droplets();
    let at = |saga: uuid::Uuid| droplets[&format!("arcadia-saga-{saga}")];
    let expected = BTreeSet::from([
        difference(at(two.saga), "unknown_saga", "adopt"),
        difference(at(three.saga), "unknown_saga", "adopt"),
        record(&site.record("two").0, "unknown_record"),
    ]);
    let report = recover(&site, &[]).await;
    assert_eq!(named(&report), expected, "{report:#}\n{}", server.said());
    assert_eq!(site.writes(), writes, "something was asked of the provider:\n{}", server.said());

    release(&site).await;
    until_claiming(&server).await;
    let [four] = provisioned(&server, &customer, ["four"]).await;
    server.stop().await;
    let mut everything: Vec<String> =
        [one, two, three, four].map(|asked| format!("arcadia-saga-{}", asked.saga)).into();
    everything.sort();
    assert_eq!(site.creations(), everything, "a droplet was made twice");
    assert_eq!(site.destructions(), Vec::<String>::new(), "a droplet was destroyed");
}

/// Nothing was lost, so nothing is held for a person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_only_restarted_is_compared_and_goes_on() {
    let (mut site, customer) = (Site::on_cluster().await, Customer::new());
    let server = Child::serve(&site).await;
    let [one] = provisioned(&server, &customer, ["one"]).await;
    site.copy().await;
    server.until_it_says("another server than before").await;
    until_claiming(&server).await;
    let [two] = provisioned(&server, &customer, ["two"]).await;
    let ended = server.stop().await;
    assert!(!ended.log.iter().any(|line| line.contains("claims are held")), "{}", ended.log.join("\n"));
    let mut everything: Vec<String> = [one, two].map(|asked| format!("arcadia-saga-{}", asked.saga)).into();
    everything.sort();
    assert_eq!(site.creations(), everything);
}
