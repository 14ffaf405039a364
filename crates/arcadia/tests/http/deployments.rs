//! /api/v1/deployments: creating, listing, showing; and that a tenant's ends at its border.

use crate::api::{Answer, Api, deployment_count, rows, wanted, wanted_with};
use arcadia_saga::StartSaga;
use digitalocean_sim::FaultKind;
use serde_json::{Value, json};
use std::time::Duration;

fn names(list: &Answer) -> Vec<&str> {
    list.body["data"].as_array().unwrap().iter().map(|one| one["slug"].as_str().unwrap()).collect()
}

stories! {
    async fn a_deployment_asked_for_over_http_comes_to_serve(world: &World) {
        let api = Api::over(world).await;
        let tenant = api.tenant("acme");
        let created = tenant.create(&wanted("acme-main")).await.expect(202);
        let id = created.body["id"].clone();
        assert_eq!(created.headers["location"], format!("/api/v1/deployments/{}", id.as_str().unwrap()));
        assert_eq!(created.body["state"], "provisioning");
        assert_eq!(created.body["tenant_id"], "acme");
        assert_eq!(created.body["saga_id"], created.body["saga"]["id"]);
        assert_eq!(created.body["saga"]["kind"], "provision");
        assert_eq!(created.body["saga"]["steps"].as_array().unwrap().len(), 7);

        world.settle().await;

        let shown = tenant.show(&id).await.expect(200).body;
        assert_eq!(shown["state"], "active");
        assert_eq!(shown["saga"]["status"], "completed");
        for step in shown["saga"]["steps"].as_array().unwrap() {
            assert_eq!(step["status"], "completed", "{step}");
            assert!(step["attempts"].as_i64().unwrap() >= 1, "{step}");
        }
        let account = world.simulator.account();
        let droplets = account["droplets"].as_array().unwrap();
        let droplet = droplets.iter().find(|droplet| droplet["id"] == shown["droplet_id"]).unwrap();
        assert_eq!(droplet["name"], "acme-main.arcadia-demo.com");
        assert!(droplet.to_string().contains(shown["ip"].as_str().unwrap()));
    }

    async fn another_tenant_s_deployment_does_not_exist(world: &World) {
        let api = Api::over(world).await;
        let created = api.tenant("acme").create(&wanted("acme")).await.expect(202).body;
        let (id, saga) = (&created["id"], created["saga_id"].as_str().unwrap());
        let globex = api.tenant("globex");
        globex.show(id).await.expect(404);
        globex.get(&format!("/api/v1/sagas/{saga}")).await.expect(404);
        globex.get(&format!("/api/v1/sagas/{saga}/events")).await.expect(404);
        globex.post(&format!("/api/v1/sagas/{saga}/cancel"), &json!({})).await.expect(404);
        for list in ["/api/v1/deployments", "/api/v1/sagas"] {
            assert_eq!(globex.get(list).await.expect(200).body["data"], json!([]));
        }
        let of_acme = format!("/api/v1/sagas?deployment_id={}", id.as_str().unwrap());
        assert_eq!(globex.get(&of_acme).await.expect(200).body["data"], json!([]));
        assert_eq!(globex.get("/api/v1/deployments?tenant_id=acme").await.expect(422).fields(), ["tenant_id"]);

        world.settle().await;
        assert_eq!(api.tenant("acme").show(id).await.body["state"], "active", "and it was not touched");
        assert_eq!(api.admin().show(id).await.expect(200).body["tenant_id"], "acme");
    }

    async fn a_deployment_that_exists_already_is_only_written_down(world: &World) {
        let api = Api::over(world).await;
        let changes = world.simulator.log().len();
        let created = api.tenant("acme").create(&wanted_with("acme", json!({"provision": false}))).await;
        let created = created.expect(201).body;
        assert_eq!(created["state"], "active");
        assert_eq!(created["saga"], Value::Null);
        world.settle().await;
        assert_eq!(world.simulator.log().len(), changes);
    }

    async fn a_dry_run_tells_the_price_and_does_nothing(world: &World) {
        let api = Api::over(world).await;
        let changes = world.simulator.log().len();
        let body = wanted_with("acme", json!({"dry_run": true, "plan.backups": true}));
        let plan = api.tenant("acme").create(&body).await.expect(200).body;
        assert_eq!(plan["steps"].as_array().unwrap().len(), 7);
        let price = json!({"currency": "USD", "amount_minor": 720, "droplet_minor": 600, "backups_minor": 120});
        assert_eq!(plan["monthly_price"], price);
        assert_eq!(rows(world).await, 0);
        assert_eq!(world.simulator.log().len(), changes);
    }

    async fn names_are_taken_until_the_deployment_is_gone(world: &World) {
        let api = Api::over(world).await;
        let first = api.tenant("acme").create(&wanted("one")).await.expect(202).body;
        let same_host = wanted_with("two", json!({"hostname": "ONE.arcadia-demo.com."}));
        let refused = api.tenant("globex").create(&same_host).await.expect(409);
        assert_eq!(refused.fields(), ["hostname"]);
        assert!(!refused.body.to_string().contains("acme"), "whose it is, is not told: {}", refused.body);
        let same_slug = wanted_with("two", json!({"slug": "one"}));
        assert_eq!(api.tenant("acme").create(&same_slug).await.expect(409).fields(), ["slug"]);
        assert_eq!(api.tenant("acme").create(&wanted("one")).await.expect(409).fields(), ["hostname", "slug"]);
        assert_eq!(deployment_count(world).await, 1);

        world.inject("POST /v2/droplets", FaultKind::Refuse { message: "Refused.".to_owned() });
        world.settle().await;
        assert_eq!(api.admin().show(&first["id"]).await.body["state"], "cancelled");
        world.simulator.clear_faults();
        api.tenant("globex").create(&same_host).await.expect(202);
        // A slug is the tenant's own matter.
        let other_host = wanted_with("three", json!({"slug": "two", "provision": false}));
        api.tenant("acme").create(&other_host).await.expect(201);
        world.settle().await;
    }

    async fn what_another_saga_changes_is_left_to_it(world: &World) {
        let api = Api::over(world).await;
        let other = StartSaga {
            kind: "test".to_owned(),
            steps: vec!["sleep".to_owned()],
            inputs: json!({"sleep_ms": 60_000}).as_object().cloned().unwrap(),
            tenant_id: Some("acme".to_owned()),
            triggered_by: "a-test".to_owned(),
            locks: vec!["dns:arcadia-demo.com/A/acme".to_owned()],
            ..StartSaga::default()
        };
        let other = world.service.cloud.sagas.start(other).await.unwrap().id().to_string();
        let refused = api.tenant("acme").create(&wanted("acme")).await.expect(409);
        assert!(refused.body["detail"].as_str().unwrap().contains(&other), "{}", refused.body);
        let hidden = api.tenant("globex").create(&wanted("acme")).await.expect(409);
        assert!(!hidden.body.to_string().contains(&other), "{}", hidden.body);
        assert_eq!(deployment_count(world).await, 0);
        world.settle_for(Duration::from_secs(120)).await;
        api.tenant("acme").create(&wanted("acme")).await.expect(202);
        world.settle().await;
    }

    async fn a_list_is_walked_newest_first_without_gap_or_repetition(world: &World) {
        let api = Api::over(world).await;
        for name in ["a", "b", "c", "d", "e"] {
            api.tenant("acme").create(&wanted_with(name, json!({"provision": false}))).await.expect(201);
            world.advance(Duration::from_millis(5));
        }
        api.tenant("globex").create(&wanted("x")).await.expect(202);
        let (mut seen, mut path) = (Vec::new(), "/api/v1/deployments?limit=2".to_owned());
        for _ in 0..3 {
            let page = api.tenant("acme").get(&path).await.expect(200);
            seen.extend(names(&page).into_iter().map(str::to_owned));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/api/v1/deployments?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, ["e", "d", "c", "b", "a"]);

        let admin = api.admin();
        let provisioning = admin.get("/api/v1/deployments?state=provisioning").await.expect(200);
        assert_eq!(names(&provisioning), ["x"]);
        let saga = &provisioning.body["data"][0]["saga"];
        assert_eq!((&saga["status"], &saga["steps"]), (&json!("pending"), &Value::Null));
        assert_eq!(names(&admin.get("/api/v1/deployments?tenant_id=globex").await.expect(200)), ["x"]);
        assert_eq!(names(&admin.get("/api/v1/deployments").await.expect(200)).len(), 6);
        world.settle().await;
    }

    async fn user_data_is_never_shown(world: &World) {
        let api = Api::over(world).await;
        let body = wanted_with("acme", json!({"plan.user_data": "#cloud-config s3cr3t"}));
        let created = api.tenant("acme").create(&body).await.expect(202).body;
        world.inject("POST /v2/domains/{name}/records", FaultKind::Refuse { message: "Refused.".to_owned() });
        world.settle().await;
        let saga = format!("/api/v1/sagas/{}", created["saga_id"].as_str().unwrap());
        let admin = api.admin();
        let answers = [
            created.clone(),
            admin.show(&created["id"]).await.expect(200).body,
            admin.get("/api/v1/deployments").await.expect(200).body,
            admin.get(&saga).await.expect(200).body,
            admin.get("/api/v1/sagas").await.expect(200).body,
            admin.get(&format!("{saga}/events")).await.expect(200).body,
        ];
        for answer in answers {
            assert!(!answer.to_string().contains("s3cr3t"), "{answer}");
        }
        assert_eq!(created["plan"]["user_data"], "***");
        let sent = world.service.cloud.sagas.get(created["saga_id"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!(sent.unwrap().inputs["droplet_user_data"], "#cloud-config s3cr3t", "but the step has it");
    }
}
