//! The past is forgotten, but never what something at the provider still hangs on.

use crate::world::World;
use arcadia_saga::{Filter, SagaId, StartSaga, Status};
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One night's work; what it forgot.
async fn night(world: &World) -> Value {
    job(world, "forget_the_past", "metering").await
}

/// Background work as a schedule starts it; its output.
async fn job(world: &World, step: &str, queue: &str) -> Value {
    let start = StartSaga {
        kind: "job".to_owned(),
        steps: vec![step.to_owned()],
        triggered_by: "system:schedule".to_owned(),
        queue: queue.to_owned(),
        ..StartSaga::default()
    };
    let id = world.service.cloud.sagas.start(start).await.unwrap().id();
    world.settle_for(Duration::from_secs(60)).await;
    assert_eq!(world.saga(id).await.status, Status::Completed);
    world.steps(id).await[0].output.clone().unwrap()
}

async fn kept(world: &World) -> Vec<SagaId> {
    let all = world.service.cloud.sagas.list(&Filter::default()).await.unwrap();
    let of_users = all.into_iter().filter(|saga| saga.kind != "job");
    let mut ids: Vec<SagaId> = of_users.map(|saga| saga.id).collect();
    ids.sort();
    ids
}

stories! {
    async fn nothing_that_bears_a_mark_or_a_name_is_forgotten(world: &World) {
        let active = world.provision("acme").await;
        world.settle().await;
        world.inject_once("POST /v2/domains/{name}/records", digitalocean_sim::FaultKind::Status {
            status: 422, message: None, at: digitalocean_sim::Stage::Before });
        let cancelled = world.provision("globex").await;
        world.settle().await;
        let inputs = json!({"droplet_name": "alone", "droplet_region": "nyc3", "droplet_size": "s-1vcpu-1gb",
            "droplet_image": "ubuntu-24-04-x64"});
        let alone = world.start("provision_droplet", inputs).await;
        world.settle().await;
        assert_eq!(world.saga(cancelled.saga).await.status, Status::RolledBack);
        let droplet = world.deployment(active.deployment).await.droplet_id;
        let snapshot = world.start("snapshot_droplet", json!({"droplet_id": droplet})).await;
        world.settle().await;
        job(world, "sync_snapshots", "cloud_sync_slow").await;
        assert_eq!(night(world).await["forgotten_sagas"], 0);

        world.advance(89 * DAY);
        assert_eq!(night(world).await["forgotten_sagas"], 2, "the two jobs");
        assert_eq!(kept(world).await.len(), 4);
        world.advance(2 * DAY);
        assert_eq!(night(world).await["forgotten_sagas"], 1, "of a deployment that is no more");
        let mut left = vec![active.saga, snapshot, alone];
        left.sort();
        assert_eq!(kept(world).await, left);
        assert!(world.service.cloud.sagas.events(cancelled.saga).await.unwrap().is_empty());

        let droplet = world.steps(alone).await[0].output.clone().unwrap()["droplet_id"].clone();
        let destroyed = world.start("destroy_droplet", json!({"droplet_id": droplet})).await;
        world.settle().await;
        assert_eq!(night(world).await["forgotten_sagas"], 1, "its droplet is gone");
        left.retain(|id| *id != alone);
        left.push(destroyed);
        assert_eq!(kept(world).await, left);
    }
}
