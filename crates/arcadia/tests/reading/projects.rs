//! Giving a project to a tenant over HTTP.

use crate::api::Api;
use crate::world::World;
use digitalocean_sim::Kind;
use serde_json::json;

async fn project_with_droplet(world: &World) -> (String, String) {
    let body = json!({"name": "web", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64"});
    let droplet = world.create(Kind::Droplet, body);
    world.sync_all().await;
    let project = world.create(Kind::Project, json!({"name": "Acme", "purpose": "Web Application"}));
    world.assign(&project, &format!("do:droplet:{droplet}")).await;
    world.sync_all().await;
    let project = world.projects().await.into_iter().find(|it| it.name == "Acme").unwrap();
    (format!("/api/v1/projects/{}", project.id), world.row("droplet", &droplet).await.id.to_string())
}

stories! {
    async fn a_project_is_given_and_its_members_say_why_they_are_the_tenant_s(world: &World) {
        let (path, droplet) = project_with_droplet(world).await;
        let api = Api::over(world).await;
        let seen = format!("/api/v1/inventory/{droplet}");
        api.tenant("acme").get(&seen).await.expect(404);
        let body = json!({"tenant_id": "acme", "reason": "the contract of May"});
        let given = api.admin().patch(&path, &body).await.expect(200);
        assert_eq!(given.body["tenant_id"], "acme");
        let said = api.admin().get(&path).await.expect(200).body;
        assert_eq!((&said["tenants"][0]["reason"], &said["tenants"][0]["actor"]), (&json!("the contract of May"), &json!("root")));
        let shown = api.tenant("acme").get(&seen).await.expect(200).body;
        assert_eq!((&shown["owner_reason"], &shown["project"]["name"]), (&json!("project"), &json!("Acme")));
        assert_eq!(shown["owners"].as_array().unwrap().len(), 1, "{shown}");
        assert_eq!(shown["owner_since"], shown["owners"][0]["from"]);
        assert_eq!(api.tenant("acme").get(&path).await.expect(200).body.get("tenants"), None);
        api.tenant("globex").get(&path).await.expect(404);
        let taken = api.admin().patch(&path, &json!({"tenant_id": null, "reason": "ended"})).await.expect(200);
        assert_eq!(taken.body["tenant_id"], json!(null));
        api.tenant("acme").get(&seen).await.expect(404);
    }

    async fn what_cannot_be_given_says_why_and_changes_nothing(world: &World) {
        let (path, _) = project_with_droplet(world).await;
        let api = Api::over(world).await;
        let body = json!({"tenant_id": "acme", "reason": "mine now"});
        api.tenant("acme").patch(&path, &body).await.expect(403);
        let admin = api.admin();
        admin.patch(&format!("/api/v1/projects/{}", uuid::Uuid::nil()), &body).await.expect(404);
        let wrong = json!({"tenant_id": 5, "effective_from": "yesterday", "reason": 7, "color": "blue"});
        let refused = admin.patch(&path, &wrong).await.expect(422);
        assert_eq!(refused.fields(), ["color", "effective_from", "reason", "tenant_id"]);
        assert_eq!(admin.patch(&path, &json!({})).await.expect(422).fields(), ["tenant_id"]);
        let later = json!({"tenant_id": "acme", "reason": "soon", "effective_from": "2100-01-01T00:00:00Z"});
        assert_eq!(admin.patch(&path, &later).await.expect(422).fields(), ["effective_from"]);
        let too_early = json!({"tenant_id": "acme", "effective_from": "-008000-01-01T00:00:00Z"});
        assert_eq!(admin.patch(&path, &too_early).await.expect(422).fields(), ["effective_from"]);
        let internal = world.projects().await.into_iter().find(|it| it.is_internal).unwrap();
        admin.patch(&format!("/api/v1/projects/{}", internal.id), &body).await.expect(409);
        assert!(world.projects().await.iter().all(|project| project.tenant_id.is_none()));
    }
}
