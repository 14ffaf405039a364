//! What was seen of one resource, in the inventory's words, and what of it differs from a row. What is not in here does
//! not matter: each kind's file under `sync/` lists what it leaves out.

use super::ResourceRow;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The provider's names are shorter; an index of PostgreSQL holds no entry of more than 2704 bytes.
const NAME_BYTES_MAX: usize = 1024;

/// One resource as the provider showed it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observation {
    /// The provider's id, as text.
    pub provider_id: String,
    pub name: String,
    pub region: Option<String>,
    pub status: Option<String>,
    pub size_slug: Option<String>,
    /// Sorted: their order means nothing.
    pub tags: Vec<String>,
    /// What is particular to the kind.
    pub attrs: Map<String, Value>,
    /// US cents.
    pub monthly_cost_minor: Option<i64>,
    /// When the provider made it.
    pub created_at: Option<Timestamp>,
    /// What it lives through.
    pub parent: Option<Parent>,
}

/// A resource by which another one lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub kind: String,
    /// The provider's id.
    pub provider_id: String,
}

impl Parent {
    /// The parent of that kind and id.
    pub fn new(kind: &str, provider_id: impl ToString) -> Parent {
        Parent { kind: kind.to_owned(), provider_id: provider_id.to_string() }
    }
}

impl Observation {
    /// The fields that matter, with their values before and now.
    pub(super) fn differences(&self, row: &ResourceRow) -> Map<String, Value> {
        let pairs = [
            ("name", json!(row.name), json!(self.name)),
            ("region", json!(row.region), json!(self.region)),
            ("status", json!(row.status), json!(self.status)),
            ("size_slug", json!(row.size_slug), json!(self.size_slug)),
            ("tags", row.tags.clone(), json!(self.tags)),
            ("attrs", row.attrs.clone(), Value::Object(self.attrs.clone())),
            ("monthly_cost_minor", json!(row.monthly_cost_minor), json!(self.monthly_cost_minor)),
            ("parent", json!(row.attached_to()), json!(self.parent)),
        ];
        let changed = pairs.into_iter().filter(|(_, before, after)| before != after);
        changed
            .map(|(name, before, after)| (name.to_owned(), json!({"before": before, "after": after})))
            .collect()
    }

    /// Whether both databases can hold it.
    pub(super) fn is_storable(&self) -> bool {
        let Observation { provider_id, name, region, status, size_slug, tags, attrs, parent, .. } = self;
        let maybe = [region, status, size_slug].into_iter().flatten();
        let of_parent = parent.iter().flat_map(|parent| [&parent.kind, &parent.provider_id]);
        let mut texts = [provider_id, name].into_iter().chain(maybe).chain(tags).chain(of_parent);
        name.len() <= NAME_BYTES_MAX && !texts.any(|text| text.contains('\0')) && !attrs.iter().any(holds_nul)
    }

    /// The same as both databases can hold it: NUL replaced, a name of any length by its beginning. What one resource is
    /// called must not keep the others of its kind from being seen.
    pub(super) fn storable(&self) -> Observation {
        let mut value = json!(self);
        replace_nul(&mut value);
        // It came from an observation, and texts stayed texts.
        let mut kept: Observation = serde_json::from_value(value).unwrap_or_default();
        kept.name.truncate(kept.name.floor_char_boundary(NAME_BYTES_MAX));
        kept
    }

    /// Equal for equal observations, in every build: part of a SHA-256 of them as JSON, whose keys are sorted.
    pub(super) fn fingerprint(&self) -> i64 {
        // An observation holds nothing that JSON cannot say.
        let text = serde_json::to_vec(self).unwrap_or_default();
        let hash = digest(&SHA256, &text);
        hash.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
    }
}

fn holds_nul((key, value): (&String, &Value)) -> bool {
    let inside = match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(|value| holds_nul((key, value))),
        Value::Object(map) => map.iter().any(holds_nul),
        _ => false,
    };
    inside || key.contains('\0')
}

fn replace_nul(value: &mut Value) {
    let without = |text: &str| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => *text = without(text),
        Value::Array(list) => list.iter_mut().for_each(replace_nul),
        Value::Object(map) => {
            let held = std::mem::take(map).into_iter();
            map.extend(held.map(|(key, value)| (without(&key), value)));
            map.values_mut().for_each(replace_nul);
        }
        _ => {}
    }
}

/// Sorted and each once, for what has no order at the provider.
pub(super) fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list.dedup();
    list
}

/// A price in dollars as whole cents, rounded half to even.
pub(super) fn minor(price: rust_decimal::Decimal) -> Option<i64> {
    use rust_decimal::prelude::ToPrimitive as _;
    (price * rust_decimal::Decimal::ONE_HUNDRED).round().to_i64()
}

/// What JSON says as an object, as one.
pub(super) fn attrs(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_database_holds_is_kept_as_it_can_be() {
        let plain =
            Observation { provider_id: "7".to_owned(), name: "é".repeat(512), ..Observation::default() };
        assert!(plain.is_storable());
        let odd = Observation {
            name: format!("a\0{}", "é".repeat(600)),
            tags: vec!["\0".to_owned()],
            attrs: attrs(json!({"rules": [{"a\0": "b\0c"}], "n": 1})),
            parent: Some(Parent::new("droplet", "\0")),
            ..plain.clone()
        };
        let kept = odd.storable();
        assert!(kept.is_storable());
        assert_eq!((kept.name.len(), kept.name.chars().nth(1)), (1024, Some('\u{fffd}')));
        assert_eq!(Value::Object(kept.attrs), json!({"rules": [{"a\u{fffd}": "b\u{fffd}c"}], "n": 1}));
        let no_more = [
            Observation { name: "a".repeat(1025), ..plain.clone() },
            Observation { attrs: attrs(json!({"a": [["\0"]]})), ..plain.clone() },
            Observation { region: Some("\0".to_owned()), ..plain.clone() },
            Observation { parent: Some(Parent::new("droplet", "\0")), ..plain.clone() },
        ];
        assert!(no_more.iter().all(|it| !it.is_storable()));
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_build_and_differs_with_every_field() {
        let one =
            Observation { provider_id: "7".to_owned(), name: "web".to_owned(), ..Observation::default() };
        assert_eq!(one.fingerprint(), -4_185_127_840_012_457_165);
        let others = [
            Observation { name: "api".to_owned(), ..one.clone() },
            Observation { region: Some("nyc3".to_owned()), ..one.clone() },
            Observation { status: Some("off".to_owned()), ..one.clone() },
            Observation { size_slug: Some("s".to_owned()), ..one.clone() },
            Observation { tags: vec!["a".to_owned()], ..one.clone() },
            Observation { attrs: attrs(json!({"vcpus": 1})), ..one.clone() },
            Observation { monthly_cost_minor: Some(1), ..one.clone() },
            Observation { created_at: Some(Timestamp::UNIX_EPOCH), ..one.clone() },
            Observation { parent: Some(Parent::new("droplet", 1)), ..one.clone() },
        ];
        let mut prints: Vec<i64> = others.iter().map(Observation::fingerprint).collect();
        prints.push(one.fingerprint());
        assert_eq!(sorted(prints).len(), others.len() + 1);
    }
}
