//! A random account that changes: what it holds, in which projects, and whose those are.

use crate::api::Api;
use crate::question::Question;
use crate::world::World;
use digitalocean_sim::Kind;
use serde_json::json;
use std::time::Duration;

pub const TENANTS: [&str; 3] = ["acme", "globex", "initech"];
const WORDS: [&str; 6] = ["web", "Api", "db", "webby", "cache", "prod"];
const TAGS: [&str; 4] = ["env:prod", "env:test", "web", "blue_green"];
const REGIONS: [&str; 2] = ["nyc3", "fra1"];
const SIZES: [&str; 3] = ["s-1vcpu-1gb", "s-2vcpu-2gb", "s-2vcpu-4gb"];
const SYNCS: [&str; 5] = ["droplets", "domains", "volumes", "snapshots", "projects"];

/// An account, and the chance that changes it.
pub struct Account<'w> {
    pub world: &'w World,
    pub chance: fastrand::Rng,
    droplets: Vec<String>,
    projects: Vec<String>,
    made: usize,
}

impl<'w> Account<'w> {
    pub fn new(world: &'w World, seed: u64) -> Account<'w> {
        let chance = fastrand::Rng::with_seed(seed);
        Account {
            world,
            chance,
            droplets: Vec::new(),
            projects: Vec::new(),
            made: usize::try_from(seed).unwrap() * 1000,
        }
    }

    fn one<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.chance.usize(..list.len())].clone()
    }

    fn name(&mut self) -> String {
        self.made += 1;
        let (one, other) = (self.one(&WORDS), self.one(&WORDS));
        format!("{one}-{}.{other}", self.chance.u8(..10))
    }

    fn tags(&mut self) -> Vec<&'static str> {
        TAGS.into_iter().filter(|_| self.chance.u8(..3) == 0).collect()
    }

    /// Something happens in the account.
    pub async fn change(&mut self) {
        let world = self.world;
        if self.droplets.is_empty() {
            self.make_droplet();
        }
        let droplet = self.one(&self.droplets.clone());
        match self.chance.u8(..11) {
            0..3 => self.make_droplet(),
            3 => {
                let fields = json!({"name": self.name(), "tags": self.tags()});
                world.set(Kind::Droplet, &droplet, fields);
            }
            4 => {
                let fields = json!({"size_slug": self.one(&SIZES), "status": self.one(&["active", "off"])});
                world.set(Kind::Droplet, &droplet, fields);
            }
            5 => self.make_volume(&droplet),
            6 => {
                self.made += 1;
                let name = format!("{}-{}.com", self.one(&WORDS).to_lowercase(), self.made);
                world.create(Kind::Domain, json!({"name": name}));
            }
            7 => {
                self.made += 1;
                let project = json!({"name": format!("project-{}", self.made), "purpose": "Web Application"});
                self.projects.push(world.create(Kind::Project, project));
            }
            8 | 9 => {
                if let Some(project) = self.projects.get(self.chance.usize(..self.projects.len().max(1))) {
                    world.assign(project, &format!("do:droplet:{droplet}")).await;
                }
            }
            _ => {
                world.destroy(Kind::Droplet, &droplet);
                self.droplets.retain(|id| *id != droplet);
            }
        }
    }

    fn make_droplet(&mut self) {
        let body = json!({"name": self.name(), "region": self.one(&REGIONS), "size": self.one(&SIZES),
            "image": "ubuntu-24-04-x64", "tags": self.tags()});
        self.droplets.push(self.world.create(Kind::Droplet, body));
    }

    fn make_volume(&mut self, droplet: &str) {
        self.made += 1;
        let body = json!({"name": format!("web-{}", self.made), "region": "nyc3", "size_gigabytes": 1});
        let volume = self.world.create(Kind::Volume, body);
        self.world.set(Kind::Volume, &volume, json!({"droplet_id": droplet.parse::<u64>().unwrap()}));
    }

    /// The account is looked at, in part or whole.
    pub async fn sync(&mut self) {
        if self.chance.u8(..4) == 0 {
            self.world.sync_all().await;
        } else {
            let name = self.one(&SYNCS);
            self.world.sync(name).await.unwrap();
        }
    }

    /// An operator gives some project to somebody, or takes it away.
    pub async fn give(&mut self, api: &Api) {
        let projects: Vec<_> = self.world.projects().await.into_iter().filter(|it| !it.is_internal).collect();
        if projects.is_empty() {
            return;
        }
        self.world.advance(Duration::from_secs(1));
        let project = self.one(&projects);
        let tenant = self.one(&[Some("acme"), Some("globex"), Some("initech"), None]);
        let mut body = json!({"tenant_id": tenant, "reason": "a contract that is nobody else's business"});
        if self.chance.u8(..3) == 0 {
            let hours = jiff::SignedDuration::from_hours(self.chance.i64(1..20));
            body["effective_from"] = json!(self.world.now.get() - hours);
        }
        let path = format!("/api/v1/projects/{}", project.id);
        api.admin().patch(&path, &body).await.expect(200);
    }

    /// A question that has some answer in such an account.
    pub async fn question(&mut self) -> Question {
        let mut question = Question {
            deleted: self.one(&["without", "without", "with", "only"]),
            sort: self.one(&["newest", "oldest", "name"]),
            limit: self.one(&[1, 2, 3, 7, 200]),
            ..Question::default()
        };
        for _ in 0..self.chance.u8(..3) {
            match self.chance.u8(..7) {
                0 => {
                    question.kind = Some(self.one(&["droplet", "volume", "dns_zone", "nonsense"]).to_owned())
                }
                1 => question.status = Some(self.one(&["active", "off", "new"]).to_owned()),
                2 => question.region = Some(self.one(&REGIONS).to_owned()),
                3 => {
                    let projects = self.world.projects().await;
                    question.project_id = Some(projects)
                        .filter(|projects| !projects.is_empty())
                        .map(|projects| self.one(&projects).id);
                }
                4 => question.tag = Some(self.one(&TAGS).to_owned()),
                5 => {
                    let word =
                        self.one(&["WEB-1.db", "web*", "api-3.*", "*", "db-2.web", "w%", "%*", "we_*"]);
                    question.name = Some(word.to_owned());
                }
                _ => {
                    let text =
                        self.one(&["web", "we prod", "PROD", "env:test", "api 3", "blue", "10.", "%", ""]);
                    question.text = Some(text.to_owned());
                }
            }
        }
        question
    }
}

/// Seeds to be told, of which one may be named.
pub fn seeds(usual: std::ops::Range<u64>) -> Vec<u64> {
    let named = std::env::var("ARCADIA_SEED").ok().map(|seed| seed.parse().unwrap());
    named.map_or_else(|| usual.collect(), |seed| vec![seed])
}

/// Says, where a test fails, how its history is told again.
pub struct Told(pub u64);

impl Drop for Told {
    #[allow(clippy::print_stderr, reason = "whoever sees a test fail wants to see it again")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("again: ARCADIA_SEED={} cargo test -p arcadia --test reading", self.0);
        }
    }
}
