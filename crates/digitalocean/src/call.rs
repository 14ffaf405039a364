//! A request before it has a host or a token: method, route, ids, query, body.

use std::fmt::{Display, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Serialize;

use crate::{Error, ErrorKind};

/// Tag names hold `:`, which the API takes unescaped.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) route: &'static str,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    /// Why it cannot be sent; reported when it would be.
    pub(crate) invalid: Option<&'static str>,
}

impl Call {
    /// Each `{…}` of the route takes one of `ids`, in order.
    fn new(method: Method, route: &'static str, ids: &[&(dyn Display + Sync)]) -> Self {
        let mut path = String::with_capacity(route.len() + 24);
        let mut invalid = None;
        let mut ids = ids.iter();
        let mut rest = route;
        while let Some((before, after)) = rest.split_once('{') {
            path.push_str(before);
            let id = ids.next().map(ToString::to_string).unwrap_or_default();
            // An empty or dotted segment would silently address another resource.
            if matches!(id.as_str(), "" | "." | "..") {
                invalid = Some("an id in the path is empty or made of dots");
            }
            let _ = write!(path, "{}", utf8_percent_encode(&id, ESCAPED));
            rest = after.split_once('}').map_or("", |(_, after)| after);
        }
        path.push_str(rest);
        Self { method, route, path, query: Vec::new(), body: None, invalid }
    }

    pub(crate) fn get(route: &'static str, ids: &[&(dyn Display + Sync)]) -> Self {
        Self::new(Method::GET, route, ids)
    }

    pub(crate) fn delete(route: &'static str, ids: &[&(dyn Display + Sync)]) -> Self {
        Self::new(Method::DELETE, route, ids)
    }

    pub(crate) fn post(route: &'static str, ids: &[&(dyn Display + Sync)], body: &impl Serialize) -> Self {
        Self::new(Method::POST, route, ids).with_body(body)
    }

    pub(crate) fn put(route: &'static str, ids: &[&(dyn Display + Sync)], body: &impl Serialize) -> Self {
        Self::new(Method::PUT, route, ids).with_body(body)
    }

    pub(crate) fn with_body(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Some(bytes),
            Err(_) => self.invalid = Some("the body does not serialise"),
        }
        self
    }

    pub(crate) fn query(mut self, key: &'static str, value: impl Display) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    pub(crate) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, &self.method, &self.path, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_fill_the_route_in_order_and_are_escaped() {
        let call = Call::get("/v2/domains/{name}/records/{id}", &[&"a b/ü.com", &7]);
        assert_eq!(call.path, "/v2/domains/a%20b%2F%C3%BC.com/records/7");
        assert_eq!(Call::get("/v2/tags/{name}", &[&"env:demo"]).path, "/v2/tags/env:demo");
        assert_eq!(call.invalid, None);
    }

    #[test]
    fn an_id_that_would_change_the_path_is_invalid() {
        for id in ["", ".", ".."] {
            assert!(Call::delete("/v2/snapshots/{id}", &[&id]).invalid.is_some(), "{id:?}");
        }
        assert!(Call::delete("/v2/snapshots/{id}", &[]).invalid.is_some());
    }
}
