//! Two who decide at once whose something is: what one is about to say, the other waits for.

use crate::world::World;
use arcadia::inventory::runs::{Projects, Run, Tally};
use arcadia::inventory::sync;
use arcadia::inventory::{self, ResourceId};
use arcadia_sql::{Tx, args, statements};
use digitalocean_sim::Kind;
use serde_json::json;
use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

statements! {
    /// SQLite has one writer: whoever comes second waits.
    WAITING = sqlite "SELECT 1" postgres "
        SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
}

fn droplet(world: &World, name: &str) -> String {
    let body = json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64"});
    world.create(Kind::Droplet, body)
}

/// Says that it is globex's, and does not come to an end yet.
async fn begin_to_say(world: &World, id: ResourceId) -> Tx {
    let cloud = &world.service.cloud;
    let mut tx = cloud.db.begin().await.unwrap();
    let said = Some("globex".to_owned());
    inventory::assign(&mut tx, id, said, None, &world.operator(), &cloud.clock).await.unwrap();
    tx
}

async fn begin_look(world: &World) -> Run {
    let cloud = &world.service.cloud;
    let mut tx = cloud.db.begin().await.unwrap();
    let run = Run::begin(&mut tx, "domains", None, "a-test", &cloud.clock).await.unwrap();
    tx.commit().await.unwrap();
    run
}

/// It has seen nothing at all.
async fn end_look(world: &World, run: &Run) -> Tally {
    let cloud = &world.service.cloud;
    let (mut tally, kinds) = (Tally::default(), vec!["dns_zone".to_owned()]);
    let mut tx = cloud.db.begin().await.unwrap();
    run.mark_stale(&mut tx, kinds, Projects::NotListed, &mut tally, &cloud.clock).await.unwrap();
    run.end(&mut tx, &tally, None, &cloud.clock).await.unwrap();
    tx.commit().await.unwrap();
    tally
}

/// Ends `first` when `second` waits for it, or has not.
async fn meanwhile<T>(world: &World, first: Tx, second: impl Future<Output = T>) -> T {
    let is_done = Cell::new(false);
    let second = async {
        let done = second.await;
        is_done.set(true);
        done
    };
    let first = async {
        while !is_done.get() {
            let (waiting,): (i64,) = world.service.cloud.db.fetch_one(&WAITING, args![]).await.unwrap();
            if waiting > 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        first.commit().await.unwrap();
    };
    tokio::join!(second, first).0
}

stories! {
    async fn a_project_that_changes_hands_does_not_drown_what_an_operator_says_meanwhile(world: &World) {
        let id = droplet(world, "web");
        let project = world.create(Kind::Project, json!({"name": "Acme", "purpose": "Web Application"}));
        world.assign(&project, &format!("do:droplet:{id}")).await;
        world.sync("droplets").await.unwrap();
        world.sync("projects").await.unwrap();
        let project = world.projects().await.into_iter().find(|it| it.name == "Acme").unwrap().id;
        world.advance(Duration::from_secs(60));
        let saying = begin_to_say(world, world.row("droplet", &id).await.id).await;
        meanwhile(world, saying, world.give(project, Some("acme"), None)).await.unwrap();
        let row = world.row("droplet", &id).await;
        assert_eq!((row.tenant_id.as_deref(), row.owner_reason.as_str()), (Some("globex"), "operator"));
        let last = world.owners("droplet", &id).await.pop().unwrap();
        assert_eq!(last.owner.tenant_id.as_deref(), Some("globex"));
        assert_eq!(world.overlapping_versions().await, 0);
    }

    async fn what_is_found_while_its_parent_changes_hands_is_the_new_owner_s(world: &World) {
        let id = droplet(world, "web");
        world.sync("droplets").await.unwrap();
        world.sync("projects").await.unwrap();
        let volume = world.create(Kind::Volume, json!({"name": "data", "region": "nyc3", "size_gigabytes": 1}));
        world.set(Kind::Volume, &volume, json!({"droplet_id": id.parse::<u64>().unwrap()}));
        world.advance(Duration::from_secs(60));
        let saying = begin_to_say(world, world.row("droplet", &id).await.id).await;
        let look = sync::run_now(&world.service.cloud, "volumes", "a-test", &|_| ());
        meanwhile(world, saying, look).await.unwrap();
        let row = world.row("volume", &volume).await;
        assert_eq!((row.tenant_id.as_deref(), row.owner_reason.as_str()), (Some("globex"), "parent"));
    }

    async fn two_looks_at_once_do_not_confirm_each_other_s_sudden_drop(world: &World) {
        world.sync("domains").await.unwrap();
        world.advance(Duration::from_secs(60));
        let first = begin_look(world).await;
        world.advance(Duration::from_secs(1));
        let second = begin_look(world).await;
        world.advance(Duration::from_secs(1));
        for look in [first, second] {
            let tally = end_look(world, &look).await;
            assert_eq!((tally.suspicious, tally.struck), (true, 0));
            world.advance(Duration::from_secs(1));
        }
        let third = begin_look(world).await;
        let tally = end_look(world, &third).await;
        assert_eq!((tally.suspicious, tally.struck), (false, 1));
    }
}
