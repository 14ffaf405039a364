//! The account of a small company in May 2026, known whole.

use crate::world::World;
use arcadia::inventory::sync::{INTERNAL_PROJECT, NAMES, run_now};
use std::collections::BTreeMap;
use std::time::Duration;

async fn counts(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in world.rows().await {
        assert!(row.deleted_at.is_none());
        *counts.entry(row.kind).or_default() += 1;
    }
    counts
}

stories! {
    async fn the_account_is_known_whole_and_a_second_look_changes_nothing(world: &World) {
        world.load("april-2026");
        world.sync_all().await;
        let expected = [("dns_zone", 7), ("droplet", 5), ("droplet_backup", 4), ("firewall", 1), ("snapshot", 12),
            ("spaces_bucket", 6)];
        let expected: BTreeMap<_, _> = expected.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect();
        assert_eq!(counts(world).await, expected);
        let before = world.rows().await;
        assert!(before.iter().all(|row| row.cloud_project_id.is_some() && row.owner_reason != "none"), "{before:?}");
        let internal = world.projects().await.into_iter().filter(|project| project.is_internal).count();
        assert_eq!(internal, 1);
        let (events, versions) = (world.events().await.len(), world.version_count().await);

        for name in NAMES {
            let tally = world.sync(name).await.unwrap();
            assert_eq!((tally.discovered, tally.updated, tally.restored, tally.struck), (0, 0, 0, 0), "{name}");
        }
        let after = world.rows().await;
        assert_eq!(after.len(), before.len());
        for (mut after, before) in after.into_iter().zip(before) {
            assert!(after.last_seen_at > before.last_seen_at, "{} {}", before.kind, before.provider_id);
            after.last_seen_at = before.last_seen_at;
            assert_eq!(format!("{after:?}"), format!("{before:?}"));
        }
        assert_eq!((world.events().await.len(), world.version_count().await), (events, versions));
        assert_eq!(made(world), 1);
    }

    async fn two_nodes_that_make_the_internal_project_at_once_make_one(world: &World) {
        world.load("april-2026");
        let cloud = &world.service.cloud;
        let (one, two) = tokio::join!(
            run_now(cloud, "projects", "one", &|_| ()),
            run_now(cloud, "projects", "two", &|_| ())
        );
        one.unwrap();
        two.unwrap();
        assert_eq!(made(world), 1);
        world.advance(Duration::from_secs(60));
        world.sync("projects").await.unwrap();
        assert_eq!(made(world), 1);
        assert_eq!(world.projects().await.iter().filter(|it| it.name == INTERNAL_PROJECT).count(), 1);
    }

    async fn the_internal_project_stays_it_under_another_name(world: &World) {
        world.sync("projects").await.unwrap();
        let internal = world.projects().await.into_iter().find(|it| it.is_internal).unwrap();
        world.set(digitalocean_sim::Kind::Project, &internal.provider_id, serde_json::json!({"name": "ours"}));
        world.sync("projects").await.unwrap();
        let projects = world.projects().await;
        let again = projects.iter().find(|it| it.is_internal).unwrap();
        assert_eq!((again.id, again.name.as_str()), (internal.id, "ours"));
        assert_eq!(made(world), 1);
    }
}

/// How many internal projects were ever made.
fn made(world: &World) -> usize {
    let log = world.simulator.log();
    let created = log.iter().filter(|change| {
        change.name == INTERNAL_PROJECT && change.change == digitalocean_sim::ChangeKind::Created
    });
    created.count()
}
