//! DNS zones and their records. Names are relative in records (`www`, `@`) and fully qualified in
//! the listing's filter; hosts in `data` need a final dot on writing and come back without it.

use serde::{Deserialize, Serialize};

use crate::{Client, Error, Key, Keyed, List, call::Call, wire::or_default};

number_id! {
    /// A record's id; an update keeps it.
    RecordId
}

open_enum! {
    /// A record's type.
    pub enum RecordType {
        A = "A",
        Aaaa = "AAAA",
        Caa = "CAA",
        Cname = "CNAME",
        Mx = "MX",
        Ns = "NS",
        Soa = "SOA",
        Srv = "SRV",
        Txt = "TXT",
    }
}

/// A DNS zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    pub name: String,
    /// Seconds.
    pub ttl: Option<u32>,
    /// Filled some time after the zone's creation.
    pub zone_file: Option<String>,
}

impl Keyed for Domain {
    fn key(&self) -> Key {
        Key::Text(self.name.clone())
    }
}

/// A record. Records of one name and type share their `ttl` (seconds): writing one rewrites the others'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: RecordId,
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// Relative to the zone; `@` is its apex.
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub data: String,
    pub priority: Option<u32>,
    pub port: Option<u32>,
    #[serde(default, deserialize_with = "or_default")]
    pub ttl: u32,
    pub weight: Option<u32>,
    pub flags: Option<u32>,
    pub tag: Option<String>,
}

impl Keyed for Record {
    fn key(&self) -> Key {
        Key::Number(self.id.0)
    }
}

/// A record to be written. All its attributes are sent, absent ones as null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordDraft {
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// Relative to the zone; `@` is its apex.
    pub name: String,
    /// A host (CNAME, MX, NS, SRV, CAA issue) ends in a dot, or is `@`.
    pub data: String,
    #[serde(default)]
    pub priority: Option<u32>,
    #[serde(default)]
    pub port: Option<u32>,
    /// Seconds, at least 30; the zone's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    #[serde(default)]
    pub weight: Option<u32>,
    #[serde(default)]
    pub flags: Option<u32>,
    #[serde(default)]
    pub tag: Option<String>,
}

impl RecordDraft {
    pub fn new(kind: RecordType, name: impl Into<String>, data: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            data: data.into(),
            priority: None,
            port: None,
            ttl: None,
            weight: None,
            flags: None,
            tag: None,
        }
    }

    /// The same record with a time to live in seconds.
    pub fn with_ttl(mut self, ttl: u32) -> Self {
        self.ttl = Some(ttl);
        self
    }
}

impl From<&Record> for RecordDraft {
    /// What writes the record back as it is: a host in its data gets back the dot that reading took away.
    fn from(record: &Record) -> Self {
        let Record { kind, name, data, priority, port, ttl, weight, flags, tag, .. } = record.clone();
        let is_host = match kind {
            RecordType::Cname | RecordType::Mx | RecordType::Ns | RecordType::Srv => true,
            RecordType::Caa => tag.as_deref() != Some("iodef"),
            _ => false,
        };
        let data = if is_host && data != "@" && !data.ends_with('.') { format!("{data}.") } else { data };
        Self { kind, name, data, priority, port, ttl: Some(ttl), weight, flags, tag }
    }
}

/// A record's name with its zone, as the listing's filter wants it: `www` in `example.com` is
/// `www.example.com`, `@` is `example.com`. Lower case, no final dot.
pub fn qualified_name(name: &str, zone: &str) -> String {
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    match name.trim_end_matches('.') {
        "" | "@" => zone,
        bare if name.ends_with('.') || bare == zone || bare.ends_with(&format!(".{zone}")) => bare.to_owned(),
        relative => format!("{relative}.{zone}"),
    }
}

/// A host in a record's `data`, for comparison: what is written with a dot is read without, and
/// the zone's own apex as `@`.
pub fn normalised_host(data: &str, zone: &str) -> String {
    match data {
        "@" => qualified_name("@", zone),
        host => host.trim_end_matches('.').to_ascii_lowercase(),
    }
}

/// `/v2/domains`, by [`Client::domains`].
#[derive(Debug, Clone)]
pub struct Domains(Client);

/// The records of one zone, by [`Client::records`].
#[derive(Debug, Clone)]
pub struct Records {
    client: Client,
    zone: String,
}

impl Client {
    pub fn domains(&self) -> Domains {
        Domains(self.clone())
    }

    /// The records of a zone (`example.com`).
    pub fn records(&self, zone: impl Into<String>) -> Records {
        Records { client: self.clone(), zone: zone.into() }
    }
}

impl Domains {
    pub fn list(&self) -> List<Domain> {
        List::new(self.0.clone(), "domains", Call::get("/v2/domains", &[]))
    }

    pub async fn get(&self, name: &str) -> Result<Domain, Error> {
        self.0.fetch(Call::get("/v2/domains/{domain_name}", &[&name]), "domain").await
    }
}

const RECORDS: &str = "/v2/domains/{domain_name}/records";
const RECORD: &str = "/v2/domains/{domain_name}/records/{domain_record_id}";

impl Records {
    /// All of the zone, the SOA and the provider's NS included.
    pub fn list(&self) -> List<Record> {
        List::new(self.client.clone(), "domain_records", Call::get(RECORDS, &[&self.zone]))
    }

    /// Those of a name, relative or fully qualified, and of a type if one is given.
    pub fn list_named(&self, name: &str, kind: Option<&RecordType>) -> List<Record> {
        let mut call = Call::get(RECORDS, &[&self.zone]).query("name", qualified_name(name, &self.zone));
        if let Some(kind) = kind {
            call = call.query("type", kind);
        }
        List::new(self.client.clone(), "domain_records", call)
    }

    pub async fn get(&self, id: RecordId) -> Result<Record, Error> {
        self.client.fetch(Call::get(RECORD, &[&self.zone, &id]), "domain_record").await
    }

    /// Nothing keeps two identical records apart: look before you create.
    pub async fn create(&self, record: &RecordDraft) -> Result<Record, Error> {
        self.client.fetch(Call::post(RECORDS, &[&self.zone], record), "domain_record").await
    }

    /// Writes all attributes; the id stays.
    pub async fn update(&self, id: RecordId, record: &RecordDraft) -> Result<Record, Error> {
        self.client.fetch(Call::put(RECORD, &[&self.zone, &id], record), "domain_record").await
    }

    pub async fn delete(&self, id: RecordId) -> Result<(), Error> {
        self.client.execute(Call::delete(RECORD, &[&self.zone, &id])).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_qualified_once() {
        for (name, qualified) in [
            ("www", "www.example.com"),
            ("@", "example.com"),
            ("", "example.com"),
            ("*.Dev", "*.dev.example.com"),
            ("WWW.example.com", "www.example.com"),
            ("www.example.com.", "www.example.com"),
            ("example.com", "example.com"),
            ("notexample.com", "notexample.com.example.com"),
            ("elsewhere.org.", "elsewhere.org"),
        ] {
            assert_eq!(qualified_name(name, "Example.com."), qualified, "{name:?}");
        }
    }

    #[test]
    fn hosts_compare_equal_however_the_api_shows_them() {
        assert_eq!(normalised_host("@", "example.com"), normalised_host("example.com.", "example.com"));
        assert_eq!(normalised_host("Mail.Example.com.", "example.com"), "mail.example.com");
    }

    #[test]
    fn a_record_that_is_written_back_gets_its_dot_again() {
        let mut record: Record = serde_json::from_str(
            r#"{"id":1,"type":"CNAME","name":"www","data":"target.example.com","priority":null,"port":null,
                "ttl":60,"weight":null,"flags":null,"tag":null}"#,
        )
        .unwrap();
        assert_eq!(RecordDraft::from(&record).data, "target.example.com.");
        record.data = "@".into();
        assert_eq!(RecordDraft::from(&record).data, "@");
        record.kind = RecordType::Txt;
        record.data = "v=spf1".into();
        assert_eq!(RecordDraft::from(&record).data, "v=spf1");
    }

    #[test]
    fn absent_attributes_are_written_as_null() {
        let draft = RecordDraft::new(RecordType::A, "www", "192.0.2.1").with_ttl(60);
        let written = serde_json::to_value(&draft).unwrap();
        assert_eq!(
            written,
            serde_json::json!({"type":"A","name":"www","data":"192.0.2.1","priority":null,"port":null,"ttl":60,
                "weight":null,"flags":null,"tag":null})
        );
    }
}
