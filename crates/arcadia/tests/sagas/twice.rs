//! A process dies after a step's effect and before its record: the step runs again and has one effect.

use arcadia_saga::{Status, StepStatus};
use digitalocean_sim::FaultKind;

stories! {
    async fn every_step_of_a_provisioning(world: &World) {
        let acme = world.provision("acme").await;
        world.settle().await;
        let before = world.deployment(acme.deployment).await;
        for idx in 1..7 {
            world.rewind(acme.saga, idx, Status::Running).await;
            world.settle().await;
            let saga = world.saga(acme.saga).await;
            assert_eq!(saga.status, Status::Completed, "step {idx} a second time: {:?}", saga.error);
        }
        assert_eq!(world.deployment(acme.deployment).await, before);
        assert_eq!(world.transitions(acme.deployment).await, ["active"]);
        assert_eq!(world.droplets_ever(), 1);
        assert_eq!(world.records("acme").len(), 1);
        assert_eq!(world.resource_events().await, ["attributed", "discovered"]);
        assert_eq!(world.provisioned().await[0].1, 1);
        assert_eq!(world.step_statuses(acme.saga).await, [StepStatus::Completed; 7]);
    }

    async fn every_compensation_of_a_provisioning(world: &World) {
        world.inject("POST /v2/domains/{name}/records", FaultKind::Refuse { message: "no".to_owned() });
        let acme = world.provision("acme").await;
        world.settle().await;
        for idx in (0..5).rev() {
            world.rewind(acme.saga, idx, Status::Compensating).await;
            world.settle().await;
            let saga = world.saga(acme.saga).await;
            assert_eq!(saga.status, Status::RolledBack, "undoing step {idx} a second time: {:?}", saga.attention);
        }
        assert_eq!(world.transitions(acme.deployment).await, ["cancelled"]);
        assert_eq!(world.resource_events().await, ["attributed", "attributed", "deleted", "discovered"]);
        assert_eq!(world.marked(), []);
    }
}
