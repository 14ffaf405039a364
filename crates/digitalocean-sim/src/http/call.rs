//! A request as a face sees it, and the answer that a face gives.

use axum::body::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::scopes::Scopes;
use crate::model::refusal::Refusal;
use crate::model::{Account, Twist, Window};

/// Turns one request into work on the account; runs while the account is locked, so it never waits.
pub(crate) type Face = fn(&mut Account, &Call) -> Result<Answer, Refusal>;

/// Not for debug output: it holds the token.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// Scheme and host that the client used, for the links that we make.
    pub(crate) base: String,
    pub(crate) token: String,
    /// What a limited token may do; nothing for one that may do everything.
    pub(crate) scopes: Option<Scopes>,
    pub(crate) twist: Twist,
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Empty for 204.
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: &'static str,
    /// For a file to be saved under.
    pub(crate) file_name: Option<String>,
}

const JSON: &str = "application/json; charset=utf-8";

impl Answer {
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Result<Answer, Refusal> {
        // Only a map with keys that are no strings fails to serialize, and no face makes one.
        let body = serde_json::to_vec(body).map_err(|error| Refusal::Malformed(error.to_string()))?;
        Ok(Answer::of(status, body, JSON))
    }

    pub(crate) fn no_content() -> Result<Answer, Refusal> {
        Ok(Answer::of(204, Vec::new(), JSON))
    }

    pub(crate) fn of(status: u16, body: Vec<u8>, content_type: &'static str) -> Answer {
        Answer { status, body, content_type, file_name: None }
    }

    /// A body that was JSON when it left us.
    pub(crate) fn rendered(status: u16, body: Vec<u8>) -> Answer {
        Answer::of(status, body, JSON)
    }

    pub(crate) fn csv(text: String, file_name: String) -> Answer {
        Answer { file_name: Some(file_name), ..Answer::of(200, text.into_bytes(), "text/csv") }
    }
}

const DEFAULT_PER_PAGE: usize = 20;
const MAX_PER_PAGE: usize = 200;

impl Call {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// An id that is no number is as absent as one that nobody has.
    pub(crate) fn id(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| Refusal::NotFound)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let bytes: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        serde_json::from_slice(bytes).map_err(|_| Refusal::Malformed("error parsing request body".to_owned()))
    }

    /// More than 200 a page is refused: what the real service does then is not known, so nobody may rely on it.
    pub(crate) fn window(&self) -> Result<Window, Refusal> {
        let number = |name: &str, default: usize| match self.query(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| Refusal::Invalid(format!("{name} must be a number"))),
        };
        let (page, per_page) = (number("page", 1)?, number("per_page", DEFAULT_PER_PAGE)?);
        if page == 0 || per_page == 0 || per_page > MAX_PER_PAGE {
            return Err(Refusal::Invalid("page must be at least 1, per_page between 1 and 200".to_owned()));
        }
        Ok(Window { page, per_page, shift: self.twist.shift })
    }
}
