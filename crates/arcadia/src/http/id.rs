//! The id in a path. What is not even an id names nothing that exists.

use super::App;
use crate::error::Error;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use uuid::Uuid;

/// `{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(pub Uuid);

impl FromRequestParts<App> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Id, Error> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let text = path.map_err(|_| Error::NotFound)?.0;
        Uuid::try_parse(&text).map(Id).map_err(|_| Error::NotFound)
    }
}
