//! Projects and what lies in them. Every assignable resource is in exactly one: where nobody assigned it, in the
//! default project.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, conflict, invalid};
use super::shelf::Shelf;
use super::urn::{Urn, UrnKind};
use super::{Account, Twist, Window, after_ms};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    owner_uuid: &'static str,
    owner_id: u64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) purpose: String,
    pub(crate) environment: String,
    #[serde(serialize_with = "super::seconds")]
    created_at: Timestamp,
    #[serde(serialize_with = "super::seconds")]
    updated_at: Timestamp,
    pub(crate) is_default: bool,
}

/// Where something was put, and when.
#[derive(Debug, Clone)]
struct Membership {
    project_id: String,
    assigned_at: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Projects {
    shelf: Shelf<Project>,
    memberships: BTreeMap<Urn, Membership>,
}

/// A resource as its project lists it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) urn: Urn,
    pub(crate) assigned_at: Timestamp,
    pub(crate) status: &'static str,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProjectDraft {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) is_default: Option<bool>,
}

const OWNER: &str = "5ca1ab1e-0000-4000-8000-000000000002";
const OWNER_ID: u64 = 258_992;
const ENVIRONMENTS: [&str; 3] = ["Development", "Staging", "Production"];
const PURPOSES: [&str; 9] = [
    "Just trying out DigitalOcean",
    "Class project / Educational purposes",
    "Website or blog",
    "Web Application",
    "Service or API",
    "Mobile Application",
    "Machine learning / AI / Data processing",
    "IoT",
    "Operational / Developer tooling",
];
/// The word that stands for the default project in paths.
const DEFAULT: &str = "default";

impl Account {
    pub(crate) fn project(&self, id: &str) -> Result<&Project, Refusal> {
        let found = match id {
            DEFAULT => self.projects.shelf.living().find(|project| project.is_default),
            id => self.projects.shelf.get(id),
        };
        found.ok_or(Refusal::NotFound)
    }

    pub(crate) fn list_projects(&self, window: Window) -> (Vec<&Project>, usize) {
        window.cut(self.projects.shelf.listed(self.now))
    }

    pub(crate) fn living_projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.shelf.living()
    }

    /// The project that every account has from its first day.
    pub(super) fn found_default_project(&mut self) {
        let draft = ProjectDraft {
            name: Some("Arcadia".to_owned()),
            purpose: Some("Web Application".to_owned()),
            description: Some("Update your project information under Settings".to_owned()),
            environment: Some("Production".to_owned()),
            is_default: Some(true),
        };
        let id = self.uuid();
        let project = Project { is_default: true, ..blank(id.clone(), self.now) };
        self.projects.shelf.add(&id, project, self.now);
        self.write_project(&id, &draft);
        let fields = json!({ "is_default": true });
        self.note(Origin::Provider, ChangeKind::Created, Kind::Project, &id, "Arcadia", fields);
    }

    pub(crate) fn create_project(
        &mut self,
        draft: &ProjectDraft,
        twist: Twist,
        by: Origin,
    ) -> Result<String, Refusal> {
        if draft.name.is_none() || draft.purpose.is_none() {
            return invalid("name and purpose are required");
        }
        self.check_project(draft, "")?;
        let id = self.uuid();
        let hidden_until = after_ms(self.now, twist.hide_ms.unwrap_or(0));
        self.projects.shelf.add(&id, blank(id.clone(), self.now), hidden_until);
        self.write_project(&id, draft);
        let name = draft.name.clone().unwrap_or_default();
        self.note(by, ChangeKind::Created, Kind::Project, &id, &name, json!({ "purpose": draft.purpose }));
        Ok(id)
    }

    /// `whole` is PUT, which needs every field; otherwise only what is given changes.
    pub(crate) fn update_project(
        &mut self,
        id: &str,
        draft: &ProjectDraft,
        whole: bool,
        by: Origin,
    ) -> Result<String, Refusal> {
        let id = self.project(id)?.id.clone();
        let complete = draft.name.is_some()
            && draft.description.is_some()
            && draft.purpose.is_some()
            && draft.environment.is_some()
            && draft.is_default.is_some();
        if whole && !complete {
            return invalid("name, description, purpose, environment and is_default are required");
        }
        self.check_project(draft, &id)?;
        self.write_project(&id, draft);
        let name = self.project(&id)?.name.clone();
        self.note(by, ChangeKind::Changed, Kind::Project, &id, &name, json!({ "name": name }));
        Ok(id)
    }

    pub(crate) fn delete_project(&mut self, id: &str, twist: Twist, by: Origin) -> Result<(), Refusal> {
        let project = self.project(id)?;
        let (id, name) = (project.id.clone(), project.name.clone());
        if project.is_default {
            return Err(Refusal::Precondition("the default project can not be deleted".to_owned()));
        }
        if !self.members_of(&id).is_empty() {
            let message = "cannot delete a project with resources. move or remove the resources first";
            return Err(Refusal::Precondition(message.to_owned()));
        }
        self.projects.shelf.remove(&id, self.now, after_ms(self.now, twist.linger_ms));
        self.note(by, ChangeKind::Destroyed, Kind::Project, &id, &name, json!({}));
        Ok(())
    }

    fn check_project(&self, draft: &ProjectDraft, own_id: &str) -> Result<(), Refusal> {
        let name = draft.name.as_deref();
        if name.is_some_and(|name| name.is_empty() || name.len() > 175) {
            return invalid("name must have 1 to 175 characters");
        }
        let too_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > 255);
        if too_long(&draft.description) || too_long(&draft.purpose) {
            return invalid("description and purpose have at most 255 characters");
        }
        if draft.purpose.as_deref() == Some("") {
            return invalid("purpose can not be blank");
        }
        if draft.environment.as_deref().is_some_and(|it| !ENVIRONMENTS.contains(&it)) {
            return invalid("environment must be one of: Development, Staging, Production");
        }
        let taken = |project: &Project| project.id != own_id && Some(project.name.as_str()) == name;
        if self.projects.shelf.living().any(taken) {
            return conflict("name is already in use");
        }
        Ok(())
    }

    fn write_project(&mut self, id: &str, draft: &ProjectDraft) {
        if draft.is_default == Some(true) {
            self.projects.shelf.living_mut().for_each(|project| project.is_default = false);
        }
        let now = self.now;
        let Some(project) = self.projects.shelf.get_mut(id) else { return };
        let write = |to: &mut String, from: &Option<String>| {
            if let Some(text) = from {
                to.clone_from(text);
            }
        };
        write(&mut project.name, &draft.name);
        write(&mut project.description, &draft.description);
        write(&mut project.environment, &draft.environment);
        write(&mut project.purpose, &draft.purpose.as_deref().map(stored_purpose));
        project.is_default |= draft.is_default == Some(true);
        project.updated_at = now;
    }

    /// What lies in a project, in the order of assignment.
    pub(crate) fn members_of(&self, project_id: &str) -> Vec<Member> {
        let all = self.assignable_and_listed().into_iter();
        let mut members: Vec<Member> = all
            .filter_map(|(urn, created_at)| {
                let (home, assigned_at) = self.home_of(&urn, created_at);
                (home == project_id).then_some(Member { urn, assigned_at, status: "ok" })
            })
            .collect();
        members.sort_by(|one, other| (one.assigned_at, &one.urn).cmp(&(other.assigned_at, &other.urn)));
        members
    }

    fn home_of(&self, urn: &Urn, created_at: Timestamp) -> (&str, Timestamp) {
        match self.projects.memberships.get(urn) {
            Some(membership) => (membership.project_id.as_str(), membership.assigned_at),
            None => (self.project(DEFAULT).map_or("", |project| project.id.as_str()), created_at),
        }
    }

    /// The id of the project that a resource lies in.
    pub(crate) fn project_id_of(&self, urn: &Urn) -> &str {
        self.home_of(urn, self.now).0
    }

    pub(super) fn project_name_of(&self, urn: &Urn) -> String {
        self.project(self.project_id_of(urn)).map(|project| project.name.clone()).unwrap_or_default()
    }

    /// Moves resources here from wherever they are. All URNs are read before anything moves.
    pub(crate) fn assign(
        &mut self,
        project_id: &str,
        urns: &[String],
        by: Origin,
    ) -> Result<Vec<Member>, Refusal> {
        let project = self.project(project_id)?;
        let (project_id, name) = (project.id.clone(), project.name.clone());
        let urns = urns.iter().map(|text| Urn::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let known: BTreeMap<Urn, Timestamp> = self.assignable().into_iter().collect();
        if urns.iter().any(|urn| self.is_bound_elsewhere(urn, &project_id)) {
            let message = "a floating IP moves with the Droplet that it is assigned to";
            return Err(Refusal::Precondition(message.to_owned()));
        }
        let mut answers = Vec::new();
        for urn in urns {
            let (status, assigned_at) = match known.get(&urn) {
                None => ("not_found", self.now),
                Some(created_at) => match self.home_of(&urn, *created_at) {
                    (home, assigned_at) if home == project_id => ("already_assigned", assigned_at),
                    _ => ("assigned", self.now),
                },
            };
            if status == "assigned" {
                let home = Membership { project_id: project_id.clone(), assigned_at };
                self.projects.memberships.insert(urn.clone(), home);
                let fields = json!({ "assigned": urn.to_string() });
                self.note(by, ChangeKind::Changed, Kind::Project, &project_id, &name, fields);
            }
            answers.push(Member { urn, assigned_at, status });
        }
        Ok(answers)
    }

    pub(super) fn put_in_project(&mut self, urn: &Urn, project_id: &str) {
        if let Ok(project) = self.project(project_id) {
            let home = Membership { project_id: project.id.clone(), assigned_at: self.now };
            self.projects.memberships.insert(urn.clone(), home);
        }
    }

    /// A name can be used again, and must not come back to its predecessor's project.
    pub(super) fn forget_membership(&mut self, urn: &Urn) {
        self.projects.memberships.remove(urn);
    }

    fn is_bound_elsewhere(&self, urn: &Urn, project_id: &str) -> bool {
        let bound = Some(urn).filter(|urn| urn.kind == UrnKind::FloatingIp);
        let droplet = bound.and_then(|urn| self.reserved_ips.get(&urn.id)).and_then(|it| it.droplet_id);
        droplet.is_some_and(|id| self.project_id_of(&Urn::droplet(id)) != project_id)
    }
}

fn blank(id: String, now: Timestamp) -> Project {
    Project {
        id,
        owner_uuid: OWNER,
        owner_id: OWNER_ID,
        name: String::new(),
        description: String::new(),
        purpose: String::new(),
        environment: "Development".to_owned(),
        created_at: now,
        updated_at: now,
        is_default: false,
    }
}

/// A purpose that is not on the service's own list is kept as an "other" one.
fn stored_purpose(purpose: &str) -> String {
    let known = PURPOSES.contains(&purpose) || purpose.starts_with("Other: ");
    if known { purpose.to_owned() } else { format!("Other: {purpose}") }
}
