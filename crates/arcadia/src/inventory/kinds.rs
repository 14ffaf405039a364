//! The kinds of resources by name, how URNs spell them, and which of them lie in projects by themselves. An open set: what
//! is not known here keeps the provider's own word.

/// A droplet.
pub const DROPLET: &str = "droplet";
/// A DNS zone.
pub const DNS_ZONE: &str = "dns_zone";
/// A block storage volume.
pub const VOLUME: &str = "volume";
/// A snapshot of a droplet or a volume.
pub const SNAPSHOT: &str = "snapshot";
/// A backup that the provider made of a droplet.
pub const DROPLET_BACKUP: &str = "droplet_backup";
/// A reserved IP; its id is the address.
pub const FLOATING_IP: &str = "floating_ip";
/// A firewall.
pub const FIREWALL: &str = "firewall";
/// A load balancer.
pub const LOAD_BALANCER: &str = "load_balancer";
/// A database cluster.
pub const MANAGED_DB: &str = "managed_db";
/// A Kubernetes cluster.
pub const K8S_CLUSTER: &str = "k8s_cluster";
/// A Spaces bucket; no listing but the projects' has it.
pub const SPACES_BUCKET: &str = "spaces_bucket";

/// Those that have a listing of their own: a project's members only attribute them.
const LISTED: [&str; 10] = [
    DROPLET,
    DNS_ZONE,
    VOLUME,
    SNAPSHOT,
    DROPLET_BACKUP,
    FLOATING_IP,
    FIREWALL,
    LOAD_BALANCER,
    MANAGED_DB,
    K8S_CLUSTER,
];

/// Those that no project holds: they follow what they live through, or are internal.
const OUTSIDE_PROJECTS: [&str; 3] = [SNAPSHOT, DROPLET_BACKUP, FIREWALL];

/// Every spelling of a kind in URNs that is not its name.
const SPELLINGS: [(&str, &str); 14] = [
    ("domain", DNS_ZONE),
    ("space", SPACES_BUCKET),
    ("floatingip", FLOATING_IP),
    ("floatingipv6", FLOATING_IP),
    ("reservedip", FLOATING_IP),
    ("reservedipv6", FLOATING_IP),
    ("loadbalancer", LOAD_BALANCER),
    ("dbaas", MANAGED_DB),
    ("volumesnapshot", SNAPSHOT),
    ("image", SNAPSHOT),
    ("backup", DROPLET_BACKUP),
    ("dropletbackup", DROPLET_BACKUP),
    ("kubernetes", K8S_CLUSTER),
    ("droplets", DROPLET),
];

/// Whether a sync of its own lists the kind.
#[must_use]
pub fn has_its_own_sync(kind: &str) -> bool {
    LISTED.contains(&kind)
}

/// Whether resources of the kind lie in projects by themselves.
#[must_use]
pub fn in_projects(kind: &str) -> bool {
    !OUTSIDE_PROJECTS.contains(&kind)
}

/// The kind and the provider's id that a URN names: `do:floatingip:203.0.113.7`.
#[must_use]
pub fn of_urn(urn: &str) -> Option<(String, String)> {
    let (word, id) = urn.strip_prefix("do:")?.split_once(':')?;
    if word.is_empty() || id.is_empty() {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let spelt = SPELLINGS.iter().find(|(spelling, _)| *spelling == word.replace(['_', '-'], ""));
    let kind = spelt.map_or(word.as_str(), |(_, kind)| kind);
    Some((kind.to_owned(), id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_urn_leads_to_one_kind() {
        let kinds = [
            ("do:droplet:7", DROPLET, "7"),
            ("do:domain:a.example", DNS_ZONE, "a.example"),
            ("do:space:bucket", SPACES_BUCKET, "bucket"),
            ("do:floatingip:203.0.113.7", FLOATING_IP, "203.0.113.7"),
            ("do:reservedip:203.0.113.7", FLOATING_IP, "203.0.113.7"),
            ("do:reservedipv6:2001:db8::1", FLOATING_IP, "2001:db8::1"),
            ("do:loadbalancer:x", LOAD_BALANCER, "x"),
            ("do:load_balancer:x", LOAD_BALANCER, "x"),
            ("do:dbaas:x", MANAGED_DB, "x"),
            ("do:volume:x", VOLUME, "x"),
            ("do:volumesnapshot:x", SNAPSHOT, "x"),
            ("do:image:8", SNAPSHOT, "8"),
            ("do:snapshot:8", SNAPSHOT, "8"),
            ("do:backup:8", DROPLET_BACKUP, "8"),
            ("do:kubernetes:x", K8S_CLUSTER, "x"),
            ("do:firewall:x", FIREWALL, "x"),
            ("do:app:x", "app", "x"),
        ];
        for (urn, kind, id) in kinds {
            assert_eq!(of_urn(urn), Some((kind.to_owned(), id.to_owned())), "{urn}");
        }
        for urn in ["", "do:", "do:droplet", "do:droplet:", "do::7", "aws:droplet:7"] {
            assert_eq!(of_urn(urn), None, "{urn}");
        }
    }
}
