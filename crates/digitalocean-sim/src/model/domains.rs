//! DNS zones. A fresh one holds three name servers and the SOA, which clients must not manage.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::json;

use super::log::{ChangeKind, Kind, Origin};
use super::records::{Draft, Record, RecordType};
use super::refusal::{Refusal, invalid};
use super::urn::{Urn, UrnKind};
use super::{Account, Twist, Window, after_ms};

#[derive(Debug, Clone)]
pub(crate) struct Domain {
    pub(crate) name: String,
    pub(crate) ttl: u32,
    pub(crate) records: BTreeMap<u64, Record>,
    pub(super) created_at: Timestamp,
    hidden_until: Timestamp,
}

pub(crate) const DEFAULT_TTL_S: u32 = 1_800;
const NAME_SERVERS: [&str; 3] = ["ns1.digitalocean.com", "ns2.digitalocean.com", "ns3.digitalocean.com"];
const RESERVED_TLDS: [&str; 4] = ["example", "invalid", "localhost", "test"];

impl Account {
    pub(crate) fn domain(&self, name: &str) -> Result<&Domain, Refusal> {
        self.domains.get(&name.to_ascii_lowercase()).ok_or(Refusal::NotFound)
    }

    pub(super) fn domain_mut(&mut self, name: &str) -> Result<&mut Domain, Refusal> {
        self.domains.get_mut(&name.to_ascii_lowercase()).ok_or(Refusal::NotFound)
    }

    pub(crate) fn domains(&self) -> impl Iterator<Item = &Domain> {
        self.domains.values()
    }

    pub(crate) fn list_domains(&self, window: Window) -> (Vec<&Domain>, usize) {
        window.cut(self.domains.values().filter(|domain| domain.hidden_until <= self.now))
    }

    /// Creates a zone, and an apex A record when an address is given.
    pub(crate) fn create_domain(
        &mut self,
        name: &str,
        address: Option<&str>,
        twist: Twist,
        by: Origin,
    ) -> Result<String, Refusal> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        check_domain(&name)?;
        if self.domains.contains_key(&name) {
            return invalid(format!("{name}: name already exists"));
        }
        if address.is_some_and(|text| text.parse::<Ipv4Addr>().is_err()) {
            return invalid("IP address did not match IPv4 format (e.g. 255.255.255.255).");
        }
        let hidden_until = after_ms(self.now, twist.hide_ms.unwrap_or(0));
        let (records, created_at) = (BTreeMap::new(), self.now);
        let domain = Domain { name: name.clone(), ttl: DEFAULT_TTL_S, records, created_at, hidden_until };
        self.domains.insert(name.clone(), domain);
        self.note(by, ChangeKind::Created, Kind::Domain, &name, &name, json!({ "ttl": DEFAULT_TTL_S }));
        self.insert_record(&name, Record::apex(RecordType::Soa, &DEFAULT_TTL_S.to_string()), twist, by)?;
        for server in NAME_SERVERS {
            self.insert_record(&name, Record::apex(RecordType::Ns, server), twist, by)?;
        }
        if let Some(address) = address {
            let draft = Draft::of("A", "@", address);
            self.create_record(&name, &draft, twist, by)?;
        }
        Ok(name)
    }

    pub(crate) fn delete_domain(&mut self, name: &str, by: Origin) -> Result<(), Refusal> {
        let name = name.to_ascii_lowercase();
        let domain = self.domains.remove(&name).ok_or(Refusal::NotFound)?;
        for record in domain.records.values() {
            let fields = json!({ "domain": name });
            self.note(by, ChangeKind::Destroyed, Kind::DomainRecord, record.id, &record.name, fields);
        }
        self.note(by, ChangeKind::Destroyed, Kind::Domain, &name, &name, json!({}));
        self.forget_membership(&Urn::new(UrnKind::Domain, &name));
        Ok(())
    }
}

fn check_domain(name: &str) -> Result<(), Refusal> {
    let label = |label: &str| {
        let inner = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        !label.is_empty() && label.len() <= 63 && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    let labels: Vec<&str> = name.split('.').collect();
    if labels.len() < 2 || name.len() > 253 || !labels.iter().all(|text| label(text)) {
        return invalid("Name Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)");
    }
    if labels.last().is_some_and(|tld| RESERVED_TLDS.contains(tld)) {
        return invalid("Name is a reserved domain name.");
    }
    Ok(())
}
