//! What the account's own log says of one resource at a time: whether it was there, what of it a listing showed, and in
//! which project it lay.

use arcadia::inventory::kinds;
use digitalocean_sim::{Change, ChangeKind, Kind};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The changes of one resource, moves between projects too, oldest first.
pub struct Truth<'a> {
    kind: &'static str,
    changes: Vec<&'a Change>,
    default_project: String,
}

/// See the file's head.
#[derive(Debug, Default, PartialEq)]
pub struct Was {
    pub is_there: bool,
    pub shown: Map<String, Value>,
    /// By the provider's id.
    pub project: String,
}

impl<'a> Truth<'a> {
    pub fn of(log: &'a [Change], (kind, ours): (Kind, &'static str), id: &str) -> Truth<'a> {
        let is_move = |change: &Change| {
            let urn = change.fields["assigned"].as_str().and_then(kinds::of_urn);
            change.kind == Kind::Project && urn.is_some_and(|(kind, of)| kind == ours && of == id)
        };
        let is_own = |change: &Change| change.kind == kind && change.id == id;
        let changes = log.iter().filter(|change| is_own(change) || is_move(change)).collect();
        let first = |change: &&Change| change.kind == Kind::Project && change.change == ChangeKind::Created;
        let default_project = log.iter().find(first).unwrap().id.clone();
        Truth { kind: ours, changes, default_project }
    }

    pub fn at(&self, at: Timestamp) -> Was {
        let mut was = Was::default();
        for change in self.changes.iter().take_while(|change| change.at <= at) {
            self.take(&mut was, change);
        }
        was
    }

    fn take(&self, was: &mut Was, change: &Change) {
        match (change.kind, change.change) {
            (Kind::Project, _) => was.project.clone_from(&change.id),
            (_, ChangeKind::Created) => {
                *was =
                    Was { is_there: true, shown: self.made(change), project: self.default_project.clone() };
            }
            (_, ChangeKind::Destroyed) => *was = Was::default(),
            (_, ChangeKind::Changed) => set(&mut was.shown, change),
        }
    }

    fn made(&self, change: &Change) -> Map<String, Value> {
        let mut shown = Map::from_iter([("name".to_owned(), json!(change.name))]);
        if self.kind == "droplet" {
            for field in ["size_slug", "region", "tags"] {
                shown.insert(field.to_owned(), change.fields[field].clone());
            }
            shown.insert("status".to_owned(), json!("new"));
        }
        shown
    }

    /// Whether anything of it changed after `from` and not after `to`.
    pub fn changed_within(&self, from: Timestamp, to: Timestamp) -> bool {
        self.changes.iter().any(|change| from < change.at && change.at <= to)
    }
}

fn set(shown: &mut Map<String, Value>, change: &Change) {
    for (field, value) in change.fields.as_object().into_iter().flatten() {
        match field.as_str() {
            "tagged" => tags(shown, |tags| tags.insert(value.as_str().unwrap_or_default().to_owned())),
            "untagged" => tags(shown, |tags| tags.remove(value.as_str().unwrap_or_default())),
            "name" | "status" | "size_slug" | "region" => drop(shown.insert(field.clone(), value.clone())),
            _ => {}
        }
    }
}

fn tags(shown: &mut Map<String, Value>, change: impl FnOnce(&mut BTreeSet<String>) -> bool) {
    let had = shown.get("tags").and_then(Value::as_array).into_iter().flatten();
    let mut tags: BTreeSet<String> = had.filter_map(Value::as_str).map(str::to_owned).collect();
    change(&mut tags);
    shown.insert("tags".to_owned(), json!(tags));
}
