//! The life of a droplet, second by second.

use serde_json::json;

use crate::site::{Site, droplet, message};

#[tokio::test]
async fn a_new_droplet_has_no_networks_is_not_listed_and_boots_in_its_time() {
    let site = Site::start().await;
    let (status, body) = site.post("/v2/droplets", droplet("edge-1")).await;
    assert_eq!(status, 202);
    let created = &body["droplet"];
    let id = created["id"].as_u64().unwrap();
    assert_eq!(created["status"], "new");
    assert_eq!(created["locked"], false);
    assert_eq!(created["networks"], json!({ "v4": [], "v6": [] }));
    assert!(created.get("vpc_uuid").is_none());
    assert_eq!(created["created_at"], "2026-11-02T09:00:00Z");
    let action = body["links"]["actions"][0]["id"].as_u64().unwrap();
    assert_eq!(body["links"]["actions"][0]["href"], format!("/v2/actions/{action}"));
    assert_eq!(site.total("/v2/droplets").await, 0);

    site.advance_s(3);
    assert_eq!(site.total("/v2/droplets").await, 1);
    site.advance_s(26);
    assert_eq!(site.droplet(id).await["status"], "new");
    let path = format!("/v2/actions/{action}");
    assert_eq!(site.get(&path).await.1["action"]["status"], "in-progress");

    site.advance_s(1);
    let active = site.droplet(id).await;
    assert_eq!(active["status"], "active");
    let kinds: Vec<&str> = active["networks"]["v4"]
        .as_array()
        .unwrap()
        .iter()
        .map(|network| network["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["private", "public"]);
    assert!(active["vpc_uuid"].is_string());
    let action = &site.get(&path).await.1["action"];
    assert_eq!((&action["status"], &action["type"]), (&json!("completed"), &json!("create")));
    assert_eq!(action["completed_at"], "2026-11-02T09:00:30Z");
}

#[tokio::test]
async fn the_listing_by_tag_lags_on_its_own() {
    let site = Site::start().await;
    let mut body = droplet("edge-1");
    body["tags"] = json!(["arcadia-saga-1"]);
    site.post("/v2/droplets", body).await;
    site.advance_s(4);
    assert_eq!(site.total("/v2/droplets").await, 1);
    assert_eq!(site.total("/v2/droplets?tag_name=arcadia-saga-1").await, 0);
    site.advance_s(1);
    assert_eq!(site.total("/v2/droplets?tag_name=arcadia-saga-1").await, 1);
}

#[tokio::test]
async fn a_destroyed_droplet_lingers_and_then_is_gone() {
    let site = Site::start().await;
    let id = site.active_droplet("edge-1").await;
    let path = format!("/v2/droplets/{id}");
    assert_eq!(site.delete(&path).await.0, 204);
    assert_eq!(site.simulator.account()["droplets"], json!([]));
    assert_eq!(site.delete(&path).await.0, 404);

    site.advance_s(7);
    assert_eq!(site.droplet(id).await["status"], "active");
    assert_eq!(site.total("/v2/droplets").await, 1);
    site.advance_s(1);
    let (status, body) = site.get(&path).await;
    assert_eq!((status, &body["id"]), (404, &json!("not_found")));
    assert_eq!(site.total("/v2/droplets").await, 0);
}

#[tokio::test]
async fn one_event_at_a_time_and_none_while_it_is_new() {
    let site = Site::start().await;
    let (_, body) = site.post("/v2/droplets", droplet("edge-1")).await;
    let id = body["droplet"]["id"].as_u64().unwrap();
    let (status, body) = site.delete(&format!("/v2/droplets/{id}")).await;
    assert_eq!((status, message(&body)), (422, "Droplet already has a pending event."));

    site.advance_s(30);
    assert_eq!(site.act(id, json!({ "type": "power_off" })).await.0, 201);
    assert_eq!(site.droplet(id).await["locked"], true);
    let (status, body) = site.act(id, json!({ "type": "snapshot", "name": "s" })).await;
    assert_eq!((status, message(&body)), (422, "Droplet already has a pending event."));
    site.advance_s(10);
    assert_eq!(site.droplet(id).await["status"], "active", "the status lags behind the action");
    site.advance_s(2);
    assert_eq!(site.droplet(id).await["status"], "off");
    let (status, body) = site.act(id, json!({ "type": "power_off" })).await;
    assert_eq!((status, message(&body)), (422, "Droplet is already powered off."));
}

#[tokio::test]
async fn a_resize_needs_the_droplet_off_and_shows_before_it_completes() {
    let site = Site::start().await;
    let id = site.active_droplet("edge-1").await;
    let resize = json!({ "type": "resize", "size": "s-1vcpu-2gb", "disk": true });
    let (status, body) = site.act(id, resize.clone()).await;
    assert_eq!(status, 422);
    assert!(message(&body).contains("currently on"));
    site.act(id, json!({ "type": "power_off" })).await;
    site.advance_s(12);
    let (status, body) = site.act(id, resize).await;
    assert_eq!(status, 201);
    let action = format!("/v2/actions/{}", body["action"]["id"]);
    site.advance_s(15);
    let resized = site.droplet(id).await;
    assert_eq!(
        (&resized["size_slug"], &resized["memory"], &resized["disk"]),
        (&json!("s-1vcpu-2gb"), &json!(2048), &json!(50))
    );
    assert_eq!(site.get(&action).await.1["action"]["status"], "in-progress");
    site.advance_s(30);
    assert_eq!(site.get(&action).await.1["action"]["status"], "completed");
    let (status, body) = site.act(id, json!({ "type": "resize", "size": "s-1vcpu-1gb" })).await;
    assert_eq!((status, message(&body)), (422, "Size can not decrease size of Droplet's disk image"));
    assert_eq!(site.act(id, json!({ "type": "power_on" })).await.0, 201);
    site.advance_s(10);
    assert_eq!(site.droplet(id).await["status"], "active");
}

#[tokio::test]
async fn a_snapshot_is_listed_late_outlives_its_droplet_and_lingers_when_deleted() {
    let site = Site::start().await;
    let id = site.active_droplet("edge-1").await;
    site.act(id, json!({ "type": "snapshot", "name": "before-upgrade" })).await;
    site.advance_s(60);
    assert_eq!(site.total("/v2/snapshots").await, 0, "the action is complete, the listing lags");
    site.advance_s(4);
    let (_, all) = site.get("/v2/snapshots?resource_type=droplet").await;
    let snapshot = &all["snapshots"][0];
    let snapshot_id = snapshot["id"].as_str().expect("text in the global list").to_owned();
    assert_eq!(snapshot["resource_id"], id.to_string());
    let (_, own) = site.get(&format!("/v2/droplets/{id}/snapshots")).await;
    assert_eq!(own["snapshots"][0]["id"], json!(snapshot_id.parse::<u64>().unwrap()));
    assert_eq!(site.droplet(id).await["snapshot_ids"], json!([snapshot_id.parse::<u64>().unwrap()]));
    assert_eq!(site.get(&format!("/v2/images/{snapshot_id}")).await.1["image"]["type"], "snapshot");

    site.delete(&format!("/v2/droplets/{id}")).await;
    site.advance_s(8);
    assert_eq!(site.total("/v2/snapshots").await, 1);
    assert_eq!(site.delete(&format!("/v2/snapshots/{snapshot_id}")).await.0, 204);
    assert_eq!(site.get(&format!("/v2/snapshots/{snapshot_id}")).await.0, 404);
    assert_eq!(site.delete(&format!("/v2/snapshots/{snapshot_id}")).await.0, 404);
    assert_eq!(site.total("/v2/snapshots").await, 1);
    site.advance_s(3);
    assert_eq!(site.total("/v2/snapshots").await, 0);
}

#[tokio::test]
async fn bad_requests_are_refused_and_create_nothing() {
    let site = Site::start().await;
    let with = |key: &str, value: serde_json::Value| {
        let mut body = droplet("edge-1");
        body[key] = value;
        body
    };
    for (body, text) in [
        (with("size", json!("s-none")), "invalid size"),
        (with("image", json!("no-such")), "invalid image"),
        (with("region", json!("mars1")), "invalid region"),
        (with("region", json!("sfo1")), "not available in this region"),
        (with("name", json!("under_score")), "Only valid hostname characters"),
        (with("image", json!("gpu-h100x1-base")), ""),
        (with("ssh_keys", json!([7, "aa:bb"])), "7, aa:bb are invalid key identifiers"),
        (with("names", json!(["a", "b"])), "both"),
    ] {
        let fits = text.is_empty();
        let (status, answer) = site.post("/v2/droplets", body).await;
        assert_eq!(status, if fits { 202 } else { 422 }, "{answer}");
        assert!(message(&answer).contains(text), "{answer}");
    }
    assert_eq!(site.simulator.account()["droplets"].as_array().unwrap().len(), 1);
    let (status, body) = site.get("/v2/droplets/abc").await;
    assert_eq!((status, message(&body)), (404, "The resource you were accessing could not be found."));
}

#[tokio::test]
async fn several_names_create_several_droplets_up_to_the_limit() {
    let site = Site::with(digitalocean_sim::Options { droplet_limit: 3, ..crate::site::options() }).await;
    let several = |names: &[&str]| json!({ "names": names, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64" });
    let (status, body) = site.post("/v2/droplets", several(&["a", "b"])).await;
    assert_eq!(status, 202);
    assert_eq!(body["droplets"].as_array().unwrap().len(), 2);
    assert_eq!(body["links"]["actions"].as_array().unwrap().len(), 2);
    let (status, body) = site.post("/v2/droplets", several(&["c", "d"])).await;
    assert_eq!(status, 422);
    assert!(message(&body).contains("droplet limit"));
    assert_eq!(site.simulator.account()["droplets"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn tags_are_made_on_the_fly_keep_their_first_spelling_and_forgive_missing_droplets() {
    let site = Site::start().await;
    let mut body = droplet("edge-1");
    body["tags"] = json!(["Team:Web"]);
    site.post("/v2/droplets", body).await;
    assert_eq!(site.get("/v2/tags/Team:Web").await.1["tag"]["resources"]["droplets"]["count"], 1);
    assert_eq!(site.get("/v2/tags/team:web").await.0, 404);
    let (status, body) = site.post("/v2/tags", json!({ "name": "team:WEB" })).await;
    assert_eq!((status, &body["tag"]["name"]), (201, &json!("Team:Web")));
    assert_eq!(site.total("/v2/tags").await, 1);
    let ghost = json!({ "resources": [{ "resource_id": "424242", "resource_type": "droplet" }] });
    assert_eq!(site.post("/v2/tags/Team:Web/resources", ghost).await.0, 204);
    assert_eq!(site.get("/v2/tags/Team:Web").await.1["tag"]["resources"]["droplets"]["count"], 2);
    let domain = json!({ "resources": [{ "resource_id": "acme.com", "resource_type": "domain" }] });
    assert_eq!(site.post("/v2/tags/Team:Web/resources", domain).await.0, 404);
    let (status, body) = site.post("/v2/tags", json!({ "name": "two words" })).await;
    assert_eq!(status, 400);
    assert!(body["error"].as_str().unwrap().contains("invalid characters") && body.get("id").is_none());
    site.delete("/v2/tags/Team:Web").await;
    site.advance_s(5);
    assert_eq!(site.total("/v2/droplets?tag_name=Team:Web").await, 0);
}

#[tokio::test]
async fn backups_are_made_in_their_window_expire_and_go_with_their_droplet() {
    let site = Site::start().await;
    let mut body = droplet("edge-1");
    body["backup_policy"] = json!({ "plan": "daily", "hour": 20 });
    let (_, body) = site.post("/v2/droplets", body).await;
    let id = body["droplet"]["id"].as_u64().unwrap();
    site.advance_s(30);
    assert_eq!(site.droplet(id).await["next_backup_window"]["start"], "2026-11-02T20:00:00Z");
    site.advance_s(9 * 24 * 3_600);
    assert_eq!(site.total(&format!("/v2/droplets/{id}/backups")).await, 7);
    assert_eq!(site.total("/v2/snapshots").await, 0, "backups are no snapshots");
    site.delete(&format!("/v2/droplets/{id}")).await;
    assert_eq!(site.simulator.account()["droplet_backups"], json!([]));
}

#[tokio::test]
async fn gpu_droplets_are_left_out_unless_asked_for() {
    let site = Site::instant().await;
    site.post("/v2/droplets", droplet("plain")).await;
    let gpu =
        json!({ "name": "gpu", "region": "tor1", "size": "gpu-h100x1-80gb", "image": "gpu-h100x1-base" });
    assert_eq!(site.post("/v2/droplets", gpu).await.0, 202);
    assert_eq!(site.total("/v2/droplets").await, 1);
    assert_eq!(site.get("/v2/droplets?type=gpus").await.1["droplets"][0]["name"], "gpu");
}

#[tokio::test]
async fn the_spec_profile_has_only_what_the_specification_knows() {
    let (live, spec) = (Site::instant().await, Site::spec().await);
    assert_eq!(live.total("/v2/regions").await, 17);
    assert_eq!(spec.total("/v2/regions").await, 13);
    let (_, body) = spec.post("/v2/droplets", droplet("edge-1")).await;
    let href = body["links"]["actions"][0]["href"].as_str().unwrap();
    assert!(href.starts_with(&spec.url("/v2/actions/")));
    assert!(body["droplet"]["size"].get("networking_throughput").is_none());
    assert_eq!(live.get("/v2/droplets").await.1["links"], json!({}));
    assert_eq!(spec.get("/v2/droplets").await.1["links"], json!({ "pages": {} }));
}
