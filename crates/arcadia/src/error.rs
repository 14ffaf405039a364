//! The one error of the service and what HTTP makes of it: the only place that decides a status.

use crate::catalogue::Unavailable;
use crate::deployments;
use arcadia_saga::{SagaId, StartError, VerbError};
use serde::Serialize;
use std::sync::Arc;

/// One thing wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Its path in the body, such as `plan.size`, or the name of a parameter.
    pub field: String,
    /// What is wrong, for a person.
    pub message: String,
}

impl FieldError {
    /// `message` about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), message: message.into() }
    }
}

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{why}")]
    Unauthenticated { why: String, token_given: bool },
    #[error("only a platform admin may do this")]
    NotPlatformAdmin,
    #[error("there is no such thing here")]
    NotFound,
    #[error("this path does not take this method")]
    MethodNotAllowed,
    #[error("the body must be JSON; send it with `content-type: application/json`")]
    NotJson,
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("{why}")]
    Malformed { why: String },
    #[error("some fields cannot be accepted: {}", fields_words(.0))]
    Invalid(Vec<FieldError>),
    #[error("the Idempotency-Key was used before with another body")]
    KeyReused,
    #[error("{what} is taken by another deployment")]
    Taken { what: String, fields: Vec<FieldError> },
    /// The saga is named only to those who may see it.
    #[error("something that this would change is being changed{}", saga_words(saga.as_ref()))]
    Busy { saga: Option<SagaId> },
    #[error("{why}")]
    Refused { why: String },
    #[error("the provider cannot be reached; nothing was done")]
    Provider(#[from] Unavailable),
    #[error("the database cannot be used now")]
    Database(#[source] arcadia_sql::Error),
    #[error("claims are held: run `arcadia recover` ({why})")]
    Held { why: Arc<str> },
    #[error("the request took too long")]
    TooSlow,
    #[error("this should not happen")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What HTTP needs to know of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Face {
    pub status: u16,
    /// The last part of the problem's `type`: stable, for programs.
    pub name: &'static str,
    pub title: &'static str,
}

impl Error {
    /// The status, and the problem's name and title.
    #[must_use]
    pub fn face(&self) -> Face {
        let (status, name, title) = match self {
            Error::Malformed { .. } => (400, "malformed-request", "The request cannot be read"),
            Error::Unauthenticated { .. } => (401, "unauthenticated", "A valid token is needed"),
            Error::NotPlatformAdmin => (403, "not-platform-admin", "Not allowed"),
            Error::NotFound => (404, "not-found", "Not found"),
            Error::MethodNotAllowed => (405, "method-not-allowed", "Method not allowed"),
            Error::Taken { .. } => (409, "taken", "Already taken"),
            Error::Busy { .. } => (409, "being-changed", "Being changed by another saga"),
            Error::Refused { .. } => (409, "refused", "Refused in its present state"),
            Error::TooLarge { .. } => (413, "body-too-large", "The body is too large"),
            Error::NotJson => (415, "not-json", "The body must be JSON"),
            Error::Invalid(_) => (422, "invalid-request", "Some fields cannot be accepted"),
            Error::KeyReused => (422, "idempotency-key-reused", "Idempotency-Key used before"),
            Error::Internal(_) => (500, "internal", "Internal error"),
            Error::Provider(_) => (503, "provider-unavailable", "The provider cannot be reached"),
            Error::Database(_) => (503, "database-unavailable", "The database cannot be used now"),
            Error::Held { .. } => (503, "claims-held", "The ledger is behind the provider"),
            Error::TooSlow => (503, "too-slow", "The request took too long"),
        };
        Face { status, name, title }
    }

    /// What is said to the caller. Of an internal error: nothing.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Error::Internal(_) => "the error was logged under the request id".to_owned(),
            other => other.to_string(),
        }
    }

    /// The fields it is about.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Error::Invalid(fields) | Error::Taken { fields, .. } => fields,
            _ => &[],
        }
    }

    /// One field that cannot be accepted.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Error {
        Error::Invalid(vec![FieldError::new(field, message)])
    }
}

fn fields_words(fields: &[FieldError]) -> String {
    let mut names: Vec<&str> = fields.iter().map(|error| error.field.as_str()).collect();
    names.dedup();
    let quoted: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > 5 { ", …" } else { "" };
    format!("{}{more}", quoted.join(", "))
}

fn saga_words(saga: Option<&SagaId>) -> String {
    saga.map(|saga| format!(" by saga {saga}")).unwrap_or_default()
}

impl From<arcadia_sql::Error> for Error {
    fn from(error: arcadia_sql::Error) -> Error {
        if error.is_busy() || error.is_connection_lost() {
            Error::Database(error)
        } else {
            Error::Internal(error.into())
        }
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Error {
        match error {
            StartError::Conflict { saga, .. } | StartError::UnderWay { saga, .. } => {
                Error::Busy { saga: Some(saga) }
            }
            StartError::KeyReused { .. } => Error::KeyReused,
            StartError::Database(error) => error.into(),
            other @ (StartError::Plan(_) | StartError::Inputs(_) | StartError::Taken(_)) => {
                Error::Internal(other.into())
            }
        }
    }
}

impl From<VerbError> for Error {
    fn from(error: VerbError) -> Error {
        match error {
            VerbError::NotFound(_) => Error::NotFound,
            refused @ VerbError::Refused { .. } => Error::Refused { why: refused.to_string() },
            VerbError::Database(error) => error.into(),
        }
    }
}

impl From<deployments::Error> for Error {
    fn from(error: deployments::Error) -> Error {
        match error {
            deployments::Error::NotFound(_) => Error::NotFound,
            refused @ deployments::Error::Refused { .. } => Error::invalid("state", refused.to_string()),
            deployments::Error::Database(error) => error.into(),
        }
    }
}
