//! What platform admins do to sagas by hand, through the API alone: the world is repaired and the history says how.

use crate::api::{Answer, Api, wanted};
use crate::world::World;
use digitalocean_sim::{FaultKind, Kind, Mutation};
use serde_json::{Value, json};

const DESTROY: &str = "DELETE /v2/droplets/{id}";

fn refusal(message: &str) -> FaultKind {
    FaultKind::Refuse { message: message.to_owned() }
}

/// The path of a saga whose DNS was refused, and whose droplet the provider then would not destroy.
async fn stuck(world: &World, api: &Api) -> String {
    world.inject("POST /v2/domains/{name}/records", refusal("not this name"));
    world.inject(DESTROY, refusal("not today"));
    let created = api.tenant("acme").create(&wanted("acme")).await.expect(202).body;
    world.settle().await;
    let path = format!("/api/v1/sagas/{}", created["saga_id"].as_str().unwrap());
    let shown = api.admin().get(&path).await.expect(200).body;
    assert_eq!(shown["status"], "failed", "{shown}");
    path
}

async fn events(api: &Api, path: &str) -> Vec<Value> {
    let events = api.admin().get(&format!("{path}/events")).await.expect(200).body;
    events["data"].as_array().unwrap().clone()
}

fn of_kind(events: &[Value], kind: &str) -> Value {
    events
        .iter()
        .find(|event| event["kind"] == kind)
        .cloned()
        .unwrap_or_else(|| panic!("no {kind}: {events:?}"))
}

/// As an operator would in the provider's own panel.
fn destroy_by_hand(world: &World) {
    for droplet in world.marked() {
        let id: u64 = droplet.id.parse().unwrap();
        world.simulator.mutate(&Mutation::destroy(Kind::Droplet, id)).unwrap();
    }
}

async fn needing_attention(api: &Api) -> usize {
    let listed = api.admin().get("/api/v1/sagas?needs_attention=true").await.expect(200).body;
    listed["data"].as_array().unwrap().len()
}

async fn order(api: &Api, body: Value) -> Answer {
    api.admin().post("/api/v1/sagas", &body).await
}

fn droplet_inputs() -> Value {
    json!({"droplet_name": "tool", "droplet_region": "nyc3", "droplet_size": "s-1vcpu-1gb",
        "droplet_image": "ubuntu-24-04-x64"})
}

stories! {
    async fn a_rollback_that_failed_for_good_is_finished_through_the_api_and_the_history_shows_it(world: &World) {
        let api = Api::over(world).await;
        let path = stuck(world, &api).await;
        let shown = api.admin().get(&path).await.body;
        assert_eq!(shown["attention"]["standing"][0]["step"], "create_droplet");
        let droplet = shown["attention"]["standing"][0]["output"]["droplet_id"].clone();
        assert_eq!(world.marked()[0].id, droplet.to_string());
        assert_eq!(needing_attention(&api).await, 1);

        world.simulator.clear_faults();
        let why = json!({"reason": "the provider's panel works again"});
        let retried = api.admin().post(&format!("{path}/retry"), &why).await.expect(202);
        assert_eq!((&retried.body["status"], &retried.body["attention"]), (&json!("compensating"), &json!(null)));
        world.settle().await;

        let shown = api.admin().get(&path).await.body;
        assert_eq!((&shown["status"], &shown["clean"]), (&json!("rolled_back"), &json!(true)));
        assert!(shown["error"]["message"].as_str().unwrap().contains("not this name"), "the first failure stays");
        assert_eq!(world.marked(), []);
        assert_eq!(needing_attention(&api).await, 0);

        let events = events(&api, &path).await;
        let given_up = of_kind(&events, "compensation_failed");
        assert_eq!(given_up["step_idx"], 1);
        assert!(given_up["data"]["message"].as_str().unwrap().contains("not today"), "{given_up}");
        let by_hand = events.iter().find(|event| event["kind"] == "retry" && event["actor"] == "root").unwrap();
        assert_eq!(by_hand["data"]["reason"], "the provider's panel works again");
        assert_eq!(by_hand["data"]["was"]["standing"][0]["output"]["droplet_id"], droplet);
    }

    async fn what_was_undone_by_hand_is_skipped_with_a_reason(world: &World) {
        let api = Api::over(world).await;
        let path = stuck(world, &api).await;
        destroy_by_hand(world);
        let refused = api.admin().post(&format!("{path}/skip"), &json!({"step_idx": 0, "reason": "x"})).await.expect(409);
        assert!(refused.body["detail"].as_str().unwrap().contains("step 0 did not fail"), "{}", refused.body);
        let why = json!({"step_idx": 1, "reason": "destroyed it in the panel"});
        let skipped = api.admin().post(&format!("{path}/skip"), &why).await.expect(200).body;
        assert_eq!((&skipped["status"], &skipped["attention"]), (&json!("rolled_back"), &json!(null)));
        assert_eq!((&skipped["resolved"]["verb"], &skipped["resolved"]["by"]), (&json!("skip"), &json!("root")));
        let event = of_kind(&events(&api, &path).await, "skip");
        assert_eq!((&event["data"]["step_idx"], &event["data"]["reason"]), (&json!(1), &why["reason"]));
        assert_eq!(event["data"]["was"]["reason"], "compensation_failed");
    }

    async fn several_steps_are_skipped_one_after_the_other(world: &World) {
        let api = Api::over(world).await;
        world.inject(DESTROY, refusal("not today"));
        world.inject("DELETE /v2/domains/{name}/records/{id}", refusal("nor tomorrow"));
        world.inject(DESTROY, refusal("not today"));
        let mut inputs = droplet_inputs();
        for (key, value) in [("dns_domain", "arcadia-demo.com"), ("dns_record_type", "A"), ("dns_record_name", "tool"),
            ("dns_record_data", "192.0.2.1")]
        {
            inputs[key] = json!(value);
        }
        let steps = ["create_droplet", "upsert_dns_record", "create_droplet", "fail"].map(str::to_owned);
        let saga = world.start_steps(steps.to_vec(), inputs).await;
        world.settle().await;
        destroy_by_hand(world);
        let path = format!("/api/v1/sagas/{saga}");
        let skip = async |idx: i64| {
            let why = json!({"step_idx": idx, "reason": format!("settled {idx}")});
            api.admin().post(&format!("{path}/skip"), &why).await.expect(200).body
        };
        let standing = |shown: &Value| shown["attention"]["standing"].as_array().map_or(0, Vec::len);
        assert_eq!(standing(&api.admin().get(&path).await.body), 3);
        for (idx, left) in [(2, 2), (0, 1)] {
            let shown = skip(idx).await;
            assert_eq!((&shown["status"], standing(&shown)), (&json!("failed"), left));
        }
        assert_eq!(skip(1).await["status"], "rolled_back");
        let events = events(&api, &path).await;
        assert_eq!(events.iter().filter(|event| event["kind"] == "skip").count(), 3);
    }

    async fn a_resolved_saga_keeps_its_status_and_lets_go_of_its_locks(world: &World) {
        let api = Api::over(world).await;
        let path = stuck(world, &api).await;
        destroy_by_hand(world);
        let cloud = &world.service.cloud;
        assert!(!cloud.sagas.locks().await.unwrap().is_empty());
        let why = json!({"reason": "billing will write it off"});
        let resolved = api.admin().post(&format!("{path}/resolve"), &why).await.expect(200).body;
        assert_eq!((&resolved["status"], &resolved["resolved"]["reason"]), (&json!("failed"), &why["reason"]));
        assert_eq!(cloud.sagas.locks().await.unwrap(), Vec::<String>::new());
        let again = api.admin().post(&format!("{path}/resolve"), &why).await.expect(409);
        assert!(again.body["detail"].as_str().unwrap().contains("it needs nobody"), "{}", again.body);
    }

    async fn an_abandoned_saga_says_what_it_leaves_and_its_deployment_can_be_tried_again(world: &World) {
        let api = Api::over(world).await;
        let created = api.tenant("acme").create(&wanted("acme")).await.expect(202).body;
        let path = format!("/api/v1/sagas/{}", created["saga_id"].as_str().unwrap());
        world.until_step(created["saga_id"].as_str().unwrap().parse().unwrap(), "wait_droplet_active").await;
        let inputs = api.admin().get(&path).await.body["inputs"].clone();
        let names = ["droplet_name", "droplet_region", "droplet_size", "droplet_image", "dns_domain", "dns_record_name"];
        let inputs: serde_json::Map<_, _> = names.iter().map(|&key| (key.to_owned(), inputs[key].clone())).collect();
        let body = json!({"plan": "provision_deployment", "deployment_id": created["id"], "inputs": inputs});
        let busy = order(&api, body.clone()).await.expect(409);
        assert!(busy.body["detail"].as_str().unwrap().contains(created["saga_id"].as_str().unwrap()), "{}", busy.body);

        let why = json!({"reason": "wrong account"});
        let abandoned = api.admin().post(&format!("{path}/abandon"), &why).await.expect(200).body;
        assert_eq!((&abandoned["status"], &abandoned["error"]["reason"]), (&json!("failed"), &json!("abandoned")));
        assert_eq!(abandoned["resolved"]["standing"][1]["step"], "create_droplet");
        assert_eq!(world.marked().len(), 1, "nothing was undone");
        let as_tenant = api.tenant("acme").get(&format!("{path}/events")).await.expect(200).body;
        let event = of_kind(as_tenant["data"].as_array().unwrap(), "abandon");
        assert_eq!((&event["data"]["reason"], &event["data"].get("standing")), (&why["reason"], &None));
        let resolved = api.tenant("acme").get(&path).await.expect(200).body["resolved"].clone();
        assert_eq!((&resolved["reason"], resolved.get("standing")), (&why["reason"], None));
        destroy_by_hand(world);

        let ordered = order(&api, body.clone()).await.expect(202);
        assert_eq!((&ordered.body["tenant_id"], &ordered.body["kind"]), (&json!("acme"), &json!("provision")));
        world.settle().await;
        let shown = api.tenant("acme").show(&created["id"]).await.body;
        assert_eq!((&shown["state"], &shown["saga"]["id"]), (&json!("active"), &ordered.body["id"]));
        let refused = order(&api, body).await.expect(409);
        assert!(refused.body["detail"].as_str().unwrap().contains("is active"), "{}", refused.body);
    }

    async fn a_waiting_saga_is_told_once(world: &World) {
        let api = Api::over(world).await;
        let saga = world.start_steps(vec!["approve".to_owned()], json!({})).await;
        world.settle_for(std::time::Duration::from_secs(1)).await;
        let (path, yes) = (format!("/api/v1/sagas/{saga}/signal"), json!({"name": "approve", "data": {"ticket": 7}}));
        assert_eq!(api.admin().post(&path, &json!({"data": 1})).await.expect(422).fields(), ["name"]);
        api.admin().post(&path, &yes).await.expect(202);
        let again = api.admin().post(&path, &yes).await.expect(409);
        assert!(again.body["detail"].as_str().unwrap().contains("it was said before"), "{}", again.body);
        world.settle().await;
        let shown = api.admin().get(&format!("/api/v1/sagas/{saga}")).await.body;
        assert_eq!((&shown["status"], &shown["outputs"]["approved_at_step_0"]), (&json!("completed"), &json!("root")));
    }

    async fn the_verbs_are_for_platform_admins_and_want_a_reason(world: &World) {
        let api = Api::over(world).await;
        let path = stuck(world, &api).await;
        let nothing_new = events(&api, &path).await.len();
        let body = json!({"step_idx": 1, "reason": "why not", "name": "approve"});
        for verb in ["retry", "skip", "resolve", "abandon", "signal"] {
            let (path, why) = (format!("{path}/{verb}"), body.clone());
            assert_eq!(api.tenant("acme").post(&path, &why).await.expect(403).problem(), "not-platform-admin");
            api.tenant("globex").post(&path, &why).await.expect(404);
            if verb != "signal" {
                for body in [json!({}), json!({"reason": " "}), json!({"reason": 7})] {
                    let refused = api.admin().post(&path, &body).await.expect(422);
                    assert!(refused.fields().contains(&"reason"), "{verb}: {}", refused.body);
                }
            }
            let odd = json!({"reason": "x", "step_idx": 1, "name": "approve", "forced": true});
            let refused = api.admin().post(&path, &odd).await.expect(422);
            assert!(refused.fields().contains(&"forced"), "{verb}: {}", refused.body);
        }
        let refused = api.admin().post(&format!("{path}/skip"), &json!({"reason": "x"})).await.expect(422);
        assert_eq!(refused.fields(), ["step_idx"]);
        assert_eq!(events(&api, &path).await.len(), nothing_new);
        destroy_by_hand(world);
    }

    async fn a_plan_is_ordered_by_its_name(world: &World) {
        let api = Api::over(world).await;
        let body = json!({"plan": "provision_droplet", "inputs": droplet_inputs()});
        let once = || api.admin().request(reqwest::Method::POST, "/api/v1/sagas").header("Idempotency-Key", "k");
        let first = crate::api::answer(once().json(&body)).await.expect(202);
        let again = crate::api::answer(once().json(&body)).await.expect(202);
        assert_eq!(first.body["id"], again.body["id"]);
        let location = first.headers["location"].to_str().unwrap();
        world.settle().await;
        let shown = api.admin().get(location).await.expect(200).body;
        assert_eq!((&shown["status"], &shown["triggered_by"]), (&json!("completed"), &json!("root")));
        assert_eq!(world.droplets_ever(), 1);

        let snapshot = json!({"plan": "snapshot_droplet", "inputs": {"droplet_id": shown["outputs"]["droplet_id"]}});
        let first = order(&api, snapshot.clone()).await.expect(202).body;
        let busy = order(&api, snapshot).await.expect(409);
        assert!(busy.body["detail"].as_str().unwrap().contains(first["id"].as_str().unwrap()), "{}", busy.body);
        world.settle().await;
        assert_eq!(world.marked().len(), 2);
    }

    async fn an_order_that_fits_no_plan_is_refused_field_by_field(world: &World) {
        let api = Api::over(world).await;
        let before = crate::api::rows(world).await;
        let misspelt = order(&api, json!({"plan": "provision_dropled", "inputs": {}})).await.expect(422);
        assert_eq!(misspelt.fields(), ["plan"]);
        let words = misspelt.body["errors"][0]["message"].as_str().unwrap();
        assert!(words.contains("provision_droplet"), "{words}");
        for (body, fields) in [
            (json!({}), vec!["plan"]),
            (json!({"plan": "destroy_droplet"}), vec!["inputs.droplet_id"]),
            (json!({"plan": "destroy_droplet", "inputs": {"droplet_id": "seven"}}), vec!["inputs.droplet_id"]),
            (json!({"plan": "destroy_droplet", "inputs": {"droplet_id": 7, "force": true}}), vec!["inputs.force"]),
            (json!({"plan": "destroy_droplet", "inputs": {"droplet_id": 7}, "steps": ["fail"]}), vec!["steps"]),
            (json!({"plan": "destroy_droplet", "inputs": [7]}), vec!["inputs", "inputs.droplet_id"]),
            (
                json!({"plan": "destroy_droplet", "inputs": {"droplet_id": 7}, "deployment_id": "x"}),
                vec!["deployment_id"],
            ),
            (
                json!({"plan": "destroy_droplet", "inputs": {"droplet_id": 7},
                    "deployment_id": "01a1fa4b-56f1-723b-8fcf-e6a297cfc2ed"}),
                vec!["deployment_id"],
            ),
        ] {
            let refused = order(&api, body.clone()).await.expect(422);
            assert_eq!(refused.fields(), fields, "{body}");
        }
        let body = json!({"plan": "destroy_droplet", "inputs": {"droplet_id": 7}});
        api.tenant("acme").post("/api/v1/sagas", &body).await.expect(403);
        assert_eq!(crate::api::rows(world).await, before, "nothing was written");
    }
}
