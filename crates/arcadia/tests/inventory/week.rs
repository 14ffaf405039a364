//! A week of all schedules beside an account that changes and misbehaves, on a clock moved by hand: in the end the
//! inventory is the account, and each event has its change in the account's own log, and each change its event.

mod oracle;
mod truth;

use crate::world::{Calendar, World};
use arcadia_saga::By;
use arcadia_sql::Engine;
use digitalocean_sim::{Fault, FaultKind, Kind, Stage};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// So often somebody changes something on a day.
const CHANGES: usize = 8;
/// After so many of them the droplets are no longer looked at every minute.
const EVERY_MINUTE: usize = 8;
const BETWEEN: Duration = Duration::from_secs(3 * 60 * 60);

/// What is destroyed and made by hand in this week, and what its kind is called here.
const KINDS: [(Kind, &str); 5] = [
    (Kind::Droplet, "droplet"),
    (Kind::Domain, "dns_zone"),
    (Kind::Volume, "volume"),
    (Kind::Snapshot, "snapshot"),
    (Kind::SpacesBucket, "spaces_bucket"),
];

struct Week<'a> {
    world: &'a World,
    random: fastrand::Rng,
    droplets: Vec<String>,
    others: Vec<(Kind, String)>,
    /// Names that were in use once.
    freed: Vec<(Kind, String)>,
    /// By the provider's id: one without a tenant, and one of a tenant's.
    projects: [String; 2],
    count: usize,
}

impl Week<'_> {
    fn name(&mut self) -> String {
        self.count += 1;
        format!("n{}", self.count)
    }

    fn make(&mut self) {
        let name = self.name();
        match self.random.u8(..5) {
            0 | 1 => {
                let body = json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64"});
                self.droplets.push(self.world.create(Kind::Droplet, body));
            }
            2 => self.keep(Kind::Domain, json!({"name": format!("{name}.com")})),
            3 => self.keep(Kind::Volume, json!({"name": name, "region": "nyc3", "size_gigabytes": 1})),
            _ => self.keep(Kind::SpacesBucket, json!({"name": format!("bucket-{name}")})),
        }
    }

    fn keep(&mut self, kind: Kind, body: Value) {
        let id = self.world.create(kind, body);
        self.others.push((kind, id));
    }

    async fn change(&mut self) {
        let name = self.name();
        let at = self.random.usize(..self.droplets.len());
        let droplet = self.droplets[at].clone();
        match self.random.u8(..9) {
            0 => self.world.set(Kind::Droplet, &droplet, json!({"name": name})),
            1 => self.world.set(Kind::Droplet, &droplet, json!({"tags": [name]})),
            2 => self
                .keep(Kind::Snapshot, json!({"droplet_id": droplet.parse::<u64>().unwrap(), "name": name})),
            3 if self.droplets.len() > 4 => {
                self.droplets.remove(at);
                self.world.destroy(Kind::Droplet, &droplet);
            }
            4 if self.others.len() > 9 => {
                let (kind, id) = self.others.remove(self.random.usize(..self.others.len()));
                self.world.destroy(kind, &id);
                self.freed.extend(matches!(kind, Kind::Domain | Kind::SpacesBucket).then_some((kind, id)));
            }
            5 => {
                let project = &self.projects[self.random.usize(..2)];
                self.world.assign(project, &format!("do:droplet:{droplet}")).await;
            }
            // What has its name for an id comes back as the same one, known to be gone by then or not.
            6 if !self.freed.is_empty() => {
                let (kind, name) = self.freed.remove(self.random.usize(..self.freed.len()));
                self.keep(kind, json!({"name": name}));
            }
            _ => self.make(),
        }
    }

    /// The provider is in a bad mood for some requests.
    fn misbehave(&mut self) {
        let routes = [
            "GET /v2/droplets",
            "GET /v2/domains",
            "GET /v2/volumes",
            "GET /v2/projects",
            "GET /v2/projects/{id}/resources",
            "GET /v2/snapshots",
        ];
        let moods = [
            FaultKind::Status { status: 401, message: None, at: Stage::Before },
            FaultKind::Status { status: 404, message: None, at: Stage::Before },
            FaultKind::Status { status: 500, message: None, at: Stage::Before },
            FaultKind::Garbage { at: Stage::After },
            FaultKind::CutBefore,
            FaultKind::Truncate,
        ];
        let (route, mood) =
            (routes[self.random.usize(..routes.len())], &moods[self.random.usize(..moods.len())]);
        self.world.simulator.inject(Fault::new(route, mood.clone()).times(self.random.u64(1..40)));
    }
}

/// A project in the provider's panel, and the same as a tenant's.
async fn projects(world: &World) -> [String; 2] {
    let make = |name: &str| {
        let body = json!({"name": name, "purpose": "Web Application", "environment": "Production"});
        world.create(Kind::Project, body)
    };
    let ids = [make("nobody's"), make("Acme's")];
    world.sync("projects").await.unwrap();
    let acme = world.projects().await.into_iter().find(|project| project.provider_id == ids[1]).unwrap();
    world.give(acme.id, Some("acme"), None).await.unwrap();
    // Looks are on the minute and changes between them, so that each look is before a change or after it.
    world.advance(Duration::from_secs(7));
    ids
}

async fn a_week(engine: Engine, seed: u64) {
    let world = &World::with(engine, Calendar::Kept, 5).await;
    let random = fastrand::Rng::with_seed(seed);
    let projects = projects(world).await;
    let mut week =
        Week { world, random, droplets: vec![], others: vec![], freed: vec![], projects, count: 0 };
    for _ in 0..16 {
        week.make();
    }
    while week.droplets.len() < 5 {
        week.make();
    }
    for n in 0..CHANGES * given("ARCADIA_WEEK_DAYS", 7) {
        if n == EVERY_MINUTE {
            // Ten thousand looks by which little happens: later the other schedules go on alone.
            let by = By { actor: "user:ada", reason: "a test has not all night" };
            world.service.cloud.sagas.pause_schedule("droplet_statuses", by).await.unwrap();
        }
        week.change().await;
        if week.random.bool() {
            week.misbehave();
        }
        live(world, BETWEEN).await;
    }
    world.simulator.clear_faults();
    live(world, Duration::from_secs(6 * 60 * 60)).await;
    agree(world, seed).await;
    oracle::explain(world, seed).await;
}

/// The schedules run as time passes.
async fn live(world: &World, span: Duration) {
    let until = world.now.get() + SignedDuration::try_from(span).unwrap();
    world.settle_for(span).await;
    let left = Duration::try_from(until.duration_since(world.now.get())).unwrap_or_default();
    world.advance(left);
}

/// What is alive here is what is there.
async fn agree(world: &World, seed: u64) {
    let account = world.simulator.account();
    let ids = |list: &str, key: &str| -> BTreeSet<String> {
        let all = account[list].as_array().unwrap().iter();
        all.map(|it| it[key].as_str().map_or_else(|| it[key].to_string(), str::to_owned)).collect()
    };
    let there = [
        ("droplet", ids("droplets", "id")),
        ("dns_zone", ids("domains", "name")),
        ("volume", ids("volumes", "id")),
        ("snapshot", ids("snapshots", "id")),
        ("spaces_bucket", ids("spaces_buckets", "id")),
    ];
    let rows = world.rows().await;
    for (kind, there) in there {
        let here = rows.iter().filter(|row| row.kind == kind && row.deleted_at.is_none());
        let here: BTreeSet<String> = here.map(|row| row.provider_id.clone()).collect();
        assert_eq!(here, there, "{kind}, seed {seed}");
    }
    for droplet in account["droplets"].as_array().unwrap() {
        let id = droplet["id"].to_string();
        let row = rows.iter().find(|row| row.provider_id == id).unwrap();
        assert_eq!((row.name.as_str(), &row.tags), (droplet["name"].as_str().unwrap(), &droplet["tags"]));
    }
}

/// `ARCADIA_WEEK_SEED` replays one week, and `ARCADIA_WEEK_DAYS=1` makes it short.
fn seed() -> u64 {
    given("ARCADIA_WEEK_SEED", 11)
}

fn given<T: std::str::FromStr>(variable: &str, usual: T) -> T {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

#[tokio::test]
async fn a_week_of_changes_and_misbehaviour_is_told_as_it_was_on_sqlite() {
    a_week(Engine::Sqlite, seed()).await;
}

#[tokio::test]
async fn a_week_of_changes_and_misbehaviour_is_told_as_it_was_on_postgres() {
    a_week(Engine::Postgres, seed()).await;
}
