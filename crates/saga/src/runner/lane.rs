//! A queue as this node serves it: its places, and how soon it is looked at again when it is full over all nodes.

use crate::plan::Queue;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

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
