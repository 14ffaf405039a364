//! The stand-in for the finance service: takes invoices, once each, from whoever signs as the platform's administrator.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use crate::model::Account;
use crate::model::finance::Import;
use crate::model::refusal::{Refusal, forbidden, invalid};

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    tenant_id: String,
    roles: Vec<String>,
    exp: i64,
}

/// Answers `created`, or `updated` when tenant, source and external id are known already.
pub(crate) fn import(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let secret = account.finance_secret.clone();
    let claims = verified(&call.token, secret.expose_secret().as_bytes()).ok_or(Refusal::Unauthorized)?;
    if claims.exp <= account.now().as_second() {
        return Err(Refusal::Unauthorized);
    }
    if claims.tenant_id != "platform-admin" || !claims.roles.iter().any(|role| role == "admin") {
        return forbidden("only the platform's administrator may import invoices");
    }
    let body: Value = call.body()?;
    let import: Import = call.body()?;
    check(&import)?;
    let (id, outcome) = account.import_invoice(&import, body);
    let shown = json!({ "id": id, "status": outcome, "external_id": import.external_id });
    Answer::json(if outcome == "created" { 201 } else { 200 }, &shown)
}

fn verified(token: &str, secret: &[u8]) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    let algorithm = match header.alg.as_str() {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => return None,
    };
    let key = hmac::Key::new(algorithm, secret);
    hmac::verify(&key, signed.as_bytes(), &decode(signature)?).ok()?;
    serde_json::from_slice(&decode(claims)?).ok()
}

/// Amounts are whole minor units, net and tax make gross, and so do the lines.
fn check(import: &Import) -> Result<(), Refusal> {
    let texts = [&import.tenant_id, &import.source, &import.external_id, &import.period, &import.currency];
    if texts.iter().any(|text| text.is_empty()) {
        return invalid("tenant_id, source, external_id, period and currency must not be empty");
    }
    if import.net_minor + import.tax_minor != import.gross_minor {
        return invalid("net_minor and tax_minor do not make gross_minor");
    }
    if import.lines.iter().map(|line| line.amount_minor).sum::<i64>() != import.gross_minor {
        return invalid("the lines do not make gross_minor");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(header: &str, claims: &str, secret: &[u8]) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, secret), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn only_a_signature_with_the_secret_is_believed() {
        let claims = r#"{"tenant_id":"platform-admin","roles":["admin"],"exp":9}"#;
        let token = signed(r#"{"alg":"HS512"}"#, claims, b"secret");
        assert!(verified(&token, b"secret").is_some());
        assert!(verified(&token, b"other").is_none());
        let unsigned =
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims));
        assert!(verified(&unsigned, b"secret").is_none());
    }
}
