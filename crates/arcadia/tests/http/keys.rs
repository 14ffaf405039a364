//! The header Idempotency-Key.

use crate::api::{Api, deployment_count, rows, wanted, wanted_with};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;

stories! {
    async fn the_same_request_sent_again_is_answered_and_not_done_again(world: &World) {
        let api = Api::over(world).await;
        let acme = api.tenant("acme");
        let first = acme.create_once("key-1", &wanted("one")).await.expect(202);
        let again = acme.create_once("key-1", &wanted("one")).await.expect(202);
        assert_eq!(again.body["id"], first.body["id"]);
        assert_eq!(again.body["saga_id"], first.body["saga_id"]);
        assert_eq!(again.headers["location"], first.headers["location"]);
        world.settle().await;
        let later = acme.create_once("key-1", &wanted("one")).await.expect(202);
        assert_eq!(later.body["id"], first.body["id"]);
        assert_eq!(deployment_count(world).await, 1);

        let plain = wanted_with("two", json!({"provision": false}));
        let first = acme.create_once("key-2", &plain).await.expect(201);
        let again = acme.create_once("key-2", &plain).await.expect(201);
        assert_eq!(again.body["id"], first.body["id"]);
        assert_eq!(deployment_count(world).await, 2);
    }

    async fn a_key_belongs_to_one_body_of_one_tenant(world: &World) {
        let api = Api::over(world).await;
        let plain = |name| wanted_with(name, json!({"provision": false}));
        api.tenant("acme").create_once("key", &plain("one")).await.expect(201);
        let refused = api.tenant("acme").create_once("key", &plain("two")).await.expect(422);
        assert_eq!(refused.problem(), "idempotency-key-reused");
        api.tenant("globex").create_once("key", &plain("two")).await.expect(201);
        let for_acme = wanted_with("three", json!({"provision": false, "tenant_id": "acme"}));
        api.admin().create_once("key", &for_acme).await.expect(201);
        assert_eq!(deployment_count(world).await, 3);
    }

    async fn simultaneous_requests_with_one_key_create_one_deployment(world: &World) {
        let api = Api::over(world).await;
        let (acme, body) = (api.tenant("acme"), wanted("one"));
        let answers = join_all((0..12).map(|_| acme.create_once("key", &body))).await;
        let ids: BTreeSet<String> = answers.into_iter().map(|answer| answer.expect(202).body["id"].to_string()).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(deployment_count(world).await, 1);
        world.settle().await;
    }

    async fn simultaneous_requests_for_one_hostname_create_one_deployment(world: &World) {
        let api = Api::over(world).await;
        let tenants: Vec<_> = (0..8).map(|number| api.tenant(&format!("tenant-{number}"))).collect();
        let body = wanted("one");
        let answers = join_all(tenants.iter().map(|tenant| tenant.create(&body))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 409, 409, 409, 409, 409, 409, 409]);
        assert_eq!(deployment_count(world).await, 1);
        world.settle().await;
    }

    async fn what_was_refused_leaves_its_key_free(world: &World) {
        let api = Api::over(world).await;
        let acme = api.tenant("acme");
        acme.create_once("key", &wanted_with("one", json!({"slug": "A"}))).await.expect(422);
        api.tenant("globex").create(&wanted_with("one", json!({"provision": false}))).await.expect(201);
        let before = rows(world).await;
        acme.create_once("key", &wanted("one")).await.expect(409);
        assert_eq!(rows(world).await, before);
        acme.create_once("key", &wanted_with("two", json!({"provision": false}))).await.expect(201);
    }

    async fn a_key_is_visible_ascii(world: &World) {
        let api = Api::over(world).await;
        for key in ["", "two words", "\u{e9}", "a".repeat(256).as_str()] {
            let refused = api.tenant("acme").create_once(key, &wanted("one")).await.expect(422);
            assert_eq!(refused.fields(), ["Idempotency-Key"], "{key}");
        }
        assert_eq!(rows(world).await, 0);
    }
}
