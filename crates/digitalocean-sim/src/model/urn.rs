//! Names across kinds, `do:<kind>:<id>`, and which of them a project can hold. Reserved addresses keep their old
//! name here: `do:reservedip:…` is understood and answered as `do:floatingip:…`.

use std::fmt;

use jiff::Timestamp;

use super::Account;
use super::refusal::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum UrnKind {
    Droplet,
    Volume,
    Domain,
    FloatingIp,
    LoadBalancer,
    Database,
    Kubernetes,
    Space,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Urn {
    pub(crate) kind: UrnKind,
    pub(crate) id: String,
}

/// The word in the URN, and the collection that a resource's own link leads to.
const WORDS: [(UrnKind, &str, &str); 8] = [
    (UrnKind::Droplet, "droplet", "droplets"),
    (UrnKind::Volume, "volume", "volumes"),
    (UrnKind::Domain, "domain", "domains"),
    (UrnKind::FloatingIp, "floatingip", "floating_ips"),
    (UrnKind::LoadBalancer, "loadbalancer", "load_balancers"),
    (UrnKind::Database, "dbaas", "databases"),
    (UrnKind::Kubernetes, "kubernetes", "kubernetes/clusters"),
    (UrnKind::Space, "space", "spaces"),
];

const READ_SCOPES: [&str; 8] = [
    "droplet:read",
    "block_storage:read",
    "domain:read",
    "reserved_ip:read",
    "load_balancer:read",
    "database:read",
    "kubernetes:read",
    "spaces_key:read",
];

const FORMAT: &str =
    "resource objects must have an urn in the following format: do:resource_type:resource_id";

impl Urn {
    pub(crate) fn new(kind: UrnKind, id: impl ToString) -> Urn {
        Urn { kind, id: id.to_string() }
    }

    pub(crate) fn droplet(id: u64) -> Urn {
        Urn::new(UrnKind::Droplet, id)
    }

    pub(crate) fn parse(text: &str) -> Result<Urn, Refusal> {
        let malformed = || Refusal::Malformed(FORMAT.to_owned());
        let (word, id) =
            text.strip_prefix("do:").and_then(|rest| rest.split_once(':')).ok_or_else(malformed)?;
        let word = if word == "reservedip" { "floatingip" } else { word };
        let (kind, ..) = WORDS.iter().find(|(_, known, _)| *known == word).ok_or_else(malformed)?;
        if id.is_empty() {
            return Err(malformed());
        }
        Ok(Urn::new(*kind, id))
    }

    fn words(&self) -> (&'static str, &'static str) {
        let found = WORDS.iter().find(|(kind, ..)| *kind == self.kind);
        found.map_or(("", ""), |(_, word, collection)| (word, collection))
    }

    /// What a limited token needs to see it in its project.
    pub(crate) fn read_scope(&self) -> &'static str {
        let at = WORDS.iter().position(|(kind, ..)| *kind == self.kind);
        at.and_then(|at| READ_SCOPES.get(at)).copied().unwrap_or_default()
    }

    /// The address of the resource itself. A bucket has none in this API; the link is made all the same.
    pub(crate) fn link(&self, base: &str) -> String {
        format!("{base}/v2/{}/{}", self.words().1, self.id)
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "do:{}:{}", self.words().0, self.id)
    }
}

impl Account {
    /// Everything that a project can hold and that exists, listed already or not, with the time of its creation: like any
    /// call that names a resource by its id, an assignment finds it at once.
    pub(super) fn assignable(&self) -> Vec<(Urn, Timestamp)> {
        let droplets = self.living_droplets().map(|it| (Urn::droplet(it.id), it.created_at));
        let volumes = self.volumes.living().map(|it| (Urn::new(UrnKind::Volume, &it.id), it.created_at));
        let addresses =
            self.reserved_ips.living().map(|it| (Urn::new(UrnKind::FloatingIp, it.ip), it.created_at));
        let balancers = self.load_balancers.living();
        let balancers = balancers.map(|it| (Urn::new(UrnKind::LoadBalancer, &it.id), it.created_at));
        droplets.chain(volumes).chain(addresses).chain(balancers).chain(self.never_hidden()).collect()
    }

    /// What of it a project's list shows: each comes when its own listing has it.
    pub(super) fn assignable_and_listed(&self) -> Vec<(Urn, Timestamp)> {
        let now = self.now;
        let droplets = self.listed_living_droplets().map(|it| (Urn::droplet(it.id), it.created_at));
        let volumes = self.volumes.listed(now).map(|it| (Urn::new(UrnKind::Volume, &it.id), it.created_at));
        let addresses = self.reserved_ips.listed(now);
        let addresses = addresses.map(|it| (Urn::new(UrnKind::FloatingIp, it.ip), it.created_at));
        let balancers = self.load_balancers.listed(now);
        let balancers = balancers.map(|it| (Urn::new(UrnKind::LoadBalancer, &it.id), it.created_at));
        droplets.chain(volumes).chain(addresses).chain(balancers).chain(self.never_hidden()).collect()
    }

    fn never_hidden(&self) -> impl Iterator<Item = (Urn, Timestamp)> {
        let domains = self.domains.values();
        let domains = domains.map(|it| (Urn::new(UrnKind::Domain, &it.name), it.created_at));
        domains.chain(self.fixtures.urns())
    }
}
