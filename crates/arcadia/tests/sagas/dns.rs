//! DNS records: what they become, what the way back restores, and what is left alone.

use crate::world::{DOMAIN, World};
use arcadia_saga::{Saga, SagaId, Status};
use digitalocean_sim::{FaultKind, Kind, Limit, Mutation};
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "shop";

fn record(kind: &str, data: &str, ttl: u64) -> (String, String, u64) {
    (kind.to_owned(), data.to_owned(), ttl)
}

fn add(world: &World, kind: &str, data: &str) -> Value {
    let body = json!({"domain": DOMAIN, "type": kind, "name": NAME, "data": data, "ttl": 600});
    world.simulator.mutate(&Mutation::create(Kind::DomainRecord, body)).unwrap()
}

async fn upsert(world: &World, data: &str, then: &[&str]) -> SagaId {
    let mut steps = vec!["upsert_dns_record".to_owned()];
    steps.extend(then.iter().map(|&step| step.to_owned()));
    let inputs = json!({"dns_domain": DOMAIN, "dns_record_type": "A", "dns_record_name": NAME,
        "dns_record_data": data, "dns_record_ttl": 600, "reason": "asked to", "sleep_ms": 60_000});
    world.start_steps(steps, inputs).await
}

async fn delete(world: &World, then: &[&str]) -> SagaId {
    let mut steps = vec!["delete_dns_record".to_owned()];
    steps.extend(then.iter().map(|&step| step.to_owned()));
    let inputs = json!({"dns_domain": DOMAIN, "dns_record_type": "A", "dns_record_name": NAME,
        "sleep_ms": 60_000, "reason": "asked to"});
    world.start_steps(steps, inputs).await
}

/// The ledger went back to where it is now, and a person let claims go on.
async fn lose_commits(world: &World) {
    let mut tx = world.service.cloud.db.begin().await.unwrap();
    world.service.cloud.sagas.doubt_unfinished(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn failed_undo(world: &World, saga: SagaId) -> String {
    let saga = world.saga(saga).await;
    assert_eq!(saga.status, Status::Failed, "{:?}", saga.attention);
    saga.attention.unwrap()["standing"][0]["error"]["compensation"].as_str().unwrap().to_owned()
}

/// Calls the saga back while the outcome of its only call so far is unknown.
async fn cancel_in_doubt(world: &World, saga: SagaId) {
    let is_in_doubt =
        |it: &Saga| it.waiting_for.as_deref().is_some_and(|it| it.starts_with("another attempt"));
    world.until(saga, is_in_doubt).await;
    world.service.cloud.sagas.cancel(saga, "user:ada").await.unwrap();
}

async fn outcome(world: &World, saga: SagaId) -> String {
    let saga = world.saga(saga).await;
    assert_eq!(saga.status, Status::Completed, "{:?}", saga.error);
    saga.context["outcome"].as_str().unwrap().to_owned()
}

stories! {
    async fn a_record_whose_zone_was_deleted_is_undone(world: &World) {
        let saga = upsert(world, "192.0.2.1", &["sleep", "fail"]).await;
        world.until_step(saga, "sleep").await;
        world.simulator.mutate(&Mutation::destroy(Kind::Domain, DOMAIN)).unwrap();
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack, "{:?}", world.saga(saga).await.attention);
    }

    async fn an_absent_record_is_created(world: &World) {
        let saga = upsert(world, "192.0.2.1", &[]).await;
        world.settle().await;
        assert_eq!(outcome(world, saga).await, "created");
        assert_eq!(world.records(NAME), [record("A", "192.0.2.1", 600)]);
    }

    async fn a_created_record_is_deleted_on_the_way_back(world: &World) {
        let saga = upsert(world, "192.0.2.1", &["fail"]).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        assert_eq!(world.records(NAME), []);
    }

    async fn a_different_record_is_updated(world: &World) {
        add(world, "A", "192.0.2.9");
        let saga = upsert(world, "192.0.2.1", &[]).await;
        world.settle().await;
        assert_eq!(outcome(world, saga).await, "updated");
        assert_eq!(world.records(NAME), [record("A", "192.0.2.1", 600)]);
    }

    async fn an_updated_record_is_restored_on_the_way_back(world: &World) {
        add(world, "A", "192.0.2.9");
        let saga = upsert(world, "192.0.2.1", &["fail"]).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        assert_eq!(world.records(NAME), [record("A", "192.0.2.9", 600)]);
        assert_eq!(world.requests("PUT", "/v2/domains/{name}/records/{id}"), 2);
    }

    async fn the_same_record_is_left_alone_both_ways(world: &World) {
        add(world, "A", "192.0.2.1");
        let saga = upsert(world, "192.0.2.1", &["fail"]).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        assert_eq!(world.records(NAME), [record("A", "192.0.2.1", 600)]);
        assert_eq!(world.requests("PUT", "/v2/domains/{name}/records/{id}"), 0);
        assert_eq!(world.requests("DELETE", "/v2/domains/{name}/records/{id}"), 0);
    }

    async fn of_several_records_none_is_chosen(world: &World) {
        add(world, "A", "192.0.2.8");
        add(world, "A", "192.0.2.9");
        let saga = upsert(world, "192.0.2.1", &[]).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        assert_eq!(world.records(NAME).len(), 2);
    }

    async fn a_lost_answer_finds_its_record_again(world: &World) {
        world.inject_once("POST /v2/domains/{name}/records", FaultKind::CutAfter);
        let saga = upsert(world, "192.0.2.1", &[]).await;
        world.settle().await;
        assert_eq!(outcome(world, saga).await, "created");
        assert_eq!(world.records(NAME), [record("A", "192.0.2.1", 600)]);
        assert_eq!(world.requests("POST", "/v2/domains/{name}/records"), 1);
    }

    async fn a_record_that_someone_changed_since_is_left_alone_and_needs_attention(world: &World) {
        let saga = upsert(world, "192.0.2.1", &["sleep", "fail"]).await;
        world.until_step(saga, "sleep").await;
        let id = world.saga(saga).await.context["dns_record_id"].clone();
        world.simulator.mutate(&Mutation::set(Kind::DomainRecord, id, json!({"data": "198.51.100.7"}))).unwrap();
        world.settle().await;
        let saga = world.saga(saga).await;
        assert_eq!(saga.status, Status::Failed);
        assert_eq!(saga.attention.unwrap()["reason"], "compensation_failed");
        assert_eq!(saga.error.unwrap()["reason"], "step_failed:fail");
        assert_eq!(world.records(NAME), [record("A", "198.51.100.7", 600)]);
    }

    async fn an_updated_record_that_someone_changed_since_is_left_alone(world: &World) {
        let id = add(world, "A", "192.0.2.9");
        let saga = upsert(world, "192.0.2.1", &["sleep", "fail"]).await;
        world.until_step(saga, "sleep").await;
        world.simulator.mutate(&Mutation::set(Kind::DomainRecord, id, json!({"data": "198.51.100.7"}))).unwrap();
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::Failed);
        assert_eq!(world.records(NAME), [record("A", "198.51.100.7", 600)]);
    }

    async fn a_deleted_record_is_made_again_on_the_way_back(world: &World) {
        add(world, "A", "192.0.2.8");
        add(world, "A", "192.0.2.9");
        add(world, "TXT", "untouched");
        let inputs = json!({"dns_domain": DOMAIN, "dns_record_type": "A", "dns_record_name": NAME,
            "sleep_ms": 60_000, "reason": "asked to"});
        let steps = ["delete_dns_record", "sleep", "fail"].map(str::to_owned).to_vec();
        let saga = world.start_steps(steps, inputs).await;
        world.until_step(saga, "sleep").await;
        assert_eq!(world.records(NAME), [record("TXT", "untouched", 600)]);
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        let mut records = world.records(NAME);
        records.sort();
        assert_eq!(
            records,
            [record("A", "192.0.2.8", 600), record("A", "192.0.2.9", 600), record("TXT", "untouched", 600)]
        );
    }

    async fn a_record_whose_return_was_not_answered_comes_back_once(world: &World) {
        add(world, "A", "192.0.2.8");
        let inputs = json!({"dns_domain": DOMAIN, "dns_record_type": "A", "dns_record_name": NAME,
            "reason": "asked to"});
        let steps = ["delete_dns_record", "fail"].map(str::to_owned).to_vec();
        world.inject_once("POST /v2/domains/{name}/records", FaultKind::CutAfter);
        let saga = world.start_steps(steps, inputs).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        assert_eq!(world.records(NAME), [record("A", "192.0.2.8", 600)]);
    }

    async fn a_record_that_a_lost_ledger_may_have_written_is_left_to_a_person(world: &World) {
        let saga = upsert(world, "192.0.2.1", &["fail"]).await;
        add(world, "A", "192.0.2.1");
        lose_commits(world).await;
        world.settle().await;
        let why = failed_undo(world, saga).await;
        assert!(why.contains("may be this saga's or have been there before"), "{why}");
        assert_eq!(world.records(NAME), [record("A", "192.0.2.1", 600)]);
    }

    async fn a_record_that_a_lost_ledger_cannot_have_written_is_restored(world: &World) {
        let saga = upsert(world, "192.0.2.1", &["fail"]).await;
        add(world, "A", "192.0.2.9");
        lose_commits(world).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        assert_eq!(world.records(NAME), [record("A", "192.0.2.9", 600)]);
    }

    async fn records_that_a_lost_ledger_may_have_deleted_are_asked_of_a_person(world: &World) {
        let saga = delete(world, &["fail"]).await;
        lose_commits(world).await;
        world.settle().await;
        let why = failed_undo(world, saga).await;
        assert!(why.contains("may have had more records"), "{why}");
    }

    async fn a_deployment_s_name_that_a_lost_ledger_may_have_pointed_is_left_to_a_person(world: &World) {
        let busy = FaultKind::RateLimit { limit: Limit::Burst, retry_after_s: 60 };
        world.inject_once("GET /v2/domains/{name}/records", busy);
        let shop = world.provision(NAME).await;
        world.until_step(shop.saga, "point_deployment_dns").await;
        let ip = world.saga(shop.saga).await.context["ip"].as_str().unwrap().to_owned();
        let body = json!({"domain": DOMAIN, "type": "A", "name": NAME, "data": ip, "ttl": 1800});
        world.simulator.mutate(&Mutation::create(Kind::DomainRecord, body)).unwrap();
        lose_commits(world).await;
        world.service.cloud.sagas.cancel(shop.saga, "user:ada").await.unwrap();
        world.settle().await;
        let why = failed_undo(world, shop.saga).await;
        assert!(why.contains("may be this saga's or have been there before"), "{why}");
        assert_eq!(world.records(NAME).len(), 1);
    }

    async fn an_absent_record_is_already_deleted(world: &World) {
        let inputs = json!({"dns_domain": DOMAIN, "dns_record_type": "A", "dns_record_name": NAME});
        let saga = world.start_steps(vec!["delete_dns_record".to_owned()], inputs).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::Completed);
    }

    async fn a_name_that_no_deployment_owns_is_not_taken_over(world: &World) {
        add(world, "A", "192.0.2.9");
        let shop = world.provision(NAME).await;
        world.settle().await;
        let saga = world.saga(shop.saga).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(saga.error.unwrap()["reason"], "step_failed:point_deployment_dns");
        assert_eq!(world.records(NAME), [record("A", "192.0.2.9", 600)]);
        assert_eq!(world.marked(), []);
    }

    async fn a_name_that_leads_elsewhere_by_another_type_is_not_taken_over(world: &World) {
        add(world, "AAAA", "2001:db8::1");
        let shop = world.provision(NAME).await;
        world.settle().await;
        assert_eq!(world.saga(shop.saga).await.status, Status::RolledBack);
        assert_eq!(world.records(NAME).len(), 1);
    }

    async fn a_platform_admin_may_have_the_records_of_a_name_replaced(world: &World) {
        add(world, "A", "192.0.2.8");
        add(world, "A", "192.0.2.9");
        let shop = world.provision_with(NAME, json!({"replace_dns": true})).await;
        world.settle().await;
        assert_eq!(world.saga(shop.saga).await.status, Status::Completed);
        let ip = world.deployment(shop.deployment).await.ip.unwrap();
        assert_eq!(world.records(NAME), [record("A", &ip, 1800)]);
    }

    async fn replaced_records_come_back_when_the_deployment_is_cancelled(world: &World) {
        add(world, "A", "192.0.2.8");
        add(world, "A", "192.0.2.9");
        let shop = world.provision_with(NAME, json!({"replace_dns": true})).await;
        // The second record cannot be deleted, so the first has been overwritten when the saga turns back.
        let message = "not now".to_owned();
        world.inject_once("DELETE /v2/domains/{name}/records/{id}", FaultKind::Refuse { message });
        world.settle().await;
        assert_eq!(world.saga(shop.saga).await.status, Status::RolledBack);
        let mut records = world.records(NAME);
        records.sort();
        assert_eq!(records, [record("A", "192.0.2.8", 600), record("A", "192.0.2.9", 600)]);
    }

    async fn replaced_records_come_back_though_their_last_call_s_outcome_is_unknown(world: &World) {
        add(world, "A", "192.0.2.8");
        add(world, "A", "192.0.2.9");
        let shop = world.provision_with(NAME, json!({"replace_dns": true})).await;
        world.inject("DELETE /v2/domains/{name}/records/{id}", FaultKind::CutAfter);
        cancel_in_doubt(world, shop.saga).await;
        world.settle().await;
        let saga = world.saga(shop.saga).await;
        assert_eq!(saga.status, Status::RolledBack, "{:?}", saga.waiting_for);
        let mut records = world.records(NAME);
        records.sort();
        assert_eq!(records, [record("A", "192.0.2.8", 600), record("A", "192.0.2.9", 600)]);
    }

    async fn a_deletion_that_arrives_late_is_undone_too(world: &World) {
        let late = add(world, "A", "192.0.2.8");
        add(world, "A", "192.0.2.9");
        let saga = delete(world, &[]).await;
        world.inject("DELETE /v2/domains/{name}/records/{id}", FaultKind::CutBefore);
        cancel_in_doubt(world, saga).await;
        world.settle_for(Duration::from_secs(1)).await;
        world.simulator.mutate(&Mutation::destroy(Kind::DomainRecord, late)).unwrap();
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        let mut records = world.records(NAME);
        records.sort();
        assert_eq!(records, [record("A", "192.0.2.8", 600), record("A", "192.0.2.9", 600)]);
    }
}
