//! What every answer has in common: its id, and the one form of errors.

use crate::api::{Api, SECRET, answer};
use arcadia::http::{App, frame};
use arcadia::tokens::Verifier;
use axum::Router;
use axum::routing::get;
use reqwest::Method;
use secrecy::SecretString;
use std::sync::Arc;

stories! {
    async fn what_is_not_there_is_a_problem_in_one_form(world: &World) {
        let api = Api::over(world).await;
        let admin = api.admin();
        for path in [
            "/",
            "/api/v1",
            "/api/v1/deployment",
            "/api/v1/deployments/",
            "/api/v1/deployments/not-an-id",
            "/api/v1/deployments/01a1fa4b-56f1-723b-8fcf-e6a297cfc2ed",
            "/api/v1/deployments/%00",
            "/api/v1/deployments/%ff",
            "/api/v1/sagas/%ff/events",
            "/api/v1/sagas/not-an-id",
            "/api/v1/sagas/01a1fa4b-56f1-723b-8fcf-e6a297cfc2ed",
            "/api/v1/sagas/01a1fa4b-56f1-723b-8fcf-e6a297cfc2ed/events",
        ] {
            let missing = admin.get(path).await.expect(404);
            assert_eq!(missing.problem(), "not-found", "{path}");
        }
        let refused = answer(admin.request(Method::DELETE, "/api/v1/deployments")).await.expect(405);
        let allowed = refused.headers["allow"].to_str().unwrap();
        assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    }

    async fn a_request_keeps_the_id_it_came_with(world: &World) {
        let api = Api::over(world).await;
        let with = |id: &str| answer(api.request(Method::GET, "/api/v1/sagas").header("x-request-id", id));
        assert_eq!(with("trace-1.a:b_c").await.expect(401).body["request_id"], "trace-1.a:b_c");
        for unusable in ["two words", "", "a\"b", "x".repeat(129).as_str()] {
            let given = with(unusable).await.expect(401).body["request_id"].clone();
            assert_eq!(given.as_str().unwrap().len(), 36, "{unusable}");
        }
    }

    async fn a_handler_that_panics_is_a_problem_and_not_a_lost_connection(world: &World) {
        let verifier = Arc::new(Verifier::new(&SecretString::from(SECRET)));
        let app = App { cloud: world.service.cloud.clone(), verifier };
        let boom = get(async || -> &'static str { panic!("what a caller must not read") });
        let around = axum::middleware::from_fn_with_state(app, frame::around);
        let api = Api::serving(Router::new().route("/boom", boom).layer(around)).await;
        let refused = answer(api.request(Method::GET, "/boom")).await.expect(500);
        assert!(!refused.body.to_string().contains("must not read"), "{}", refused.body);
    }
}
