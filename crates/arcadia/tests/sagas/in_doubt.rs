//! The answer to a creation is lost: the droplet may exist, may show late, or may never have been made.

use crate::world::{DOMAIN, Story, World};
use arcadia_saga::Status;
use digitalocean_sim::{Fault, FaultKind, Kind, Stage};
use serde_json::json;

const CREATE: &str = "POST /v2/droplets";

/// One droplet serves, and no other was left behind.
async fn assert_serves_with_one(world: &World, acme: &Story) {
    assert_eq!(world.saga(acme.saga).await.status, Status::Completed);
    let droplet = world.deployment(acme.deployment).await.droplet_id.unwrap().to_string();
    let marked: Vec<String> = world.marked().into_iter().map(|thing| thing.id).collect();
    assert_eq!(marked, [droplet]);
}

async fn assert_nothing_left(world: &World, acme: &Story) {
    let saga = world.saga(acme.saga).await;
    assert_eq!((saga.status, saga.clean), (Status::RolledBack, Some(json!(true))));
    assert_eq!(world.deployment(acme.deployment).await.state, "cancelled");
    assert_eq!(world.marked(), []);
    assert_eq!(world.records("acme"), []);
}

/// Other people's things, some of which look much like ours.
async fn surround(world: &World, acme: &Story) {
    let installation = format!("arcadia-install-{}", world.service.cloud.installation);
    let saga = format!("arcadia-saga-{}", acme.saga);
    let step = format!("arcadia-step-{}-1", acme.saga);
    let managed = "managed-by-arcadia-cloud";
    let droplets = [
        vec!["env:production"],
        vec![managed, "arcadia-install-another"],
        vec![managed, "arcadia-install-another", saga.as_str(), step.as_str()],
        vec![managed, installation.as_str(), "arcadia-saga-unknown", "arcadia-step-unknown-1"],
    ];
    for (number, tags) in droplets.iter().enumerate() {
        let name = format!("other-{number}.{DOMAIN}");
        let body = json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb",
            "image": "ubuntu-24-04-x64", "tags": tags});
        world.make_foreign(Kind::Droplet, body);
    }
}

async fn refuse_dns(world: &World) {
    world.inject("POST /v2/domains/{name}/records", FaultKind::Refuse { message: "no".to_owned() });
}

stories! {
    async fn a_lost_answer_is_followed_by_an_adoption(world: &World) {
        world.inject_once(CREATE, FaultKind::CutAfter);
        let acme = world.provision("acme").await;
        surround(world, &acme).await;
        world.settle().await;
        assert_serves_with_one(world, &acme).await;
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn a_lost_answer_and_a_rollback_leave_nothing(world: &World) {
        world.inject_once(CREATE, FaultKind::CutAfter);
        refuse_dns(world).await;
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_nothing_left(world, &acme).await;
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn a_lookalike_is_left_alone_by_a_rollback_and_reported(world: &World) {
        world.inject_once(CREATE, FaultKind::CutAfter);
        refuse_dns(world).await;
        let acme = world.provision("acme").await;
        surround(world, &acme).await;
        world.settle().await;
        let saga = world.saga(acme.saga).await;
        assert_eq!(saga.status, Status::RolledBack);
        let left = saga.clean.unwrap();
        let names: Vec<&str> =
            left.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["other-2.arcadia-demo.com"]);
        assert_eq!(saga.attention.unwrap()["reason"], "left_over");
        assert_eq!(world.marked(), []);
    }

    async fn a_droplet_that_is_listed_after_5_s_is_adopted(world: &World) {
        world.inject_once(CREATE, FaultKind::CutAfter);
        world.inject_once(CREATE, FaultKind::Hide { ms: 5_000 });
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_serves_with_one(world, &acme).await;
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn a_droplet_that_is_listed_after_25_s_is_adopted(world: &World) {
        world.inject_once(CREATE, FaultKind::CutAfter);
        world.inject_once(CREATE, FaultKind::Hide { ms: 25_000 });
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_serves_with_one(world, &acme).await;
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn a_droplet_that_shows_only_during_the_rollback_is_destroyed(world: &World) {
        world.inject_once(CREATE, FaultKind::CutAfter);
        world.inject_once(CREATE, FaultKind::Hide { ms: 25_000 });
        let acme = world.provision("acme").await;
        // Every look of the step itself fails, so that it gives up without knowing.
        world.simulator.inject(Fault::new("GET /v2/droplets", status(500)).times(4));
        world.settle().await;
        assert_nothing_left(world, &acme).await;
        assert_eq!(world.saga(acme.saga).await.error.unwrap()["in_doubt"], true);
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn a_creation_that_never_arrived_is_made_once_more(world: &World) {
        world.inject_once(CREATE, FaultKind::CutBefore);
        let acme = world.provision("acme").await;
        let began = world.now.get();
        surround(world, &acme).await;
        world.settle().await;
        assert_serves_with_one(world, &acme).await;
        assert_eq!(world.droplets_ever(), 1);
        let created = world.simulator.log().into_iter().rfind(|it| it.kind == Kind::Droplet
            && it.change == digitalocean_sim::ChangeKind::Created
            && it.by == digitalocean_sim::Origin::Api).unwrap();
        assert!(created.at.duration_since(began).as_secs() >= 60, "absence was believed too early");
    }

    async fn a_creation_that_never_arrived_and_a_rollback_leave_nothing(world: &World) {
        world.simulator.inject(Fault::new(CREATE, FaultKind::CutBefore).times(1));
        world.simulator.inject(Fault::new("GET /v2/droplets", status(503)).times(4));
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_nothing_left(world, &acme).await;
        assert_eq!(world.droplets_ever(), 0);
    }

    async fn a_500_that_was_work_done_is_followed_by_an_adoption(world: &World) {
        world.inject_once(CREATE, FaultKind::Status { status: 500, message: None, at: Stage::After });
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_serves_with_one(world, &acme).await;
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn an_unreadable_answer_is_followed_by_an_adoption(world: &World) {
        world.inject_once(CREATE, FaultKind::Garbage { at: Stage::After });
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_serves_with_one(world, &acme).await;
        assert_eq!(world.droplets_ever(), 1);
    }

    async fn a_certain_refusal_is_believed_at_once(world: &World) {
        world.inject(CREATE, FaultKind::Refuse { message: "You specified an invalid size.".to_owned() });
        let acme = world.provision("acme").await;
        world.settle().await;
        let saga = world.saga(acme.saga).await;
        assert_eq!(saga.status, Status::RolledBack);
        assert_eq!(saga.error.unwrap()["reason"], "step_failed:create_droplet");
        assert_eq!(world.droplets_ever(), 0);
        assert_eq!(world.deployment(acme.deployment).await.state, "cancelled");
    }

    async fn a_429_is_waited_for_and_the_droplet_made_once(world: &World) {
        let burst = FaultKind::RateLimit { limit: digitalocean_sim::Limit::Burst, retry_after_s: 40 };
        world.inject_once(CREATE, burst);
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_serves_with_one(world, &acme).await;
        assert_eq!(world.requests("POST", "/v2/droplets"), 2);
        assert_eq!(world.steps(acme.saga).await[1].attempts, 1);
    }

    async fn a_rollback_waits_for_a_droplet_that_is_still_being_made(world: &World) {
        // The answer is lost and the step gives up at once: the droplet cannot be destroyed while it is `new`.
        world.inject_once(CREATE, FaultKind::CutAfter);
        world.simulator.inject(Fault::new("GET /v2/droplets", status(500)).times(4));
        world.simulator.inject(Fault::new(
            "DELETE /v2/droplets/{id}",
            FaultKind::Refuse { message: "Droplet already has a pending event.".to_owned() },
        ).times(20));
        let acme = world.provision("acme").await;
        world.settle().await;
        assert_nothing_left(world, &acme).await;
        let step = &world.steps(acme.saga).await[1];
        assert_eq!(step.compensation_attempts, 1, "a busy droplet is a wait, not a failed attempt");
    }
}

fn status(status: u16) -> FaultKind {
    FaultKind::Status { status, message: None, at: Stage::Before }
}
