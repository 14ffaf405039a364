//! Makes a DNS record be as wanted. What was there is kept with the intent, so that the way back leads there.

use crate::cloud::Cloud;
use crate::provisioning::dns::{self, DnsOutcome, Seen, Wanted};
use arcadia_saga::{Halt, Outcome, Policy, Run, Step, Undo, Undoing, shape};
use digitalocean::{RecordId, RecordType};

shape! {
    /// A record to be.
    pub struct RecordWanted {
        /// The zone.
        pub dns_domain: String,
        /// `A`, `CNAME`, …
        pub dns_record_type: String,
        /// Relative to the zone; `@` is its apex.
        pub dns_record_name: String,
        /// An address, or a host with its final dot.
        pub dns_record_data: String,
        /// Seconds.
        pub dns_record_ttl: Option<u32>,
    }
}

shape! {
    /// A record that is as wanted.
    pub struct WrittenRecord {
        /// The provider's id.
        pub dns_record_id: u64,
        /// What it took.
        pub outcome: DnsOutcome,
    }
}

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub struct UpsertDnsRecord;

impl Step<Cloud> for UpsertDnsRecord {
    const NAME: &'static str = "upsert_dns_record";
    const OUTLIVES_LEDGER: bool = true;
    type Needs = RecordWanted;
    type Gives = WrittenRecord;
    type Prior = Seen;

    fn policy(&self) -> Policy {
        Policy::provider()
    }

    async fn prepare(&self, run: &Run<Cloud>, needs: RecordWanted) -> Outcome<Option<Seen>> {
        let wanted = Wanted::from(needs);
        let seen = dns::look(run, &wanted.domain, &wanted.kind, &wanted.name).await?;
        match seen.records.len() {
            0 | 1 => Ok(Some(wanted.seen_in_doubt(run, seen))),
            count => Err(Halt::failed(format!(
                "there are {count} {} records `{}` in {}: which to change is not for us to say",
                wanted.kind, wanted.name, wanted.domain
            ))),
        }
    }

    async fn execute(&self, run: &Run<Cloud>, needs: RecordWanted) -> Outcome<WrittenRecord> {
        write(run, &Wanted::from(needs)).await
    }

    async fn compensate(
        &self,
        run: &Run<Cloud>,
        undoing: Undoing<RecordWanted, Seen, WrittenRecord>,
    ) -> Undo {
        unwrite(run, &Wanted::from(undoing.needs), undoing.prior, undoing.gave).await
    }
}

pub(super) async fn write(run: &Run<Cloud>, wanted: &Wanted) -> Outcome<WrittenRecord> {
    let seen = run.prior::<Seen>()?.unwrap_or_default();
    let (id, outcome) = dns::write(run, wanted, &seen).await?;
    Ok(WrittenRecord { dns_record_id: id.0, outcome })
}

pub(super) async fn unwrite(
    run: &Run<Cloud>,
    wanted: &Wanted,
    seen: Option<Seen>,
    gave: Option<WrittenRecord>,
) -> Undo {
    let written = gave.map(|record| RecordId(record.dns_record_id));
    match seen {
        Some(seen) => dns::unwrite(run, wanted, &seen, written).await,
        None if run.in_doubt() => dns::leave_unexplained(run, wanted).await,
        // Nothing was looked at, so nothing was changed.
        None => Ok(()),
    }
}

impl From<RecordWanted> for Wanted {
    fn from(needs: RecordWanted) -> Wanted {
        Wanted {
            domain: needs.dns_domain,
            kind: RecordType::from(needs.dns_record_type.to_ascii_uppercase().as_str()),
            name: needs.dns_record_name,
            data: needs.dns_record_data,
            ttl: needs.dns_record_ttl,
        }
    }
}
