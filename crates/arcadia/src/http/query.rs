//! A request's query: every parameter once, none that is not known. And pages: newest first, continued by an opaque
//! cursor.

use super::App;
use crate::error::{Error, FieldError};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use std::collections::BTreeMap;
use std::str::FromStr;
use uuid::Uuid;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

/// The parameters, to be taken out one by one; [`Query::finish`] refuses what is left.
#[derive(Debug, Clone, Default)]
pub struct Query {
    given: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

impl FromRequestParts<App> for Query {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Query, Error> {
        let mut query = Query::default();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if value.contains('\0') {
                query.errors.push(FieldError::new(name.as_ref(), "may not hold NUL"));
            } else if query.given.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                query.errors.push(FieldError::new(name, "is given twice"));
            }
        }
        Ok(query)
    }
}

impl Query {
    /// A parameter as text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.given.remove(name)
    }

    /// A parameter that `parse` understands; `wanted` says what that would be.
    pub fn parsed<T>(&mut self, name: &str, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.given.remove(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.errors.push(FieldError::new(name, format!("must be {wanted}")));
        }
        parsed
    }

    /// Something wrong that only the caller knows.
    pub fn refuse(&mut self, name: &str, message: &str) {
        self.errors.push(FieldError::new(name, message));
    }

    /// `limit` and `cursor`.
    pub fn page(&mut self) -> Page {
        let limit = self.limit();
        let before = self.parsed("cursor", "a `next_cursor` of an earlier answer", decode);
        Page { limit, before }
    }

    /// `limit`, for a list with cursors of its own.
    pub fn limit(&mut self) -> u32 {
        let within = |limit: &u32| (1..=LIMIT_MAX).contains(limit);
        let limit = self.parsed("limit", &format!("a number from 1 to {LIMIT_MAX}"), |text| {
            u32::from_str(text).ok().filter(within)
        });
        limit.unwrap_or(LIMIT_DEFAULT)
    }

    /// To be called when all that is known was taken.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong.
    pub fn finish(mut self) -> Result<(), Error> {
        let unknown = self.given.into_keys().map(|name| FieldError::new(name, "is not a parameter here"));
        self.errors.extend(unknown);
        if self.errors.is_empty() { Ok(()) } else { Err(Error::Invalid(self.errors)) }
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// At most so many.
    pub limit: u32,
    /// Only older than this one.
    pub before: Option<Uuid>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed<T> {
    pub data: Vec<T>,
    /// Where the next page begins; missing on the last.
    pub next_cursor: Option<String>,
}

impl Page {
    /// How many to read, to know whether there are more.
    #[must_use]
    pub fn to_read(self) -> u32 {
        self.limit + 1
    }

    /// The page made of what was read.
    #[must_use]
    pub fn of<T>(self, mut read: Vec<T>, id: impl Fn(&T) -> Uuid) -> Listed<T> {
        let limit = self.limit as usize;
        let has_more = read.len() > limit;
        read.truncate(limit);
        let next_cursor = read.last().filter(|_| has_more).map(|last| encode(id(last)));
        Listed { data: read, next_cursor }
    }
}

fn encode(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

fn decode(cursor: &str) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}
