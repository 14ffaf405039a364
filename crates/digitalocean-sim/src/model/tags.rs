//! Tags. The capitalisation used first is canonical; tagging a droplet that does not exist succeeds and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::images::ImageKey;
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::Refusal;
use super::{Account, Twist, Window, after_ms};

#[derive(Debug, Clone, Default)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) droplets: BTreeSet<u64>,
    pub(crate) images: BTreeSet<u64>,
    pub(crate) last_droplet: Option<u64>,
    pub(crate) last_image: Option<u64>,
    held: BTreeMap<Holder, BTreeSet<String>>,
    hidden_until: Timestamp,
}

/// What else than droplets and images bears tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    Volume,
    VolumeSnapshot,
    Database,
}

impl Holder {
    pub(crate) const ALL: [Holder; 3] = [Holder::Volume, Holder::VolumeSnapshot, Holder::Database];

    fn parse(word: &str) -> Option<Holder> {
        match word {
            "volume" => Some(Holder::Volume),
            "volume_snapshot" => Some(Holder::VolumeSnapshot),
            "database" => Some(Holder::Database),
            _ => None,
        }
    }
}

impl Tag {
    pub(crate) fn held(&self, holder: Holder) -> usize {
        self.held.get(&holder).map_or(0, BTreeSet::len)
    }

    pub(crate) fn count(&self) -> usize {
        let held: usize = Holder::ALL.into_iter().map(|holder| self.held(holder)).sum();
        self.droplets.len() + self.images.len() + held
    }
}

/// By name; the second map leads from the lower-case form to the canonical one.
#[derive(Debug, Default)]
pub(super) struct Tags {
    tags: BTreeMap<String, Tag>,
    canonical: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TagTarget {
    #[serde(deserialize_with = "text_or_number")]
    pub(crate) resource_id: String,
    pub(crate) resource_type: String,
}

/// Clients send droplet ids both as numbers and as text.
fn text_or_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(u64),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    })
}

impl Tags {
    pub(super) fn check(name: &str) -> Result<(), Refusal> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
        if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
            return Err(Refusal::BadTag(format!("tag-name {name:?} contains invalid characters")));
        }
        Ok(())
    }

    /// The ids of the droplets that bear the tag, also those that never existed.
    pub(super) fn droplets(&self, tag: &str) -> Vec<u64> {
        self.tags.get(tag).map(|tag| tag.droplets.iter().copied().collect()).unwrap_or_default()
    }

    pub(super) fn tag_droplet(&mut self, tag: &str, id: u64) {
        if let Some(tag) = self.tags.get_mut(tag) {
            tag.droplets.insert(id);
            tag.last_droplet = Some(id);
        }
    }

    pub(super) fn untag_droplet(&mut self, tag: &str, id: u64) {
        if let Some(tag) = self.tags.get_mut(tag) {
            tag.droplets.remove(&id);
        }
    }

    pub(super) fn untag_image(&mut self, tag: &str, id: u64) {
        if let Some(tag) = self.tags.get_mut(tag) {
            tag.images.remove(&id);
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Tag> {
        self.tags.values()
    }
}

impl Account {
    pub(crate) fn tag(&self, name: &str) -> Result<&Tag, Refusal> {
        self.tags.tags.get(name).ok_or(Refusal::NotFound)
    }

    pub(crate) fn list_tags(&self, window: Window) -> (Vec<&Tag>, usize) {
        window.cut(self.tags.all().filter(|tag| tag.hidden_until <= self.now))
    }

    /// Creates the tag, or finds it; answers its canonical name.
    pub(crate) fn create_tag(&mut self, name: &str, twist: Twist, by: Origin) -> Result<String, Refusal> {
        Tags::check(name)?;
        let existed = self.tags.canonical.contains_key(&name.to_ascii_lowercase());
        let name = self.ensure_tag(name, by);
        if let (false, Some(tag)) = (existed, self.tags.tags.get_mut(&name)) {
            tag.hidden_until = after_ms(self.now, twist.hide_ms.unwrap_or(0));
        }
        Ok(name)
    }

    pub(super) fn ensure_tag(&mut self, name: &str, by: Origin) -> String {
        if let Some(canonical) = self.tags.canonical.get(&name.to_ascii_lowercase()) {
            return canonical.clone();
        }
        self.tags.canonical.insert(name.to_ascii_lowercase(), name.to_owned());
        self.tags.tags.insert(name.to_owned(), Tag { name: name.to_owned(), ..Tag::default() });
        self.note(by, ChangeKind::Created, Kind::Tag, name, name, json!({}));
        name.to_owned()
    }

    pub(crate) fn delete_tag(&mut self, name: &str, by: Origin) -> Result<(), Refusal> {
        let tag = self.tag(name)?.clone();
        for id in tag.droplets {
            self.untag_one_droplet(name, id, by);
        }
        for id in tag.images {
            self.set_image_tag(name, id, false);
        }
        for (holder, ids) in tag.held {
            ids.iter().for_each(|id| self.set_holder_tag(name, holder, id, false));
        }
        self.tags.tags.remove(name);
        self.tags.canonical.remove(&name.to_ascii_lowercase());
        self.note(by, ChangeKind::Destroyed, Kind::Tag, name, name, json!({}));
        Ok(())
    }

    /// Tags or untags; kinds that carry no tags are accepted without effect, a domain is not found.
    pub(crate) fn retag(
        &mut self,
        name: &str,
        targets: &[TagTarget],
        add: bool,
        by: Origin,
    ) -> Result<(), Refusal> {
        self.tag(name)?;
        if targets.iter().any(|target| target.resource_type == "domain") {
            return Err(Refusal::NotFound);
        }
        for target in targets {
            if let Some(holder) = Holder::parse(&target.resource_type) {
                self.set_holder_tag(name, holder, &target.resource_id, add);
                continue;
            }
            let Ok(id) = target.resource_id.parse::<u64>() else { continue };
            match (target.resource_type.as_str(), add) {
                ("droplet", true) => self.tag_one_droplet(name, id, by),
                ("droplet", false) => self.untag_one_droplet(name, id, by),
                ("image", _) => self.set_image_tag(name, id, add),
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn tag_one_droplet(&mut self, name: &str, id: u64, by: Origin) {
        self.tags.tag_droplet(name, id);
        if self.droplets.get(&id).is_none_or(|droplet| droplet.tags.iter().any(|tag| tag == name)) {
            return;
        }
        self.put_tag(id, name);
        self.change_droplet(id, by, json!({ "tagged": name }), |_| {});
    }

    pub(super) fn untag_one_droplet(&mut self, name: &str, id: u64, by: Origin) {
        let had = self.droplets.get(&id).is_some_and(|droplet| droplet.tags.iter().any(|tag| tag == name));
        self.drop_tag(id, name);
        if had {
            self.change_droplet(id, by, json!({ "untagged": name }), |_| {});
        }
    }

    /// At both ends, where the resource exists.
    pub(super) fn set_holder_tag(&mut self, name: &str, holder: Holder, id: &str, add: bool) {
        let tags = match holder {
            Holder::Volume => self.volumes.get_mut(id).map(|it| &mut it.tags),
            Holder::VolumeSnapshot => self.volume_snapshots.get_mut(id).map(|it| &mut it.tags),
            Holder::Database => None,
        };
        if let Some(tags) = tags {
            tags.retain(|tag| tag != name);
            if add {
                tags.push(name.to_owned());
            }
        }
        let Some(held) = self.tags.tags.get_mut(name).map(|tag| tag.held.entry(holder).or_default()) else {
            return;
        };
        held.remove(id);
        if add {
            held.insert(id.to_owned());
        }
    }

    fn set_image_tag(&mut self, name: &str, id: u64, add: bool) {
        if self.image(&ImageKey::Id(id)).is_ok()
            && let Some(image) = self.images.get_mut(&id).map(Arc::make_mut)
        {
            image.tags.retain(|tag| tag != name);
            if add {
                image.tags.push(name.to_owned());
            }
        }
        if let Some(tag) = self.tags.tags.get_mut(name) {
            tag.images.remove(&id);
            if add {
                tag.images.insert(id);
                tag.last_image = Some(id);
            }
        }
    }
}
