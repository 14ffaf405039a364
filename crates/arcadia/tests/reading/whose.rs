//! Whose everything is, by the account itself, by when it was looked at and by what operators said of its projects. Nothing
//! here is asked of the inventory, but when it counted something as gone.

use arcadia::inventory::ResourceRow;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// The kind, in the inventory's word, and the provider's id.
pub type Name = (String, String);

/// One of the account's lists.
pub struct List {
    name: &'static str,
    pub kind: &'static str,
    id: &'static str,
    /// The kind of what its things live through, and where they name it.
    parent: Option<(&'static str, &'static str)>,
    syncs: &'static [&'static str],
}

const fn list(name: &'static str, kind: &'static str, syncs: &'static [&'static str]) -> List {
    List { name, kind, id: "id", parent: None, syncs }
}

const fn through(parent: &'static str, names: &'static str, list: List) -> List {
    List { parent: Some((parent, names)), ..list }
}

/// Every list of the account whose kind the inventory knows.
pub const LISTS: [List; 12] = [
    list("droplets", "droplet", &["droplets", "droplet_statuses"]),
    List { id: "name", ..list("domains", "dns_zone", &["domains"]) },
    through("droplet", "droplet_id", list("volumes", "volume", &["volumes"])),
    through("droplet", "droplet_id", list("snapshots", "snapshot", &["snapshots"])),
    through("volume", "volume_id", list("volume_snapshots", "snapshot", &["snapshots"])),
    through("droplet", "droplet_id", list("droplet_backups", "droplet_backup", &["droplet_backups"])),
    through(
        "droplet",
        "droplet_id",
        List { id: "ip", ..list("reserved_ips", "floating_ip", &["floating_ips"]) },
    ),
    list("firewalls", "firewall", &["firewalls"]),
    list("load_balancers", "load_balancer", &["load_balancers"]),
    list("databases", "managed_db", &["databases"]),
    list("kubernetes_clusters", "k8s_cluster", &["kubernetes"]),
    list("spaces_buckets", "spaces_bucket", &["projects"]),
];

/// What URNs call the kinds that lie in projects.
const URNS: [(&str, &str); 8] = [
    ("droplet", "droplet"),
    ("volume", "volume"),
    ("domain", "dns_zone"),
    ("floatingip", "floating_ip"),
    ("loadbalancer", "load_balancer"),
    ("dbaas", "managed_db"),
    ("kubernetes", "k8s_cluster"),
    ("space", "spaces_bucket"),
];

/// Something in the account.
pub struct Living {
    pub name: Name,
    parent: Option<Name>,
    syncs: &'static [&'static str],
}

/// All that is there.
pub fn living(account: &Value) -> Vec<Living> {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of = |list: &'static List| {
        account[list.name].as_array().unwrap().iter().map(move |it| {
            let parent = list.parent.filter(|(_, names)| !it[names].is_null());
            Living {
                name: (list.kind.to_owned(), word(&it[list.id])),
                parent: parent.map(|(kind, names)| (kind.to_owned(), word(&it[names]))),
                syncs: list.syncs,
            }
        })
    };
    LISTS.iter().flat_map(of).collect()
}

/// What was learnt of a resource by looking.
#[derive(Debug, Default)]
struct Seen {
    since: Timestamp,
    gone_at: Option<Timestamp>,
    /// What it lives through, and since when that is known.
    parent: Option<(Name, Timestamp)>,
    /// In which project it lay, from when on.
    places: Vec<(Timestamp, String)>,
}

/// What an operator said of a project.
#[derive(Debug)]
struct Said {
    tenant: Option<String>,
    /// `None`: since ever.
    from: Option<Timestamp>,
}

/// See the file's head.
#[derive(Debug, Default)]
pub struct Whose {
    seen: BTreeMap<Name, Seen>,
    said: BTreeMap<String, Vec<Said>>,
}

impl Whose {
    /// A complete look at the account as it is.
    pub fn looked(&mut self, sync: &str, account: &Value, at: Timestamp) {
        for it in living(account).into_iter().filter(|it| it.syncs.contains(&sync)) {
            let seen = self.seen.entry(it.name).or_insert_with(|| Seen { since: at, ..Seen::default() });
            if let Some(parent) = it.parent.filter(|_| seen.parent.is_none()) {
                seen.parent = Some((parent, at));
            }
        }
        if sync != "projects" {
            return;
        }
        for project in account["projects"].as_array().unwrap() {
            let project_id = project["id"].as_str().unwrap();
            for urn in project["resources"].as_array().unwrap() {
                let [_, word, id] = urn.as_str().unwrap().splitn(3, ':').collect::<Vec<_>>()[..] else {
                    panic!("{urn}")
                };
                let kind = URNS.iter().find(|(known, _)| *known == word).unwrap().1;
                let Some(seen) = self.seen.get_mut(&(kind.to_owned(), id.to_owned())) else { continue };
                if seen.places.last().is_none_or(|(_, last)| last != project_id) {
                    seen.places.push((at, project_id.to_owned()));
                }
            }
        }
    }

    /// A project that had no tenant is his since ever; another's counts from now, or from when it is said to.
    pub fn said(&mut self, project: &str, tenant: Option<&str>, from: Option<Timestamp>, now: Timestamp) {
        let said = self.said.entry(project.to_owned()).or_default();
        let before = said.last().and_then(|said| said.tenant.as_deref());
        if from.is_none() && before == tenant {
            return;
        }
        let from = from.or(before.is_some().then_some(now));
        said.push(Said { tenant: tenant.map(str::to_owned), from });
    }

    /// Whose something was when it was counted as gone, it stays.
    pub fn gone(&mut self, rows: &[ResourceRow]) {
        for row in rows {
            let name = (row.kind.clone(), row.provider_id.clone());
            self.seen.get_mut(&name).unwrap_or_else(|| panic!("nobody saw {name:?}")).gone_at =
                row.deleted_at;
        }
    }

    /// All that was ever looked at.
    pub fn known(&self) -> impl Iterator<Item = &Name> {
        self.seen.keys()
    }

    /// Whose it was at a time, as it is known now.
    pub fn owner_at(&self, name: &Name, at: Timestamp) -> Option<String> {
        let seen = &self.seen[name];
        let at = seen.gone_at.map_or(at, |gone_at| gone_at.min(at));
        if let Some((parent, with)) = &seen.parent
            && let Some(known) = self.seen.get(parent)
            && at >= known.since.max(*with)
        {
            return self.owner_at(parent, at);
        }
        let (_, place) = seen.places.iter().rfind(|(from, _)| *from <= at)?;
        let said = self.said.get(place)?.iter().rfind(|said| said.from.is_none_or(|from| from <= at))?;
        said.tenant.clone()
    }
}
