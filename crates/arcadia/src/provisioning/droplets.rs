//! Droplets by mark: find what a step made, adopt it, destroy it, and touch nothing else.

use super::{OrHalt as _, POLL_EVERY, provider};
use crate::cloud::Cloud;
use arcadia_saga::{Halt, Outcome, Run, Undo};
use digitalocean::{Droplet, DropletId};
use jiff::Timestamp;
use std::time::Duration;

/// What everything that we make bears.
pub(crate) const MANAGED: &str = "managed-by-arcadia-cloud";

/// A 404 on something younger than this means "not yet".
const YOUNG: Duration = Duration::from_secs(60);

/// What everything made by this database's installation bears.
pub(crate) fn installation_tag(cloud: &Cloud) -> String {
    format!("arcadia-install-{}", cloud.installation)
}

/// The marks of this step, then the deployment's own tags, each once.
pub(crate) fn tags(run: &Run<Cloud>, own: Vec<String>) -> Vec<String> {
    let mark = run.mark();
    let mut tags = vec![MANAGED.to_owned(), installation_tag(&run.cloud), mark.saga, mark.step];
    for tag in own {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// Whether this installation made it.
pub(crate) fn is_ours(cloud: &Cloud, droplet: &Droplet) -> bool {
    let bears = |tag: &str| droplet.tags.iter().any(|worn| worn == tag);
    bears(MANAGED) && bears(&installation_tag(cloud))
}

/// What this very step made, oldest first.
async fn made_here(run: &Run<Cloud>) -> Outcome<Vec<Droplet>> {
    let mark = run.mark().step;
    let listed = provider(run).droplets().list_tagged(&mark).await.or_halt(run)?;
    let mut made = listed.items;
    made.retain(|droplet| is_ours(&run.cloud, droplet) && droplet.tags.contains(&mark));
    made.sort_by_key(|droplet| (droplet.created_at, droplet.id));
    Ok(made)
}

/// The public addresses of what this saga made, whichever of its steps.
pub(crate) async fn addresses(run: &Run<Cloud>) -> Outcome<Vec<String>> {
    let mark = run.mark().saga;
    let listed = provider(run).droplets().list_tagged(&mark).await.or_halt(run)?;
    let made = listed.iter().filter(|it| is_ours(&run.cloud, it) && it.tags.contains(&mark));
    Ok(made.filter_map(|droplet| Some(droplet.public_ipv4()?.to_string())).collect())
}

/// The droplet that an earlier attempt made; younger ones of the same step are destroyed.
pub(crate) async fn adopt(run: &Run<Cloud>) -> Outcome<Option<Droplet>> {
    let mut made = made_here(run).await?.into_iter();
    let oldest = made.next();
    for double in made {
        tracing::warn!(saga = %run.saga_id(), droplet = %double.id, "made twice by one step; destroying the younger");
        destroy(run, double.id).await?;
    }
    Ok(oldest)
}

/// Destroys what the step made without learning of it. Nothing found counts only after the absence rule.
pub(crate) async fn destroy_made_here(run: &Run<Cloud>) -> Undo {
    let made = made_here(run).await?;
    if made.is_empty() {
        return run.seen_nothing();
    }
    for droplet in made {
        destroy(run, droplet.id).await?;
    }
    Ok(())
}

/// Destroys a droplet of known id. While it is young a 404 is not believed: it is asked again.
pub(crate) async fn destroy_known(run: &Run<Cloud>, id: DropletId, created_at: Timestamp) -> Undo {
    let clock = run.clock();
    match destroy(run, id).await? {
        Destroyed::Accepted => Ok(()),
        Destroyed::NotFound if clock.now() >= clock.after(created_at, YOUNG) => Ok(()),
        Destroyed::NotFound => {
            Err(Halt::wait(POLL_EVERY, format!("certainty that droplet {id}, just created, is gone")))
        }
    }
}

/// What the provider said to a destruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destroyed {
    Accepted,
    NotFound,
}

/// Asks for the destruction, which the provider does in its own time.
pub(crate) async fn destroy(run: &Run<Cloud>, id: DropletId) -> Outcome<Destroyed> {
    match provider(run).droplets().destroy(id).await {
        Ok(()) => Ok(Destroyed::Accepted),
        Err(error) if error.is_not_found() => Ok(Destroyed::NotFound),
        Err(error) => Err(error).or_halt(run),
    }
}
