//! The calendar and the projects over HTTP.

use crate::api::Api;
use crate::world::{Calendar, World};
use arcadia::inventory::sync::NAMES;
use serde_json::json;

async fn api(engine: arcadia_sql::Engine) -> (World, Api) {
    let world = World::with(engine, Calendar::Kept, 200).await;
    world.round().await;
    let api = Api::over(&world).await;
    (world, api)
}

async fn a_schedule_is_run_now_paused_and_resumed(engine: arcadia_sql::Engine) {
    let (world, api) = api(engine).await;
    let all = api.admin().get("/api/v1/schedules").await.expect(200).body;
    let names: Vec<_> =
        all["data"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(NAMES.iter().all(|sync| names.contains(sync)), "{names:?}");
    let ran = api.admin().post("/api/v1/schedules/projects/run", &json!({})).await.expect(202).body;
    api.admin().post("/api/v1/schedules/projects/run", &json!({})).await.expect(409);
    world.round().await;
    let saga =
        api.admin().get(&format!("/api/v1/sagas/{}", ran["saga_id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&saga.body["status"], &saga.body["kind"]), (&json!("completed"), &json!("job")));

    let why = json!({"reason": "the provider is being repaired"});
    let paused = api.admin().post("/api/v1/schedules/droplets/pause", &why).await.expect(200).body;
    assert_eq!(paused["paused"], true);
    let resumed = api.admin().post("/api/v1/schedules/droplets/resume", &why).await.expect(200).body;
    assert_eq!(resumed["paused"], false);

    api.admin().post("/api/v1/schedules/nothing/run", &json!({})).await.expect(404);
    api.admin().post("/api/v1/schedules/droplets/pause", &json!({"raeson": "x"})).await.expect(422);
    let blank = json!({"reason": " "});
    for verb in ["run", "pause", "resume"] {
        let refused = api.admin().post(&format!("/api/v1/schedules/droplets/{verb}"), &blank).await;
        assert_eq!(refused.expect(422).fields(), ["reason"], "{verb}");
    }
    api.tenant("acme").get("/api/v1/schedules").await.expect(403);
    api.tenant("acme").post("/api/v1/schedules/droplets/run", &json!({})).await.expect(403);
}

async fn a_project_is_given_to_a_tenant_who_then_sees_it(engine: arcadia_sql::Engine) {
    let (world, api) = api(engine).await;
    api.admin().post("/api/v1/schedules/projects/run", &json!({})).await.expect(202);
    world.round().await;
    let all = api.admin().get("/api/v1/projects").await.expect(200).body;
    let find = |is_internal: bool| {
        let all = all["data"].as_array().unwrap().iter();
        let found =
            all.filter(|it| it["is_internal"] == is_internal).map(|it| it["id"].as_str().unwrap().to_owned());
        found.collect::<Vec<_>>().remove(0)
    };
    let path = format!("/api/v1/projects/{}", find(false));
    let acme = json!({"tenant_id": "acme", "reason": "their contract"});
    assert_eq!(api.tenant("acme").get("/api/v1/projects").await.expect(200).body["data"], json!([]));
    let given = patch(&api, &path, &acme).await.expect(200).body;
    assert_eq!(given["tenant_id"], "acme");
    assert_eq!(api.tenant("acme").get("/api/v1/projects").await.expect(200).body["data"], json!([given]));
    assert_eq!(api.tenant("globex").get("/api/v1/projects").await.expect(200).body["data"], json!([]));

    let later = json!({"tenant_id": "acme", "effective_from": "2100-01-01T00:00:00Z"});
    assert_eq!(patch(&api, &path, &later).await.expect(422).fields(), ["effective_from"]);
    assert_eq!(patch(&api, &path, &json!({})).await.expect(422).fields(), ["tenant_id"]);
    assert_eq!(patch(&api, &path, &json!({"tenant_id": " "})).await.expect(422).fields(), ["tenant_id"]);
    patch(&api, &format!("/api/v1/projects/{}", find(true)), &acme).await.expect(409);
    patch(&api, "/api/v1/projects/00000000-0000-0000-0000-000000000000", &acme).await.expect(404);
    let taken = patch(&api, &path, &json!({"tenant_id": null})).await.expect(200).body;
    assert_eq!(taken["tenant_id"], json!(null));
    let request = api.tenant("acme").request(reqwest::Method::PATCH, &path).json(&acme);
    crate::api::answer(request).await.expect(403);
}

async fn patch(api: &Api, path: &str, body: &serde_json::Value) -> crate::api::Answer {
    crate::api::answer(api.admin().request(reqwest::Method::PATCH, path).json(body)).await
}

macro_rules! on_both {
    ($($name:ident)*) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                super::$name(arcadia_sql::Engine::Sqlite).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(arcadia_sql::Engine::Postgres).await;
            }
        }
    )*};
}

on_both! {
    a_schedule_is_run_now_paused_and_resumed
    a_project_is_given_to_a_tenant_who_then_sees_it
}
