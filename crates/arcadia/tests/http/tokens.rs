//! Whose token is accepted. The forged ones are made by hand, as a forger would.

use crate::api::{Api, FAR_AWAY, SECRET, answer};
use arcadia_test_record::needle;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token signed by hand, whatever its header says.
fn signed(header: &Value, claims: &Value, algorithm: hmac::Algorithm, secret: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

fn hs256(claims: &Value) -> String {
    signed(&json!({"alg": "HS256", "typ": "JWT"}), claims, hmac::HMAC_SHA256, SECRET)
}

fn acme() -> Value {
    json!({"sub": "user", "tenant_id": "acme", "roles": [], "exp": FAR_AWAY})
}

fn acme_with(name: &str, value: Value) -> Value {
    let mut claims = acme();
    claims[name] = value;
    claims
}

stories! {
    async fn every_hmac_of_the_issuer_is_accepted(world: &World) {
        let api = Api::over(world).await;
        for (name, algorithm) in
            [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
        {
            let token = signed(&json!({"alg": name}), &acme(), algorithm, SECRET);
            api.bearer(token).get("/api/v1/deployments").await.expect(200);
        }
    }

    async fn a_token_that_proves_nothing_opens_nothing(world: &World) {
        let api = Api::over(world).await;
        let (good, header) = (hs256(&acme()), json!({"alg": "HS256"}));
        let (message, signature) = good.rsplit_once('.').unwrap();
        let payload = part(&acme());
        let other_tenant = part(&acme_with("tenant_id", json!("globex")));
        let none = part(&json!({"alg": "none"}));
        let forged = [
            ("another key", signed(&header, &acme(), hmac::HMAC_SHA256, concat!("another secret of thirty-two bytes ", needle!()))),
            ("alg none", format!("{none}.{payload}.")),
            ("alg none with a signature", format!("{none}.{payload}.{signature}")),
            ("alg NONE", format!("{}.{payload}.", part(&json!({"alg": "NONE"})))),
            ("labelled RS256", signed(&json!({"alg": "RS256"}), &acme(), hmac::HMAC_SHA256, SECRET)),
            ("labelled ES256", signed(&json!({"alg": "ES256"}), &acme(), hmac::HMAC_SHA256, SECRET)),
            ("labelled HS512", signed(&json!({"alg": "HS512"}), &acme(), hmac::HMAC_SHA256, SECRET)),
            ("no signature", format!("{message}.")),
            ("two parts", message.to_owned()),
            ("another payload", format!("{}.{other_tenant}.{signature}", part(&header))),
            ("noise", "a.b.c".to_owned()),
            ("expired", hs256(&acme_with("exp", json!(1_600_000_000)))),
            ("no expiry", hs256(&json!({"sub": "user", "tenant_id": "acme", "roles": []}))),
            ("an expiry in words", hs256(&acme_with("exp", json!("tomorrow")))),
            ("not valid yet", hs256(&acme_with("nbf", json!(FAR_AWAY - 1)))),
            ("no subject", hs256(&json!({"tenant_id": "acme", "roles": [], "exp": FAR_AWAY}))),
            ("no tenant", hs256(&json!({"sub": "user", "roles": ["admin"], "exp": FAR_AWAY}))),
            ("an empty tenant", hs256(&acme_with("tenant_id", json!("")))),
            ("a tenant with NUL", hs256(&acme_with("tenant_id", json!("ac\0me")))),
            ("roles in words", hs256(&acme_with("roles", json!("platform-admin")))),
        ];
        for (why, token) in forged {
            let refused = api.bearer(token).get("/api/v1/deployments").await;
            assert_eq!(refused.status, 401, "{why}: {}", refused.body);
            let challenge = refused.headers["www-authenticate"].to_str().unwrap();
            assert_eq!(challenge, "Bearer error=\"invalid_token\"", "{why}");
        }
        api.bearer(good).get("/api/v1/deployments").await.expect(200);
    }

    async fn no_route_but_health_opens_without_a_token(world: &World) {
        let api = Api::over(world).await;
        let id = "01a1fa4b-56f1-723b-8fcf-e6a297cfc2ed";
        let routes = [
            (Method::GET, "/api/v1/deployments".to_owned()),
            (Method::POST, "/api/v1/deployments".to_owned()),
            (Method::GET, format!("/api/v1/deployments/{id}")),
            (Method::GET, "/api/v1/sagas".to_owned()),
            (Method::GET, format!("/api/v1/sagas/{id}")),
            (Method::GET, format!("/api/v1/sagas/{id}/events")),
            (Method::POST, format!("/api/v1/sagas/{id}/cancel")),
            (Method::POST, "/api/v1/sagas".to_owned()),
            (Method::POST, format!("/api/v1/sagas/{id}/retry")),
            (Method::POST, format!("/api/v1/sagas/{id}/skip")),
            (Method::POST, format!("/api/v1/sagas/{id}/resolve")),
            (Method::POST, format!("/api/v1/sagas/{id}/abandon")),
            (Method::POST, format!("/api/v1/sagas/{id}/signal")),
        ];
        for (method, path) in routes {
            let refused = answer(api.request(method, &path)).await.expect(401);
            assert_eq!(refused.headers["www-authenticate"], "Bearer", "{path}");
            let basic = api.request(Method::GET, "/api/v1/sagas").basic_auth("user", Some("password"));
            answer(basic).await.expect(401);
        }
        answer(api.request(Method::GET, "/api/v1/sagas").bearer_auth("")).await.expect(401);
        let token = hs256(&acme());
        let twice = api.request(Method::GET, "/api/v1/sagas").bearer_auth(&token).bearer_auth(&token);
        answer(twice).await.expect(401);
    }

    async fn admin_alone_is_a_tenant_s_role(world: &World) {
        let api = Api::over(world).await;
        let deployments_of_globex = "/api/v1/deployments?tenant_id=globex";
        for (role, status) in
            [("platform-admin", 200), ("platform_admin", 200), ("admin", 422), ("Platform-Admin", 422), ("", 422)]
        {
            let token = hs256(&acme_with("roles", json!(["user", role])));
            let answered = api.bearer(token).get(deployments_of_globex).await;
            assert_eq!(answered.status, status, "{role}");
        }
    }
}
