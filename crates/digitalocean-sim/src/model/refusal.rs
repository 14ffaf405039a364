//! Why the account did not do what was asked; the HTTP face turns each into a status and a body.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("The resource you were accessing could not be found.")]
    NotFound,
    /// Something that the request names does not exist.
    #[error("{0}")]
    Missing(String),
    /// The request was understood and breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The request could not be understood.
    #[error("{0}")]
    Malformed(String),
    /// The token or the account may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The resource is held by another, or its name is taken.
    #[error("{0}")]
    Conflict(String),
    /// Something must be done first.
    #[error("{0}")]
    Precondition(String),
    /// The token is missing, or is none of ours.
    #[error("Unable to authenticate you.")]
    Unauthorized,
    /// A tag name with characters that are not allowed; answered in a shape of its own.
    #[error("Error validating resource tag: {0:?}")]
    BadTag(String),
}

pub(crate) const PENDING_EVENT: &str = "Droplet already has a pending event.";

pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Invalid(message.into()))
}

pub(crate) fn forbidden<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Forbidden(message.into()))
}

pub(crate) fn conflict<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Conflict(message.into()))
}
