//! A shelf of things found by a text id: each may be hidden from listings for a while, and linger in them after
//! its end. What lingers is listed but no longer found.

use std::collections::BTreeMap;

use jiff::Timestamp;

#[derive(Debug)]
struct Entry<T> {
    thing: T,
    hidden_until: Timestamp,
    /// Set when it has ended: until then it is still listed.
    listed_until: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct Shelf<T> {
    entries: BTreeMap<String, Entry<T>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Shelf<T> {
        Shelf { entries: BTreeMap::new() }
    }
}

impl<T> Shelf<T> {
    pub(crate) fn add(&mut self, id: &str, thing: T, hidden_until: Timestamp) {
        self.entries.insert(id.to_owned(), Entry { thing, hidden_until, listed_until: None });
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.entries.get(id).filter(|entry| entry.listed_until.is_none()).map(|entry| &entry.thing)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let entry = self.entries.get_mut(id).filter(|entry| entry.listed_until.is_none());
        entry.map(|entry| &mut entry.thing)
    }

    /// Ends the thing; what has lingered long enough goes for good.
    pub(crate) fn remove(&mut self, id: &str, now: Timestamp, listed_until: Timestamp) -> Option<&T> {
        self.entries.retain(|_, entry| entry.listed_until.is_none_or(|until| until > now));
        let entry = self.entries.get_mut(id).filter(|entry| entry.listed_until.is_none())?;
        entry.listed_until = Some(listed_until);
        Some(&entry.thing)
    }

    /// What exists, listed or not.
    pub(crate) fn living(&self) -> impl Iterator<Item = &T> {
        self.entries.values().filter(|entry| entry.listed_until.is_none()).map(|entry| &entry.thing)
    }

    pub(crate) fn living_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.values_mut().filter(|entry| entry.listed_until.is_none()).map(|entry| &mut entry.thing)
    }

    /// What the listings show.
    pub(crate) fn listed(&self, now: Timestamp) -> impl Iterator<Item = &T> {
        let shown = move |entry: &&Entry<T>| {
            entry.hidden_until <= now && entry.listed_until.is_none_or(|until| until > now)
        };
        self.entries.values().filter(shown).map(|entry| &entry.thing)
    }
}
