//! Projects and what lies in them. A resource is in exactly one: assigning moves it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Client, Error, Key, Keyed, List, call::Call, wire::or_default};

text_id! {
    /// A project's UUID.
    ProjectId
}

text_id! {
    /// A resource's name across kinds: `do:droplet:7`. Reserved IPs are `do:floatingip:…` here, whatever was assigned.
    Urn
}

open_enum! {
    /// What a project is for.
    pub enum ProjectEnvironment { Development = "Development", Staging = "Staging", Production = "Production" }
}

open_enum! {
    /// What became of a resource's assignment.
    pub enum AssignmentStatus {
        Ok = "ok",
        NotFound = "not_found",
        Assigned = "assigned",
        AlreadyAssigned = "already_assigned",
        ServiceDown = "service_down",
    }
}

/// A project. A purpose that is not on the API's own list comes back as `Other: …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub owner_uuid: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    #[serde(default, deserialize_with = "or_default")]
    pub purpose: String,
    pub environment: Option<ProjectEnvironment>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// New resources land in the default project.
    #[serde(default, deserialize_with = "or_default")]
    pub is_default: bool,
}

/// A resource in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectResource {
    pub urn: Urn,
    pub assigned_at: Option<Timestamp>,
    pub status: Option<AssignmentStatus>,
}

/// A project to be; names are unique.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateProject {
    pub name: String,
    pub purpose: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<ProjectEnvironment>,
}

impl Keyed for Project {
    fn key(&self) -> Key {
        Key::Text(self.id.0.clone())
    }
}

impl Keyed for ProjectResource {
    fn key(&self) -> Key {
        Key::Text(self.urn.0.clone())
    }
}

#[derive(Serialize)]
struct Assignment<'a> {
    resources: &'a [Urn],
}

/// `/v2/projects`, by [`Client::projects`].
#[derive(Debug, Clone)]
pub struct Projects(Client);

impl Client {
    pub fn projects(&self) -> Projects {
        Projects(self.clone())
    }
}

const RESOURCES: &str = "/v2/projects/{project_id}/resources";

impl Projects {
    pub fn list(&self) -> List<Project> {
        List::new(self.0.clone(), "projects", Call::get("/v2/projects", &[]))
    }

    pub async fn get(&self, id: &ProjectId) -> Result<Project, Error> {
        self.0.fetch(Call::get("/v2/projects/{project_id}", &[id]), "project").await
    }

    /// The one that new resources land in.
    pub async fn get_default(&self) -> Result<Project, Error> {
        self.0.fetch(Call::get("/v2/projects/default", &[]), "project").await
    }

    pub async fn create(&self, wanted: &CreateProject) -> Result<Project, Error> {
        self.0.fetch(Call::post("/v2/projects", &[], wanted), "project").await
    }

    /// What the token may read of the project's resources.
    pub fn resources(&self, id: &ProjectId) -> List<ProjectResource> {
        List::new(self.0.clone(), "resources", Call::get(RESOURCES, &[id]))
    }

    /// Moves resources here from wherever they are.
    pub async fn assign(&self, id: &ProjectId, resources: &[Urn]) -> Result<Vec<ProjectResource>, Error> {
        self.0.fetch(Call::post(RESOURCES, &[id], &Assignment { resources }), "resources").await
    }
}
