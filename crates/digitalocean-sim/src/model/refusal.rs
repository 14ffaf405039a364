//! Why the account did not do what was asked; the HTTP face turns each into a status and a body.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("The resource you were accessing could not be found.")]
    NotFound,
    /// The request was understood and breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The request could not be understood.
    #[error("{0}")]
    Malformed(String),
    /// A tag name with characters that are not allowed; answered in a shape of its own.
    #[error("Error validating resource tag: {0:?}")]
    BadTag(String),
}

pub(crate) const PENDING_EVENT: &str = "Droplet already has a pending event.";

pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Invalid(message.into()))
}
