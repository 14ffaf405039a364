//! Each operation asks what the API documents, and understands what the API is known to answer.

use digitalocean::{
    ActionId, ActionStatus, ActionType, CreateDroplet, DropletId, DropletStatus, ImageId, RecordDraft,
    RecordId, RecordType, SnapshotId, SnapshotResource, SshKeyRef,
};
use serde_json::json;

use crate::server::{Asked, Reply, Server, action, droplet, ok, status};

const SNAPSHOT: &str = r#"{"id":"180000123","name":"before","created_at":"2026-11-02T09:07:12Z","regions":["sfo3"],
    "min_disk_size":25,"size_gigabytes":2.81,"resource_id":"700100001","resource_type":"droplet","tags":null}"#;
const RECORD: &str = r#"{"id":1900000005,"type":"CAA","name":"@","data":"letsencrypt.org","priority":null,"port":null,
    "ttl":1800,"weight":null,"flags":0,"tag":"issue"}"#;
const TAG: &str = r#"{"name":"env:demo","resources":{"count":1,"last_tagged_uri":"https://x/v2/droplets/1","droplets":{"count":1}}}"#;
const IMAGE: &str = r#"{"id":247516813,"name":"24.04 (LTS) x64","distribution":"Ubuntu","slug":"ubuntu-24-04-x64",
    "public":true,"regions":["nyc3","atl1"],"created_at":"2026-09-29T03:12:58Z","min_disk_size":7,"type":"base",
    "size_gigabytes":3.76,"description":"Ubuntu 24.04 (LTS) x64","tags":[],"status":"available"}"#;

/// Answers by the last words of the path.
fn api(asked: &Asked, _: usize) -> Reply {
    let (method, path) = asked.line.split_once(' ').unwrap();
    let path = path.split('?').next().unwrap();
    let one = |key: &str, body: &str| ok(format!(r#"{{"{key}":{body},"links":{{}}}}"#));
    let many =
        |key: &str, body: &str| ok(format!(r#"{{"{key}":[{body}],"links":{{}},"meta":{{"total":1}}}}"#));
    if method == "DELETE" || path.ends_with("/resources") {
        return status(204, "");
    }
    let segments: Vec<_> = path.trim_start_matches("/v2/").split('/').collect();
    match (method, segments.as_slice()) {
        ("POST", ["droplets"]) => status(
            202,
            format!(
                r#"{{"droplet":{},"links":{{"actions":[{{"id":3500000001,"rel":"create","href":"/v2/actions/3500000001"}}]}}}}"#,
                droplet(700_100_001)
            ),
        ),
        ("POST", ["droplets", _, "actions"]) => ok(action(3_408_894_540)),
        ("GET", ["actions", _] | ["droplets", _, "actions", _]) => ok(action(3_408_894_540)),
        ("GET", ["actions"] | ["droplets", _, "actions"]) => {
            many("actions", r#"{"id":1,"status":"errored","type":"of the future","resource_id":null}"#)
        }
        ("GET", ["droplets", _]) => one("droplet", &droplet(1)),
        ("GET", ["droplets", _, "snapshots"]) => {
            many("snapshots", r#"{"id":180000123,"name":"before","type":"snapshot"}"#)
        }
        ("GET", ["droplets", _, "backups"]) => {
            many("backups", r#"{"id":180000124,"name":"b","type":"backup"}"#)
        }
        ("GET", ["snapshots", _]) => one("snapshot", SNAPSHOT),
        ("GET", ["snapshots"]) => many("snapshots", SNAPSHOT),
        ("GET", ["images", _]) => one("image", IMAGE),
        ("GET", ["images"]) => many("images", IMAGE),
        ("GET", ["domains"]) => many("domains", r#"{"name":"example.com","ttl":null,"zone_file":""}"#),
        ("GET", ["domains", _]) => one("domain", r#"{"name":"example.com","ttl":1800,"zone_file":null}"#),
        ("GET", ["domains", _, "records"]) => many("domain_records", RECORD),
        (_, ["domains", _, "records", ..]) => one("domain_record", RECORD),
        ("GET", ["tags"]) => many("tags", TAG),
        (_, ["tags", ..]) => one("tag", TAG),
        _ => status(404, ""),
    }
}

#[tokio::test]
async fn a_droplet_is_created_from_all_that_was_asked_and_its_action_is_known() {
    let server = Server::start(api).await;
    let wanted = CreateDroplet {
        name: "edge-1".into(),
        region: Some("sfo3".into()),
        size: "s-1vcpu-1gb".into(),
        image: ImageId(5).into(),
        ssh_keys: vec![SshKeyRef::Id(1), SshKeyRef::Fingerprint("aa:bb".into())],
        tags: vec!["saga-3f2a".into()],
        user_data: Some("#cloud-config".into()),
        ..CreateDroplet::default()
    };

    let created = server.client().droplets().create(&wanted).await.unwrap();

    assert_eq!(created.action_id, Some(ActionId(3_500_000_001)));
    assert_eq!((created.droplet.id, &created.droplet.status), (DropletId(700_100_001), &DropletStatus::New));
    assert_eq!(created.droplet.snapshot_ids, [SnapshotId::from(180_000_123)]);
    assert_eq!(created.droplet.public_ipv4(), None);
    let asked = &server.asked()[0];
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(
        asked.json(),
        json!({"name":"edge-1","region":"sfo3","size":"s-1vcpu-1gb","image":5,"ssh_keys":[1,"aa:bb"],"backups":false,
            "ipv6":false,"monitoring":false,"tags":["saga-3f2a"],"user_data":"#cloud-config"})
    );
}

#[tokio::test]
async fn droplets_and_their_actions_are_reached_by_their_ids() {
    let server = Server::start(api).await;
    let droplets = server.client().droplets();
    let id = DropletId(7);

    droplets.get(id).await.unwrap();
    assert_eq!(droplets.snapshots(id).await.unwrap()[0].id, SnapshotId::from("180000123"));
    assert_eq!(droplets.backups(id).await.unwrap()[0].id.image_id(), Some(ImageId(180_000_124)));
    let done = droplets.actions(id).await.unwrap();
    assert_eq!((&done[0].status, done[0].is_settled()), (&ActionStatus::Errored, true));
    assert_eq!(done[0].kind, ActionType::Other("of the future".into()));
    let running = droplets.action(id, ActionId(3)).await.unwrap();
    assert_eq!((running.id, running.is_settled()), (ActionId(3_408_894_540), false));
    server.client().actions().get(ActionId(3)).await.unwrap();
    server.client().actions().list().await.unwrap();
    droplets.destroy(id).await.unwrap();
    droplets.list_named("edge-1").await.unwrap_err();

    assert_eq!(
        server.lines(),
        [
            "GET /v2/droplets/7",
            "GET /v2/droplets/7/snapshots?page=1&per_page=200",
            "GET /v2/droplets/7/backups?page=1&per_page=200",
            "GET /v2/droplets/7/actions?page=1&per_page=200",
            "GET /v2/droplets/7/actions/3",
            "GET /v2/actions/3",
            "GET /v2/actions?page=1&per_page=200",
            "DELETE /v2/droplets/7",
            "GET /v2/droplets?name=edge-1&page=1&per_page=200",
        ]
    );
}

#[tokio::test]
async fn each_droplet_action_is_a_post_with_its_type() {
    let server = Server::start(api).await;
    let droplets = server.client().droplets();
    let id = DropletId(7);
    droplets.power_on(id).await.unwrap();
    droplets.power_off(id).await.unwrap();
    droplets.power_cycle(id).await.unwrap();
    droplets.shutdown(id).await.unwrap();
    droplets.snapshot(id, "before").await.unwrap();
    droplets.resize(id, "s-2vcpu-4gb", true).await.unwrap();
    droplets.rename(id, "edge-2").await.unwrap();

    let sent: Vec<_> = server.asked().iter().map(Asked::json).collect();
    assert_eq!(
        sent,
        [
            json!({"type":"power_on"}),
            json!({"type":"power_off"}),
            json!({"type":"power_cycle"}),
            json!({"type":"shutdown"}),
            json!({"type":"snapshot","name":"before"}),
            json!({"type":"resize","size":"s-2vcpu-4gb","disk":true}),
            json!({"type":"rename","name":"edge-2"}),
        ]
    );
    assert!(server.lines().iter().all(|line| line == "POST /v2/droplets/7/actions"));
}

#[tokio::test]
async fn snapshots_are_listed_by_what_they_are_of() {
    let server = Server::start(api).await;
    let snapshots = server.client().snapshots();
    let listed = snapshots.list_of(&SnapshotResource::Droplet).await.unwrap();
    assert_eq!(
        (listed[0].resource_id.as_str(), &listed[0].resource_type),
        ("700100001", &SnapshotResource::Droplet)
    );
    assert_eq!(listed[0].size_gigabytes.unwrap().to_string(), "2.81");
    snapshots.list().await.unwrap();
    snapshots.get(&listed[0].id).await.unwrap();
    snapshots.delete(&listed[0].id).await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /v2/snapshots?resource_type=droplet&page=1&per_page=200",
            "GET /v2/snapshots?page=1&per_page=200",
            "GET /v2/snapshots/180000123",
            "DELETE /v2/snapshots/180000123",
        ]
    );
}

#[tokio::test]
async fn records_are_found_by_their_full_name_and_written_whole() {
    let server = Server::start(api).await;
    let records = server.client().records("example.com");
    let draft = RecordDraft::new(RecordType::A, "www", "192.0.2.1").with_ttl(60);
    records.list().await.unwrap();
    let caa = records.list_named("@", Some(&RecordType::Caa)).await.unwrap();
    assert_eq!((caa[0].flags, caa[0].tag.as_deref()), (Some(0), Some("issue")));
    records.list_named("www", None).await.unwrap();
    records.get(RecordId(5)).await.unwrap();
    records.create(&draft).await.unwrap();
    records.update(RecordId(5), &draft).await.unwrap();
    records.delete(RecordId(5)).await.unwrap();
    server.client().domains().list().await.unwrap();
    server.client().domains().get("example.com").await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /v2/domains/example.com/records?page=1&per_page=200",
            "GET /v2/domains/example.com/records?name=example.com&type=CAA&page=1&per_page=200",
            "GET /v2/domains/example.com/records?name=www.example.com&page=1&per_page=200",
            "GET /v2/domains/example.com/records/5",
            "POST /v2/domains/example.com/records",
            "PUT /v2/domains/example.com/records/5",
            "DELETE /v2/domains/example.com/records/5",
            "GET /v2/domains?page=1&per_page=200",
            "GET /v2/domains/example.com",
        ]
    );
    let whole = json!({"type":"A","name":"www","data":"192.0.2.1","priority":null,"port":null,"ttl":60,"weight":null,
        "flags":null,"tag":null});
    assert_eq!((server.asked()[4].json(), server.asked()[5].json()), (whole.clone(), whole));
}

#[tokio::test]
async fn resources_are_tagged_and_untagged() {
    let server = Server::start(api).await;
    let tags = server.client().tags();
    assert_eq!(tags.create("env:demo").await.unwrap().resources.count, 1);
    tags.tag("env:demo", &[DropletId(7).into(), ImageId(8).into()]).await.unwrap();
    tags.untag("env:demo", &[DropletId(7).into()]).await.unwrap();
    tags.get("env:demo").await.unwrap();
    tags.list().await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "POST /v2/tags",
            "POST /v2/tags/env:demo/resources",
            "DELETE /v2/tags/env:demo/resources",
            "GET /v2/tags/env:demo",
            "GET /v2/tags?page=1&per_page=200",
        ]
    );
    assert_eq!(server.asked()[0].json(), json!({"name":"env:demo"}));
    let both = json!({"resources":[{"resource_id":"7","resource_type":"droplet"},{"resource_id":"8","resource_type":"image"}]});
    assert_eq!(server.asked()[1].json(), both);
    assert_eq!(
        server.asked()[2].json(),
        json!({"resources":[{"resource_id":"7","resource_type":"droplet"}]})
    );
}

#[tokio::test]
async fn images_are_found_by_id_and_by_slug() {
    let server = Server::start(api).await;
    let images = server.client().images();
    assert_eq!(images.get("ubuntu-24-04-x64").await.unwrap().regions, ["nyc3", "atl1"]);
    images.get(ImageId(9)).await.unwrap();
    images.list().await.unwrap();
    images.list_private().await.unwrap();
    images.list_distributions().await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /v2/images/ubuntu-24-04-x64",
            "GET /v2/images/9",
            "GET /v2/images?page=1&per_page=200",
            "GET /v2/images?private=true&page=1&per_page=200",
            "GET /v2/images?type=distribution&page=1&per_page=200",
        ]
    );
}

#[tokio::test]
async fn account_regions_and_sizes_are_read() {
    let account = r#"{"account":{"droplet_limit":25,"floating_ip_limit":3,"email":"a@example.com","uuid":"b6fr","email_verified":true,
        "status":"active","status_message":"","team":{"uuid":"5df3","name":"My Team"}}}"#;
    let regions = r#"{"regions":[{"slug":"ric1","name":"Richmond 1","features":["backups"],"available":true}],"links":{}}"#;
    let sizes = r#"{"sizes":[{"slug":"s-1vcpu-1gb","memory":1024,"vcpus":1,"disk":25,"transfer":0.5,"price_monthly":6,
        "price_hourly":0.00892857182770968,"regions":["ric1"],"available":true,"description":"Basic",
        "networking_throughput":2000,"disk_info":[{"type":"local","size":{"amount":25,"unit":"gib"}}]}]}"#;
    let server = Server::answering(vec![ok(account), ok(regions), ok(sizes)]).await;
    let client = server.client();

    assert_eq!(client.account().get().await.unwrap().droplet_limit, Some(25));
    assert_eq!(client.regions().list().await.unwrap()[0].slug, "ric1");
    let size = &client.sizes().list().await.unwrap()[0];
    assert_eq!(
        (size.price_hourly.to_string(), size.price_monthly.to_string()),
        ("0.00893".into(), "6".into())
    );
    assert_eq!(
        server.lines(),
        ["GET /v2/account", "GET /v2/regions?page=1&per_page=200", "GET /v2/sizes?page=1&per_page=200"]
    );
}

#[tokio::test]
async fn an_address_is_found_by_its_type_and_not_by_its_place() {
    let networks = r#""networks":{"v4":[{"ip_address":"10.0.0.2","netmask":"255.255.240.0","gateway":null,"type":"private"},
        {"ip_address":"192.0.2.7","netmask":"255.255.240.0","gateway":"192.0.2.1","type":"public"}],
        "v6":[{"ip_address":"2001:db8::7","netmask":64,"gateway":"2001:db8::1","type":"public"}]}"#;
    let active = droplet(7).replace(r#""networks":{"v4":[],"v6":[]}"#, networks);
    let server = Server::answering(vec![ok(format!(r#"{{"droplet":{active}}}"#))]).await;
    let droplet = server.client().droplets().get(DropletId(7)).await.unwrap();
    assert_eq!(droplet.public_ipv4().unwrap().to_string(), "192.0.2.7");
    assert_eq!(droplet.private_ipv4().unwrap().to_string(), "10.0.0.2");
}

#[test]
fn calls_and_listings_may_be_awaited_on_any_thread() {
    fn sendable<F: Future + Send>(future: F) -> F {
        future
    }
    let client = crate::server::builder("http://127.0.0.1:1").build().unwrap();
    let droplets = client.droplets();
    drop(sendable(droplets.get(DropletId(1))));
    drop(sendable(droplets.create(&CreateDroplet::default())));
    drop(sendable(droplets.power_off(DropletId(1))));
    drop(sendable(droplets.list().into_future()));
    drop(sendable(client.records("example.com").delete(RecordId(1))));
    drop(sendable(client.tags().tag("x", &[DropletId(1).into()])));
    drop(sendable(client.billing().csv(&"x".into())));
}
