//! The demo's user: knows the service's address and a token, and speaks HTTP.

use anyhow::{Context as _, bail};
use arcadia_saga::{Status, StepStatus};
use reqwest::{Client, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

const POLL_EVERY: Duration = Duration::from_millis(100);
/// Real time for one deployment; far more than the demo takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A deployment as the API answers it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) hostname: String,
    pub(super) state: String,
    pub(super) droplet_id: Option<i64>,
    pub(super) ip: Option<String>,
    pub(super) saga: Option<Saga>,
}

/// Its saga.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Saga {
    pub(super) status: Status,
    pub(super) waiting_for: Option<String>,
    pub(super) error: Option<Value>,
    #[serde(default)]
    pub(super) steps: Option<Vec<Step>>,
}

impl Saga {
    pub(super) fn steps(&self) -> &[Step] {
        self.steps.as_deref().unwrap_or_default()
    }
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) status: StepStatus,
    pub(super) attempts: i64,
}

#[derive(Debug)]
pub(super) struct Visitor {
    client: Client,
    base: String,
    token: String,
}

impl Visitor {
    pub(super) fn new(address: SocketAddr, token: &str) -> anyhow::Result<Visitor> {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        Ok(Visitor { client, base: format!("http://{address}/api/v1"), token: token.to_owned() })
    }

    /// `name` is the slug, and its part before the dash the tenant.
    pub(super) async fn create(
        &self,
        name: &str,
        display_name: &str,
        hostname: &str,
    ) -> anyhow::Result<Deployment> {
        let tenant = name.split('-').next().unwrap_or(name);
        let body = json!({
            "tenant_id": tenant, "slug": name, "display_name": display_name, "hostname": hostname,
            "region": "nyc3", "plan": {"size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": [],
            "backups": false}, "provision": true,
        });
        let url = format!("{}/deployments", self.base);
        let answer = self.client.post(url).bearer_auth(&self.token).json(&body).send().await?;
        read(answer).await
    }

    /// Polls until the deployment's saga ends; `seen` is shown every look.
    pub(super) async fn follow(
        &self,
        id: &str,
        mut seen: impl FnMut(&Deployment),
    ) -> anyhow::Result<Deployment> {
        let following = async {
            loop {
                let deployment = self.deployment(id).await?;
                seen(&deployment);
                if deployment.saga.as_ref().is_some_and(|saga| saga.status.is_terminal()) {
                    return Ok(deployment);
                }
                tokio::time::sleep(POLL_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, following).await.context("it took too long")?
    }

    pub(super) async fn deployment(&self, id: &str) -> anyhow::Result<Deployment> {
        read(self.get(&format!("deployments/{id}")).await?).await
    }

    /// The deployment that a saga changes, if it changes one, and where the saga stands.
    pub(super) async fn saga(&self, id: &str) -> anyhow::Result<Option<(Status, Option<String>)>> {
        #[derive(Deserialize)]
        struct Shown {
            status: Status,
            deployment_id: Option<String>,
        }
        let answer = self.get(&format!("sagas/{id}")).await?;
        if answer.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let Shown { status, deployment_id } = read(answer).await?;
        Ok(Some((status, deployment_id)))
    }

    async fn get(&self, path: &str) -> anyhow::Result<Response> {
        let url = format!("{}/{path}", self.base);
        Ok(self.client.get(url).bearer_auth(&self.token).send().await?)
    }
}

async fn read<T: serde::de::DeserializeOwned>(answer: Response) -> anyhow::Result<T> {
    let status = answer.status();
    if !status.is_success() {
        bail!("the service answered {status}: {}", answer.text().await?);
    }
    Ok(answer.json().await?)
}
