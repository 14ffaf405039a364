//! POST /api/v1/deployments with bodies that cannot be accepted: each is answered with the fields that are wrong,
//! and leaves nothing behind, neither in our tables nor at the provider.

use crate::api::{Api, answer, rows, wanted, wanted_with};
use digitalocean_sim::{FaultKind, Stage};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// What to change in a right body, and the fields that are then wrong.
fn wrong_fields() -> Vec<(Value, Vec<&'static str>)> {
    let long = "a".repeat(64);
    let label_by_label = format!("{}.arcadia-demo.com", vec!["a"; 130].join("."));
    vec![
        (json!({"hostnam": "x"}), vec!["hostnam"]),
        (json!({"plan.sise": "x"}), vec!["plan.sise"]),
        (json!({"slug": null}), vec!["slug"]),
        (json!({"slug": 5}), vec!["slug"]),
        (json!({"slug": ""}), vec!["slug"]),
        (json!({"slug": "Acme"}), vec!["slug"]),
        (json!({"slug": "-acme"}), vec!["slug"]),
        (json!({"slug": long}), vec!["slug"]),
        (json!({"display_name": ["x"]}), vec!["display_name"]),
        (json!({"display_name": "  "}), vec!["display_name"]),
        (json!({"display_name": "a\u{7}b"}), vec!["display_name"]),
        (json!({"display_name": "a\u{0}b"}), vec!["display_name"]),
        (json!({"display_name": "x".repeat(256)}), vec!["display_name"]),
        (json!({"hostname": null}), vec!["hostname"]),
        (json!({"hostname": "acme"}), vec!["hostname"]),
        (json!({"hostname": "acme..arcadia-demo.com"}), vec!["hostname"]),
        (json!({"hostname": "*.arcadia-demo.com"}), vec!["hostname"]),
        (json!({"hostname": "ac_me.arcadia-demo.com"}), vec!["hostname"]),
        (json!({"hostname": "-acme.arcadia-demo.com"}), vec!["hostname"]),
        (json!({"hostname": "acmé.arcadia-demo.com"}), vec!["hostname"]),
        (json!({"hostname": format!("{long}.arcadia-demo.com")}), vec!["hostname"]),
        (json!({"hostname": label_by_label}), vec!["hostname"]),
        (json!({"hostname": "acme.example.org"}), vec!["hostname"]),
        (json!({"hostname": "acme.notarcadia-demo.com"}), vec!["hostname"]),
        (json!({"hostname": "arcadia-demo.com"}), vec!["hostname"]),
        (json!({"hostname": "10.0.0.1"}), vec!["hostname"]),
        (json!({"region": null}), vec!["region"]),
        (json!({"region": "nyc33"}), vec!["region"]),
        (json!({"region": {}}), vec!["region"]),
        (json!({"plan": null}), vec!["plan"]),
        (json!({"plan": "small"}), vec!["plan"]),
        (json!({"plan.size": null}), vec!["plan.size"]),
        (json!({"plan.size": "s-1vcpu-1gib"}), vec!["plan.size"]),
        (json!({"plan.size": 1}), vec!["plan.size"]),
        (json!({"plan.image": null}), vec!["plan.image"]),
        (json!({"plan.image": "ubuntu-3000"}), vec!["plan.image"]),
        (json!({"plan.image": 4}), vec!["plan.image"]),
        (json!({"plan.image": -4}), vec!["plan.image"]),
        (json!({"plan.tags": "web"}), vec!["plan.tags"]),
        (json!({"plan.tags": ["web", 1]}), vec!["plan.tags"]),
        (json!({"plan.tags": ["web", "a b"]}), vec!["plan.tags[1]"]),
        (json!({"plan.tags": [""]}), vec!["plan.tags[0]"]),
        (json!({"plan.tags": ["x".repeat(256)]}), vec!["plan.tags[0]"]),
        (json!({"plan.tags": ["arcadia-saga-1"]}), vec!["plan.tags[0]"]),
        (json!({"plan.tags": ["Managed-By-arcadia-cloud"]}), vec!["plan.tags[0]"]),
        (json!({"plan.tags": vec!["t"; 51]}), vec!["plan.tags"]),
        (json!({"plan.backups": "yes"}), vec!["plan.backups"]),
        (json!({"plan.user_data": "x".repeat(65_537)}), vec!["plan.user_data"]),
        (json!({"plan.user_data": "a\u{0}b"}), vec!["plan.user_data"]),
        (json!({"provision": "true"}), vec!["provision"]),
        (json!({"dry_run": 1}), vec!["dry_run"]),
        (json!({"replace_dns": true}), vec!["replace_dns"]),
        (json!({"tenant_id": "globex"}), vec!["tenant_id"]),
        (json!({"tenant_id": 7}), vec!["tenant_id"]),
        (
            json!({"slug": "A", "region": "x", "plan.size": "y", "odd": 1}),
            vec!["odd", "plan.size", "region", "slug"],
        ),
    ]
}

stories! {
    async fn a_wrong_field_is_named_and_nothing_is_done(world: &World) {
        let api = Api::over(world).await;
        let tenant = api.tenant("acme");
        let changes = world.simulator.log().len();
        for (change, fields) in wrong_fields() {
            let refused = tenant.create(&wanted_with("acme", change.clone())).await;
            assert_eq!(refused.status, 422, "{change}: {}", refused.body);
            assert_eq!(refused.fields(), fields, "{change}: {}", refused.body);
            refused.expect(422);
        }
        assert_eq!(rows(world).await, 0);
        assert_eq!(world.simulator.log().len(), changes);
    }

    async fn a_body_that_is_no_body_is_refused_by_what_it_is(world: &World) {
        let api = Api::over(world).await;
        let tenant = api.tenant("acme");
        let deep = format!("{}1{}", "{\"a\":".repeat(20), "}".repeat(20));
        let deeper = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let large = format!("{{\"slug\": \"{}\"}}", "x".repeat(256 * 1024));
        let bodies = [
            ("", 400),
            ("{", 400),
            ("{\"slug\": \"a\"} trailing", 400),
            ("{\"slug\": \"\\ud800\"}", 400),
            (deeper.as_str(), 400),
            ("[]", 422),
            ("null", 422),
            ("{}", 422),
            (deep.as_str(), 422),
            (large.as_str(), 413),
        ];
        let post = || tenant.request(Method::POST, "/api/v1/deployments");
        for (body, status) in bodies {
            let request = post().header("content-type", "application/json").body(body.to_owned());
            let refused = answer(request).await;
            assert_eq!(refused.status, status, "{:.40}: {}", body, refused.body);
            refused.expect(status);
        }
        let form = post().header("content-type", "application/x-www-form-urlencoded").body(wanted("a").to_string());
        answer(form).await.expect(415);
        assert_eq!(rows(world).await, 0);
    }

    async fn a_tenant_stays_in_the_zones_opened_to_tenants(world: &World) {
        world.simulator.add_domain("internal-arcadia.com").unwrap();
        world.simulator.add_domain("inside.arcadia-demo.com").unwrap();
        let api = Api::over(world).await;
        for hostname in ["acme.internal-arcadia.com", "acme.inside.arcadia-demo.com", "acme.no-zone.example"] {
            let body = wanted_with("acme", json!({"hostname": hostname}));
            let refused = api.tenant("acme").create(&body).await.expect(422);
            assert_eq!(refused.fields(), ["hostname"]);
            assert_eq!(refused.body["errors"][0]["message"], "lies in no DNS zone open to tenants");
        }
        assert_eq!(rows(world).await, 0);
        let body = json!({"hostname": "acme.internal-arcadia.com", "tenant_id": "acme", "provision": false});
        api.admin().create(&wanted_with("acme", body)).await.expect(201);
    }

    async fn made_up_names_do_not_use_up_the_provider_s_budget(world: &World) {
        let api = Api::over(world).await;
        let acme = api.tenant("acme");
        let unknown = wanted_with("acme", json!({"plan.image": "no-such-image"}));
        acme.create(&unknown).await.expect(422);
        let asked = world.simulator.request_count();
        for _ in 0..10 {
            acme.create(&unknown).await.expect(422);
        }
        assert_eq!(world.simulator.request_count(), asked);
        let in_new_zone = json!({"provision": false, "hostname": "a.new-arcadia.com", "tenant_id": "acme"});
        let new_zone = wanted_with("acme", in_new_zone);
        api.admin().create(&new_zone).await.expect(422);
        world.simulator.add_domain("new-arcadia.com").unwrap();
        world.advance(Duration::from_secs(11));
        api.admin().create(&new_zone).await.expect(201);
    }

    async fn a_platform_admin_says_for_whom(world: &World) {
        let api = Api::over(world).await;
        let refused = api.admin().create(&wanted("acme")).await.expect(422);
        assert_eq!(refused.fields(), ["tenant_id"]);
        assert_eq!(rows(world).await, 0);
    }

    async fn while_the_provider_is_away_nothing_is_created(world: &World) {
        world.inject("GET /v2/sizes", FaultKind::Status { status: 500, message: None, at: Stage::Before });
        let api = Api::over(world).await;
        let away = api.tenant("acme").create(&wanted("acme")).await.expect(503);
        assert_eq!(away.problem(), "provider-unavailable");
        // What is wrong by itself is told all the same.
        let wrong = wanted_with("acme", json!({"slug": "A", "region": "nowhere"}));
        assert_eq!(api.tenant("acme").create(&wrong).await.expect(422).fields(), ["slug"]);
        assert_eq!(rows(world).await, 0);
        world.simulator.clear_faults();
        api.tenant("acme").create(&wanted_with("acme", json!({"provision": false}))).await.expect(201);
    }
}
