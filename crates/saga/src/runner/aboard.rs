//! Which sagas are in flight on this node, and whether it may own more than it knows of: a claim whose answer was
//! lost leaves sagas with an owner that lives and does nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

#[derive(Debug, Default)]
pub(super) struct Aboard {
    /// A saga that was claimed anew may be there twice, until its old flight finds out.
    seats: Mutex<HashMap<Uuid, usize>>,
    may_miss_until_us: AtomicU64,
}

/// A saga in flight, for as long as this is held.
#[derive(Debug)]
pub(super) struct Seat {
    aboard: Arc<Aboard>,
    id: Uuid,
}

impl Aboard {
    pub(super) fn board(self: &Arc<Self>, id: Uuid) -> Seat {
        *self.seats().entry(id).or_default() += 1;
        Seat { aboard: Arc::clone(self), id }
    }

    pub(super) fn ids(&self) -> Vec<Uuid> {
        self.seats().keys().copied().collect()
    }

    pub(super) fn may_miss_until(&self, at: Duration) {
        self.may_miss_until_us.fetch_max(micros(at), Ordering::SeqCst);
    }

    pub(super) fn may_miss(&self, now: Duration) -> bool {
        micros(now) < self.may_miss_until_us.load(Ordering::SeqCst)
    }

    fn seats(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.aboard.seats();
        if let Some(count) = seats.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                seats.remove(&self.id);
            }
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
