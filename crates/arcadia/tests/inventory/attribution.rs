//! Whose a resource is, why, and since when: by operator, deployment, parent and project, now and in valid time.

use crate::world::World;
use arcadia::inventory;
use arcadia::inventory::projects::GiveError;
use arcadia::inventory::timeline::{Reason, owner_at};
use digitalocean_sim::Kind;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

fn droplet(world: &World, name: &str) -> String {
    let body = json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64"});
    world.create(Kind::Droplet, body)
}

/// A volume that is attached to that droplet.
fn volume_at(world: &World, droplet: &str) -> String {
    let volume = world.create(Kind::Volume, json!({"name": "data", "region": "nyc3", "size_gigabytes": 1}));
    world.set(Kind::Volume, &volume, json!({"droplet_id": droplet.parse::<u64>().unwrap()}));
    volume
}

/// A project with a droplet in it, and its row.
async fn project_of(world: &World, name: &str, droplet: &str) -> Uuid {
    let id = world.create(Kind::Project, json!({"name": name, "purpose": "Web Application"}));
    world.assign(&id, &format!("do:droplet:{droplet}")).await;
    world.sync("projects").await.unwrap();
    world.projects().await.into_iter().find(|it| it.name == name).unwrap().id
}

async fn owner(world: &World, kind: &str, id: &str) -> (Option<String>, String) {
    let row = world.row(kind, id).await;
    (row.tenant_id, row.owner_reason)
}

fn of(tenant: &str, reason: &str) -> (Option<String>, String) {
    (Some(tenant.to_owned()), reason.to_owned())
}

fn nobody(reason: &str) -> (Option<String>, String) {
    (None, reason.to_owned())
}

async fn tenant_at(world: &World, id: &str, at: Timestamp) -> Option<String> {
    owner_at(&world.owners("droplet", id).await, at).and_then(|span| span.owner.tenant_id.clone())
}

stories! {
    async fn a_project_that_had_no_tenant_is_his_since_its_resources_were_first_known_there(world: &World) {
        let id = droplet(world, "web");
        world.sync("droplets").await.unwrap();
        assert_eq!(owner(world, "droplet", &id).await, nobody("none"));
        let project = project_of(world, "Acme", &id).await;
        assert_eq!(owner(world, "droplet", &id).await, nobody("unallocated"));
        let known_there = world.now.get();
        for _ in 0..5 {
            world.sync("droplets").await.unwrap();
        }
        world.give(project, Some("acme"), None).await.unwrap();
        assert_eq!(owner(world, "droplet", &id).await, of("acme", "project"));
        let row = world.row("droplet", &id).await;
        assert_eq!(row.owner_since, Some(known_there));
        assert_eq!(tenant_at(world, &id, known_there).await.as_deref(), Some("acme"));
    }

    async fn another_tenant_counts_from_now_or_from_when_it_is_said_to(world: &World) {
        let id = droplet(world, "web");
        world.sync("droplets").await.unwrap();
        let project = project_of(world, "Acme", &id).await;
        world.give(project, Some("acme"), None).await.unwrap();
        let begun = world.now.get();
        world.sync("droplets").await.unwrap();
        let between = world.now.get();
        world.sync("droplets").await.unwrap();
        world.give(project, Some("globex"), None).await.unwrap();
        let changed = world.now.get();
        assert_eq!(tenant_at(world, &id, between).await.as_deref(), Some("acme"));
        assert_eq!(tenant_at(world, &id, changed).await.as_deref(), Some("globex"));
        assert_eq!(world.row("droplet", &id).await.owner_since, Some(changed));

        world.sync("droplets").await.unwrap();
        world.give(project, Some("initech"), Some(between)).await.unwrap();
        assert_eq!(tenant_at(world, &id, begun).await.as_deref(), Some("acme"));
        assert_eq!(tenant_at(world, &id, between).await.as_deref(), Some("initech"));
        assert_eq!(tenant_at(world, &id, changed).await.as_deref(), Some("initech"));
        assert_eq!(world.row("droplet", &id).await.owner_since, Some(between));

        let later = between + jiff::SignedDuration::from_hours(24);
        assert!(matches!(world.give(project, Some("x"), Some(later)).await, Err(GiveError::Future)));
        let internal = world.projects().await.into_iter().find(|it| it.is_internal).unwrap().id;
        assert!(matches!(world.give(internal, Some("x"), None).await, Err(GiveError::Internal)));
        assert!(matches!(world.give(Uuid::nil(), Some("x"), None).await, Err(GiveError::NotFound)));
    }

    async fn a_resource_that_is_gone_keeps_whom_it_belonged_to_and_learns_it_late(world: &World) {
        let id = droplet(world, "web");
        for name in ["b", "c", "d"] {
            droplet(world, name);
        }
        world.sync("droplets").await.unwrap();
        let project = project_of(world, "Acme", &id).await;
        let lived = world.now.get();
        world.destroy(Kind::Droplet, &id);
        for _ in 0..3 {
            world.sync("droplets").await.unwrap();
        }
        assert!(world.row("droplet", &id).await.deleted_at.is_some());
        world.give(project, Some("acme"), None).await.unwrap();
        assert_eq!(tenant_at(world, &id, lived).await.as_deref(), Some("acme"));
        assert_eq!(owner(world, "droplet", &id).await, of("acme", "project"));
        world.advance(std::time::Duration::from_secs(60));
        world.give(project, Some("globex"), None).await.unwrap();
        assert_eq!(owner(world, "droplet", &id).await, of("acme", "project"));
    }

    async fn what_lives_through_a_droplet_is_its_owner_s_also_after_it_is_gone(world: &World) {
        let id = droplet(world, "web");
        let number: u64 = id.parse().unwrap();
        for name in ["b", "c", "d"] {
            droplet(world, name);
        }
        let snapshot = world.create(Kind::Snapshot, json!({"droplet_id": number}));
        let volume = world.create(Kind::Volume, json!({"name": "data", "region": "nyc3", "size_gigabytes": 1}));
        world.set(Kind::Volume, &volume, json!({"droplet_id": number}));
        let address = world.create(Kind::ReservedIp, json!({"region": "nyc3"}));
        world.set(Kind::ReservedIp, &address, json!({"droplet_id": number}));
        // Children may be known before their parent.
        for name in ["snapshots", "volumes", "floating_ips", "droplets"] {
            world.sync(name).await.unwrap();
        }
        let of_volume = world.create(Kind::VolumeSnapshot, json!({"volume_id": volume, "name": "copy"}));
        world.sync("snapshots").await.unwrap();
        let project = project_of(world, "Acme", &id).await;
        world.give(project, Some("acme"), None).await.unwrap();
        let children = [("snapshot", &snapshot), ("volume", &volume), ("floating_ip", &address),
            ("snapshot", &of_volume)];
        for (kind, child) in children {
            assert_eq!(owner(world, kind, child).await, of("acme", "parent"), "{kind}");
        }
        world.destroy(Kind::Droplet, &id);
        for _ in 0..4 {
            for name in ["volumes", "floating_ips", "snapshots", "droplets", "projects"] {
                world.sync(name).await.unwrap();
            }
        }
        assert!(world.row("droplet", &id).await.deleted_at.is_some());
        for (kind, child) in children {
            assert_eq!(owner(world, kind, child).await, of("acme", "parent"), "{kind}");
        }
    }

    async fn an_address_that_nothing_uses_belongs_to_the_tenant_of_its_project(world: &World) {
        let address = world.create(Kind::ReservedIp, json!({"region": "nyc3"}));
        world.sync("floating_ips").await.unwrap();
        for (name, tenant) in [("Acme", "acme"), ("Globex", "globex")] {
            let id = world.create(Kind::Project, json!({"name": name, "purpose": "Web Application"}));
            world.assign(&id, &format!("do:floatingip:{address}")).await;
            world.sync("projects").await.unwrap();
            let project = world.projects().await.into_iter().find(|it| it.name == name).unwrap().id;
            world.give(project, Some(tenant), None).await.unwrap();
            assert_eq!(owner(world, "floating_ip", &address).await, of(tenant, "project"));
        }
    }

    async fn a_volume_that_was_merely_detached_is_its_own_project_s_again(world: &World) {
        let id = droplet(world, "web");
        let volume = volume_at(world, &id);
        world.sync("droplets").await.unwrap();
        world.sync("volumes").await.unwrap();
        let project = project_of(world, "Acme", &id).await;
        world.give(project, Some("acme"), None).await.unwrap();
        assert_eq!(owner(world, "volume", &volume).await, of("acme", "parent"));
        world.set(Kind::Volume, &volume, json!({"droplet_id": null}));
        world.sync("volumes").await.unwrap();
        assert_eq!(owner(world, "volume", &volume).await, of("acme", "parent"), "the droplet may be gone");
        world.sync("droplets").await.unwrap();
        world.sync("projects").await.unwrap();
        assert_eq!(owner(world, "volume", &volume).await, nobody("unallocated"), "it lies in the default project");
    }

    async fn a_volume_that_left_a_droplet_long_ago_is_not_its_owner_s_again_when_that_goes(world: &World) {
        let id = droplet(world, "web");
        for name in ["b", "c", "d"] {
            droplet(world, name);
        }
        let volume = volume_at(world, &id);
        world.sync("droplets").await.unwrap();
        world.sync("volumes").await.unwrap();
        let project = project_of(world, "Acme", &id).await;
        world.give(project, Some("acme"), None).await.unwrap();
        let other = world.create(Kind::Project, json!({"name": "Globex", "purpose": "Web Application"}));
        world.set(Kind::Volume, &volume, json!({"droplet_id": null}));
        world.assign(&other, &format!("do:volume:{volume}")).await;
        for name in ["volumes", "droplets", "projects"] {
            world.sync(name).await.unwrap();
        }
        let other = world.projects().await.into_iter().find(|it| it.name == "Globex").unwrap().id;
        world.give(other, Some("globex"), None).await.unwrap();
        assert_eq!(owner(world, "volume", &volume).await, of("globex", "project"));

        world.destroy(Kind::Droplet, &id);
        for _ in 0..4 {
            for name in ["droplets", "volumes", "projects"] {
                world.sync(name).await.unwrap();
            }
        }
        assert!(world.row("droplet", &id).await.deleted_at.is_some());
        assert_eq!(owner(world, "volume", &volume).await, of("globex", "project"));
    }

    async fn an_operator_s_word_stands_above_all_until_he_takes_it_back(world: &World) {
        let id = droplet(world, "web");
        world.sync("droplets").await.unwrap();
        let project = project_of(world, "Acme", &id).await;
        world.give(project, Some("acme"), None).await.unwrap();
        world.advance(std::time::Duration::from_secs(60));
        let cloud = &world.service.cloud;
        let row = world.row("droplet", &id).await;
        let mut tx = cloud.db.begin().await.unwrap();
        let said = Some("globex".to_owned());
        inventory::assign(&mut tx, row.id, said, None, &world.operator(), &cloud.clock).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(owner(world, "droplet", &id).await, of("globex", "operator"));
        world.give(project, Some("initech"), None).await.unwrap();
        world.sync("droplets").await.unwrap();
        world.sync("projects").await.unwrap();
        assert_eq!(owner(world, "droplet", &id).await, of("globex", "operator"));
        assert_eq!(world.owners("droplet", &id).await.last().unwrap().owner.reason, Reason::Operator);

        let mut tx = cloud.db.begin().await.unwrap();
        inventory::release(&mut tx, row.id, &world.operator(), &cloud.clock).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(owner(world, "droplet", &id).await, of("initech", "project"));
    }

    async fn a_bucket_is_found_in_its_project_and_gone_when_no_project_has_it(world: &World) {
        for name in ["a-bucket", "b-bucket", "c-bucket", "d-bucket"] {
            world.create(Kind::SpacesBucket, json!({"name": name}));
        }
        world.sync("projects").await.unwrap();
        assert_eq!(world.rows_of("spaces_bucket").await.len(), 4);
        assert_eq!(owner(world, "spaces_bucket", "a-bucket").await, nobody("unallocated"));
        world.destroy(Kind::SpacesBucket, "a-bucket");
        for gone in [false, false, true] {
            world.sync("projects").await.unwrap();
            assert_eq!(world.row("spaces_bucket", "a-bucket").await.deleted_at.is_some(), gone);
        }
    }
}
