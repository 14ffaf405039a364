//! DNS records and their rules: names are relative, hosts end in a dot when written and come back without it,
//! the zone's own name comes back as `@`, and records of one name and type share their TTL.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::domains::{DEFAULT_TTL_S, Domain};
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, invalid};
use super::{Account, Twist, Window, after_ms};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Record {
    pub(crate) id: u64,
    #[serde(rename = "type")]
    pub(crate) record_type: RecordType,
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) priority: Option<u16>,
    pub(crate) port: Option<u16>,
    pub(crate) ttl: u32,
    pub(crate) weight: Option<u16>,
    pub(crate) flags: Option<u8>,
    pub(crate) tag: Option<String>,
    #[serde(skip)]
    hidden_until: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum RecordType {
    A,
    Aaaa,
    Caa,
    Cname,
    Mx,
    Ns,
    Soa,
    Srv,
    Txt,
}

/// What a body says of a record; what it leaves out stays as it is or gets its default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    #[serde(rename = "type")]
    pub(crate) record_type: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) data: Option<String>,
    pub(crate) priority: Option<i64>,
    pub(crate) port: Option<i64>,
    pub(crate) ttl: Option<i64>,
    pub(crate) weight: Option<i64>,
    pub(crate) flags: Option<i64>,
    pub(crate) tag: Option<String>,
}

const MIN_TTL_S: i64 = 30;
const MAX_TXT_BYTES: usize = 512;

impl RecordType {
    pub(crate) fn parse(text: &str) -> Option<RecordType> {
        Some(match text.to_ascii_uppercase().as_str() {
            "A" => RecordType::A,
            "AAAA" => RecordType::Aaaa,
            "CAA" => RecordType::Caa,
            "CNAME" => RecordType::Cname,
            "MX" => RecordType::Mx,
            "NS" => RecordType::Ns,
            "SOA" => RecordType::Soa,
            "SRV" => RecordType::Srv,
            "TXT" => RecordType::Txt,
            _ => return None,
        })
    }
}

impl Draft {
    pub(crate) fn of(record_type: &str, name: &str, data: &str) -> Draft {
        let text = |text: &str| Some(text.to_owned());
        Draft { record_type: text(record_type), name: text(name), data: text(data), ..Draft::default() }
    }
}

impl Record {
    pub(super) fn apex(record_type: RecordType, data: &str) -> Record {
        Record {
            id: 0,
            record_type,
            name: "@".to_owned(),
            data: data.to_owned(),
            priority: None,
            port: None,
            ttl: DEFAULT_TTL_S,
            weight: None,
            flags: None,
            tag: None,
            hidden_until: Timestamp::UNIX_EPOCH,
        }
    }

    fn same_set(&self, other: &Record) -> bool {
        self.record_type == other.record_type && self.name.eq_ignore_ascii_case(&other.name)
    }

    /// The record's name with its zone, as the list filter wants it.
    fn qualified(&self, zone: &str) -> String {
        if self.name == "@" { zone.to_owned() } else { format!("{}.{zone}", self.name) }
    }
}

impl Account {
    pub(crate) fn record(&self, domain: &str, id: u64) -> Result<&Record, Refusal> {
        self.domain(domain)?.records.get(&id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn list_records(
        &self,
        domain: &str,
        record_type: Option<&str>,
        qualified_name: Option<&str>,
        window: Window,
    ) -> Result<(Vec<&Record>, usize), Refusal> {
        let domain = self.domain(domain)?;
        let wanted_type = record_type.map(RecordType::parse);
        Ok(window.cut(domain.records.values().filter(|record| {
            record.hidden_until <= self.now
                && wanted_type.is_none_or(|wanted| wanted == Some(record.record_type))
                && qualified_name.is_none_or(|name| record.qualified(&domain.name).eq_ignore_ascii_case(name))
        })))
    }

    pub(crate) fn create_record(
        &mut self,
        domain: &str,
        draft: &Draft,
        twist: Twist,
        by: Origin,
    ) -> Result<Record, Refusal> {
        let zone = self.domain(domain)?;
        let Some(record_type) = draft.record_type.as_deref().and_then(RecordType::parse) else {
            return invalid("Type is not included in the list");
        };
        if record_type == RecordType::Soa {
            return invalid("SOA records cannot be created.");
        }
        // Only an MX record may leave its name out.
        let name = draft.name.as_deref().or((record_type == RecordType::Mx).then_some("@"));
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return invalid("Name can't be blank");
        };
        let mut record = Record { name: relative(name, zone)?, ..Record::apex(record_type, "") };
        let default_ttl = zone.records.values().find(|other| other.same_set(&record)).map(|other| other.ttl);
        record.ttl = ttl(draft)?.or(default_ttl).unwrap_or(DEFAULT_TTL_S);
        record.data = data(record_type, draft.data.as_deref(), draft.tag.as_deref(), zone)?;
        fill(&mut record, draft)?;
        check_cname(zone, &record)?;
        self.insert_record(domain, record, twist, by)
    }

    /// PUT and PATCH alike: what the body names changes, the id stays.
    pub(crate) fn update_record(
        &mut self,
        domain: &str,
        id: u64,
        draft: &Draft,
        by: Origin,
    ) -> Result<Record, Refusal> {
        let zone = self.domain(domain)?;
        let mut record = zone.records.get(&id).cloned().ok_or(Refusal::NotFound)?;
        if let Some(ttl) = ttl(draft)? {
            record.ttl = ttl;
        }
        // Of a SOA only the TTL can be changed; whatever else the body says is not looked at.
        if record.record_type != RecordType::Soa {
            let named = draft.record_type.as_deref().map(RecordType::parse);
            if named.is_some_and(|named| named != Some(record.record_type)) {
                return invalid("Type cannot be changed");
            }
            if let Some(name) = &draft.name {
                record.name = relative(name, zone)?;
            }
            if draft.data.is_some() {
                let tag = draft.tag.as_deref().or(record.tag.as_deref());
                record.data = data(record.record_type, draft.data.as_deref(), tag, zone)?;
            }
            fill(&mut record, draft)?;
            check_cname(zone, &record)?;
        }
        let fields = json!({ "domain": zone.name, "type": record.record_type, "data": record.data, "ttl": record.ttl });
        self.note(by, ChangeKind::Changed, Kind::DomainRecord, id, &record.name, fields);
        self.domain_mut(domain)?.records.insert(id, record.clone());
        self.share_ttl(domain, &record, by)?;
        Ok(record)
    }

    pub(crate) fn delete_record(&mut self, domain: &str, id: u64, by: Origin) -> Result<(), Refusal> {
        let record = self.record(domain, id)?;
        if record.record_type == RecordType::Soa {
            return invalid("SOA records cannot be deleted.");
        }
        let name = record.name.clone();
        let fields = json!({ "domain": domain });
        self.domain_mut(domain)?.records.remove(&id);
        self.note(by, ChangeKind::Destroyed, Kind::DomainRecord, id, &name, fields);
        Ok(())
    }

    pub(super) fn insert_record(
        &mut self,
        domain: &str,
        mut record: Record,
        twist: Twist,
        by: Origin,
    ) -> Result<Record, Refusal> {
        record.id = self.ids.record();
        record.hidden_until = after_ms(self.now, twist.hide_ms.unwrap_or(0));
        let fields =
            json!({ "domain": domain, "type": record.record_type, "data": record.data, "ttl": record.ttl });
        self.note(by, ChangeKind::Created, Kind::DomainRecord, record.id, &record.name, fields);
        self.domain_mut(domain)?.records.insert(record.id, record.clone());
        self.share_ttl(domain, &record, by)?;
        Ok(record)
    }

    /// Rewrites the TTL of the other records of the set, silently, as the real service does.
    fn share_ttl(&mut self, domain: &str, written: &Record, by: Origin) -> Result<(), Refusal> {
        let zone = self.domain_mut(domain)?;
        let mut changed = Vec::new();
        for other in zone.records.values_mut() {
            if other.same_set(written) && other.ttl != written.ttl {
                other.ttl = written.ttl;
                changed.push((other.id, other.name.clone()));
            }
        }
        for (id, name) in changed {
            let fields = json!({ "domain": domain, "ttl": written.ttl });
            self.note(by, ChangeKind::Changed, Kind::DomainRecord, id, &name, fields);
        }
        Ok(())
    }
}

/// A name with a trailing dot is fully qualified and must lie in the zone; any other is taken as relative.
fn relative(name: &str, zone: &Domain) -> Result<String, Refusal> {
    let relative = match name.strip_suffix('.') {
        None => name.to_owned(),
        Some(full) if full.eq_ignore_ascii_case(&zone.name) => "@".to_owned(),
        Some(full) => match full.to_ascii_lowercase().strip_suffix(&format!(".{}", zone.name)) {
            Some(inner) => inner.to_owned(),
            None => return invalid("Name is not in the domain."),
        },
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*');
    if relative != "@" && (relative.is_empty() || relative.len() > 253 || !relative.chars().all(allowed)) {
        return invalid("Name Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)");
    }
    Ok(relative)
}

fn ttl(draft: &Draft) -> Result<Option<u32>, Refusal> {
    match draft.ttl {
        None => Ok(None),
        Some(ttl) if ttl < MIN_TTL_S => invalid("Ttl must be greater than or equal to 30"),
        Some(ttl) => u32::try_from(ttl).map(Some).map_err(|_| Refusal::Invalid("Ttl is invalid".to_owned())),
    }
}

fn data(
    record_type: RecordType,
    data: Option<&str>,
    tag: Option<&str>,
    zone: &Domain,
) -> Result<String, Refusal> {
    let Some(data) = data.filter(|data| !data.is_empty()) else { return invalid("Data can't be blank") };
    match record_type {
        RecordType::A if data.parse::<Ipv4Addr>().is_err() => {
            invalid("IP address did not match IPv4 format (e.g. 255.255.255.255).")
        }
        RecordType::Aaaa if data.parse::<Ipv6Addr>().is_err() => {
            invalid("IP address did not match IPv6 format (e.g. 2001:db8::ff00:42:8329).")
        }
        RecordType::Txt if data.len() > MAX_TXT_BYTES => {
            invalid("Data is too long (maximum is 512 characters)")
        }
        RecordType::Cname | RecordType::Mx | RecordType::Ns | RecordType::Srv => host(data, zone),
        RecordType::Caa if tag != Some("iodef") => host(data, zone),
        _ => Ok(data.to_owned()),
    }
}

fn host(data: &str, zone: &Domain) -> Result<String, Refusal> {
    if data == "@" {
        return Ok(data.to_owned());
    }
    match data.strip_suffix('.') {
        None | Some("") => invalid("Data needs to end with a dot (.)"),
        Some(host) if host.eq_ignore_ascii_case(&zone.name) => Ok("@".to_owned()),
        Some(host) => Ok(host.to_owned()),
    }
}

/// Takes over the numbers that the type has; for other types they are ignored, since clients send zeros.
fn fill(record: &mut Record, draft: &Draft) -> Result<(), Refusal> {
    use RecordType::{Caa, Mx, Srv};
    if matches!(record.record_type, Mx | Srv) {
        record.priority = number(draft.priority, record.priority, "Priority")?;
    }
    if record.record_type == Srv {
        record.port = number(draft.port, record.port, "Port")?;
        record.weight = number(draft.weight, record.weight, "Weight")?;
        if !record.name.starts_with('_') {
            return invalid("Name must be in the format _service._protocol");
        }
    }
    if record.record_type == Caa {
        let flags = number(draft.flags, record.flags.map(u16::from), "Flags")?;
        record.flags = flags.and_then(|flags| u8::try_from(flags).ok());
        if record.flags.is_none() {
            return invalid("Flags must be between 0 and 255");
        }
        record.tag = draft.tag.clone().or(record.tag.take());
        if !matches!(record.tag.as_deref(), Some("issue" | "issuewild" | "iodef")) {
            return invalid("Tag must be one of issue, issuewild or iodef");
        }
    }
    Ok(())
}

fn number(given: Option<i64>, kept: Option<u16>, what: &str) -> Result<Option<u16>, Refusal> {
    match given {
        Some(given) => match u16::try_from(given) {
            Ok(number) => Ok(Some(number)),
            Err(_) => invalid(format!("{what} must be between 0 and 65535")),
        },
        None if kept.is_some() => Ok(kept),
        None => invalid(format!("{what} can't be blank")),
    }
}

fn check_cname(zone: &Domain, record: &Record) -> Result<(), Refusal> {
    let others = zone.records.values().filter(|other| other.id != record.id);
    let mut same_name = others.filter(|other| other.name.eq_ignore_ascii_case(&record.name));
    let cname = |record: &Record| record.record_type == RecordType::Cname;
    if same_name.any(|other| cname(record) || cname(other)) {
        return invalid("CNAME records cannot share a name with other records");
    }
    Ok(())
}
