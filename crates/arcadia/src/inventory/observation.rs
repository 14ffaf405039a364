//! What was seen of one resource, in the inventory's words, and what of it differs from a row.

use super::store::ResourceRow;
use digitalocean::Droplet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One resource as the provider showed it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
        ];
        let changed = pairs.into_iter().filter(|(_, before, after)| before != after);
        changed
            .map(|(name, before, after)| (name.to_owned(), json!({"before": before, "after": after})))
            .collect()
    }
}

impl From<&Droplet> for Observation {
    fn from(droplet: &Droplet) -> Observation {
        let image = droplet.image.as_ref();
        let mut tags = droplet.tags.clone();
        tags.sort();
        let attrs = json!({
            "memory_mib": droplet.memory,
            "vcpus": droplet.vcpus,
            "disk_gib": droplet.disk,
            "image": image.and_then(|image| image.slug.clone()),
            "image_id": image.map(|image| image.id.0),
            "public_ipv4": droplet.public_ipv4(),
            "private_ipv4": droplet.private_ipv4(),
            "vpc_uuid": droplet.vpc_uuid,
            "features": droplet.features,
            "created_at": droplet.created_at,
        });
        Observation {
            provider_id: droplet.id.to_string(),
            name: droplet.name.clone(),
            region: Some(droplet.region.slug.clone()),
            status: Some(droplet.status.to_string()),
            size_slug: Some(droplet.size_slug.clone()),
            tags,
            attrs: attrs.as_object().cloned().unwrap_or_default(),
            monthly_cost_minor: droplet.size.as_ref().and_then(|size| minor(size.price_monthly)),
        }
    }
}

/// A price in dollars as whole cents, rounded half to even.
fn minor(price: rust_decimal::Decimal) -> Option<i64> {
    use rust_decimal::prelude::ToPrimitive as _;
    (price * rust_decimal::Decimal::ONE_HUNDRED).round().to_i64()
}
