//! The one way in: what every sync and every step does with what it saw. A batch of unchanged resources is one statement
//! that writes seen marks; the rest are read, compared, and written in batches too.

use super::history::{Happened, add_events, keep_versions};
use super::{
    Change, Observation, PROVIDER, Parent, RESTORED_AFTER, ResourceId, Witness, kinds, owner, store,
};
use crate::inventory::ResourceRow;
use arcadia_saga::{Clock, SagaId};
use arcadia_sql::{Error, Tx, args};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What our sagas put on what they make.
pub(super) const SAGA_TAG: &str = "arcadia-saga-";

/// Whether what did not change gets its seen mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    Seen,
    /// A frequent look, which writes nothing where nothing is new and nothing was missed.
    None,
}

/// Writes what was seen of one kind, each resource at most once. Answers in the order of `seen`.
///
/// # Errors
/// The database.
pub async fn upsert(
    tx: &mut Tx,
    kind: &str,
    seen: &[Observation],
    witness: &Witness,
    clock: &Clock,
) -> Result<Vec<Change>, Error> {
    record(tx, kind, seen, Marks::Seen, witness, clock).await
}

pub(super) async fn record(
    tx: &mut Tx,
    kind: &str,
    seen: &[Observation],
    marks: Marks,
    witness: &Witness,
    clock: &Clock,
) -> Result<Vec<Change>, Error> {
    let look = Look { kind, witness, clock, at: witness.seen_at(clock) };
    let storable: Vec<Observation>;
    let seen = if seen.iter().all(Observation::is_storable) {
        seen
    } else {
        storable = seen.iter().map(Observation::storable).collect();
        &storable
    };
    let prints: Vec<i64> = seen.iter().map(Observation::fingerprint).collect();
    if look.count_unchanged(tx, seen, &prints, marks).await? == seen.len() {
        return Ok(vec![Change::Unchanged; seen.len()]);
    }
    let known = look.known(tx, seen).await?;
    let mut changes = Changes::default();
    for (one, print) in seen.iter().zip(prints) {
        changes.add(one, print, known.get(&one.provider_id), &look);
    }
    look.write(tx, changes).await
}

/// One batch being looked at.
struct Look<'a> {
    kind: &'a str,
    witness: &'a Witness,
    clock: &'a Clock,
    at: Timestamp,
}

/// What a batch changes.
#[derive(Default)]
struct Changes {
    answers: Vec<Change>,
    added: Vec<Value>,
    rewritten: Vec<Value>,
    /// Unchanged, though a listing had missed them.
    not_missing: Vec<Value>,
    events: Vec<Happened>,
    /// Where the owner may be another now.
    to_settle: Vec<ResourceId>,
    changed: Vec<ResourceId>,
    /// New ones by their sagas' marks.
    made_by: Vec<(usize, Uuid)>,
}

impl Changes {
    fn add(&mut self, one: &Observation, print: i64, known: Option<&ResourceRow>, look: &Look<'_>) {
        let answer = match known {
            None => self.discover(one, print, look),
            Some(row) if row.deleted_at.is_none() && row.fingerprint == Some(print) => {
                if row.stale_strike_count > 0 {
                    self.not_missing.push(json!([one.provider_id, print]));
                }
                Change::Unchanged
            }
            Some(row) => self.compare(one, print, row, look),
        };
        self.answers.push(answer);
    }

    fn discover(&mut self, one: &Observation, print: i64, look: &Look<'_>) -> Change {
        let id = ResourceId(look.clock.new_id());
        if let Some(saga) = saga_of(one).filter(|_| look.kind == kinds::DROPLET) {
            self.made_by.push((self.added.len(), saga));
        }
        self.added.push(document(id, one, print, one.parent.clone(), None));
        let data = json!({"name": one.name, "after": one});
        self.events.push(Happened { resource: id, kind: "discovered", data });
        self.to_settle.push(id);
        self.changed.push(id);
        Change::Discovered
    }

    fn compare(&mut self, one: &Observation, print: i64, row: &ResourceRow, look: &Look<'_>) -> Change {
        if row.deleted_at.is_some_and(|deleted_at| look.witness.asked_at < deleted_at + RESTORED_AFTER) {
            return Change::StillDeleted;
        }
        let fields = one.differences(row);
        // What is without its parent stays with it, until it is known whether that is gone.
        let (parent, left_at) = match &one.parent {
            Some(parent) => (Some(parent.clone()), None),
            None => (row.parent(), row.parent().map(|_| row.parent_left_at.unwrap_or(look.at))),
        };
        self.rewritten.push(document(row.id, one, print, parent, left_at));
        let (change, kind) = match (row.deleted_at, fields.len()) {
            (Some(_), _) => (Change::Restored, "restored"),
            (None, 0) => return Change::Unchanged,
            (None, 1) if fields.contains_key("tags") => (Change::Updated, "tagged"),
            (None, _) => (Change::Updated, "updated"),
        };
        if change == Change::Restored || fields.contains_key("parent") {
            self.to_settle.push(row.id);
        }
        self.events.push(Happened { resource: row.id, kind, data: json!({"fields": fields}) });
        self.changed.push(row.id);
        change
    }

    /// Somebody else added it since it was looked for, and saw no less than we.
    fn drop_added(&mut self, kept: &HashSet<Uuid>) {
        let is_lost = |id: &ResourceId, new: &HashSet<Uuid>| new.contains(&id.0) && !kept.contains(&id.0);
        let new: HashSet<Uuid> = self.added.iter().filter_map(id_of).collect();
        self.events.retain(|event| !is_lost(&event.resource, &new));
        self.to_settle.retain(|id| !is_lost(id, &new));
        self.changed.retain(|id| !is_lost(id, &new));
        let mut added = self.added.iter();
        for answer in self.answers.iter_mut().filter(|answer| **answer == Change::Discovered) {
            let is_ours = added.next().and_then(id_of).is_some_and(|id| kept.contains(&id));
            *answer = if is_ours { Change::Discovered } else { Change::Unchanged };
        }
    }
}

impl Look<'_> {
    async fn count_unchanged(
        &self,
        tx: &mut Tx,
        seen: &[Observation],
        prints: &[i64],
        marks: Marks,
    ) -> Result<usize, Error> {
        let pairs = seen.iter().zip(prints).map(|(one, print)| json!([one.provider_id, print]));
        let pairs = Value::Array(pairs.collect());
        let count = match marks {
            Marks::Seen => self.see_again(tx, pairs).await?,
            Marks::None => {
                let args = args![PROVIDER, self.kind, pairs];
                let (count,): (i64,) = tx.fetch_one(&store::STILL_AS_BEFORE, args).await?;
                u64::try_from(count).unwrap_or_default()
            }
        };
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn see_again(&self, tx: &mut Tx, pairs: Value) -> Result<u64, Error> {
        let args = args![PROVIDER, self.kind, pairs, self.at, self.witness.run];
        tx.execute(&store::SEEN_AGAIN, args).await
    }

    async fn known(&self, tx: &mut Tx, seen: &[Observation]) -> Result<HashMap<String, ResourceRow>, Error> {
        let ids: Vec<String> = seen.iter().map(|one| one.provider_id.clone()).collect();
        let rows: Vec<ResourceRow> = tx.fetch_all(&store::KNOWN, args![PROVIDER, self.kind, ids]).await?;
        Ok(rows.into_iter().map(|row| (row.provider_id.clone(), row)).collect())
    }

    async fn write(&self, tx: &mut Tx, mut changes: Changes) -> Result<Vec<Change>, Error> {
        let run = self.witness.run;
        if !changes.added.is_empty() {
            self.link_to_deployments(tx, &mut changes).await?;
            let rows = Value::Array(changes.added.clone());
            let args = args![rows, PROVIDER, self.kind, self.at, run];
            let kept: Vec<(Uuid,)> = tx.fetch_all(&store::ADD, args).await?;
            if kept.len() < changes.added.len() {
                changes.drop_added(&kept.into_iter().map(|(id,)| id).collect());
            }
        }
        if !changes.rewritten.is_empty() {
            tx.execute(&store::REWRITE, args![Value::Array(changes.rewritten), self.at, run]).await?;
        }
        if !changes.not_missing.is_empty() {
            self.see_again(tx, Value::Array(changes.not_missing)).await?;
        }
        add_events(tx, changes.events, self.witness, self.at, self.clock).await?;
        let settled = owner::settle(tx, changes.to_settle, self.witness, self.at, self.clock).await?;
        changes.changed.extend(settled);
        keep_versions(tx, changes.changed, self.at).await?;
        Ok(changes.answers)
    }

    /// What one of our sagas made for a deployment serves it, also when the saga did not come to say so.
    async fn link_to_deployments(&self, tx: &mut Tx, changes: &mut Changes) -> Result<(), Error> {
        if changes.made_by.is_empty() {
            return Ok(());
        }
        let sagas: Vec<Uuid> = changes.made_by.iter().map(|(_, saga)| *saga).collect();
        let rows: Vec<(Uuid, Uuid)> = tx.fetch_all(&store::DEPLOYMENTS_OF_SAGAS, args![sagas]).await?;
        let deployments: HashMap<Uuid, Uuid> = rows.into_iter().collect();
        for (at, saga) in &changes.made_by {
            if let Some(deployment) = deployments.get(saga) {
                changes.added[*at]["deployment_id"] = json!(deployment);
            }
        }
        Ok(())
    }
}

fn saga_of(one: &Observation) -> Option<Uuid> {
    let mark = one.tags.iter().find_map(|tag| tag.strip_prefix(SAGA_TAG))?;
    mark.parse::<SagaId>().ok().map(|saga| saga.0)
}

fn id_of(document: &Value) -> Option<Uuid> {
    document["id"].as_str().and_then(|id| id.parse().ok())
}

/// A row of a batch as JSON, in the words of the statements that read it.
fn document(
    id: ResourceId,
    one: &Observation,
    print: i64,
    parent: Option<Parent>,
    left_at: Option<Timestamp>,
) -> Value {
    let (parent_kind, parent_id) = parent.map(|it| (it.kind, it.provider_id)).unzip();
    json!({
        "id": id, "provider_id": one.provider_id, "name": one.name, "region": one.region, "status": one.status,
        "size_slug": one.size_slug, "tags": one.tags, "attrs": one.attrs,
        "monthly_cost_minor": one.monthly_cost_minor, "created_us": one.created_at.map(Timestamp::as_microsecond),
        "parent_kind": parent_kind, "parent_id": parent_id, "left_us": left_at.map(Timestamp::as_microsecond),
        "deployment_id": null, "fingerprint": print,
    })
}
