//! An operator's word on whose something is holds for what lives through it, from the same time on, and a project's tenant
//! can be taken back as if he had never had it.

use crate::world::World;
use arcadia::inventory;
use arcadia::inventory::timeline::owner_at;
use digitalocean_sim::Kind;
use jiff::Timestamp;
use serde_json::json;

fn droplet(world: &World, name: &str) -> String {
    let body = json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64",
        "backups": true});
    world.create(Kind::Droplet, body)
}

fn volume(world: &World, name: &str, droplet: &str) -> String {
    let volume = world.create(Kind::Volume, json!({"name": name, "region": "nyc3", "size_gigabytes": 1}));
    attach(world, &volume, droplet);
    volume
}

fn attach(world: &World, volume: &str, droplet: &str) {
    world.set(Kind::Volume, volume, json!({"droplet_id": droplet.parse::<u64>().unwrap()}));
}

/// Something of every kind that lives through a droplet, the last through another one of them.
fn children(world: &World, droplet: &str) -> Vec<(&'static str, String)> {
    let number: u64 = droplet.parse().unwrap();
    let address = world.create(Kind::ReservedIp, json!({"region": "nyc3"}));
    world.set(Kind::ReservedIp, &address, json!({"droplet_id": number}));
    let volume = volume(world, "data", droplet);
    let copy = world.create(Kind::VolumeSnapshot, json!({"volume_id": volume, "name": "copy"}));
    vec![
        ("floating_ip", address),
        ("volume", volume),
        ("snapshot", world.create(Kind::Snapshot, json!({"droplet_id": number}))),
        ("droplet_backup", world.create(Kind::DropletBackup, json!({"droplet_id": number}))),
        ("snapshot", copy),
    ]
}

async fn say(world: &World, droplet: &str, tenant: &str, from: Timestamp) {
    let cloud = &world.service.cloud;
    let row = world.row("droplet", droplet).await;
    let mut tx = cloud.db.begin().await.unwrap();
    let tenant = Some(tenant.to_owned());
    inventory::assign(&mut tx, row.id, tenant, Some(from), &world.operator(), &cloud.clock).await.unwrap();
    tx.commit().await.unwrap();
}

async fn tenant_at(world: &World, kind: &str, id: &str, at: Timestamp) -> Option<String> {
    owner_at(&world.owners(kind, id).await, at).and_then(|span| span.owner.tenant_id.clone())
}

stories! {
    async fn an_operator_s_word_of_the_past_holds_for_what_lived_through_it_then(world: &World) {
        let (one, other) = (droplet(world, "web"), droplet(world, "db"));
        for name in ["c", "d", "e", "f"] {
            droplet(world, name);
        }
        let children = children(world, &one);
        let wanderer = volume(world, "wanderer", &other);
        world.sync_all().await;
        let before = world.now.get();
        world.sync_all().await;
        attach(world, &wanderer, &one);
        let between = world.now.get();
        world.sync_all().await;

        say(world, &one, "acme", before).await;
        for (kind, id) in &children {
            let row = world.row(kind, id).await;
            assert_eq!((row.tenant_id.as_deref(), row.owner_reason.as_str()), (Some("acme"), "parent"), "{kind}");
            assert_eq!(row.owner_since, Some(before), "{kind}");
            assert_eq!(tenant_at(world, kind, id, before).await.as_deref(), Some("acme"), "{kind}");
            let earlier = before - jiff::SignedDuration::from_secs(1);
            assert_eq!(tenant_at(world, kind, id, earlier).await, None, "{kind}");
        }
        // It was with the other one then.
        assert_eq!(tenant_at(world, "volume", &wanderer, between).await, None);
        assert_eq!(world.row("volume", &wanderer).await.tenant_id.as_deref(), Some("acme"));

        world.destroy(Kind::Droplet, &one);
        for _ in 0..4 {
            world.sync_all().await;
        }
        assert!(world.row("droplet", &one).await.deleted_at.is_some());
        say(world, &one, "globex", between).await;
        for (kind, id) in &children {
            assert_eq!(tenant_at(world, kind, id, before).await.as_deref(), Some("acme"), "{kind}");
            assert_eq!(tenant_at(world, kind, id, between).await.as_deref(), Some("globex"), "{kind}");
            assert_eq!(world.row(kind, id).await.tenant_id.as_deref(), Some("globex"), "{kind}");
        }
        world.sync_all().await;
        let events = world.events().await.len();
        world.sync_all().await;
        assert_eq!(world.events().await.len(), events, "what was said is settled");
    }

    async fn a_project_that_is_taken_back_from_when_it_was_given_never_was_his(world: &World) {
        let id = droplet(world, "web");
        let project = world.create(Kind::Project, json!({"name": "Acme", "purpose": "Web Application"}));
        world.sync_all().await;
        world.assign(&project, &format!("do:droplet:{id}")).await;
        world.sync_all().await;
        let project = world.projects().await.into_iter().find(|it| it.name == "Acme").unwrap().id;
        // It has lain there for a while, and been nobody's.
        world.advance(std::time::Duration::from_secs(60));
        let from = Some(world.now.get());
        world.advance(std::time::Duration::from_secs(60));
        world.give(project, Some("acme"), from).await.unwrap();
        assert_eq!(world.row("droplet", &id).await.tenant_id.as_deref(), Some("acme"));
        world.advance(std::time::Duration::from_secs(60));
        world.give(project, None, from).await.unwrap();
        assert_eq!(world.row("droplet", &id).await.tenant_id, None);
        assert_eq!(tenant_at(world, "droplet", &id, world.now.get()).await, None);
    }
}
