//! Deletes the records of a type and name that were there when it began, and no others.

use crate::cloud::Cloud;
use crate::provisioning::after_effect;
use crate::provisioning::dns::{self, Seen};
use arcadia_saga::{Halt, Outcome, Policy, Run, Step, Undo, Undoing, shape};
use digitalocean::RecordType;

shape! {
    /// A record that is to go.
    pub struct RecordUnwanted {
        /// The zone.
        pub dns_domain: String,
        /// `A`, `CNAME`, …
        pub dns_record_type: String,
        /// Relative to the zone; `@` is its apex.
        pub dns_record_name: String,
    }
}

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub struct DeleteDnsRecord;

impl Step<Cloud> for DeleteDnsRecord {
    const NAME: &'static str = "delete_dns_record";
    const OUTLIVES_LEDGER: bool = true;
    type Needs = RecordUnwanted;
    type Gives = ();
    type Prior = Seen;

    fn policy(&self) -> Policy {
        Policy::provider()
    }

    async fn prepare(&self, run: &Run<Cloud>, needs: RecordUnwanted) -> Outcome<Option<Seen>> {
        let kind = RecordType::from(needs.dns_record_type.to_ascii_uppercase().as_str());
        if matches!(kind, RecordType::Soa | RecordType::Ns) {
            return Err(Halt::failed(format!("the {kind} records of a zone are not ours to delete")));
        }
        let seen = dns::look(run, &needs.dns_domain, &kind, &needs.dns_record_name).await?;
        Ok(Some(Seen { perhaps_ours: run.in_doubt(), ..seen }))
    }

    async fn execute(&self, run: &Run<Cloud>, needs: RecordUnwanted) -> Outcome<()> {
        for record in run.prior::<Seen>()?.unwrap_or_default().records {
            dns::remove(run, &needs.dns_domain, record.id).await.map_err(after_effect)?;
        }
        Ok(())
    }

    async fn compensate(&self, run: &Run<Cloud>, undoing: Undoing<RecordUnwanted, Seen, ()>) -> Undo {
        let unseen = Seen { perhaps_ours: run.in_doubt(), ..Seen::default() };
        let seen = undoing.prior.unwrap_or(unseen);
        dns::recreate(
            run,
            &undoing.needs.dns_domain,
            seen.records.iter().collect(),
            None,
            undoing.gave.is_none(),
        )
        .await?;
        if seen.perhaps_ours {
            return Err(Halt::failed(format!(
                "`{}` may have had more records that this saga deleted: the ledger lost commits",
                undoing.needs.dns_record_name
            )));
        }
        Ok(())
    }
}
