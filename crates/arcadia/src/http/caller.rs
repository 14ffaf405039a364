//! Who calls: extractors that stand in a handler's signature, so that nobody forgets to ask.

use super::App;
use crate::error::Error;
use crate::scope::Caller;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

/// A caller who sees all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformAdmin {
    /// A user id.
    pub subject: String,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller, Error> {
        let token = bearer_token(parts)?;
        app.verifier
            .verify(token)
            .map_err(|refused| Error::Unauthenticated { why: refused.to_string(), token_given: true })
    }
}

impl FromRequestParts<App> for PlatformAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<PlatformAdmin, Error> {
        let Caller { subject, scope } = Caller::from_request_parts(parts, app).await?;
        if scope.is_all() { Ok(PlatformAdmin { subject }) } else { Err(Error::NotPlatformAdmin) }
    }
}

fn bearer_token(parts: &Parts) -> Result<&str, Error> {
    let missing = |why: &str| Error::Unauthenticated { why: why.to_owned(), token_given: false };
    let mut given = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(missing("one header `authorization: Bearer <token>` is needed"));
    };
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing("the `authorization` header must be `Bearer <token>`"));
    }
    Ok(token.trim())
}
