//! Points the deployment's hostname to its droplet. A name that already leads somewhere is not taken over:
//! whoever put it there is not asked by anybody else.

use super::mark_deployment_provisioning::refused;
use super::upsert_dns_record::{WrittenRecord, unwrite, write};
use crate::cloud::Cloud;
use crate::deployments::{self, DeploymentId, State};
use crate::provisioning::dns::{self, Seen, Wanted};
use crate::provisioning::droplets;
use arcadia_saga::{Halt, Outcome, Policy, Run, Step, Undo, Undoing, shape};
use digitalocean::{Record, RecordType, qualified_name};
use uuid::Uuid;

shape! {
    /// A deployment, its name and its address.
    pub struct DeploymentAddress {
        /// The deployment.
        pub deployment_id: Uuid,
        /// The zone.
        pub dns_domain: String,
        /// Relative to the zone; `@` is its apex.
        pub dns_record_name: String,
        /// Seconds.
        pub dns_record_ttl: Option<u32>,
        /// The droplet's public IPv4 address.
        pub ip: String,
        /// Whether records that no deployment owns may be overwritten.
        pub replace_dns: Option<bool>,
    }
}

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub struct PointDeploymentDns;

impl Step<Cloud> for PointDeploymentDns {
    const NAME: &'static str = "point_deployment_dns";
    const OUTLIVES_LEDGER: bool = true;
    type Needs = DeploymentAddress;
    type Gives = WrittenRecord;
    type Prior = Seen;

    fn policy(&self) -> Policy {
        Policy::provider()
    }

    async fn prepare(&self, run: &Run<Cloud>, needs: DeploymentAddress) -> Outcome<Option<Seen>> {
        let has_pointed = owns_hostname(run, &needs).await?;
        let records = dns::look_at_name(run, &needs.dns_domain, &needs.dns_record_name).await?;
        let (ours, others): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(|record| record.kind == RecordType::A);
        if let Some(other) = others.iter().find(|record| leads_elsewhere(record)) {
            return Err(Halt::failed(format!("{} leads elsewhere; it is left alone", dns::words(other))));
        }
        check_ours(&ours, &needs, has_pointed)?;
        let seen = Seen { records: ours, perhaps_ours: false };
        Ok(Some(Wanted::from(needs).seen_in_doubt(run, seen)))
    }

    async fn execute(&self, run: &Run<Cloud>, needs: DeploymentAddress) -> Outcome<WrittenRecord> {
        write(run, &Wanted::from(needs)).await
    }

    async fn compensate(
        &self,
        run: &Run<Cloud>,
        undoing: Undoing<DeploymentAddress, Seen, WrittenRecord>,
    ) -> Undo {
        unwrite(run, &Wanted::from(undoing.needs), undoing.prior, undoing.gave).await
    }

    /// Its address is lost: what leads to a droplet that bears this saga's mark may be its record.
    async fn compensate_unknown(&self, run: &Run<Cloud>) -> Undo {
        let (domain, name): (String, String) = (run.input("dns_domain")?, run.input("dns_record_name")?);
        dns::leave_leading_to(run, &domain, &name, &droplets::addresses(run).await?).await
    }
}

/// Whether the deployment, whose name it must be, can have pointed it somewhere before.
async fn owns_hostname(run: &Run<Cloud>, needs: &DeploymentAddress) -> Outcome<bool> {
    let hostname = qualified_name(&needs.dns_record_name, &needs.dns_domain);
    let id = DeploymentId(needs.deployment_id);
    let mut tx = run.tx().await?;
    let owner = deployments::hostname_owner(&mut tx, &hostname).await.map_err(refused)?;
    if owner != Some(id) {
        return Err(Halt::failed(format!("`{hostname}` is not the hostname of deployment {id}")));
    }
    let deployment = deployments::get_in(&mut tx, id).await.map_err(refused)?;
    // Ended here, not some time after it was dropped: it holds the saga's row.
    tx.commit().await?;
    Ok(deployment.state != State::Provisioning)
}

fn check_ours(records: &[Record], needs: &DeploymentAddress, has_pointed: bool) -> Outcome<()> {
    let is_allowed = match records {
        _ if needs.replace_dns == Some(true) => true,
        [] => true,
        [only] => has_pointed || only.data == needs.ip,
        _ => false,
    };
    match records.first() {
        Some(first) if !is_allowed => Err(Halt::failed(format!(
            "{} exists and no deployment owns it ({} of that name); a platform admin may ask to replace it",
            dns::words(first),
            records.len()
        ))),
        _ => Ok(()),
    }
}

/// Whether a visitor could be led past our A record by it, or it forbids one.
fn leads_elsewhere(record: &Record) -> bool {
    matches!(record.kind, RecordType::Aaaa | RecordType::Cname)
}

impl From<DeploymentAddress> for Wanted {
    fn from(needs: DeploymentAddress) -> Wanted {
        Wanted {
            domain: needs.dns_domain,
            kind: RecordType::A,
            name: needs.dns_record_name,
            data: needs.ip,
            ttl: needs.dns_record_ttl,
        }
    }
}
