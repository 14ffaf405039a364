//! GET /api/health

use crate::api::{Api, answer};
use crate::world::World;
use arcadia_sql::Engine;
use reqwest::Method;

stories! {
    async fn health_is_public_and_says_whether_somebody_works(world: &World) {
        let api = Api::over(world).await;
        let health = answer(api.request(Method::GET, "/api/health")).await.expect(200);
        assert_eq!(health.body["service"], "arcadia-cloud");
        assert_eq!(health.body["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(health.body["database"]["ok"], true);
        assert_eq!(health.body["worker"]["ok"], false);
        assert_eq!(health.body["status"], "no_worker");
    }
}

#[tokio::test]
async fn without_its_database_the_service_says_that_it_cannot_serve() {
    let world = World::new(Engine::Sqlite).await;
    let api = Api::over(&world).await;
    world.service.cloud.db.close().await;
    let health = answer(api.request(Method::GET, "/api/health")).await;
    assert_eq!(health.status, 503);
    assert_eq!(health.body["status"], "database_unavailable");
    assert_eq!(health.body["database"]["ok"], false);
}
