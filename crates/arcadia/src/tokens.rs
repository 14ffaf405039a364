//! JSON Web Tokens: issued elsewhere and verified here against a shared secret. The accepted algorithms are ours,
//! never the token's choice.

mod hmac;

use crate::scope::{Caller, Scope};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Clocks differ a little.
const LEEWAY_S: u64 = 30;
/// No issuer's names are longer.
const NAME_BYTES_MAX: usize = 255;
/// The issuer's spelling and the other one. `admin` alone is a tenant's role.
const PLATFORM_ADMIN: [&str; 2] = ["platform-admin", "platform_admin"];

/// What a token says of its bearer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    #[serde(default)]
    pub roles: Vec<String>,
    /// Seconds since 1970.
    pub exp: i64,
}

/// Why a token is not accepted, in words that tell its bearer nothing he could use to forge one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token names no tenant")]
    NoTenant,
    #[error("the token is not valid")]
    Invalid,
}

/// Checks tokens.
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl Verifier {
    /// Accepts what was signed with `secret` by HS256, HS384 or HS512.
    #[must_use]
    pub fn new(secret: &SecretString) -> Verifier {
        hmac::install();
        let mut validation = Validation::new_for_family(AlgorithmFamily::Hmac);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        // The issuer's tokens serve several services; the shared secret says that this is one of them.
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "sub"]);
        Verifier { key: DecodingKey::from_secret(secret.expose_secret().as_bytes()), validation }
    }

    /// Who bears `token`.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn verify(&self, token: &str) -> Result<Caller, Refused> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation);
        let claims = decoded.map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => Refused::Expired,
            ErrorKind::ImmatureSignature => Refused::NotYetValid,
            _ => Refused::Invalid,
        })?;
        caller(claims.claims)
    }
}

fn caller(claims: Claims) -> Result<Caller, Refused> {
    let is_name = |name: &str| (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(char::is_control);
    let Claims { sub, tenant_id, roles, .. } = claims;
    if !is_name(&sub) {
        return Err(Refused::Invalid);
    }
    if roles.iter().any(|role| PLATFORM_ADMIN.contains(&role.as_str())) {
        return Ok(Caller { subject: sub, scope: Scope::All });
    }
    match tenant_id.filter(|tenant| is_name(tenant)) {
        Some(tenant) => Ok(Caller { subject: sub, scope: Scope::Tenant(tenant) }),
        None => Err(Refused::NoTenant),
    }
}

/// A token for local development and the demo, signed by the issuer's usual HS512.
///
/// # Errors
/// The claims cannot be written as JSON.
pub fn mint(secret: &SecretString, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
    hmac::install();
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS512), claims, &key)
}
