//! What the demo showed, as a table for people and as JSON for programs, and whether it was as it should be.

use super::visitor::{Deployment, Step};
use anyhow::ensure;
use arcadia_saga::{Status, StepStatus};
use comfy_table::{Table, presets};
use serde_json::{Value, json};

pub(super) struct Report {
    pub(super) provisioned: Deployment,
    pub(super) rolled_back: Deployment,
    pub(super) left_over: Vec<Value>,
}

/// Steps of a provisioning.
const STEPS: usize = 7;

impl Report {
    pub(super) fn json(&self) -> Value {
        let (served, refused) = (&self.provisioned, &self.rolled_back);
        let error = refused.saga.as_ref().and_then(|saga| saga.error.clone()).unwrap_or_default();
        json!({
            "provisioned": {
                "state": served.state, "saga_status": status(served), "droplet_id": served.droplet_id,
                "ip": served.ip, "hostname": served.hostname, "steps": steps(served),
            },
            "rolled_back": {
                "state": refused.state, "saga_status": status(refused), "reason": error["reason"],
                "compensate_from_idx": error["compensate_from_idx"], "steps": steps(refused),
            },
            "left_over": self.left_over,
        })
    }

    pub(super) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["hostname", "deployment", "saga", "droplet", "address", "steps"]);
        for deployment in [&self.provisioned, &self.rolled_back] {
            let done = steps(deployment).iter().filter(|step| step.status == StepStatus::Completed).count();
            let undone =
                steps(deployment).iter().filter(|step| step.status == StepStatus::Compensated).count();
            table.add_row([
                deployment.hostname.clone(),
                deployment.state.clone(),
                status(deployment).map_or_else(String::new, |status| status.as_str().to_owned()),
                deployment.droplet_id.map_or_else(|| "none".to_owned(), |id| id.to_string()),
                deployment.ip.clone().unwrap_or_else(|| "none".to_owned()),
                format!("{done} done, {undone} undone"),
            ]);
        }
        let left = format!("left over at the provider: {}", self.left_over.len());
        table.add_row([left]);
        table
    }

    /// # Errors
    /// The first thing that is not as the demo promises.
    pub(super) fn verdict(&self) -> anyhow::Result<()> {
        let (served, refused) = (&self.provisioned, &self.rolled_back);
        let all_done = steps(served).iter().all(|step| step.status == StepStatus::Completed);
        ensure!(served.state == "active", "`{}` is {}, not active", served.hostname, served.state);
        ensure!(status(served) == Some(Status::Completed), "the first saga did not complete");
        ensure!(all_done && steps(served).len() == STEPS, "not all {STEPS} steps completed");
        ensure!(refused.state == "cancelled", "`{}` is {}, not cancelled", refused.hostname, refused.state);
        ensure!(status(refused) == Some(Status::RolledBack), "the second saga was not rolled back");
        ensure!(self.left_over.is_empty(), "{} things are left over at the provider", self.left_over.len());
        Ok(())
    }
}

fn status(deployment: &Deployment) -> Option<Status> {
    deployment.saga.as_ref().map(|saga| saga.status)
}

fn steps(deployment: &Deployment) -> &[Step] {
    deployment.saga.as_ref().map_or(&[], |saga| saga.steps())
}

#[cfg(test)]
mod tests {
    use super::{Deployment, Report};
    use serde_json::{Value, json};

    fn deployment(state: &str, saga: &str, statuses: &[&str]) -> Deployment {
        let steps: Vec<Value> = statuses
            .iter()
            .map(|status| json!({"name": "a_step", "status": status, "attempts": 1}))
            .collect();
        let saga = json!({"status": saga, "waiting_for": null, "error": null, "steps": steps});
        let all = json!({"id": "1", "hostname": "acme.arcadia-demo.com", "state": state, "droplet_id": null,
            "ip": null, "saga": saga});
        serde_json::from_value(all).unwrap()
    }

    fn good() -> Report {
        Report {
            provisioned: deployment("active", "completed", &["completed"; 7]),
            rolled_back: deployment("cancelled", "rolled_back", &["compensated"; 5]),
            left_over: Vec::new(),
        }
    }

    #[test]
    fn anything_that_is_not_as_promised_fails_the_demo() {
        assert!(good().verdict().is_ok());
        let served = |provisioned| Report { provisioned, ..good() }.verdict();
        assert!(served(deployment("provisioning", "completed", &["completed"; 7])).is_err());
        assert!(served(deployment("active", "running", &["completed"; 7])).is_err());
        assert!(served(deployment("active", "completed", &["completed"; 6])).is_err());
        assert!(served(deployment("active", "completed", &["failed"; 7])).is_err());
        let refused = |rolled_back| Report { rolled_back, ..good() }.verdict();
        assert!(refused(deployment("provisioning", "rolled_back", &[])).is_err());
        assert!(refused(deployment("cancelled", "failed", &[])).is_err());
        assert!(Report { left_over: vec![json!({"kind": "droplet"})], ..good() }.verdict().is_err());
    }
}
