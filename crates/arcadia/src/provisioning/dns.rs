//! DNS records: what to change to get from what was there to what is wanted, and back. A record bears no mark:
//! its identity is type, name and data, together with what was seen before.

use super::{OrHalt as _, after_effect, provider};
use crate::cloud::Cloud;
use arcadia_saga::{Halt, Outcome, Run, Undo};
use digitalocean::{Error, Record, RecordDraft, RecordId, RecordType, normalised_host, qualified_name};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// How long a request whose answer was lost may still be under way.
const EARLIER_ATTEMPT: Duration = Duration::from_secs(30);

/// A record to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The zone.
    pub(crate) domain: String,
    pub(crate) kind: RecordType,
    /// Relative to the zone.
    pub(crate) name: String,
    pub(crate) data: String,
    /// Seconds; the zone's own where absent.
    pub(crate) ttl: Option<u32>,
}

/// The records of a type and name, before anything was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub records: Vec<Record>,
    /// The ledger had lost commits: what was seen may be what this very step made of it, and what was there before
    /// is not known.
    #[serde(default)]
    pub perhaps_ours: bool,
}

/// What a write was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsOutcome {
    Created,
    Updated,
    Noop,
}

/// What has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing(RecordId),
    Create(RecordDraft),
    /// The first is overwritten; the others, if any, are deleted.
    Overwrite {
        record: RecordId,
        with: RecordDraft,
        delete: Vec<RecordId>,
    },
}

impl Wanted {
    /// What was seen, by a step that may have been done by what the ledger forgot.
    pub(crate) fn seen_in_doubt(&self, run: &Run<Cloud>, seen: Seen) -> Seen {
        let perhaps_ours = run.in_doubt() && seen.records.iter().any(|record| self.is(record));
        Seen { perhaps_ours, ..seen }
    }

    /// From what was there to what is wanted. Of several records one is overwritten and the others go.
    pub(crate) fn change_from(&self, seen: &Seen) -> Change {
        let (first, others) = match seen.records.split_first() {
            None => return Change::Create(self.draft()),
            Some(parts) => parts,
        };
        if others.is_empty() && self.is(first) {
            return Change::Nothing(first.id);
        }
        let mut with = RecordDraft::from(first);
        with.data.clone_from(&self.data);
        with.ttl = self.ttl.or(with.ttl);
        Change::Overwrite { record: first.id, with, delete: others.iter().map(|other| other.id).collect() }
    }

    fn draft(&self) -> RecordDraft {
        let draft = RecordDraft::new(self.kind.clone(), self.name.as_str(), self.data.as_str());
        RecordDraft { ttl: self.ttl, ..draft }
    }

    /// Whether the record serves as what is wanted.
    fn is(&self, record: &Record) -> bool {
        self.ttl.is_none_or(|ttl| ttl == record.ttl) && same_data(&self.domain, &self.data, &record.data)
    }
}

/// Data that differs only in how it is written is the same. Text is compared as it stands.
fn same_data(domain: &str, one: &str, other: &str) -> bool {
    one == other || normalised_host(one, domain) == normalised_host(other, domain)
}

/// Whether the record is what the draft wrote.
fn bears(domain: &str, record: &Record, draft: &RecordDraft) -> bool {
    let host = |name: &str| qualified_name(name, domain);
    record.kind == draft.kind
        && host(&record.name) == host(&draft.name)
        && same_data(domain, &record.data, &draft.data)
        && draft.ttl.is_none_or(|ttl| ttl == record.ttl)
        && (record.priority, record.port, record.weight) == (draft.priority, draft.port, draft.weight)
        && (record.flags, &record.tag) == (draft.flags, &draft.tag)
}

fn is_as_before(domain: &str, record: &Record, before: &Record) -> bool {
    record.id == before.id && bears(domain, record, &RecordDraft::from(before))
}

/// The records of that type and name, in the order of their ids.
pub(crate) async fn look(run: &Run<Cloud>, domain: &str, kind: &RecordType, name: &str) -> Outcome<Seen> {
    let records = look_at_name(run, domain, name).await?;
    Ok(Seen {
        records: records.into_iter().filter(|record| record.kind == *kind).collect(),
        perhaps_ours: false,
    })
}

/// The records of that name, of whatever type, in the order of their ids.
pub(crate) async fn look_at_name(run: &Run<Cloud>, domain: &str, name: &str) -> Outcome<Vec<Record>> {
    list(run, domain, name).await.or_halt(run)
}

async fn list(run: &Run<Cloud>, domain: &str, name: &str) -> Result<Vec<Record>, Error> {
    let listed = provider(run).records(domain).list_named(name, None).await?;
    let wanted = qualified_name(name, domain);
    let mut records = listed.items;
    records.retain(|record| qualified_name(&record.name, domain) == wanted);
    records.sort_by_key(|record| record.id);
    Ok(records)
}

/// Brings the change about, or finds it brought about by an earlier attempt.
pub(crate) async fn write(run: &Run<Cloud>, wanted: &Wanted, seen: &Seen) -> Outcome<(RecordId, DnsOutcome)> {
    match wanted.change_from(seen) {
        Change::Nothing(record) => Ok((record, DnsOutcome::Noop)),
        Change::Create(draft) => Ok((create(run, wanted, &draft).await?, DnsOutcome::Created)),
        Change::Overwrite { record, with, delete } => {
            overwrite(run, wanted, seen, record, &with).await?;
            for other in delete {
                remove(run, &wanted.domain, other).await.map_err(after_effect)?;
            }
            Ok((record, DnsOutcome::Updated))
        }
    }
}

/// The first time this changes nothing or all; a later one may follow a write of ours.
async fn overwrite(
    run: &Run<Cloud>,
    wanted: &Wanted,
    seen: &Seen,
    record: RecordId,
    with: &RecordDraft,
) -> Outcome<()> {
    if is_repeated(run) {
        check_unchanged(run, wanted, seen, record, with).await.map_err(after_effect)?;
    }
    let zone = provider(run).records(wanted.domain.as_str());
    let written = zone.update(record, with).await.or_halt(run);
    written.map(|_| ()).map_err(|halt| if is_repeated(run) { after_effect(halt) } else { halt })
}

fn is_repeated(run: &Run<Cloud>) -> bool {
    run.in_doubt() || run.waits() > 0 || run.attempt() > 1
}

async fn create(run: &Run<Cloud>, wanted: &Wanted, draft: &RecordDraft) -> Outcome<RecordId> {
    if run.in_doubt() {
        let now = look(run, &wanted.domain, &wanted.kind, &wanted.name).await?;
        let mut made = now.records.into_iter().filter(|record| bears(&wanted.domain, record, draft));
        if let Some(ours) = made.next() {
            for double in made {
                remove(run, &wanted.domain, double.id).await?;
            }
            return Ok(ours.id);
        }
        run.seen_nothing()?;
    }
    let made = provider(run).records(wanted.domain.as_str()).create(draft).await.or_halt(run)?;
    Ok(made.id)
}

/// Time has passed since the record was seen: it may only be as it was, or as we want it.
async fn check_unchanged(
    run: &Run<Cloud>,
    wanted: &Wanted,
    seen: &Seen,
    record: RecordId,
    with: &RecordDraft,
) -> Outcome<()> {
    let now = look(run, &wanted.domain, &wanted.kind, &wanted.name).await?;
    let is_known = |found: &Record| {
        let is_ours = found.id == record && bears(&wanted.domain, found, with);
        is_ours || seen.records.iter().any(|before| is_as_before(&wanted.domain, found, before))
    };
    match now.records.iter().find(|found| !is_known(found)) {
        None => Ok(()),
        Some(found) => Err(Halt::failed(format!("{} was changed by someone else meanwhile", words(found)))),
    }
}

/// Deletes it; one that is gone already is as good.
pub(crate) async fn remove(run: &Run<Cloud>, domain: &str, id: RecordId) -> Outcome<()> {
    match provider(run).records(domain).delete(id).await {
        Err(error) if !error.is_not_found() => Err(error).or_halt(run),
        _ => Ok(()),
    }
}

/// Takes the change back where it still stands as we wrote it; anything else was changed by someone since.
/// `written` is missing when the outcome was never learnt.
pub(crate) async fn unwrite(
    run: &Run<Cloud>,
    wanted: &Wanted,
    seen: &Seen,
    written: Option<RecordId>,
) -> Undo {
    match wanted.change_from(seen) {
        Change::Nothing(_) if seen.perhaps_ours => leave_unexplained(run, wanted).await,
        Change::Nothing(_) => Ok(()),
        Change::Create(draft) => uncreate(run, wanted, &draft, written).await,
        Change::Overwrite { record, with, delete } => {
            let in_doubt = written.is_none();
            restore(run, wanted, seen, record, &with, in_doubt).await?;
            let gone = seen.records.iter().filter(|before| delete.contains(&before.id));
            recreate(run, &wanted.domain, gone.collect(), Some(record), in_doubt).await
        }
    }
}

/// Nothing was looked at before the ledger lost commits, or what was seen is lost with them: a record as wanted may be
/// this saga's or have been there always.
pub(crate) async fn leave_unexplained(run: &Run<Cloud>, wanted: &Wanted) -> Undo {
    let now = standing(run, &wanted.domain, &wanted.kind, &wanted.name).await?;
    now.iter().find(|record| wanted.is(record)).map_or(Ok(()), |found| Err(unexplained(found)))
}

/// The same of an address record, where the one that was wanted is lost, too.
pub(crate) async fn leave_leading_to(
    run: &Run<Cloud>,
    domain: &str,
    name: &str,
    addresses: &[String],
) -> Undo {
    let now = standing(run, domain, &RecordType::A, name).await?;
    let leading = now.iter().find(|record| addresses.contains(&record.data));
    leading.map_or(Ok(()), |found| Err(unexplained(found)))
}

fn unexplained(found: &Record) -> Halt {
    Halt::failed(format!(
        "{} may be this saga's or have been there before: the ledger lost commits; it is left alone",
        words(found)
    ))
}

/// On the way back: with its zone a record is gone, too.
async fn standing(run: &Run<Cloud>, domain: &str, kind: &RecordType, name: &str) -> Outcome<Vec<Record>> {
    let mut now = match list(run, domain, name).await {
        Err(error) if error.is_not_found() => Vec::new(),
        listed => listed.or_halt(run)?,
    };
    now.retain(|record| record.kind == *kind);
    Ok(now)
}

async fn uncreate(run: &Run<Cloud>, wanted: &Wanted, draft: &RecordDraft, written: Option<RecordId>) -> Undo {
    let now = standing(run, &wanted.domain, &wanted.kind, &wanted.name).await?;
    if let Some(changed) = written.and_then(|id| now.iter().find(|record| record.id == id))
        && !bears(&wanted.domain, changed, draft)
    {
        return Err(touched(changed));
    }
    let ours = |record: &&Record| match written {
        Some(id) => record.id == id,
        None => bears(&wanted.domain, record, draft),
    };
    let made: Vec<RecordId> = now.iter().filter(ours).map(|record| record.id).collect();
    if made.is_empty() && written.is_none() {
        return run.seen_nothing();
    }
    for id in made {
        remove(run, &wanted.domain, id).await?;
    }
    Ok(())
}

async fn restore(
    run: &Run<Cloud>,
    wanted: &Wanted,
    seen: &Seen,
    record: RecordId,
    with: &RecordDraft,
    in_doubt: bool,
) -> Undo {
    let Some(before) = seen.records.iter().find(|before| before.id == record) else { return Ok(()) };
    let now = look(run, &wanted.domain, &wanted.kind, &wanted.name).await?;
    match now.records.iter().find(|found| found.id == record) {
        Some(found) if is_as_before(&wanted.domain, found, before) => {
            // Our write may still be under way.
            if in_doubt { run.seen_nothing() } else { Ok(()) }
        }
        Some(found) if bears(&wanted.domain, found, with) => {
            let zone = provider(run).records(wanted.domain.as_str());
            zone.update(record, &RecordDraft::from(before)).await.or_halt(run).map(|_| ())
        }
        Some(found) => Err(touched(found)),
        None => {
            Err(Halt::failed(format!("{} was deleted by someone since; it is left alone", words(before))))
        }
    }
}

/// Makes deleted records again. `kept` is the one beside them that we know of; another one is someone else's.
pub(crate) async fn recreate(
    run: &Run<Cloud>,
    domain: &str,
    gone: Vec<&Record>,
    kept: Option<RecordId>,
    in_doubt: bool,
) -> Undo {
    let Some(first) = gone.first() else { return Ok(()) };
    let now = look(run, domain, &first.kind, &first.name).await?;
    let is_before = |found: &Record, before: &Record| bears(domain, found, &RecordDraft::from(before));
    let is_known = |found: &&Record| Some(found.id) == kept || gone.iter().any(|it| is_before(found, it));
    if let Some(stranger) = now.records.iter().find(|found| !is_known(found)) {
        return Err(touched(stranger));
    }
    // Deleting what stands may still be under way. A record made again has another id.
    if in_doubt && gone.iter().any(|before| now.records.iter().any(|found| found.id == before.id)) {
        run.seen_nothing()?;
    }
    for before in gone {
        if !now.records.iter().any(|found| is_before(found, before)) {
            wait_for_earlier_attempt(run)?;
            let zone = provider(run).records(domain);
            zone.create(&RecordDraft::from(before)).await.or_halt(run)?;
        }
    }
    Ok(())
}

/// What an earlier attempt at an undo asked for may show only now: one pause for each attempt but the first.
fn wait_for_earlier_attempt(run: &Run<Cloud>) -> Outcome<()> {
    let paused_for = run.memo::<Value>()?.and_then(|memo| memo["paused_for_attempt"].as_u64());
    let is_first = run.attempt() <= 1 && !run.in_doubt();
    if is_first || paused_for == Some(u64::from(run.attempt())) {
        return Ok(());
    }
    let noted = run.noting("paused_for_attempt", run.attempt());
    Err(Halt::wait_with(EARLIER_ATTEMPT, "a record that an earlier attempt may have made", noted))
}

fn touched(record: &Record) -> Halt {
    Halt::failed(format!("{} was changed by someone since; it is left alone", words(record)))
}

/// A record for a person.
pub(crate) fn words(record: &Record) -> String {
    format!("the {} record `{}` ({}, id {})", record.kind, record.name, record.data, record.id)
}

#[cfg(test)]
mod tests;
