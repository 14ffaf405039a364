//! Waiting for the droplet to run: shared looks, failed looks, and droplets that never come.

use arcadia_saga::Status;
use digitalocean_sim::{Fault, FaultKind, Stage};

stories! {
    async fn a_droplet_that_never_becomes_active_is_given_up_after_96_polls(world: &World) {
        world.inject("POST /v2/droplets", FaultKind::NeverActive);
        // A droplet that is never done being made can be destroyed all the same, in the end.
        let acme = world.provision("acme").await;
        world.settle().await;
        let saga = world.saga(acme.saga).await;
        assert_eq!(saga.error.unwrap()["reason"], "step_failed:wait_droplet_active");
        assert_eq!(world.requests("GET", "/v2/droplets/{id}"), 96);
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(world.marked(), []);
        assert_eq!(world.deployment(acme.deployment).await.state, "cancelled");
    }

    async fn a_failed_look_is_just_another_poll(world: &World) {
        let status = FaultKind::Status { status: 500, message: None, at: Stage::Before };
        world.simulator.inject(Fault::new("GET /v2/droplets/{id}", status).times(20));
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_eq!(world.saga(acme.saga).await.status, Status::Completed);
        assert_eq!(world.steps(acme.saga).await[2].attempts, 1);
    }

    async fn a_droplet_that_vanishes_rolls_the_deployment_back(world: &World) {
        world.inject("POST /v2/droplets", FaultKind::Vanish { ms: 3_000 });
        let acme = world.provision("acme").await;
        world.settle().await;
        let saga = world.saga(acme.saga).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert!(saga.error.unwrap()["message"].as_str().unwrap().contains("vanished"));
    }

    async fn a_droplet_that_is_not_found_at_first_is_waited_for(world: &World) {
        world.inject("POST /v2/droplets", FaultKind::NotYet { ms: 30_000 });
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_eq!(world.saga(acme.saga).await.status, Status::Completed);
    }

    async fn a_droplet_that_is_not_found_at_first_is_destroyed_all_the_same(world: &World) {
        let not_found = FaultKind::Status { status: 404, message: None, at: Stage::Before };
        world.simulator.inject(Fault::new("DELETE /v2/droplets/{id}", not_found).times(3));
        let acme = world.provision("acme").await;
        world.until_step(acme.saga, "wait_droplet_active").await;
        world.service.cloud.sagas.cancel(acme.saga, "a-test").await.unwrap();
        world.settle().await;
        let saga = world.saga(acme.saga).await;
        assert_eq!((saga.status, saga.clean), (Status::RolledBack, Some(true.into())));
        assert_eq!(world.marked(), []);
    }

    async fn an_address_that_comes_late_is_waited_for(world: &World) {
        world.inject("POST /v2/droplets", FaultKind::LateAddress { ms: 60_000 });
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_eq!(world.saga(acme.saga).await.status, Status::Completed);
        assert!(world.deployment(acme.deployment).await.ip.is_some());
    }

    async fn a_hundred_deployments_at_once_need_at_most_six_calls_each(world: &World) {
        let mut asked = Vec::new();
        for number in 0..100 {
            asked.push(world.provision(&format!("tenant-{number}")).await);
        }
        world.settle().await;
        for one in &asked {
            assert_eq!(world.saga(one.saga).await.status, Status::Completed);
        }
        let calls = world.simulator.request_count();
        assert!(calls <= 600, "{calls} calls for 100 deployments");
    }

    async fn a_rollback_at_the_last_provider_step_needs_at_most_four_calls(world: &World) {
        let refused = FaultKind::Refuse { message: "no".to_owned() };
        world.inject("POST /v2/domains/{name}/records", refused);
        let acme = world.provision("acme").await;
        world.until_status(acme.saga, Status::Compensating).await;
        let before = world.simulator.request_count();
        world.settle().await;
        // What follows the refusal is at most the droplet's destruction and the last look.
        assert!(world.simulator.request_count() - before <= 4);
        assert_eq!(world.saga(acme.saga).await.status, Status::RolledBack);
    }
}
