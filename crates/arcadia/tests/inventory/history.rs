//! The inventory as of a past time: what a list said then, whatever was learnt since.

use crate::account::Listed;
use crate::world::World;
use digitalocean_sim::Kind;
use jiff::Timestamp;
use serde_json::json;

const NAMES: [&str; 5] = ["droplets", "domains", "volumes", "floating_ips", "projects"];

/// What a list says now, to be compared with what it will be said to have said.
async fn remember(world: &World, lists: &mut Vec<(Timestamp, Vec<Listed>)>) {
    lists.push((world.now.get(), world.listed().await));
}

/// Something happens in the account.
async fn change(world: &World, random: &mut fastrand::Rng, made: &mut Vec<(Kind, String)>, n: usize) {
    let droplets: Vec<String> =
        made.iter().filter(|(kind, _)| *kind == Kind::Droplet).map(|(_, id)| id.clone()).collect();
    let droplet = droplets.get(random.usize(..droplets.len().max(1))).cloned();
    match (random.u8(..8), droplet) {
        (0 | 1, _) | (_, None) => {
            let body = json!({"name": format!("d-{n}"), "region": "nyc3", "size": "s-1vcpu-1gb",
                "image": "ubuntu-24-04-x64"});
            made.push((Kind::Droplet, world.create(Kind::Droplet, body)));
        }
        (2, Some(droplet)) => world.set(Kind::Droplet, &droplet, json!({"name": format!("renamed-{n}")})),
        (3, Some(droplet)) => world.set(Kind::Droplet, &droplet, json!({"size_slug": "s-2vcpu-4gb"})),
        (4, Some(droplet)) => {
            let id: u64 = droplet.parse().unwrap();
            let body = json!({"name": format!("v-{n}"), "region": "nyc3", "size_gigabytes": 1});
            let volume = world.create(Kind::Volume, body);
            world.set(Kind::Volume, &volume, json!({"droplet_id": id}));
        }
        (5, Some(droplet)) => {
            let project = json!({"name": format!("p-{n}"), "purpose": "Web Application"});
            let project = world.create(Kind::Project, project);
            world.assign(&project, &format!("do:droplet:{droplet}")).await;
        }
        (6, Some(droplet)) => {
            world.destroy(Kind::Droplet, &droplet);
            made.retain(|(_, id)| *id != droplet);
        }
        _ => {
            world.create(Kind::Domain, json!({"name": format!("zone-{n}.com")}));
        }
    }
}

async fn a_random_history(world: &World, seed: u64) {
    let (mut random, mut made, mut lists) = (fastrand::Rng::with_seed(seed), Vec::new(), Vec::new());
    for n in 0..40 {
        change(world, &mut random, &mut made, n).await;
        if random.bool() {
            let name = NAMES[random.usize(..NAMES.len())];
            world.sync(name).await.unwrap();
        }
        if random.u8(..6) == 0 {
            give_some_project(world, &mut random).await;
        }
        remember(world, &mut lists).await;
    }
    for (at, said) in lists {
        assert_eq!(world.listed_at(at).await, said, "as of {at}, seed {seed}");
    }
    assert_eq!(world.overlapping_versions().await, 0);
}

async fn give_some_project(world: &World, random: &mut fastrand::Rng) {
    let projects: Vec<_> = world.projects().await.into_iter().filter(|it| !it.is_internal).collect();
    if let Some(project) = projects.get(random.usize(..projects.len().max(1))) {
        let tenant = ["acme", "globex"][random.usize(..2)];
        world.advance(std::time::Duration::from_secs(1));
        world.give(project.id, Some(tenant), None).await.unwrap();
    }
}

stories! {
    async fn a_list_as_of_a_time_is_the_list_of_that_time(world: &World) {
        a_random_history(world, 1).await;
    }

    async fn and_of_another_history(world: &World) {
        a_random_history(world, 2).await;
    }
}
