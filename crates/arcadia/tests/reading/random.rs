//! A random account that changes: what it holds, in which projects, and whose those are.

use crate::api::Api;
use crate::question::Question;
use crate::whose::{LISTS, Whose};
use crate::world::World;
use arcadia::inventory::projects::ProjectRow;
use arcadia::inventory::sync::NAMES;
use arcadia_sql::Engine;
use digitalocean_sim::Kind;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

pub const TENANTS: [&str; 3] = ["acme", "globex", "initech"];
const WORDS: [&str; 6] = ["web", "Api", "db", "webby", "cache", "prod"];
const TAGS: [&str; 4] = ["env:prod", "env:test", "web", "blue_green"];
const REGIONS: [&str; 2] = ["nyc3", "fra1"];
const SIZES: [&str; 3] = ["s-1vcpu-1gb", "s-2vcpu-2gb", "s-2vcpu-4gb"];
const NO_KIND: &str = "nonsense";

/// What is made in an account, so that every kind that the inventory knows is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Make {
    Droplet,
    Volume,
    Domain,
    Snapshot,
    VolumeSnapshot,
    Backup,
    Address,
    Firewall,
    LoadBalancer,
    Database,
    Cluster,
    Bucket,
}

const DECK: [Make; 12] = [
    Make::Droplet,
    Make::Volume,
    Make::Domain,
    Make::Snapshot,
    Make::VolumeSnapshot,
    Make::Backup,
    Make::Address,
    Make::Firewall,
    Make::LoadBalancer,
    Make::Database,
    Make::Cluster,
    Make::Bucket,
];

/// An account, and the chance that changes it.
pub struct Account<'w> {
    pub world: &'w World,
    pub chance: fastrand::Rng,
    pub whose: Whose,
    droplets: Vec<String>,
    volumes: Vec<String>,
    /// What is neither, with its URN where a project can hold it.
    others: Vec<(Kind, String, Option<String>)>,
    projects: Vec<String>,
    /// What is still to be made before anything is made once more.
    deck: Vec<Make>,
    made: usize,
}

impl<'w> Account<'w> {
    pub fn new(world: &'w World, seed: u64) -> Account<'w> {
        Account {
            world,
            chance: fastrand::Rng::with_seed(seed),
            whose: Whose::default(),
            droplets: Vec::new(),
            volumes: Vec::new(),
            others: Vec::new(),
            projects: Vec::new(),
            deck: Vec::new(),
            made: 0,
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

    /// One that nothing else bears.
    fn own_name(&mut self) -> String {
        self.made += 1;
        format!("{}-{}", self.one(&WORDS).to_lowercase(), self.made)
    }

    fn tags(&mut self) -> Vec<&'static str> {
        TAGS.into_iter().filter(|_| self.chance.u8(..3) == 0).collect()
    }

    /// Something happens in the account.
    pub async fn change(&mut self) {
        let world = self.world;
        if self.droplets.is_empty() {
            self.make(Make::Droplet);
        }
        let droplet = self.one(&self.droplets.clone());
        match self.chance.u8(..16) {
            0..6 => self.make_the_next(),
            6 => {
                let fields = json!({"name": self.name(), "tags": self.tags()});
                world.set(Kind::Droplet, &droplet, fields);
            }
            7 => {
                let fields = json!({"size_slug": self.one(&SIZES), "status": self.one(&["active", "off"])});
                world.set(Kind::Droplet, &droplet, fields);
            }
            8 | 9 => {
                let project = json!({"name": self.own_name(), "purpose": "Web Application"});
                self.projects.push(world.create(Kind::Project, project));
            }
            10..13 => {
                if let Some(project) = self.projects.get(self.chance.usize(..self.projects.len().max(1))) {
                    world.assign(project, &format!("do:droplet:{droplet}")).await;
                }
            }
            13 => self.move_another().await,
            14 => self.destroy_another(),
            _ => {
                world.destroy(Kind::Droplet, &droplet);
                self.droplets.retain(|id| *id != droplet);
            }
        }
    }

    fn make_the_next(&mut self) {
        if self.deck.is_empty() {
            self.deck = DECK.to_vec();
            self.chance.shuffle(&mut self.deck);
        }
        let next = self.deck.pop().unwrap();
        self.make(next);
    }

    fn make(&mut self, what: Make) {
        let name = self.own_name();
        let listens = json!([{"entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80}]);
        let lets_in = json!([{"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}]);
        match what {
            Make::Droplet => {
                let body = json!({"name": self.name(), "region": self.one(&REGIONS), "size": self.one(&SIZES),
                    "image": "ubuntu-24-04-x64", "tags": self.tags()});
                self.droplets.push(self.world.create(Kind::Droplet, body));
            }
            Make::Volume => drop(self.make_volume()),
            Make::Domain => {
                self.make_other(Kind::Domain, json!({"name": format!("{name}.com")}), Some("domain"))
            }
            Make::Snapshot => {
                let body = json!({"droplet_id": self.a_droplet(), "name": name});
                self.make_other(Kind::Snapshot, body, None);
            }
            Make::Backup => {
                let body = json!({"droplet_id": self.a_droplet(), "name": name});
                self.make_other(Kind::DropletBackup, body, None);
            }
            Make::VolumeSnapshot => {
                let volume = self.volumes.last().cloned().unwrap_or_else(|| self.make_volume());
                self.make_other(Kind::VolumeSnapshot, json!({"volume_id": volume, "name": name}), None);
            }
            Make::Address => {
                let droplet = self.a_droplet();
                self.make_other(Kind::ReservedIp, json!({"region": "nyc3"}), Some("floatingip"));
                let address = &self.others.last().unwrap().1;
                self.world.set(Kind::ReservedIp, address, json!({"droplet_id": droplet}));
            }
            Make::Firewall => {
                self.make_other(Kind::Firewall, json!({"name": name, "inbound_rules": lets_in}), None)
            }
            Make::LoadBalancer => {
                let body = json!({"name": name, "region": "nyc3", "forwarding_rules": listens});
                self.make_other(Kind::LoadBalancer, body, Some("loadbalancer"));
            }
            Make::Database => self.make_other(Kind::Database, json!({"name": name}), Some("dbaas")),
            Make::Cluster => {
                self.make_other(Kind::KubernetesCluster, json!({"name": name}), Some("kubernetes"))
            }
            Make::Bucket => self.make_other(Kind::SpacesBucket, json!({"name": name}), Some("space")),
        }
    }

    fn make_other(&mut self, kind: Kind, body: Value, urn: Option<&str>) {
        let id = self.world.create(kind, body);
        let urn = urn.map(|word| format!("do:{word}:{id}"));
        self.others.push((kind, id, urn));
    }

    fn a_droplet(&mut self) -> u64 {
        if self.droplets.is_empty() {
            self.make(Make::Droplet);
        }
        self.one(&self.droplets.clone()).parse().unwrap()
    }

    /// Mostly attached to a droplet.
    fn make_volume(&mut self) -> String {
        let (name, droplet) = (self.own_name(), self.a_droplet());
        let body = json!({"name": name, "region": "nyc3", "size_gigabytes": 1});
        let volume = self.world.create(Kind::Volume, body);
        if self.chance.u8(..4) > 0 {
            self.world.set(Kind::Volume, &volume, json!({"droplet_id": droplet}));
        }
        self.volumes.push(volume.clone());
        volume
    }

    /// A volume, or what else a project can hold, is put into one; an address that is in use lies where its droplet lies.
    async fn move_another(&mut self) {
        let account = self.world.simulator.account();
        let addresses = account["reserved_ips"].as_array().unwrap().iter();
        let in_use: Vec<String> = addresses
            .filter(|it| !it["droplet_id"].is_null())
            .map(|it| format!("do:floatingip:{}", it["ip"].as_str().unwrap()))
            .collect();
        let volumes = self.volumes.iter().map(|id| format!("do:volume:{id}"));
        let others = self.others.iter().filter_map(|it| it.2.clone()).filter(|urn| !in_use.contains(urn));
        let urns: Vec<String> = others.chain(volumes).collect();
        if urns.is_empty() || self.projects.is_empty() {
            return;
        }
        let (project, urn) = (self.one(&self.projects.clone()), self.one(&urns));
        self.world.assign(&project, &urn).await;
    }

    /// Backups go with their droplets.
    fn destroy_another(&mut self) {
        let stays = |kind: Kind| kind == Kind::DropletBackup;
        let Some(at) = self.others.iter().position(|it| !stays(it.0)) else { return };
        let (kind, id, _) = self.others.remove(at);
        self.world.destroy(kind, &id);
    }

    /// The account is looked at, in part or whole.
    pub async fn sync(&mut self) {
        if self.chance.u8(..4) == 0 {
            self.sync_all().await;
        } else {
            let name = self.one(&NAMES);
            self.look(name).await;
        }
    }

    async fn sync_all(&mut self) {
        for name in NAMES {
            self.look(name).await;
        }
    }

    async fn look(&mut self, name: &str) {
        self.world.sync(name).await.unwrap_or_else(|stop| panic!("{name}: {stop}"));
        self.whose.looked(name, &self.world.simulator.account(), self.world.now.get());
    }

    /// Makes what chance has not made yet, gives at least one resource to a tenant, and looks until it is known of
    /// everything that is gone that it is: a sudden drop takes one look more than the three.
    pub async fn come_to_rest(&mut self, api: &Api) {
        if self.deck.is_empty() {
            self.make_the_next();
        }
        while !self.deck.is_empty() {
            self.make_the_next();
        }
        let project = json!({"name": self.own_name(), "purpose": "Web Application"});
        let project = self.world.create(Kind::Project, project);
        let (given, gone) = (self.a_droplet(), self.a_droplet());
        self.world.assign(&project, &format!("do:droplet:{given}")).await;
        self.sync_all().await;
        if given != gone {
            self.world.destroy(Kind::Droplet, &gone.to_string());
            self.droplets.retain(|id| *id != gone.to_string());
        }
        let known = self.world.projects().await.into_iter().find(|it| it.provider_id == project).unwrap();
        self.say(api, &known, Some("acme"), None).await;
        for _ in 0..5 {
            self.sync_all().await;
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
        let is_of_the_past = self.chance.u8(..3) == 0;
        let hours = jiff::SignedDuration::from_hours(self.chance.i64(1..20));
        let from = is_of_the_past.then(|| self.world.now.get() - hours);
        self.say(api, &project, tenant, from).await;
    }

    async fn say(&mut self, api: &Api, project: &ProjectRow, tenant: Option<&str>, from: Option<Timestamp>) {
        let mut body = json!({"tenant_id": tenant, "reason": "a contract that is nobody else's business"});
        if let Some(from) = from {
            body["effective_from"] = json!(from);
        }
        api.admin().patch(&format!("/api/v1/projects/{}", project.id), &body).await.expect(200);
        self.whose.said(&project.provider_id, tenant, from, self.world.now.get());
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
                    let kinds: Vec<&str> = LISTS.iter().map(|list| list.kind).chain([NO_KIND]).collect();
                    question.kind = Some(self.one(&kinds).to_owned());
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
fn seeds(usual: std::ops::Range<u64>) -> Vec<u64> {
    let named = std::env::var("ARCADIA_SEED").ok().map(|seed| seed.parse().unwrap());
    named.map_or_else(|| usual.collect(), |seed| vec![seed])
}

/// Tells each seed's story in a world of its own, so that it is the same alone and after others.
pub async fn each_seed(engine: Engine, story: impl AsyncFn(&World, u64)) {
    for seed in seeds(1..3) {
        let _told = Told(seed);
        let world = World::new(engine).await;
        story(&world, seed).await;
        world.judge().await;
    }
}

/// Says, where a test fails, how its history is told again.
struct Told(u64);

impl Drop for Told {
    #[allow(clippy::print_stderr, reason = "whoever sees a test fail wants to see it again")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("again: ARCADIA_SEED={} cargo test -p arcadia --test reading", self.0);
        }
    }
}
