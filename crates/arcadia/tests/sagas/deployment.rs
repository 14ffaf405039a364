//! `provision_deployment`, from nothing to serving, or back to nothing.

use crate::world::DOMAIN;
use arcadia_saga::{Status, StepStatus};
use digitalocean_sim::FaultKind;
use serde_json::json;

stories! {
    async fn a_deployment_comes_to_serve(world: &World) {
        let acme = world.provision("acme").await;
        world.settle().await;

        let saga = world.saga(acme.saga).await;
        assert_eq!((saga.status, saga.error), (Status::Completed, None));
        assert_eq!(world.step_statuses(acme.saga).await, [StepStatus::Completed; 7]);

        let facts = world.deployment(acme.deployment).await;
        let ip = facts.ip.clone().unwrap();
        assert_eq!(facts.state, "active");
        assert_eq!(world.records("acme"), [("A".to_owned(), ip, 1800)]);

        let resources = world.resources().await;
        assert_eq!(resources.len(), 1);
        assert_eq!(resources[0].provider_id, facts.droplet_id.unwrap().to_string());
        assert_eq!(resources[0].deployment_id, Some(acme.deployment));
        assert_eq!(resources[0].tenant_id.as_deref(), Some("acme"));
        assert_eq!(resources[0].status.as_deref(), Some("active"));
        assert_eq!(resources[0].monthly_cost_minor, Some(600));
        assert!(!resources[0].is_deleted);
        assert_eq!(world.resource_events().await, ["attributed", "discovered"]);

        let spec = json!({"size_slug": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64"});
        assert_eq!(world.provisioned().await, [(spec, 1)]);
    }

    async fn a_deployment_whose_dns_is_refused_leaves_nothing_behind(world: &World) {
        world.inject("POST /v2/domains/{name}/records", FaultKind::Refuse { message: "no".to_owned() });
        let acme = world.provision("acme").await;
        world.settle().await;

        let saga = world.saga(acme.saga).await;
        assert_eq!(saga.status, Status::RolledBack);
        let error = saga.error.unwrap();
        assert_eq!(error["reason"], "step_failed:point_deployment_dns");
        assert_eq!(error["compensate_from_idx"], 4);
        assert_eq!(saga.clean, Some(json!(true)));
        let facts = world.deployment(acme.deployment).await;
        assert_eq!((facts.state.as_str(), facts.droplet_id, facts.ip), ("cancelled", None, None));
        assert_eq!(world.records("acme"), []);
        assert_eq!(world.marked(), []);
        assert_eq!(world.provisioned().await, []);
        assert!(world.resources().await.iter().all(|row| row.is_deleted && row.deployment_id.is_none()));
        assert_eq!(world.droplets_ever(), 1);
        assert!(acme.hostname.ends_with(DOMAIN));
    }
}
