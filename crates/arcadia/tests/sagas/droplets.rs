//! Sagas on single droplets: made, photographed, destroyed, and only ever our own.

use crate::world::{DOMAIN, World};
use arcadia_saga::{SagaId, Status};
use digitalocean_sim::{ChangeKind, Fault, FaultKind, Kind, Mutation, Stage};
use serde_json::{Value, json};
use std::time::Duration;

const SNAP: &str = "POST /v2/droplets/{id}/actions";

async fn droplet(world: &World) -> u64 {
    let inputs = json!({"droplet_name": format!("box.{DOMAIN}"), "droplet_region": "nyc3",
        "droplet_size": "s-1vcpu-1gb", "droplet_image": "ubuntu-24-04-x64"});
    let saga = world.start("provision_droplet", inputs).await;
    world.settle().await;
    let saga = world.saga(saga).await;
    assert_eq!(saga.status, Status::Completed, "{:?}", saga.error);
    // Its lock outlives the boot by some seconds; a story about something else begins after that.
    world.advance(Duration::from_secs(30));
    saga.context["droplet_id"].as_u64().unwrap()
}

fn names(world: &World) -> Vec<String> {
    let account = world.simulator.account();
    let snapshots = account["snapshots"].as_array().unwrap();
    snapshots.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

async fn photograph(world: &World, droplet: u64, then: &[&str]) -> SagaId {
    let mut steps = vec!["create_droplet_snapshot".to_owned()];
    steps.extend(then.iter().map(|&step| step.to_owned()));
    world.start_steps(steps, json!({"droplet_id": droplet, "reason": "asked to"})).await
}

async fn assert_one_snapshot(world: &World, droplet: u64, saga: SagaId) {
    let found = world.saga(saga).await;
    assert_eq!(found.status, Status::Completed, "{:?}", found.error);
    assert_eq!(names(world), [format!("arcadia-snap-{droplet}-{saga}")]);
    assert_eq!(found.context["snapshot_name"], format!("arcadia-snap-{droplet}-{saga}"));
    assert!(found.context["snapshot_id"].is_string());
    let log = world.simulator.log();
    let taken = log.iter().filter(|it| it.kind == Kind::Snapshot && it.change == ChangeKind::Created);
    assert_eq!(taken.count(), 1);
}

stories! {
    async fn a_droplet_bears_all_its_marks_and_stands_in_the_inventory(world: &World) {
        let id = droplet(world).await;
        let marked = world.marked();
        let tags = &marked[0].tags;
        let saga = tags.iter().find_map(|tag| tag.strip_prefix("arcadia-saga-")).unwrap();
        let installation = format!("arcadia-install-{}", world.service.cloud.installation);
        for wanted in ["managed-by-arcadia-cloud", &installation, &format!("arcadia-step-{saga}-0")] {
            assert!(tags.iter().any(|tag| tag == wanted), "{wanted} is missing from {tags:?}");
        }
        assert_eq!(world.resources().await[0].provider_id, id.to_string());
        assert_eq!(world.provisioned().await.len(), 1);
    }

    async fn a_destroyed_droplet_is_gone_and_its_row_is_a_tombstone(world: &World) {
        let id = droplet(world).await;
        let saga = world.start("destroy_droplet", json!({"droplet_id": id})).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::Completed);
        assert_eq!(world.marked(), []);
        assert!(world.resources().await[0].is_deleted);
        assert_eq!(world.provisioned().await, []);
        assert_eq!(world.resource_events().await, ["deleted", "discovered"]);
    }

    async fn a_droplet_that_is_gone_already_counts_as_destroyed(world: &World) {
        let id = droplet(world).await;
        world.simulator.mutate(&digitalocean_sim::Mutation::destroy(Kind::Droplet, id)).unwrap();
        let saga = world.start("destroy_droplet", json!({"droplet_id": id})).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::Completed);
        assert!(world.resources().await[0].is_deleted);
    }

    async fn a_lost_answer_to_a_destruction_is_settled_forward(world: &World) {
        let id = droplet(world).await;
        world.inject_once("DELETE /v2/droplets/{id}", FaultKind::CutAfter);
        let saga = world.start("destroy_droplet", json!({"droplet_id": id})).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::Completed);
        assert_eq!(world.marked(), []);
    }

    async fn another_installation_s_droplet_is_not_destroyed(world: &World) {
        for tags in [json!([]), json!(["managed-by-arcadia-cloud", "arcadia-install-another"])] {
            let body = json!({"name": "theirs", "region": "nyc3", "size": "s-1vcpu-1gb",
                "image": "ubuntu-24-04-x64", "tags": tags});
            let theirs: Value = world.make_foreign(Kind::Droplet, body).parse::<u64>().unwrap().into();
            let saga = world.start("destroy_droplet", json!({"droplet_id": theirs})).await;
            world.settle().await;
            let saga = world.saga(saga).await;
            assert_eq!(saga.status, Status::RolledBack);
            assert!(saga.error.unwrap()["message"].as_str().unwrap().contains("left alone"));
        }
        assert_eq!(world.requests("DELETE", "/v2/droplets/{id}"), 0);
    }

    async fn a_snapshot_is_taken_and_found_by_its_name(world: &World) {
        let id = droplet(world).await;
        let saga = photograph(world, id, &[]).await;
        world.settle().await;
        assert_one_snapshot(world, id, saga).await;
    }

    async fn a_lost_answer_to_a_snapshot_is_not_asked_for_twice(world: &World) {
        let id = droplet(world).await;
        world.inject_once(SNAP, FaultKind::CutAfter);
        let saga = photograph(world, id, &[]).await;
        world.settle().await;
        assert_one_snapshot(world, id, saga).await;
    }

    async fn a_lost_snapshot_that_takes_long_is_not_asked_for_twice(world: &World) {
        let id = droplet(world).await;
        world.inject_once(SNAP, FaultKind::CutAfter);
        world.inject_once(SNAP, FaultKind::SlowAction { ms: 600_000 });
        world.inject_once(SNAP, FaultKind::Hide { ms: 20_000 });
        let saga = photograph(world, id, &[]).await;
        world.settle().await;
        assert_one_snapshot(world, id, saga).await;
    }

    async fn a_lost_snapshot_that_takes_long_is_deleted_on_the_way_back(world: &World) {
        let id = droplet(world).await;
        world.inject_once(SNAP, FaultKind::CutAfter);
        world.inject_once(SNAP, FaultKind::SlowAction { ms: 600_000 });
        world.inject_once(SNAP, FaultKind::Hide { ms: 20_000 });
        let saga = photograph(world, id, &[]).await;
        world.settle_for(Duration::from_secs(5)).await;
        world.service.cloud.sagas.cancel(saga, "a-test").await.unwrap();
        world.settle().await;
        let saga = world.saga(saga).await;
        assert_eq!((saga.status, saga.clean), (Status::RolledBack, Some(json!(true))));
        assert_eq!(names(world), [""; 0]);
    }

    async fn a_snapshot_is_deleted_on_the_way_back(world: &World) {
        let id = droplet(world).await;
        let saga = photograph(world, id, &["fail"]).await;
        world.settle().await;
        let saga = world.saga(saga).await;
        assert_eq!((saga.status, saga.clean), (Status::RolledBack, Some(json!(true))));
        assert_eq!(names(world), [""; 0]);
    }

    async fn the_snapshot_of_a_droplet_that_is_gone_is_kept_and_asked_about(world: &World) {
        let id = droplet(world).await;
        let steps = ["create_droplet_snapshot", "sleep", "fail"].map(str::to_owned).to_vec();
        let inputs = json!({"droplet_id": id, "reason": "asked to", "sleep_ms": 60_000});
        let saga = world.start_steps(steps, inputs).await;
        world.until_step(saga, "sleep").await;
        world.simulator.mutate(&Mutation::destroy(Kind::Droplet, id)).unwrap();
        world.settle().await;
        let ended = world.saga(saga).await;
        assert_eq!(ended.status, Status::Failed, "{:?}", ended.error);
        let why = ended.attention.unwrap()["standing"][0]["error"]["compensation"].as_str().unwrap().to_owned();
        assert!(why.contains("all that is left of it"), "{why}");
        assert_eq!(names(world), [format!("arcadia-snap-{id}-{saga}")]);
        // The person asked is done with it.
        let kept = world.simulator.account()["snapshots"][0]["id"].clone();
        world.simulator.mutate(&Mutation::destroy(Kind::Snapshot, kept)).unwrap();
    }

    async fn a_snapshot_still_being_taken_is_deleted_on_the_way_back_too(world: &World) {
        let id = droplet(world).await;
        let saga = photograph(world, id, &[]).await;
        world.round().await;
        world.service.cloud.sagas.cancel(saga, "a-test").await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        assert_eq!(names(world), [""; 0]);
    }

    async fn a_snapshot_taken_but_not_yet_listed_is_deleted_on_the_way_back_too(world: &World) {
        let id = droplet(world).await;
        world.inject(SNAP, FaultKind::Hide { ms: 40_000 });
        let saga = photograph(world, id, &[]).await;
        world.until_waiting_for(saga, "the snapshot to be listed").await;
        world.service.cloud.sagas.cancel(saga, "a-test").await.unwrap();
        world.settle().await;
        let saga = world.saga(saga).await;
        assert_eq!((saga.status, saga.clean), (Status::RolledBack, Some(json!(true))));
        assert_eq!(names(world), [""; 0]);
    }

    async fn a_lost_snapshot_is_deleted_on_the_way_back_too(world: &World) {
        let id = droplet(world).await;
        world.inject_once(SNAP, FaultKind::CutAfter);
        let status = FaultKind::Status { status: 500, message: None, at: Stage::Before };
        world.simulator.inject(Fault::new("GET /v2/snapshots", status).times(4));
        let saga = photograph(world, id, &[]).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        assert_eq!(names(world), [""; 0]);
    }

    async fn a_snapshot_that_the_provider_cannot_take_rolls_back(world: &World) {
        let id = droplet(world).await;
        world.inject(SNAP, FaultKind::ErrorAction);
        let saga = photograph(world, id, &[]).await;
        world.settle().await;
        assert_eq!(world.saga(saga).await.status, Status::RolledBack);
        assert_eq!(names(world), [""; 0]);
    }
}
