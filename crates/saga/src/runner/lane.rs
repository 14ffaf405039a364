//! A queue as this node serves it: its places, and how soon it is looked at again when it is full over all nodes.

use super::{Flights, Held, Runner};
use crate::plan::Queue;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The first look after one in vain; each further one comes twice as late.
const LOOK_AGAIN_MS: u64 = 10;

pub(super) struct Lane {
    pub(super) name: String,
    pub(super) places: Arc<Semaphore>,
    pub(super) over_all: Option<usize>,
    in_vain_ms: AtomicU64,
}

impl Lane {
    pub(super) fn of(queue: &Queue, in_flight_max: usize) -> Lane {
        Lane {
            name: queue.name.clone(),
            places: Arc::new(Semaphore::new(queue.per_node.min(in_flight_max))),
            over_all: queue.over_all,
            in_vain_ms: AtomicU64::new(0),
        }
    }

    /// Something is due that could not be claimed: other nodes have all the places. Answers how long to leave it.
    pub(super) fn looked_in_vain(&self) -> Duration {
        let next = (self.in_vain_ms.load(Ordering::Relaxed) * 2).clamp(LOOK_AGAIN_MS, 1000);
        self.in_vain_ms.store(next, Ordering::Relaxed);
        Duration::from_millis(next)
    }

    pub(super) fn moved(&self) {
        self.in_vain_ms.store(0, Ordering::Relaxed);
    }
}

/// A place on this node and one in the queue, for as long as this lives.
pub(crate) struct Place {
    held: Vec<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

impl Place {
    pub(super) fn new(held: impl Iterator<Item = OwnedSemaphorePermit>, freed: &Arc<Notify>) -> Place {
        Place { held: held.collect(), freed: Arc::clone(freed) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Free before anybody is told.
        self.held.clear();
        self.freed.notify_one();
    }
}

/// What it takes to put a saga in flight.
pub(super) struct Launch {
    tasks: TaskTracker,
    dropped: CancellationToken,
    places: Arc<Semaphore>,
    lane: Option<Arc<Semaphore>>,
    place_freed: Arc<Notify>,
}

impl Launch {
    pub(super) fn new<C>(runner: &Runner<C>, flights: &Flights, queue: &str) -> Launch {
        let lane = runner.queues.iter().find(|lane| lane.name == queue);
        Launch {
            lane: lane.map(|lane| Arc::clone(&lane.places)),
            tasks: flights.tasks.clone(),
            dropped: flights.dropped.clone(),
            places: Arc::clone(&runner.places),
            place_freed: Arc::clone(&runner.place_freed),
        }
    }

    /// What is free of both: whoever claims saw a free place, and one too many in a race does no harm.
    pub(super) fn place(&self) -> Place {
        let here = Arc::clone(&self.places).try_acquire_owned().ok();
        let in_lane = self.lane.clone().and_then(|lane| lane.try_acquire_owned().ok());
        Place::new(here.into_iter().chain(in_lane), &self.place_freed)
    }

    /// Both, or nothing.
    pub(super) fn free_place(&self) -> Option<Place> {
        let here = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let in_lane = match self.lane.clone() {
            Some(lane) => Some(lane.try_acquire_owned().ok()?),
            None => None,
        };
        Some(Place::new(std::iter::once(here).chain(in_lane), &self.place_freed))
    }

    pub(super) fn spawn(&self, held: Held, place: Place, flight: impl Future<Output = ()> + Send + 'static) {
        let dropped = self.dropped.clone();
        self.tasks.spawn(async move {
            let _ = dropped.run_until_cancelled_owned(flight).await;
            drop((held, place));
        });
    }
}
