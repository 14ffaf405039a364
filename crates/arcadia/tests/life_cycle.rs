//! How a deployment's state moves, on both databases.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use arcadia::deployments::{self, DeploymentId, Error, State, Transitioned};
use arcadia_saga::{Clock, SagaId};
use arcadia_sql::testing::TestDb;
use arcadia_sql::{Db, args, on_both_databases, statements};
use serde_json::json;

statements! {
    pub(crate) ADD = "
        INSERT INTO cloud_deployments (id, tenant_id, slug, display_name, hostname, region, plan, state, version,
            created_at, updated_at)
        VALUES ($1, 'acme', 'acme', 'Acme', 'acme.example.com', 'nyc3', $2, $3, 1, {now}, {now})";

    pub(crate) EVENTS = "
        SELECT from_state || ' ' || to_state || ' ' || reason || ' ' || actor FROM cloud_deployment_events
        WHERE deployment_id = $1 ORDER BY version";
}

async fn deployment_in(db: &Db, state: State) -> DeploymentId {
    let id = DeploymentId(Clock::machine(1.0).new_id());
    let plan = json!({"size": "s", "image": "i", "tags": [], "user_data": null, "backups": false});
    db.execute(&ADD, args![id, plan, state.as_str()]).await.unwrap();
    id
}

async fn move_to(db: &Db, id: DeploymentId, to: State, saga: Option<SagaId>) -> Result<Transitioned, Error> {
    let now = db.now().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let moved = deployments::transition(&mut tx, id, to, "a_reason", "an-actor", saga, now).await?;
    tx.commit().await.unwrap();
    Ok(moved)
}

async fn state_of(db: &Db, id: DeploymentId) -> (State, i64) {
    let mut tx = db.begin().await.unwrap();
    let deployment = deployments::get_in(&mut tx, id).await.unwrap();
    (deployment.state, deployment.version)
}

async fn events(db: &Db, id: DeploymentId) -> Vec<String> {
    let rows: Vec<(String,)> = db.fetch_all(&EVENTS, args![id]).await.unwrap();
    rows.into_iter().map(|(event,)| event).collect()
}

on_both_databases! {
    async fn a_move_is_written_down_with_who_and_why(db: TestDb) {
        let id = deployment_in(&db, State::Provisioning).await;
        assert_eq!(move_to(&db, id, State::Active, None).await.unwrap(), Transitioned::Moved);
        assert_eq!(move_to(&db, id, State::Suspended, None).await.unwrap(), Transitioned::Moved);
        assert_eq!(state_of(&db, id).await, (State::Suspended, 3));
        let told = ["provisioning active a_reason an-actor", "active suspended a_reason an-actor"];
        assert_eq!(events(&db, id).await, told);
    }

    async fn what_the_life_cycle_does_not_allow_is_refused_with_what_it_does(db: TestDb) {
        let id = deployment_in(&db, State::Provisioning).await;
        let refused = move_to(&db, id, State::Suspended, None).await.unwrap_err().to_string();
        assert!(refused.contains("it can become active or cancelled"), "{refused}");
        assert_eq!(state_of(&db, id).await, (State::Provisioning, 1));
        assert_eq!(events(&db, id).await, Vec::<String>::new());
        let missing = DeploymentId(Clock::machine(1.0).new_id());
        assert!(matches!(move_to(&db, missing, State::Active, None).await, Err(Error::NotFound(_))));
    }

    async fn a_saga_s_step_that_runs_twice_moves_it_once(db: TestDb) {
        let id = deployment_in(&db, State::Provisioning).await;
        let saga = Some(SagaId(Clock::machine(1.0).new_id()));
        assert_eq!(move_to(&db, id, State::Active, saga).await.unwrap(), Transitioned::Moved);
        assert_eq!(move_to(&db, id, State::Active, saga).await.unwrap(), Transitioned::Already);
        // Whoever moved it on since is not overruled by the old step.
        move_to(&db, id, State::Suspended, None).await.unwrap();
        assert_eq!(move_to(&db, id, State::Active, saga).await.unwrap(), Transitioned::Already);
        assert_eq!(state_of(&db, id).await, (State::Suspended, 3));
        let other = Some(SagaId(Clock::machine(1.0).new_id()));
        assert_eq!(move_to(&db, id, State::Active, other).await.unwrap(), Transitioned::Moved);
    }

    async fn of_two_moves_at_once_the_second_sees_the_first(db: TestDb) {
        let id = deployment_in(&db, State::Active).await;
        let moves = [State::Paused, State::PastDue].map(|to| move_to(&db, id, to, None));
        let done = futures_util::future::join_all(moves).await;
        assert_eq!(done.iter().filter(|moved| moved.is_ok()).count(), 1, "{done:?}");
        assert_eq!(state_of(&db, id).await.1, 2);
    }

    async fn a_hostname_belongs_to_a_deployment_until_it_is_cancelled(db: TestDb) {
        let id = deployment_in(&db, State::Active).await;
        let owner = async || {
            let mut tx = db.begin().await.unwrap();
            deployments::hostname_owner(&mut tx, "acme.example.com").await.unwrap()
        };
        assert_eq!(owner().await, Some(id));
        move_to(&db, id, State::Cancelled, None).await.unwrap();
        assert_eq!(owner().await, None);
    }
}
