//! What the routes refuse, and what is said of the syncs and of what our sagas made.

use crate::api::{Api, FAR_AWAY, wanted};
use digitalocean_sim::{FaultKind, Stage};
use serde_json::json;

stories! {
    async fn a_list_refuses_what_it_does_not_understand(world: &World) {
        let api = Api::over(world).await;
        let (admin, acme) = (api.admin(), api.tenant("acme"));
        let refused = [
            ("project_id=5", "project_id"),
            ("deployment_id=x", "deployment_id"),
            ("deleted=perhaps", "deleted"),
            ("sort=price", "sort"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("cursor=nonsense", "cursor"),
            ("as_of=yesterday", "as_of"),
            ("as_of=2100-01-01T00:00:00Z", "as_of"),
            ("as_of=-008000-01-01T00:00:00Z", "as_of"),
            ("format=xml", "format"),
            ("format=csv&limit=5", "limit"),
            ("text=a+b+c+d+e+f", "text"),
            ("kind=droplet&kind=volume", "kind"),
            ("size=large", "size"),
            ("name=%00", "name"),
        ];
        for (query, field) in refused {
            let answer = admin.get(&format!("/api/v1/inventory?{query}")).await.expect(422);
            assert_eq!(answer.fields(), [field], "{query}");
        }
        let other = acme.get("/api/v1/inventory?tenant_id=globex").await.expect(422);
        assert_eq!(other.fields(), ["tenant_id"]);
        acme.get("/api/v1/inventory?tenant_id=acme").await.expect(200);
        for path in ["inventory", "inventory/x/events", "projects", "sync-runs"] {
            let nobody = api.bearer("nonsense".to_owned());
            nobody.get(&format!("/api/v1/{path}")).await.expect(401);
        }
        let no_tenant = json!({"sub": "x", "roles": [], "exp": FAR_AWAY});
        api.person(&no_tenant).get("/api/v1/inventory").await.expect(401);
    }

    async fn a_deployment_s_droplet_tells_its_saga_its_owner_and_what_it_should_be(world: &World) {
        let api = Api::over(world).await;
        let made = api.tenant("acme").create(&wanted("shop")).await.expect(202);
        world.settle().await;
        let list = format!("/api/v1/inventory?deployment_id={}", made.body["id"].as_str().unwrap());
        let listed = api.tenant("acme").get(&list).await.expect(200);
        let id = listed.body["data"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/inventory/{id}");
        let shown = api.tenant("acme").get(&path).await.expect(200).body;
        assert_eq!(shown["owner_reason"], "deployment");
        assert_eq!((&shown["saga"]["id"], &shown["desired"]), (&made.body["saga_id"], &json!(null)));
        let shown = api.admin().get(&path).await.expect(200).body;
        assert_eq!(shown["desired"]["saga_id"], made.body["saga_id"]);
        api.tenant("globex").get(&path).await.expect(404);
        assert_eq!(api.tenant("globex").get(&list).await.expect(200).body["data"], json!([]));
    }

    async fn a_sync_that_fails_shows_in_its_health(world: &World) {
        let api = Api::over(world).await;
        let health = async |kind: &str| {
            let all = api.admin().get("/api/v1/sync-runs/health").await.expect(200).body;
            all["data"].as_array().unwrap().iter().find(|it| it["kind"] == kind).unwrap().clone()
        };
        assert_eq!(health("droplets").await["age_s"], json!(null));
        world.sync("droplets").await.unwrap();
        world.inject_once("GET /v2/droplets", FaultKind::Status { status: 500, message: None, at: Stage::default() });
        world.sync("droplets").await.unwrap_err();
        let told = health("droplets").await;
        assert_eq!((&told["age_s"], &told["failures"], &told["suspicious"]), (&json!(900), &json!(1), &json!(false)));
        assert!(told["last"]["error"].is_string() && told["last_complete"]["complete"] == true, "{told}");
        world.sync("droplets").await.unwrap();
        assert_eq!(health("droplets").await["failures"], 0);
        let runs = api.admin().get("/api/v1/sync-runs?kind=droplets&limit=2").await.expect(200).body;
        assert_eq!((runs["data"].as_array().unwrap().len(), runs["next_cursor"].is_string()), (2, true));
        api.admin().get("/api/v1/sync-runs?kind=nonsense").await.expect(422);
        api.tenant("acme").get("/api/v1/sync-runs").await.expect(403);
        api.tenant("acme").get("/api/v1/sync-runs/health").await.expect(403);
    }
}
