//! SSH keys: named, and identified by number or by the MD5 fingerprint of their material.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::Serialize;
use serde_json::json;

use super::creation::KeyRef;
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, invalid};
use super::{Account, Window};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct SshKey {
    pub(crate) id: u64,
    pub(crate) fingerprint: String,
    pub(crate) public_key: String,
    pub(crate) name: String,
}

impl Account {
    pub(super) fn knows_key(&self, key: &KeyRef) -> bool {
        match key {
            KeyRef::Id(id) => self.keys.contains_key(id),
            KeyRef::Fingerprint(text) => self.key(text).is_ok(),
        }
    }

    /// Finds a key by id or fingerprint.
    pub(crate) fn key(&self, text: &str) -> Result<&SshKey, Refusal> {
        let by_id = text.parse().ok().and_then(|id: u64| self.keys.get(&id));
        by_id.or_else(|| self.keys.values().find(|key| key.fingerprint == text)).ok_or(Refusal::NotFound)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &SshKey> {
        self.keys.values()
    }

    pub(crate) fn list_keys(&self, window: Window) -> (Vec<&SshKey>, usize) {
        window.cut(self.keys.values())
    }

    pub(crate) fn create_key(&mut self, name: &str, public_key: &str, by: Origin) -> Result<SshKey, Refusal> {
        if name.is_empty() {
            return invalid("Name can't be blank");
        }
        let Some(fingerprint) = fingerprint(public_key) else {
            return invalid("Key invalid, key should be of the format `type key [comment]`");
        };
        if self.key(&fingerprint).is_ok() {
            return invalid("SSH Key is already in use on your account");
        }
        let id = self.ids.key();
        let key = SshKey { id, fingerprint, public_key: public_key.to_owned(), name: name.to_owned() };
        self.note(by, ChangeKind::Created, Kind::SshKey, id, name, json!({ "fingerprint": key.fingerprint }));
        self.keys.insert(id, key.clone());
        Ok(key)
    }

    pub(crate) fn rename_key(&mut self, text: &str, name: &str) -> Result<SshKey, Refusal> {
        let id = self.key(text)?.id;
        let Some(key) = self.keys.get_mut(&id) else { return Err(Refusal::NotFound) };
        name.clone_into(&mut key.name);
        let key = key.clone();
        self.note(Origin::Api, ChangeKind::Changed, Kind::SshKey, id, name, json!({ "name": name }));
        Ok(key)
    }

    pub(crate) fn delete_key(&mut self, text: &str, by: Origin) -> Result<(), Refusal> {
        let key = self.key(text)?.clone();
        self.keys.remove(&key.id);
        self.note(by, ChangeKind::Destroyed, Kind::SshKey, key.id, &key.name, json!({}));
        Ok(())
    }
}

/// MD5 of the decoded key material in the colon form, as `ssh-keygen -E md5` prints it.
fn fingerprint(public_key: &str) -> Option<String> {
    let mut words = public_key.split_whitespace();
    let (_, material) = (words.next()?, words.next()?);
    let material = STANDARD.decode(material).ok()?;
    let digest = Md5::digest(material);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(pairs.join(":"))
}
