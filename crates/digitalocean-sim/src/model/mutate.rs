//! Changes out of band: what somebody does in the provider's own panel, past every lock and delay.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::creation::CreateDroplet;
use super::domains::Domain;
use super::droplets::{Status, check_name};
use super::images::{ImageKey, ImageType};
use super::log::{Kind, Origin};
use super::records::Draft;
use super::refusal::{Refusal, invalid};
use super::tags::Tags;
use super::{Account, Twist};

/// One change out of band: exactly one of `set`, `destroy` and `create`.
///
/// `id` is the number of a droplet, snapshot, backup or record (as text or number), the name of a domain, tag or
/// bucket, the address of a reserved IP, the UUID of anything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    pub kind: Kind,
    #[serde(default)]
    pub id: Value,
    #[serde(default)]
    pub set: Option<Map<String, Value>>,
    #[serde(default)]
    pub destroy: bool,
    #[serde(default)]
    pub create: Option<Value>,
}

impl Mutation {
    pub fn set(kind: Kind, id: impl Into<Value>, fields: Value) -> Mutation {
        let set = Some(fields.as_object().cloned().unwrap_or_default());
        Mutation { kind, id: id.into(), set, destroy: false, create: None }
    }

    pub fn destroy(kind: Kind, id: impl Into<Value>) -> Mutation {
        Mutation { kind, id: id.into(), set: None, destroy: true, create: None }
    }

    pub fn create(kind: Kind, body: Value) -> Mutation {
        Mutation { kind, id: Value::Null, set: None, destroy: false, create: Some(body) }
    }

    fn text(&self) -> String {
        self.id.as_str().map_or_else(|| self.id.to_string(), str::to_owned)
    }

    fn number(&self) -> Result<u64, Refusal> {
        self.text().parse().map_err(|_| Refusal::NotFound)
    }
}

const BY: Origin = Origin::OutOfBand;

impl Account {
    /// Answers the id of what was changed, destroyed or created.
    pub(crate) fn mutate(&mut self, mutation: &Mutation) -> Result<Value, Refusal> {
        match (&mutation.set, mutation.destroy, &mutation.create) {
            (Some(set), false, None) => self.mutate_set(mutation, set)?,
            (None, true, None) => self.mutate_destroy(mutation)?,
            (None, false, Some(body)) => return self.mutate_create(mutation.kind, body),
            _ => return invalid("exactly one of `set`, `destroy` and `create` is needed"),
        }
        Ok(mutation.id.clone())
    }

    fn mutate_set(&mut self, mutation: &Mutation, set: &Map<String, Value>) -> Result<(), Refusal> {
        only_known(set, settable(mutation.kind))?;
        match mutation.kind {
            Kind::Droplet => {
                let id = mutation.number()?;
                self.living(id)?;
                set.iter().try_for_each(|(field, value)| self.check_field(field, value))?;
                for (field, value) in set {
                    self.set_droplet_field(id, field, value);
                }
                Ok(())
            }
            Kind::DomainRecord => {
                let id = mutation.number()?;
                let zone = self.zone_of(id)?.name.clone();
                let draft: Draft = parse(&Value::Object(set.clone()))?;
                self.update_record(&zone, id, &draft, BY).map(|_| ())
            }
            Kind::Snapshot | Kind::DropletBackup => match set.get("name").and_then(Value::as_str) {
                Some(name) => self.rename_image(mutation.number()?, name, BY).map(|_| ()),
                None => invalid("only `name` of an image can be set"),
            },
            Kind::Domain | Kind::Tag | Kind::SshKey => invalid("nothing of this kind can be set"),
            _ => self.set_other(mutation.kind, &mutation.text(), set),
        }
    }

    /// Refuses before anything is changed, so that a mutation is done whole or not at all.
    fn check_field(&self, field: &str, value: &Value) -> Result<(), Refusal> {
        let text = value.as_str().unwrap_or_default();
        let valid = match field {
            "name" => check_name(text).is_ok(),
            "status" => Status::deserialize(value).is_ok(),
            "size" | "size_slug" => self.catalogue.size(text).is_some(),
            "region" => self.catalogue.region(text).is_some(),
            "image" => ImageKey::deserialize(value).is_ok_and(|key| self.image(&key).is_ok()),
            "backups" => value.is_boolean(),
            "tags" => Vec::<String>::deserialize(value)
                .is_ok_and(|tags| tags.iter().all(|tag| Tags::check(tag).is_ok())),
            _ => false,
        };
        if valid { Ok(()) } else { invalid(format!("`{value}` is no valid {field}")) }
    }

    fn set_droplet_field(&mut self, id: u64, field: &str, value: &Value) {
        let text = value.as_str().unwrap_or_default();
        match field {
            "size" | "size_slug" => {
                let grown = self.catalogue.size(text).map_or(0, |size| size.disk);
                let disk = self.droplets.get(&id).is_some_and(|droplet| grown > droplet.disk);
                self.resize_now(id, text, disk, BY);
            }
            "tags" => self.set_tags(id, &Vec::<String>::deserialize(value).unwrap_or_default()),
            "backups" => self.set_backups(id, (value == &json!(true)).then(Default::default), BY),
            "image" => {
                let key = ImageKey::deserialize(value).ok();
                let image = key.and_then(|key| self.image(&key).ok().cloned());
                if let Some(image) = image {
                    self.change_droplet(id, BY, json!({ "image": value }), |droplet| droplet.image = image);
                }
            }
            _ => self.change_droplet(id, BY, json!({ field: value }), |droplet| match field {
                "name" => text.clone_into(&mut droplet.name),
                "region" => text.clone_into(&mut droplet.region),
                _ => droplet.status = Status::deserialize(value).unwrap_or(droplet.status),
            }),
        }
        self.meter_renamed_droplet(id);
    }

    fn set_tags(&mut self, id: u64, wanted: &[String]) {
        let had = self.droplets.get(&id).map(|droplet| droplet.tags.clone()).unwrap_or_default();
        for tag in had.iter().filter(|tag| !wanted.contains(tag)) {
            self.untag_one_droplet(tag, id, BY);
        }
        for tag in wanted {
            let tag = self.ensure_tag(tag, BY);
            self.tag_one_droplet(&tag, id, BY);
        }
    }

    fn mutate_destroy(&mut self, mutation: &Mutation) -> Result<(), Refusal> {
        match mutation.kind {
            Kind::Droplet => self.destroy_droplet(mutation.number()?, Twist::default(), BY),
            Kind::Snapshot | Kind::DropletBackup => {
                self.delete_image(mutation.number()?, Twist::default(), BY)
            }
            Kind::Domain => self.delete_domain(&mutation.text(), BY),
            Kind::DomainRecord => {
                let id = mutation.number()?;
                let zone = self.zone_of(id)?.name.clone();
                self.delete_record(&zone, id, BY)
            }
            Kind::Tag => self.delete_tag(&mutation.text(), BY),
            Kind::SshKey => self.delete_key(&mutation.text(), BY),
            kind => self.destroy_other(kind, &mutation.text(), BY),
        }
    }

    fn mutate_create(&mut self, kind: Kind, body: &Value) -> Result<Value, Refusal> {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let twist = Twist::default();
        Ok(match kind {
            Kind::Droplet => {
                let request: CreateDroplet = parse(body)?;
                let created = self.create_droplets(&request, twist, BY)?;
                created.first().map(|(id, _)| json!(id)).unwrap_or_default()
            }
            Kind::Snapshot | Kind::DropletBackup => {
                let droplet_id = body.get("droplet_id").and_then(Value::as_u64).unwrap_or_default();
                self.living(droplet_id)?;
                let image_type = if kind == Kind::Snapshot { ImageType::Snapshot } else { ImageType::Backup };
                let name = text("name").unwrap_or("taken in the panel").to_owned();
                json!(self.keep_image(droplet_id, image_type, name, 0, BY))
            }
            Kind::Domain => {
                json!(self.create_domain(text("name").unwrap_or_default(), text("ip_address"), twist, BY)?)
            }
            Kind::DomainRecord => {
                let draft: Draft = parse(body)?;
                let zone = text("domain").unwrap_or_default();
                json!(self.create_record(zone, &draft, twist, BY)?.id)
            }
            Kind::Tag => json!(self.create_tag(text("name").unwrap_or_default(), twist, BY)?),
            Kind::SshKey => {
                let (name, key) = (text("name").unwrap_or_default(), text("public_key").unwrap_or_default());
                json!(self.create_key(name, key, BY)?.id)
            }
            kind => json!(self.create_other(kind, body, BY)?),
        })
    }

    fn zone_of(&self, record_id: u64) -> Result<&Domain, Refusal> {
        self.domains().find(|zone| zone.records.contains_key(&record_id)).ok_or(Refusal::NotFound)
    }
}

/// The fields that can be set; of a kind that is not named here its own part decides.
fn settable(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Droplet => &["name", "status", "size_slug", "size", "region", "image", "backups", "tags"],
        Kind::Snapshot | Kind::DropletBackup => &["name"],
        Kind::DomainRecord => &["type", "name", "data", "priority", "port", "ttl", "weight", "flags", "tag"],
        Kind::Volume => &["name", "size_gigabytes", "droplet_id"],
        Kind::ReservedIp => &["droplet_id"],
        Kind::Firewall => &["name", "droplet_ids", "tags", "inbound_rules", "outbound_rules"],
        Kind::Vpc => &["name", "description", "default"],
        Kind::Project => &["name", "description", "purpose", "environment", "is_default"],
        _ => &[],
    }
}

/// A misspelt field would pass for a change that was made.
pub(super) fn only_known(set: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match set.keys().find(|key| !known.is_empty() && !known.contains(&key.as_str())) {
        Some(key) => invalid(format!("unknown field `{key}`; there are {}", known.join(", "))),
        None => Ok(()),
    }
}

pub(super) fn parse<'a, T: Deserialize<'a>>(value: &'a Value) -> Result<T, Refusal> {
    T::deserialize(value).map_err(|error| Refusal::Invalid(error.to_string()))
}
