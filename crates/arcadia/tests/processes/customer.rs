//! Somebody who calls the API: asks for deployments with a key, so that a request whose answer was lost can be
//! repeated, and looks at what becomes of them.

use super::child::{JWT_SECRET, PATIENCE};
use super::site::{LOOK_EVERY, ZONE};
use arcadia::tokens::{Claims, mint};
use reqwest::RequestBuilder;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Instant;
use uuid::Uuid;

/// The year 2100.
const FAR_AWAY: i64 = 4_102_444_800;

#[derive(Clone)]
pub struct Customer {
    http: reqwest::Client,
    token: String,
}

/// What was asked for, as it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub deployment: Uuid,
    pub saga: Uuid,
}

impl Customer {
    pub fn new() -> Customer {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let claims = Claims {
            sub: "root".to_owned(),
            tenant_id: None,
            roles: vec!["platform-admin".to_owned()],
            exp: FAR_AWAY,
        };
        let token = mint(&SecretString::from(JWT_SECRET), &claims).unwrap();
        Customer { http: reqwest::Client::builder().no_proxy().build().unwrap(), token }
    }

    /// Asks for a deployment called `name`. An error is a lost answer.
    pub async fn ask(&self, base: &str, name: &str) -> Result<Asked, reqwest::Error> {
        let body = json!({
            "tenant_id": "acme", "slug": name, "display_name": name, "hostname": format!("{name}.{ZONE}"),
            "region": "nyc3", "provision": true,
            "plan": {"size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": ["env:test"], "backups": false},
        });
        let (url, begun) = (format!("{base}/api/v1/deployments"), Instant::now());
        let (status, answer) = loop {
            let request = self.http.post(&url).header("Idempotency-Key", name).json(&body);
            let (status, answer) = self.send(request).await?;
            // A provider that is slow on a busy machine: nothing was done, so it is asked for again.
            if status != 503 || begun.elapsed() > PATIENCE {
                break (status, answer);
            }
        };
        assert_eq!(status, 202, "{answer}");
        let id = |value: &Value| value.as_str().unwrap().parse().unwrap();
        Ok(Asked { deployment: id(&answer["id"]), saga: id(&answer["saga_id"]) })
    }

    pub async fn cancel(&self, base: &str, saga: Uuid) {
        let request = self.http.post(format!("{base}/api/v1/sagas/{saga}/cancel"));
        let (status, answer) = self.send(request).await.unwrap();
        assert_eq!(status, 202, "{answer}");
    }

    /// The deployment, once its saga has ended.
    pub async fn until_ended(&self, base: &str, deployment: Uuid) -> Value {
        let (path, begun) = (format!("/api/v1/deployments/{deployment}"), Instant::now());
        loop {
            let shown = self.get(base, &path).await;
            let status = shown["saga"]["status"].as_str().unwrap();
            if ["completed", "rolled_back", "failed"].contains(&status) {
                // The saga is read after its deployment, and may have ended in between.
                return self.get(base, &path).await;
            }
            assert!(begun.elapsed() < PATIENCE, "its saga does not end: {shown:#}");
            tokio::time::sleep(LOOK_EVERY * 10).await;
        }
    }

    pub async fn get(&self, base: &str, path: &str) -> Value {
        let begun = Instant::now();
        loop {
            let (status, answer) = self.send(self.http.get(format!("{base}{path}"))).await.unwrap();
            if status == 200 {
                return answer;
            }
            // A database or a service that is slow on a busy machine: asking does nothing, and is done again.
            assert!(status == 503 && begun.elapsed() < PATIENCE, "{path}: {status} {answer}");
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<(u16, Value), reqwest::Error> {
        let response = request.bearer_auth(&self.token).send().await?;
        let status = response.status().as_u16();
        let body = response.text().await?;
        arcadia_test_record::keep(&body);
        Ok((status, serde_json::from_str(&body).unwrap()))
    }
}
