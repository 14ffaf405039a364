//! Projects, in two passes: first the projects themselves, then what lies in each. What no other listing has (buckets, apps)
//! is discovered here by its URN. Makes sure that the internal project exists.

use super::super::observation::{Observation, attrs};
use super::super::store;
use super::super::upsert::Marks;
use super::super::{PROVIDER, kinds, projects};
use super::{Stop, Synced, Walk};
use arcadia_sql::args;
use digitalocean::{Client, CreateProject, Project, ProjectResource};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where resources that belong to no tenant live.
pub const INTERNAL_PROJECT: &str = "skyai-internal";

/// Every project and its members.
#[derive(Debug, Clone, Copy)]
pub struct Projects;

impl Synced for Projects {
    const NAME: &'static str = "projects";
    const STEP: &'static str = "sync_projects";

    async fn walk(walk: &mut Walk<'_>) -> Result<(), Stop> {
        let mut listed = list(walk).await?;
        let internal = match internal_of(walk, &listed).await? {
            Internal::Listed(id) | Internal::Known(id) => id,
            Internal::Missing => {
                let made = make_internal(walk).await?;
                let id = made.id.0.clone();
                listed.push(made);
                id
            }
        };
        let (ids, kept) = see_all(walk, &listed, &internal).await?;
        walk.strikes_projects(kept);
        for (project, id) in &ids {
            members(walk, project, *id).await?;
        }
        discovered_kinds(walk).await?;
        // A complete walk: what it has not met lies in no project.
        let mut tx = walk.tx().await?;
        if let Some(internal) = projects::internal(&mut tx).await? {
            projects::take_strays(&mut tx, internal.id, &walk.witness, walk.clock()).await?;
        }
        Ok(tx.commit().await?)
    }
}

async fn list(walk: &mut Walk<'_>) -> Result<Vec<Project>, Stop> {
    let (mut list, mut all) = (walk.client().projects().list(), Vec::new());
    while let Some(page) = walk.page(&mut list).await? {
        all.extend(page);
    }
    Ok(all)
}

/// Which project is the internal one, by the provider's id.
enum Internal {
    Listed(String),
    /// The listing does not show it: new, or gone, as strikes will tell.
    Known(String),
    Missing,
}

/// The one that was internal before stays it under any name.
async fn internal_of(walk: &Walk<'_>, listed: &[Project]) -> Result<Internal, Stop> {
    let known = walk.known_internal().await?;
    let same = known.as_ref().and_then(|row| listed.iter().find(|it| it.id.0 == row.provider_id));
    let found = same.or_else(|| listed.iter().find(|it| it.name == INTERNAL_PROJECT));
    Ok(match (found, known) {
        (Some(project), _) => Internal::Listed(project.id.0.clone()),
        (None, Some(row)) => Internal::Known(row.provider_id),
        (None, None) => Internal::Missing,
    })
}

/// Names are unique at the provider: of two nodes that make it at once, one is refused and finds the other's.
async fn make_internal(walk: &Walk<'_>) -> Result<Project, Stop> {
    let client = walk.hand.client_to_change();
    let wanted = CreateProject {
        name: INTERNAL_PROJECT.to_owned(),
        purpose: "Operational / Developer tooling".to_owned(),
        description: Some("What belongs to no tenant; kept by arcadia".to_owned()),
        ..CreateProject::default()
    };
    match client.projects().create(&wanted).await {
        Ok(project) => Ok(project),
        Err(error) => match find_internal(&client).await? {
            Some(project) => Ok(project),
            None => Err(error.into()),
        },
    }
}

async fn find_internal(client: &Client) -> Result<Option<Project>, Stop> {
    let all = client.projects().list().await?;
    Ok(all.into_iter().find(|project| project.name == INTERNAL_PROJECT))
}

async fn see_all(
    walk: &mut Walk<'_>,
    listed: &[Project],
    internal: &str,
) -> Result<(Vec<(Project, Uuid)>, i64), Stop> {
    let (mut ids, mut kept) = (Vec::new(), 0);
    let mut tx = walk.tx().await?;
    for project in listed {
        let is_internal = project.id.0 == internal;
        let seen = projects::see(&mut tx, project, is_internal, &walk.witness, walk.clock()).await?;
        if let Some((id, was_known)) = seen {
            kept += i64::from(was_known);
            ids.push((project.clone(), id));
        }
    }
    tx.commit().await?;
    Ok((ids, kept))
}

async fn members(walk: &mut Walk<'_>, project: &Project, id: Uuid) -> Result<(), Stop> {
    let mut list = walk.client().projects().resources(&project.id);
    while let Some(page) = walk.page(&mut list).await? {
        let mut members: Vec<(String, String)> = Vec::new();
        let mut unlisted: BTreeMap<String, Vec<Observation>> = BTreeMap::new();
        for resource in &page {
            let Some((kind, provider_id)) = kinds::of_urn(&resource.urn.0) else { continue };
            if !kinds::has_its_own_sync(&kind) {
                let placeholder = placeholder(resource, &provider_id);
                unlisted.entry(kind.clone()).or_default().push(placeholder);
            }
            // An image is a snapshot or a backup, and no URN tells which.
            if kind == kinds::SNAPSHOT {
                members.push((kinds::DROPLET_BACKUP.to_owned(), provider_id.clone()));
            }
            members.push((kind, provider_id));
        }
        for (kind, seen) in unlisted {
            walk.write(&kind, &seen, Marks::Seen).await?;
        }
        let mut tx = walk.tx().await?;
        projects::take_members(&mut tx, id, &members, &walk.witness, walk.clock()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// All that a URN says.
fn placeholder(resource: &ProjectResource, provider_id: &str) -> Observation {
    Observation {
        provider_id: provider_id.to_owned(),
        name: provider_id.to_owned(),
        attrs: attrs(json!({"urn": resource.urn})),
        ..Observation::default()
    }
}

/// What is known by its URN only is struck by this walk.
async fn discovered_kinds(walk: &mut Walk<'_>) -> Result<(), Stop> {
    let known: Vec<(String,)> = walk.hand.cloud().db.fetch_all(&store::KINDS, args![PROVIDER]).await?;
    for (kind,) in known {
        if !kinds::has_its_own_sync(&kind) {
            walk.strikes(&kind);
        }
    }
    Ok(())
}
