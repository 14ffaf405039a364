//! A cancel, wherever the saga stands: it turns back within one poll interval and leaves nothing.

use crate::world::{Story, World};
use arcadia::deployments::{self, DeploymentId, State};
use arcadia_saga::Status;
use digitalocean_sim::{Fault, FaultKind, Limit};
use std::time::Duration;

const POLL: Duration = Duration::from_secs(5);

/// Cancels, and holds the saga to turning back at once and cleanly.
async fn cancel(world: &World, acme: &Story) {
    world.service.cloud.sagas.cancel(acme.saga, "a-test").await.unwrap();
    world.settle_for(POLL).await;
    let status = world.saga(acme.saga).await.status;
    assert!(matches!(status, Status::Compensating | Status::RolledBack), "{status:?} after a cancel");
    world.settle().await;
    let saga = world.saga(acme.saga).await;
    assert_eq!(saga.status, Status::RolledBack);
    assert_eq!(saga.error.unwrap()["reason"], "cancelled");
    assert_eq!(world.deployment(acme.deployment).await.state, "cancelled");
    assert_eq!(world.marked(), []);
    assert_eq!(world.records("acme"), []);
    assert_eq!(world.provisioned().await, []);
}

fn busy() -> FaultKind {
    FaultKind::RateLimit { limit: Limit::Burst, retry_after_s: 60 }
}

stories! {
    async fn before_anything_began(world: &World) {
        let acme = world.provision("acme").await;
        cancel(world, &acme).await;
        assert_eq!(world.droplets_ever(), 0);
    }

    async fn while_the_creation_waits_for_the_rate_limit(world: &World) {
        world.inject("POST /v2/droplets", busy());
        let acme = world.provision("acme").await;
        world.until_step(acme.saga, "create_droplet").await;
        cancel(world, &acme).await;
        assert_eq!(world.droplets_ever(), 0);
    }

    async fn while_a_lost_creation_is_looked_for(world: &World) {
        world.inject_once("POST /v2/droplets", FaultKind::CutAfter);
        world.inject_once("POST /v2/droplets", FaultKind::Hide { ms: 25_000 });
        let acme = world.provision("acme").await;
        world.until_step(acme.saga, "create_droplet").await;
        world.settle_for(POLL).await;
        cancel(world, &acme).await;
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn while_the_droplet_boots(world: &World) {
        let acme = world.provision("acme").await;
        world.until_step(acme.saga, "wait_droplet_active").await;
        cancel(world, &acme).await;
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn before_the_name_is_looked_at(world: &World) {
        world.simulator.inject(Fault::new("GET /v2/domains/{name}/records", busy()).times(3));
        let acme = world.provision("acme").await;
        world.until_step(acme.saga, "point_deployment_dns").await;
        cancel(world, &acme).await;
    }

    async fn while_the_name_is_being_written(world: &World) {
        world.simulator.inject(Fault::new("POST /v2/domains/{name}/records", FaultKind::CutAfter).once());
        let acme = world.provision("acme").await;
        world.until_step(acme.saga, "point_deployment_dns").await;
        cancel(world, &acme).await;
    }

    async fn of_a_deployment_that_was_given_up_by_hand_meanwhile(world: &World) {
        let acme = world.provision("acme").await;
        world.until_step(acme.saga, "wait_droplet_active").await;
        let (id, now) = (DeploymentId(acme.deployment), world.now.get());
        let mut tx = world.service.cloud.db.begin().await.unwrap();
        deployments::transition(&mut tx, id, State::Cancelled, "by hand", "an-operator", None, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        cancel(world, &acme).await;
        assert_eq!(world.transitions(acme.deployment).await, ["cancelled"]);
    }

    async fn of_a_second_provisioning_leaves_the_first_ones_deployment(world: &World) {
        let acme = world.provision("acme").await;
        world.settle().await;
        let sagas = &world.service.cloud.sagas;
        let inputs = world.saga(acme.saga).await.inputs;
        let second = world.start("provision_deployment", inputs.into()).await;
        sagas.cancel(second, "a-test").await.unwrap();
        world.settle().await;
        assert_eq!(world.saga(second).await.status, Status::RolledBack);
        assert_eq!(world.deployment(acme.deployment).await.state, "active");
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn after_the_end_it_is_refused(world: &World) {
        let acme = world.provision("acme").await;
        world.settle().await;
        assert!(world.service.cloud.sagas.cancel(acme.saga, "a-test").await.is_err());
        assert_eq!(world.deployment(acme.deployment).await.state, "active");
    }
}
