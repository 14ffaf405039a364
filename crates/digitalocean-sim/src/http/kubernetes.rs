//! Kubernetes clusters, for reading.

use serde_json::json;

use super::call::{Answer, Call};
use super::paging;
use crate::model::Account;
use crate::model::log::Kind;
use crate::model::refusal::Refusal;

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let all = account.living_fixtures(Kind::KubernetesCluster).map(|it| it.shown.clone());
    let (found, total) = call.window()?.cut(all);
    paging::page(account, call, "kubernetes_clusters", found, total)
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let found = account.fixture(Kind::KubernetesCluster, call.param("id"))?;
    Answer::json(200, &json!({ "kubernetes_cluster": found.shown }))
}
