//! The life of a resource as its events tell it, and whose it is on the way.

use crate::world::World;
use arcadia::inventory::{self, DROPLET, Observation};
use arcadia_sql::{args, statements};
use digitalocean::{CreateDroplet, ImageRef};
use digitalocean_sim::{Fault, FaultKind, Kind};
use serde_json::json;
use std::time::Duration;

statements! {
    HIDE = "ALTER TABLE cloud_resource_terms RENAME TO hidden_terms";
    SHOW = "ALTER TABLE hidden_terms RENAME TO cloud_resource_terms";
}

/// Enough others, so that one that is gone is no sudden drop.
async fn five_droplets(world: &World) -> Vec<String> {
    let mut ids = Vec::new();
    for name in ["web", "api", "mail", "git", "wiki"] {
        let body = json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64",
            "tags": ["env:test"]});
        ids.push(world.create(Kind::Droplet, body));
    }
    ids
}

/// With the zone of all stories.
fn six_zones(world: &World) {
    for name in ["a.com", "b.com", "c.com", "d.com", "e.com"] {
        world.create(Kind::Domain, json!({"name": name}));
    }
}

stories! {
    async fn a_droplet_lives_as_its_events_say(world: &World) {
        let id = &five_droplets(world).await[0];
        let project = world.create(Kind::Project, json!({"name": "Acme", "purpose": "Web Application"}));
        world.sync("droplets").await.unwrap();
        world.sync("projects").await.unwrap();
        let first = world.row("droplet", id).await;
        assert_eq!(world.events_of("droplet", id).await, ["discovered", "attributed"]);

        world.set(Kind::Droplet, id, json!({"name": "web-2"}));
        assert_eq!(world.sync("droplets").await.unwrap().updated, 1);
        world.set(Kind::Droplet, id, json!({"size_slug": "s-2vcpu-4gb"}));
        assert_eq!(world.sync("droplets").await.unwrap().updated, 1);
        world.set(Kind::Droplet, id, json!({"tags": ["env:test", "tier:web"]}));
        assert_eq!(world.sync("droplets").await.unwrap().updated, 1);
        world.assign(&project, &format!("do:droplet:{id}")).await;
        world.sync("projects").await.unwrap();
        let events = ["discovered", "attributed", "updated", "updated", "tagged", "attributed"];
        assert_eq!(world.events_of("droplet", id).await, events);
        let row = world.row("droplet", id).await;
        assert_eq!((row.name.as_str(), row.size_slug.as_deref()), ("web-2", Some("s-2vcpu-4gb")));
        assert_ne!(row.cloud_project_id, first.cloud_project_id);

        let resized = world.events().await.into_iter().find(|event| !event.data["fields"]["size_slug"].is_null());
        let change = json!({"before": "s-1vcpu-1gb", "after": "s-2vcpu-4gb"});
        assert_eq!(resized.unwrap().data["fields"]["size_slug"], change);
        assert_eq!(world.overlapping_versions().await, 0);
    }

    async fn what_is_missed_twice_and_comes_back_was_never_gone(world: &World) {
        six_zones(world);
        world.sync("domains").await.unwrap();
        world.destroy(Kind::Domain, "b.com");
        for strikes in 1..=2 {
            assert_eq!(world.sync("domains").await.unwrap().struck, 1);
            let row = world.row("dns_zone", "b.com").await;
            assert_eq!((row.stale_strike_count, row.deleted_at), (strikes, None));
        }
        world.create(Kind::Domain, json!({"name": "b.com"}));
        world.sync("domains").await.unwrap();
        let row = world.row("dns_zone", "b.com").await;
        assert_eq!((row.stale_strike_count, row.deleted_at), (0, None));
        assert_eq!(world.events_of("dns_zone", "b.com").await, ["discovered"]);
    }

    async fn what_is_missed_three_times_is_gone_and_comes_back_as_itself(world: &World) {
        six_zones(world);
        world.sync("domains").await.unwrap();
        let first = world.row("dns_zone", "b.com").await;
        world.destroy(Kind::Domain, "b.com");
        for _ in 1..=3 {
            world.sync("domains").await.unwrap();
        }
        assert_eq!(world.last_run().await.deleted, 1);
        assert!(world.row("dns_zone", "b.com").await.deleted_at.is_some());
        world.create(Kind::Domain, json!({"name": "b.com"}));
        let tally = world.sync("domains").await.unwrap();
        assert_eq!((tally.restored, tally.discovered), (1, 0));
        let row = world.row("dns_zone", "b.com").await;
        assert_eq!((row.id, row.first_seen_at, row.deleted_at), (first.id, first.first_seen_at, None));
        assert_eq!(world.events_of("dns_zone", "b.com").await, ["discovered", "deleted", "restored"]);
        assert_eq!(world.overlapping_versions().await, 0);
    }

    async fn a_run_that_the_database_ended_says_why(world: &World) {
        let db = &world.service.cloud.db;
        db.execute(&HIDE, args![]).await.unwrap();
        world.sync("domains").await.unwrap_err();
        db.execute(&SHOW, args![]).await.unwrap();
        let error = world.last_run().await.error.unwrap();
        assert!(error.contains("cloud_resource_terms"), "{error}");
    }

    async fn what_is_destroyed_is_gone_after_three_syncs_and_not_before(world: &World) {
        let ids = five_droplets(world).await;
        world.sync("droplets").await.unwrap();
        world.destroy(Kind::Droplet, &ids[0]);
        for gone in [false, false, true] {
            world.sync("droplets").await.unwrap();
            assert_eq!(world.row("droplet", &ids[0]).await.deleted_at.is_some(), gone);
        }
        world.sync("droplets").await.unwrap();
        assert_eq!(world.events_of("droplet", &ids[0]).await, ["discovered", "deleted"]);
    }

    async fn what_a_full_look_missed_and_a_frequent_one_saw_is_not_missing(world: &World) {
        five_droplets(world).await;
        world.sync("droplets").await.unwrap();
        let hidden = Fault::new("POST /v2/droplets", FaultKind::Hide { ms: 40 * 60_000 });
        world.simulator.inject(hidden.once());
        let cloud = &world.service.cloud;
        let wanted = CreateDroplet {
            name: "late".to_owned(),
            region: Some("nyc3".to_owned()),
            size: "s-1vcpu-1gb".to_owned(),
            image: ImageRef::Slug("ubuntu-24-04-x64".to_owned()),
            ..CreateDroplet::default()
        };
        let id = cloud.digitalocean.droplets().create(&wanted).await.unwrap().droplet.id;
        world.advance(Duration::from_secs(5 * 60));
        let droplet = cloud.digitalocean.droplets().get(id).await.unwrap();
        let mut tx = cloud.db.begin().await.unwrap();
        let seen = [Observation::from(&droplet)];
        inventory::upsert(&mut tx, DROPLET, &seen, &world.operator(), &cloud.clock).await.unwrap();
        tx.commit().await.unwrap();
        let id = id.to_string();
        for strikes in 1..=2 {
            world.sync("droplets").await.unwrap();
            assert_eq!(world.row("droplet", &id).await.stale_strike_count, strikes);
        }
        world.sync("droplet_statuses").await.unwrap();
        assert_eq!(world.row("droplet", &id).await.stale_strike_count, 0);
    }

    async fn the_frequent_look_sees_a_change_and_writes_nothing_else(world: &World) {
        let ids = five_droplets(world).await;
        world.sync("droplets").await.unwrap();
        let before = world.rows().await;
        world.set(Kind::Droplet, &ids[0], json!({"status": "off"}));
        world.destroy(Kind::Droplet, &ids[1]);
        assert_eq!(world.sync("droplet_statuses").await.unwrap().updated, 1);
        assert_eq!(world.row("droplet", &ids[0]).await.status.as_deref(), Some("off"));
        for row in before.into_iter().filter(|row| row.provider_id != ids[0]) {
            let after = world.row("droplet", &row.provider_id).await;
            assert_eq!(format!("{after:?}"), format!("{row:?}"));
        }
    }
}
