//! The API's envelopes: the value under one known key, with `links` and `meta` beside it.
//! Everything else in the object is skipped without being built.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};

use crate::{actions::ActionId, wire::or_default};

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Links {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) pages: PageLinks,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) actions: Vec<ActionLink>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageLinks {
    pub(crate) next: Option<String>,
}

/// Only the id counts: the link is documented as absolute and sent as relative.
#[derive(Debug, Deserialize)]
pub(crate) struct ActionLink {
    pub(crate) id: ActionId,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    total: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Envelope<T> {
    pub(crate) value: T,
    pub(crate) links: Links,
    pub(crate) total: Option<u64>,
}

/// Decodes the object whose value stands under `key`.
pub(crate) fn open<T: DeserializeOwned>(
    body: &[u8],
    key: &'static str,
) -> Result<Envelope<T>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let envelope = Under { key, value: PhantomData }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(envelope)
}

struct Under<T> {
    key: &'static str,
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Under<T> {
    type Value = Envelope<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Under<T> {
    type Value = Envelope<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the key `{}`", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut value = None;
        let mut links = Links::default();
        let mut meta = Meta::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                key if key == self.key => value = Some(map.next_value()?),
                "links" => links = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "meta" => meta = map.next_value::<Option<_>>()?.unwrap_or_default(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let value = value.ok_or_else(|| A::Error::missing_field(self.key))?;
        Ok(Envelope { value, links, total: meta.total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Numbers = Option<Vec<u64>>;

    #[test]
    fn links_may_be_absent_null_empty_or_full() {
        for links in [
            "",
            r#","links":null"#,
            r#","links":{}"#,
            r#","links":{"pages":{}}"#,
            r#","links":{"pages":null}"#,
        ] {
            let body = format!(r#"{{"extra":[{{}}],"numbers":[1,2],"meta":{{"total":2}}{links}}}"#);
            let envelope = open::<Numbers>(body.as_bytes(), "numbers").unwrap();
            assert_eq!(envelope.value, Some(vec![1, 2]));
            assert_eq!(envelope.total, Some(2));
            assert_eq!(envelope.links.pages.next, None);
        }
        let body = br#"{"numbers":null,"links":{"pages":{"next":"http://x/v2?page=2"}}}"#;
        let envelope = open::<Numbers>(body, "numbers").unwrap();
        assert_eq!((envelope.value, envelope.total), (None, None));
        assert_eq!(envelope.links.pages.next.as_deref(), Some("http://x/v2?page=2"));
    }

    #[test]
    fn an_answer_without_the_key_is_not_an_empty_list() {
        assert!(open::<Numbers>(br#"{"links":{}}"#, "numbers").is_err());
        assert!(open::<Numbers>(br#"{"numbers":[1]} trailing"#, "numbers").is_err());
    }
}
