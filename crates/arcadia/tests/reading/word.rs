//! An operator's word on whose a resource is, over HTTP and on the command line.

use crate::api::{Answer, Api};
use crate::command_line::{admin, arcadia};
use crate::world::World;
use digitalocean_sim::Kind;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const WHY: &str = "the contract of May";

fn droplet(world: &World) -> String {
    let body = json!({"name": "web", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64"});
    world.create(Kind::Droplet, body)
}

/// A droplet in a project of globex, and a volume on it: the paths of both.
async fn droplet_with_volume(world: &World) -> (String, String) {
    let droplet = droplet(world);
    let volume = world.create(Kind::Volume, json!({"name": "data", "region": "nyc3", "size_gigabytes": 1}));
    world.set(Kind::Volume, &volume, json!({"droplet_id": droplet.parse::<u64>().unwrap()}));
    world.sync_all().await;
    let project = world.create(Kind::Project, json!({"name": "Globex", "purpose": "Web Application"}));
    world.assign(&project, &format!("do:droplet:{droplet}")).await;
    world.sync_all().await;
    let project = world.projects().await.into_iter().find(|it| it.name == "Globex").unwrap();
    world.give(project.id, Some("globex"), None).await.unwrap();
    world.advance(std::time::Duration::from_secs(3_600));
    (path(world, "droplet", &droplet).await, path(world, "volume", &volume).await)
}

async fn path(world: &World, kind: &str, id: &str) -> String {
    format!("/api/v1/inventory/{}", world.row(kind, id).await.id)
}

/// The last event, which somebody asked for.
async fn last_event(api: &Api, path: &str) -> Value {
    api.admin().get(&format!("{path}/events?limit=1")).await.expect(200).body["data"][0].clone()
}

fn owner(shown: &Answer) -> (&Value, &Value) {
    (&shown.body["tenant_id"], &shown.body["owner_reason"])
}

stories! {
    async fn an_operator_says_whose_a_resource_is_and_takes_it_back(world: &World) {
        let (droplet, volume) = droplet_with_volume(world).await;
        let api = Api::over(world).await;
        let admin = api.admin();
        let said = admin.patch(&droplet, &json!({"tenant_id": "acme", "reason": WHY})).await.expect(200);
        assert_eq!(owner(&said), (&json!("acme"), &json!("operator")));
        assert_eq!(said.body["owner_since"], json!(world.now.get()));
        let event = last_event(&api, &droplet).await;
        assert_eq!((&event["kind"], &event["actor"], &event["source"]), (&json!("attributed"), &json!("root"), &json!(WHY)));
        assert_eq!(event["data"]["before"]["tenant_id"], "globex");
        assert_eq!(event["data"]["before"]["reason"], "project");
        assert_eq!(owner(&api.tenant("acme").get(&volume).await.expect(200)), (&json!("acme"), &json!("parent")));
        api.tenant("globex").get(&droplet).await.expect(404);
        world.sync_all().await;

        let events = world.events().await.len();
        admin.patch(&droplet, &json!({"tenant_id": "acme", "reason": "once more"})).await.expect(200);
        assert_eq!(world.events().await.len(), events, "the same word says nothing new");

        world.advance(std::time::Duration::from_secs(60));
        let nobody = admin.patch(&droplet, &json!({"tenant_id": null})).await.expect(200);
        assert_eq!(owner(&nobody), (&json!(null), &json!("operator")));
        world.advance(std::time::Duration::from_secs(60));
        let back = admin.patch(&droplet, &json!({"release": true, "reason": "an error"})).await.expect(200);
        assert_eq!(owner(&back), (&json!("globex"), &json!("project")));
        let event = last_event(&api, &droplet).await;
        assert_eq!((&event["actor"], &event["source"]), (&json!("root"), &json!("an error")));
        assert_eq!(event["data"]["before"]["reason"], "operator");
        assert_eq!(owner(&api.tenant("globex").get(&volume).await.expect(200)), (&json!("globex"), &json!("parent")));
        let last = back.body["owners"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["tenant_id"], &last["reason"]), (&json!("globex"), &json!("project")));
        let events = world.events().await.len();
        admin.patch(&droplet, &json!({"release": true})).await.expect(200);
        assert_eq!(world.events().await.len(), events, "there is nothing to take back");
    }

    async fn a_word_taken_back_where_nothing_else_decides_leaves_nobody_s(world: &World) {
        let id = droplet(world);
        world.sync("droplets").await.unwrap();
        let (api, path) = (Api::over(world).await, path(world, "droplet", &id).await);
        api.admin().patch(&path, &json!({"tenant_id": "acme"})).await.expect(200);
        world.advance(std::time::Duration::from_secs(60));
        let back = api.admin().patch(&path, &json!({"release": true, "reason": "an error"})).await.expect(200);
        assert_eq!(owner(&back), (&json!(null), &json!("none")));
        let last = back.body["owners"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["tenant_id"], &last["from"]), (&json!(null), &json!(world.now.get())), "{}", back.body);
        assert_eq!(last_event(&api, &path).await["source"], "an error");
    }

    async fn a_word_of_the_past_counts_from_then_and_a_tenant_who_had_it_already_keeps_his_since(world: &World) {
        let (droplet, _) = droplet_with_volume(world).await;
        let api = Api::over(world).await;
        let earlier = world.now.get() - SignedDuration::from_mins(30);
        let before = api.admin().get(&droplet).await.expect(200);
        let same = json!({"tenant_id": "globex", "effective_from": earlier});
        let said = api.admin().patch(&droplet, &same).await.expect(200);
        assert_eq!(said.body["owner_since"], before.body["owner_since"], "without a break");
        let other = json!({"tenant_id": "acme", "effective_from": earlier});
        let said = api.admin().patch(&droplet, &other).await.expect(200);
        assert_eq!(said.body["owner_since"], json!(earlier));
        assert_eq!(api.tenant("acme").get(&droplet).await.expect(200).body["owners"][0]["from"], json!(earlier));
    }

    async fn what_cannot_be_said_says_why_and_changes_nothing(world: &World) {
        let (droplet, _) = droplet_with_volume(world).await;
        let api = Api::over(world).await;
        let (admin, body) = (api.admin(), json!({"tenant_id": "acme", "reason": WHY}));
        let events = world.events().await.len();
        api.tenant("globex").patch(&droplet, &body).await.expect(403);
        let nothing = format!("/api/v1/inventory/{}", uuid::Uuid::nil());
        let (others, none) = (api.tenant("acme").patch(&droplet, &body).await.expect(404), api.tenant("acme").patch(&nothing, &body).await.expect(404));
        assert_eq!(others.body["detail"], none.body["detail"]);
        admin.patch(&nothing, &body).await.expect(404);
        let refused = [
            (json!({}), vec!["tenant_id"]),
            (json!({"tenant_id": " "}), vec!["tenant_id"]),
            (json!({"tenant_id": "é".repeat(128)}), vec!["tenant_id"]),
            (json!({"tenant_id": "a\u{0}b"}), vec!["tenant_id"]),
            (json!({"tenant_id": 5, "effective_from": "yesterday", "reason": 7, "color": "blue"}), vec!["color", "effective_from", "reason", "tenant_id"]),
            (json!({"tenant_id": "acme", "effective_from": "2100-01-01T00:00:00Z"}), vec!["effective_from"]),
            (json!({"tenant_id": "acme", "effective_from": "-008000-01-01T00:00:00Z"}), vec!["effective_from"]),
            (json!({"release": false}), vec!["release"]),
            (json!({"release": "yes"}), vec!["release"]),
            (json!({"release": true, "tenant_id": "acme"}), vec!["tenant_id"]),
            (json!({"release": true, "effective_from": "2026-01-01T00:00:00Z"}), vec!["effective_from"]),
        ];
        for (body, fields) in refused {
            assert_eq!(admin.patch(&droplet, &body).await.expect(422).fields(), fields, "{body}");
        }
        assert_eq!(world.events().await.len(), events);
    }

    async fn of_what_is_gone_it_can_be_said_whose_it_was_but_nothing_is_taken_back(world: &World) {
        let id = droplet(world);
        for _ in 0..5 {
            droplet(world);
        }
        world.sync_all().await;
        let (api, path) = (Api::over(world).await, path(world, "droplet", &id).await);
        let seen: Timestamp = world.now.get();
        world.destroy(Kind::Droplet, &id);
        for _ in 0..4 {
            world.sync_all().await;
        }
        assert!(world.row("droplet", &id).await.deleted_at.is_some());
        let body = json!({"tenant_id": "acme", "effective_from": seen});
        let said = api.admin().patch(&path, &body).await.expect(200);
        assert_eq!(owner(&said), (&json!("acme"), &json!("operator")));
        api.admin().patch(&path, &json!({"release": true})).await.expect(409);
        assert_eq!(owner(&api.tenant("acme").get(&path).await.expect(200)), (&json!("acme"), &json!("operator")));
    }

    async fn the_command_line_says_whose_a_resource_is(world: &World) {
        let (droplet, _) = droplet_with_volume(world).await;
        let (api, id) = (Api::over(world).await, droplet.rsplit('/').next().unwrap().to_owned());
        let run = async |arguments: &[&str]| {
            let arguments = [&["assign", id.as_str()], arguments].concat();
            let output = arcadia(&api.base, &admin(), &arguments).await;
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        };
        let (code, said) = run(&["--tenant", "acme", "--reason", WHY, "-o", "json"]).await;
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((code, &said["tenant_id"]), (Some(0), &json!("acme")));
        assert_eq!(last_event(&api, &droplet).await["data"]["why"], WHY);
        let (code, said) = run(&["--nobody"]).await;
        assert!(code == Some(0) && said.contains("nobody since"), "{said}");
        assert_eq!(run(&["--release"]).await.0, Some(0));
        assert_eq!(owner(&api.admin().get(&droplet).await.expect(200)), (&json!("globex"), &json!("project")));
        let not_understood: [&[&str]; 4] =
            [&[], &["--tenant", "acme", "--nobody"], &["--release", "--from", "2026-01-01T00:00:00Z"], &["--from", "2026-01-01T00:00:00Z"]];
        for arguments in not_understood {
            assert_eq!(run(arguments).await.0, Some(2), "{arguments:?}");
        }
        assert_eq!(run(&["--tenant", "acme", "--from", "tomorrow"]).await.0, Some(1));
    }
}
