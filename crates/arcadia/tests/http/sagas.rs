//! /api/v1/sagas: looking and cancelling.

use crate::api::{Api, wanted};
use serde_json::json;

stories! {
    async fn a_tenant_cancels_what_is_being_done_for_him(world: &World) {
        let api = Api::over(world).await;
        let acme = api.tenant("acme");
        let created = acme.create(&wanted("acme")).await.expect(202).body;
        let saga = created["saga_id"].as_str().unwrap();
        world.until_step(saga.parse().unwrap(), "wait_droplet_active").await;
        let why = json!({"reason": "ordered twice"});
        let wrong = acme.post(&format!("/api/v1/sagas/{saga}/cancel"), &json!({"why": "?"})).await.expect(422);
        assert_eq!(wrong.fields(), ["why"]);
        let cancelled = acme.post(&format!("/api/v1/sagas/{saga}/cancel"), &why).await.expect(202);
        assert_eq!(cancelled.body["cancel_requested"], true);
        world.settle().await;
        let shown = acme.show(&created["id"]).await.body;
        assert_eq!((&shown["state"], &shown["saga"]["status"]), (&json!("cancelled"), &json!("rolled_back")));
        let events = acme.get(&format!("/api/v1/sagas/{saga}/events")).await.expect(200).body;
        let cancel = events["data"].as_array().unwrap().iter().find(|event| event["kind"] == "cancel").unwrap();
        assert_eq!((&cancel["actor"], &cancel["data"]["reason"]), (&json!("user-of-acme"), &why["reason"]));

        let refused = acme.post(&format!("/api/v1/sagas/{saga}/cancel"), &json!({})).await.expect(409);
        assert_eq!(refused.problem(), "refused");
    }

    async fn what_went_in_and_out_is_for_platform_admins(world: &World) {
        let api = Api::over(world).await;
        let created = api.tenant("acme").create(&wanted("acme")).await.expect(202).body;
        world.settle().await;
        let path = format!("/api/v1/sagas/{}", created["saga_id"].as_str().unwrap());
        let seen = api.tenant("acme").get(&path).await.expect(200).body;
        for hidden in ["inputs", "outputs"] {
            assert!(seen.get(hidden).is_none(), "{seen}");
        }
        for step in seen["steps"].as_array().unwrap() {
            assert!(step.get("output").is_none() && step.get("prior").is_none(), "{step}");
        }
        let seen = api.admin().get(&path).await.expect(200).body;
        assert_eq!(seen["inputs"]["droplet_name"], "acme.arcadia-demo.com");
        assert!(seen["steps"][1].get("output").is_some(), "{seen}");
    }

    async fn sagas_are_found_by_what_they_are(world: &World) {
        let api = Api::over(world).await;
        let created = api.tenant("acme").create(&wanted("one")).await.expect(202).body;
        world.settle().await;
        api.tenant("globex").create(&wanted("two")).await.expect(202);
        let admin = api.admin();
        let deployment = created["id"].as_str().unwrap();
        for (filter, found) in [
            (String::new(), 2),
            ("status=completed".to_owned(), 1),
            ("status=failed".to_owned(), 0),
            ("kind=provision".to_owned(), 2),
            ("kind=suspend".to_owned(), 0),
            ("triggered_by=user-of-globex".to_owned(), 1),
            (format!("deployment_id={deployment}&status=completed"), 1),
            ("limit=1".to_owned(), 1),
        ] {
            let list = admin.get(&format!("/api/v1/sagas?{filter}")).await.expect(200);
            assert_eq!(list.body["data"].as_array().unwrap().len(), found, "{filter}");
        }
        let first = admin.get("/api/v1/sagas?limit=1").await.body;
        let rest = format!("/api/v1/sagas?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
        let rest = admin.get(&rest).await.expect(200).body;
        assert_eq!((&rest["data"][0]["id"], &rest["next_cursor"]), (&created["saga_id"], &json!(null)));
        for (filter, field) in [
            ("status=done", "status"),
            ("deployment_id=7", "deployment_id"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=2&limit=3", "limit"),
            ("cursor=zzz", "cursor"),
            ("kindd=x", "kindd"),
            ("kind=%00", "kind"),
        ] {
            let refused = admin.get(&format!("/api/v1/sagas?{filter}")).await.expect(422);
            assert_eq!(refused.fields(), [field], "{filter}");
        }
        world.settle().await;
    }

    async fn what_nothing_moves_is_listed_for_platform_admins(world: &World) {
        let api = Api::over(world).await;
        let created = api.tenant("acme").create(&wanted("acme")).await.expect(202).body;
        assert_eq!(api.tenant("acme").get("/api/v1/sagas?stuck=true").await.expect(403).problem(), "not-platform-admin");
        let stuck = async || api.admin().get("/api/v1/sagas?stuck=true").await.expect(200).body["data"].clone();
        assert_eq!(stuck().await, json!([]));
        world.advance(std::time::Duration::from_secs(61));
        assert_eq!(stuck().await[0]["id"], created["saga_id"]);
        world.settle().await;
        assert_eq!(stuck().await, json!([]));
    }

    async fn an_unfinished_saga_always_says_what_it_waits_for(world: &World) {
        let api = Api::over(world).await;
        let acme = api.tenant("acme");
        let created = acme.create(&wanted("acme")).await.expect(202).body;
        let path = format!("/api/v1/sagas/{}", created["saga_id"].as_str().unwrap());
        let both = async || {
            let beside = acme.show(&created["id"]).await.body["saga"]["waiting_for"].clone();
            assert_eq!(acme.get(&path).await.expect(200).body["waiting_for"], beside);
            beside
        };
        assert_eq!(both().await, json!("a free runner"));
        world.until_step(created["saga_id"].as_str().unwrap().parse().unwrap(), "wait_droplet_active").await;
        world.round().await;
        assert!(both().await.as_str().is_some_and(|what| what.contains("active")), "{}", both().await);
        world.settle().await;
        assert_eq!(both().await, json!(null));
    }
}
