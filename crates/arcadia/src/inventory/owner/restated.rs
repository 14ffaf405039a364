//! Owners of the past said anew, for many resources as one batch: after a project changed hands, or its operator spoke of
//! what others live through.

use super::super::history::{Happened, add_events};
use super::super::store::owners::{self as store, Heir};
use super::super::store::projects::Decided;
use super::super::timeline::{Statement, inherit, owner_at, tenant_since, timeline};
use super::super::{ResourceId, Witness};
use super::{GENERATIONS_MAX, row, state, timelines, write_rows};
use arcadia_saga::Clock;
use arcadia_sql::{Error, Tx, args};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What is said anew, to be written together.
pub(in super::super) struct Restated {
    at: Timestamp,
    stated: Vec<(ResourceId, Statement)>,
    owned: Vec<Value>,
    events: Vec<Happened>,
    changed: Vec<ResourceId>,
}

impl Restated {
    pub(in super::super) fn at(at: Timestamp) -> Restated {
        Restated { at, stated: Vec::new(), owned: Vec::new(), events: Vec::new(), changed: Vec::new() }
    }

    /// Takes `new` in after `before`; whose it is now, or was when it was deleted, follows from both.
    pub(in super::super) fn add(
        &mut self,
        known: &Decided,
        before: Vec<Statement>,
        new: Vec<Statement>,
        witness: &Witness,
    ) {
        if new.is_empty() {
            return;
        }
        let after = timeline(before.into_iter().chain(new.iter().cloned()));
        self.stated.extend(new.into_iter().map(|statement| (known.id, statement)));
        let ended = known.deleted_at.map_or(self.at, |deleted_at| deleted_at.min(self.at));
        let Some(Statement { owner, .. }) = owner_at(&after, ended) else { return };
        let since = tenant_since(&after, ended);
        self.owned.push(row(known.id, owner, since, known.cloud_project_id));
        let data = json!({
            "tenant_id": owner.tenant_id, "reason": owner.reason, "since": since, "why": witness.source,
            "cloud_project_id": known.cloud_project_id,
            "before": {"tenant_id": known.tenant_id, "reason": known.owner_reason, "cloud_project_id": known.cloud_project_id},
        });
        self.events.push(Happened { resource: known.id, kind: "attributed", data });
        self.changed.push(known.id);
    }

    /// Answers those whose versions are still to be kept.
    pub(in super::super) async fn write(
        self,
        tx: &mut Tx,
        witness: &Witness,
        clock: &Clock,
    ) -> Result<Vec<ResourceId>, Error> {
        write_rows(tx, self.owned).await?;
        state(tx, self.stated, witness, self.at).await?;
        add_events(tx, self.events, witness, self.at, clock).await?;
        Ok(self.changed)
    }
}

/// What was said of `id` from `from_at` on holds for what lived through it then, tombstones too. Answers the changed ones,
/// whose versions are still to be kept.
pub(in super::super) async fn restate_heirs(
    tx: &mut Tx,
    id: ResourceId,
    from_at: Timestamp,
    witness: &Witness,
    clock: &Clock,
) -> Result<Vec<ResourceId>, Error> {
    let (mut parents, mut all_changed) = (vec![id.0], Vec::new());
    for _ in 0..GENERATIONS_MAX {
        let heirs: Vec<Heir> = tx.fetch_all(&store::HEIRS, args![parents.clone()]).await?;
        if heirs.is_empty() {
            break;
        }
        let children: Vec<Uuid> = heirs.iter().map(|heir| heir.id.0).collect();
        let known = [parents, children.clone()].concat();
        let timelines: BTreeMap<ResourceId, Vec<Statement>> =
            timelines(tx, known).await?.into_iter().collect();
        let mut restated = Restated::at(witness.seen_at(clock));
        for heir in heirs {
            let of = |id: &ResourceId| timelines.get(id).cloned().unwrap_or_default();
            let (own, parents) = (of(&heir.id), of(&heir.parent));
            let from = heir.with_it_since.map_or(from_at, |since| since.max(from_at));
            let new = inherit(&own, &parents, from);
            restated.add(&heir.into(), own, new, witness);
        }
        all_changed.extend(restated.write(tx, witness, clock).await?);
        parents = children;
    }
    Ok(all_changed)
}
