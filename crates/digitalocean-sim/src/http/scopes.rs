//! Tokens that may not do everything. A missing scope is a 403; what may not be read of an embedded resource is
//! silently left out, which looks to its reader as if it were not there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// The scopes of one token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scopes(BTreeSet<String>);

/// Tokens with limits; any other that is not revoked may do everything.
#[derive(Default)]
pub(crate) struct Tokens {
    limited: BTreeMap<String, Scopes>,
    revoked: BTreeSet<String>,
}

impl Tokens {
    /// `None` lifts the limits of a token, and its revocation.
    pub(crate) fn limit(&mut self, token: &str, scopes: Option<Vec<String>>) {
        self.revoked.remove(token);
        match scopes {
            Some(scopes) => self.limited.insert(token.to_owned(), Scopes(scopes.into_iter().collect())),
            None => self.limited.remove(token),
        };
    }

    pub(crate) fn revoke(&mut self, token: &str) {
        self.revoked.insert(token.to_owned());
    }

    pub(crate) fn is_revoked(&self, token: &str) -> bool {
        self.revoked.contains(token)
    }

    pub(crate) fn scopes(&self, token: &str) -> Option<&Scopes> {
        self.limited.get(token)
    }
}

impl Scopes {
    /// `a+b` asks for both, `a|b` for either; an empty text for nothing.
    pub(crate) fn allow(&self, wanted: &str) -> bool {
        let has = |scope: &str| scope.is_empty() || self.0.contains(scope);
        if wanted.contains('|') { wanted.split('|').any(has) } else { wanted.split('+').all(has) }
    }

    /// The first scope that is missing for `wanted`.
    pub(crate) fn missing<'a>(&self, wanted: &'a str) -> &'a str {
        let absent = |scope: &&str| !self.0.contains(*scope);
        wanted.split(['+', '|']).find(absent).unwrap_or(wanted)
    }

    /// Leaves out of an answer what the token may not read.
    pub(crate) fn censor(&self, body: &mut Value) {
        match body {
            Value::Array(entries) => entries.iter_mut().for_each(|entry| self.censor(entry)),
            Value::Object(fields) => {
                for (field, scope, instead) in EMBEDDED {
                    if let Some(value) = fields.get_mut(*field)
                        && !self.allow(scope)
                    {
                        *value = empty(*instead);
                    }
                }
                if !self.allow("vpc:read") {
                    fields.remove("vpc_uuid");
                }
                fields.values_mut().for_each(|value| self.censor(value));
            }
            _ => {}
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Instead {
    List,
    Object,
}

/// Field, the scope that shows it, and what stands there without.
const EMBEDDED: &[(&str, &str, Instead)] = &[
    ("tags", "tag:read", Instead::List),
    ("image", "image:read", Instead::Object),
    ("snapshot_ids", "image:read", Instead::List),
    ("backup_ids", "image:read", Instead::List),
    ("volume_ids", "block_storage:read", Instead::List),
    ("sizes", "sizes:read", Instead::List),
];

fn empty(instead: Instead) -> Value {
    match instead {
        Instead::List => json!([]),
        Instead::Object => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_may_ask_for_both_or_for_either() {
        let scopes = Scopes(["image:delete".to_owned()].into());
        assert!(
            !scopes.allow("image:delete+snapshot:delete") && scopes.allow("image:delete|snapshot:delete")
        );
        assert_eq!(scopes.missing("image:delete+snapshot:delete"), "snapshot:delete");
    }

    #[test]
    fn what_may_not_be_read_looks_as_if_it_were_not_there() {
        let mut body =
            json!({ "droplets": [{ "id": 1, "tags": ["a"], "vpc_uuid": "x", "volume_ids": ["v"] }] });
        Scopes(["droplet:read".to_owned(), "block_storage:read".to_owned()].into()).censor(&mut body);
        assert_eq!(body, json!({ "droplets": [{ "id": 1, "tags": [], "volume_ids": ["v"] }] }));
    }
}
