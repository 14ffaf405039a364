//! The one look at booting droplets that all waiting sagas of a node share, so that a thousand deployments
//! fit into the provider's rate limit. A saga's poll is answered by a look no older than one poll interval.

use super::{POLL_EVERY, droplets::installation_tag, provider};
use crate::cloud::Cloud;
use arcadia_saga::Run;
use digitalocean::{Droplet, DropletId, Error};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex as Table, MutexGuard, PoisonError};
use tokio::sync::Mutex;

/// Who waits, and what was seen last.
#[derive(Debug, Default)]
pub struct Boots {
    /// When each droplet was last asked for.
    asked: Table<HashMap<DropletId, Timestamp>>,
    /// Held while looking: the others wait for that look.
    last: Mutex<Option<Look>>,
}

#[derive(Debug, Clone)]
struct Look {
    began_at: Timestamp,
    /// What it cost in calls.
    pages: usize,
    seen: Result<Arc<HashMap<DropletId, Droplet>>, Error>,
}

/// How a droplet showed itself.
#[derive(Debug, Clone)]
pub(crate) enum Sight {
    Here(Box<Droplet>),
    /// Not in the shared listing, which lags: it may exist.
    NotListed,
    /// The provider does not find its id.
    NotFound,
}

impl Boots {
    /// How the droplet is now, or was a moment ago.
    pub(crate) async fn look(&self, run: &Run<Cloud>, id: DropletId) -> Result<Sight, Error> {
        let waiting = self.asking(run, id);
        let mut last = self.last.lock().await;
        // Beside many serving droplets a listing costs more calls than the few that wait.
        if waiting <= last.as_ref().map_or(1, |look| look.pages) {
            drop(last);
            return self.look_closely(run, id).await;
        }
        let now = run.clock().now();
        let look = match last.as_ref().filter(|look| now < run.clock().after(look.began_at, POLL_EVERY)) {
            Some(fresh) => fresh.clone(),
            None => last.insert(self.look_at_all(run, now).await).clone(),
        };
        Ok(look.seen?.get(&id).map_or(Sight::NotListed, |droplet| Sight::Here(Box::new(droplet.clone()))))
    }

    /// Looks past the shared listing.
    pub(crate) async fn look_closely(&self, run: &Run<Cloud>, id: DropletId) -> Result<Sight, Error> {
        match provider(run).droplets().get(id).await {
            Ok(droplet) => Ok(Sight::Here(Box::new(droplet))),
            Err(error) if error.is_not_found() => Ok(Sight::NotFound),
            Err(error) => Err(error),
        }
    }

    /// Keeps of the listing what is waited for: the rest of an installation may be large.
    async fn look_at_all(&self, run: &Run<Cloud>, began_at: Timestamp) -> Look {
        let listed = provider(run).droplets().list_tagged(&installation_tag(&run.cloud)).await;
        let pages = listed.as_ref().map_or(1, |listing| listing.pages as usize);
        let asked = self.asked();
        let waited_for = |droplet: &Droplet| asked.contains_key(&droplet.id);
        let seen = listed.map(|listing| {
            let kept = listing.into_iter().filter(waited_for).map(|droplet| (droplet.id, droplet));
            Arc::new(kept.collect::<HashMap<_, _>>())
        });
        Look { began_at, pages, seen }
    }

    /// The droplet is no longer waited for.
    pub(crate) fn settled(&self, id: DropletId) {
        self.asked().remove(&id);
    }

    /// Notes the question, and answers how many droplets were asked for within two intervals.
    fn asking(&self, run: &Run<Cloud>, id: DropletId) -> usize {
        let now = run.clock().now();
        let mut asked = self.asked();
        asked.insert(id, now);
        asked.retain(|_, at| now < run.clock().after(*at, 2 * POLL_EVERY));
        asked.len()
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<DropletId, Timestamp>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
