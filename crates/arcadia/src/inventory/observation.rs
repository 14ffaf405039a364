//! What was seen of one resource, in the inventory's words, and what of it differs from a row. What is not in here does
//! not matter: each kind's file under `sync/` lists what it leaves out.

use super::ResourceRow;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

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

    /// Equal for equal observations, in every build: part of a SHA-256 of them as JSON, whose keys are sorted.
    pub(super) fn fingerprint(&self) -> i64 {
        // An observation holds nothing that JSON cannot say.
        let text = serde_json::to_vec(self).unwrap_or_default();
        let hash = digest(&SHA256, &text);
        hash.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
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
