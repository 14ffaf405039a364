//! Every event is one change of the account's log, told once and in time, and every change that a complete look met has
//! its event: after each such look what was told is what was there.

use super::KINDS;
use super::truth::{Truth, Was};
use crate::account::Event;
use crate::world::World;
use arcadia::inventory::ResourceRow;
use arcadia::inventory::projects::ProjectRow;
use arcadia::inventory::runs::RunRow;
use digitalocean_sim::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// So many complete looks in a row prove that something is gone.
const STRIKES_MAX: u32 = 3;

/// What is told of a resource up to a time.
#[derive(Debug, Clone)]
struct Told {
    at: Timestamp,
    discovered_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
    fields: Map<String, Value>,
    owner: Value,
}

impl Told {
    fn is_alive(&self) -> bool {
        self.discovered_at.is_some() && self.deleted_at.is_none()
    }
}

/// One resource: what was told of it, what happened to it, and who looked.
struct Case<'a> {
    what: String,
    kind: &'static str,
    truth: Truth<'a>,
    /// What was told after each event, from nothing on.
    told: Vec<Told>,
    /// Of the syncs that list this kind.
    looks: Vec<&'a RunRow>,
    /// Of the syncs that strike it.
    strikes: Vec<&'a RunRow>,
    project_looks: Vec<&'a RunRow>,
    runs: &'a HashMap<Uuid, &'a RunRow>,
    projects: &'a [ProjectRow],
}

/// See the file's head.
pub async fn explain(world: &World, seed: u64) {
    let (log, rows, runs, projects) =
        (world.simulator.log(), world.rows().await, world.runs().await, world.projects().await);
    let mut events: BTreeMap<Uuid, Vec<Event>> = BTreeMap::new();
    for event in world.events().await {
        events.entry(event.resource_id).or_default().push(event);
    }
    let by_id = runs.iter().map(|run| (run.id, run)).collect();
    let mut explained = 0;
    for (kind, ours) in KINDS {
        let of_kind = |row: &&ResourceRow| row.kind == ours;
        let mut ids: BTreeSet<&str> =
            log.iter().filter(|it| it.kind == kind).map(|it| it.id.as_str()).collect();
        ids.extend(rows.iter().filter(of_kind).map(|row| row.provider_id.as_str()));
        for id in ids {
            let row = rows.iter().filter(of_kind).find(|row| row.provider_id == id);
            let told = row.and_then(|row| events.get(&row.id.0)).cloned().unwrap_or_default();
            explained += told.len();
            let what = format!("{ours} {id}, seed {seed}");
            let mut case = Case::new(what, (kind, ours), id, &log, &runs, &by_id, &projects);
            case.follow(told);
            case.meets_every_look();
            case.dies_by_proof_only();
            case.leads_to(row);
        }
    }
    assert!(explained > 0, "a week without an event, seed {seed}");
}

impl<'a> Case<'a> {
    fn new(
        what: String,
        kind: (digitalocean_sim::Kind, &'static str),
        id: &str,
        log: &'a [Change],
        runs: &'a [RunRow],
        by_id: &'a HashMap<Uuid, &'a RunRow>,
        projects: &'a [ProjectRow],
    ) -> Case<'a> {
        let of = |names: &[&str]| runs.iter().filter(|run| names.contains(&run.kind.as_str())).collect();
        let (lists, strikes): (&[&str], &str) = match kind.1 {
            "droplet" => (&["droplets", "droplet_statuses"], "droplets"),
            "dns_zone" => (&["domains"], "domains"),
            "volume" => (&["volumes"], "volumes"),
            "snapshot" => (&["snapshots"], "snapshots"),
            _ => (&["projects"], "projects"),
        };
        let nothing = Told {
            at: Timestamp::UNIX_EPOCH,
            discovered_at: None,
            deleted_at: None,
            fields: Map::new(),
            owner: json!({"tenant_id": null, "reason": "none", "cloud_project_id": null}),
        };
        Case {
            what,
            kind: kind.1,
            truth: Truth::of(log, kind, id),
            told: vec![nothing],
            looks: of(lists),
            strikes: of(&[strikes]),
            project_looks: of(&["projects"]),
            runs: by_id,
            projects,
        }
    }

    fn told_by(&self, at: Timestamp) -> &Told {
        self.told.iter().rfind(|told| told.at <= at).unwrap()
    }

    /// Each event begins where the one before it ended, and ends at what was there when it was seen.
    fn follow(&mut self, mut events: Vec<Event>) {
        while !events.is_empty() {
            let at = events[0].at;
            // The order of events of one moment is by chance: the one that continues what was told comes first.
            let same = events.iter().take_while(|event| event.at == at);
            let next = same.enumerate().find_map(|(n, event)| self.after(event).ok().map(|told| (n, told)));
            let (n, told) = next.unwrap_or_else(|| {
                panic!("{}: {:?}: {:#?}", self.what, self.after(&events[0]), events[0]);
            });
            events.remove(n);
            self.told.push(told);
        }
    }

    fn after(&self, event: &Event) -> Result<Told, String> {
        let mut told = Told { at: event.at, ..self.told.last().unwrap().clone() };
        let run = event.source.strip_prefix("sync:").and_then(|id| self.runs.get(&id.parse().ok()?));
        let run = run.ok_or("nobody looked")?;
        if event.at < run.started_at || run.finished_at.is_none_or(|finished| finished < event.at) {
            return Err(format!("told outside of its look: {run:?}"));
        }
        let was = self.truth.at(run.started_at);
        if matches!(event.kind.as_str(), "attributed" | "deleted") {
            // Whose it is also follows from others, and what is gone is not there to be compared.
        } else if !self.looks.iter().any(|look| look.id == run.id) || !was.is_there {
            return Err(format!("not seen there: {run:?}"));
        }
        match event.kind.as_str() {
            "discovered" if told.discovered_at.is_none() => {
                told.discovered_at = Some(event.at);
                told.fields = event.data["after"].as_object().cloned().unwrap_or_default();
            }
            "updated" | "tagged" if told.is_alive() && self.is_news(event) => {
                change(&mut told.fields, &event.data["fields"])?;
            }
            "restored" if told.deleted_at.is_some() => {
                told.deleted_at = None;
                change_some(&mut told.fields, &event.data["fields"])?;
            }
            "deleted" if told.is_alive() => told.deleted_at = Some(event.at),
            "attributed" if told.discovered_at.is_some() => self.attribute(&mut told, event, &was)?,
            _ => return Err(format!("not after what was told: {told:?}")),
        }
        if !matches!(event.kind.as_str(), "attributed" | "deleted") {
            self.shows(&told, &was)?;
        }
        Ok(told)
    }

    /// The account changed it since it was last looked at to the end.
    fn is_news(&self, event: &Event) -> bool {
        let looked = self.looks.iter().filter(|look| look.complete && look.started_at < event.at);
        let last = looked.map(|look| look.started_at).max().unwrap_or(Timestamp::UNIX_EPOCH);
        self.truth.changed_within(last, event.at)
    }

    fn attribute(&self, told: &mut Told, event: &Event, was: &Was) -> Result<(), String> {
        let now = json!({"tenant_id": event.data["tenant_id"], "reason": event.data["reason"],
            "cloud_project_id": event.data["cloud_project_id"]});
        if event.data["before"] != told.owner || now == told.owner {
            return Err(format!("the owner was {}", told.owner));
        }
        told.owner = now;
        if self.kind == "snapshot" { Ok(()) } else { self.owns(told, was) }
    }

    /// Whose it is follows from where it lay; what is gone lies in no project, and is the internal one's.
    fn owns(&self, told: &Told, was: &Was) -> Result<(), String> {
        let lay = |project: &&ProjectRow| {
            if was.is_there { project.provider_id == was.project } else { project.is_internal }
        };
        let project = self.projects.iter().find(lay).ok_or("lies in no known project")?;
        let reason = match &project.tenant_id {
            _ if project.is_internal => "internal",
            Some(_) => "project",
            None => "unallocated",
        };
        let is = json!({"tenant_id": project.tenant_id, "reason": reason, "cloud_project_id": project.id});
        if told.owner == is { Ok(()) } else { Err(format!("{} is told and is {is}", told.owner)) }
    }

    fn shows(&self, told: &Told, was: &Was) -> Result<(), String> {
        let other = was.shown.iter().find(|(field, value)| told.fields.get(*field) != Some(value));
        other.map_or(Ok(()), |(field, value)| Err(format!("{field} is {value}, told is {:?}", told.fields)))
    }

    /// After a complete look nothing that it met is untold.
    fn meets_every_look(&self) {
        for look in self.looks.iter().filter(|look| look.complete) {
            let (was, told) = (self.truth.at(look.started_at), self.told_by(look.finished_at.unwrap()));
            let is_fresh =
                told.deleted_at.is_some_and(|at| look.started_at < at + SignedDuration::from_mins(1));
            if was.is_there && !is_fresh {
                assert!(told.is_alive(), "{}: not told: {look:?}", self.what);
                self.shows(told, &was).unwrap_or_else(|why| panic!("{}: {why}: {look:?}", self.what));
            }
        }
        for look in self.project_looks.iter().filter(|look| look.complete && self.kind != "snapshot") {
            let (was, told) = (self.truth.at(look.started_at), self.told_by(look.finished_at.unwrap()));
            let was_known = told.discovered_at.is_some_and(|at| at < look.started_at);
            if was.is_there && was_known && told.is_alive() {
                self.owns(told, &was).unwrap_or_else(|why| panic!("{}: {why}: {look:?}", self.what));
            }
        }
    }

    /// Gone is what three complete looks in a row did not meet, at the third of them: not before and not after. A look
    /// that failed on the way may have met it or not.
    fn dies_by_proof_only(&self) {
        let (mut least, mut most) = (0, 0);
        let deaths: Vec<Timestamp> = self.told.windows(2).filter_map(death).collect();
        let mut proven = 0;
        for look in &self.strikes {
            let (was, finished) = (self.truth.at(look.started_at), look.finished_at.unwrap());
            let before = self.told.iter().rfind(|told| told.at < look.started_at).unwrap();
            if was.is_there {
                least = 0;
                most = if look.complete { 0 } else { most };
            } else if look.complete && !look.suspicious && before.is_alive() {
                (least, most) = (least + 1, most + 1);
            }
            let died = deaths.iter().filter(|at| look.started_at <= **at && **at <= finished).count();
            assert!(died == 0 || most >= STRIKES_MAX, "{}: {most} strikes: {look:?}", self.what);
            assert!(died == 1 || least < STRIKES_MAX, "{}: {least} strikes: {look:?}", self.what);
            if died == 1 {
                (least, most) = (0, 0);
                proven += 1;
            }
        }
        assert_eq!(proven, deaths.len(), "{}: {:#?}", self.what, self.told);
    }

    /// What is told in the end is the row.
    fn leads_to(&self, row: Option<&ResourceRow>) {
        let told = self.told.last().unwrap();
        let Some(row) = row else {
            assert_eq!(told.discovered_at, None, "{}", self.what);
            return;
        };
        let is = json!({"name": row.name, "region": row.region, "status": row.status, "size_slug": row.size_slug,
            "tags": row.tags, "attrs": row.attrs, "monthly_cost_minor": row.monthly_cost_minor});
        for (field, value) in is.as_object().into_iter().flatten() {
            assert_eq!(told.fields.get(field), Some(value), "{}: {field}: {told:#?}", self.what);
        }
        let owner = json!({"tenant_id": row.tenant_id, "reason": row.owner_reason,
            "cloud_project_id": row.cloud_project_id});
        assert_eq!(told.owner, owner, "{}", self.what);
        assert_eq!(told.deleted_at, row.deleted_at, "{}", self.what);
    }
}

fn death(two: &[Told]) -> Option<Timestamp> {
    two[1].deleted_at.filter(|_| two[0].deleted_at.is_none())
}

/// Takes changes of fields in, at least one of them.
fn change(told: &mut Map<String, Value>, changes: &Value) -> Result<(), String> {
    if changes.as_object().is_none_or(Map::is_empty) {
        return Err("nothing changed".to_owned());
    }
    change_some(told, changes)
}

fn change_some(told: &mut Map<String, Value>, changes: &Value) -> Result<(), String> {
    for (field, change) in changes.as_object().into_iter().flatten() {
        if told.get(field).unwrap_or(&Value::Null) != &change["before"] || change["before"] == change["after"]
        {
            return Err(format!("{field} was {:?}", told.get(field)));
        }
        told.insert(field.clone(), change["after"].clone());
    }
    Ok(())
}
