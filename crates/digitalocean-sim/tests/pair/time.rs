//! One clock for the client and the simulator, which moves on only when everybody waits for it: hours pass in seconds,
//! and nothing depends on how fast this machine is.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use digitalocean::Clock;
use digitalocean_sim::Simulator;
use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Default)]
struct Sleepers {
    next: u64,
    /// By deadline, so that the first is the next to wake.
    waiting: BTreeMap<(Timestamp, u64), Option<Waker>>,
}

/// The simulator's time as the client's clock.
#[derive(Debug, Clone)]
pub(crate) struct SharedClock {
    simulator: Simulator,
    sleepers: Arc<Mutex<Sleepers>>,
    /// Requests that have left and are not answered.
    under_way: Arc<AtomicUsize>,
}

impl SharedClock {
    pub(crate) fn new(simulator: Simulator) -> SharedClock {
        SharedClock { simulator, sleepers: Arc::default(), under_way: Arc::default() }
    }

    pub(crate) fn left(&self) {
        self.under_way.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn came_back(&self) {
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }

    /// Moves time on whenever everybody waits, until `work` is done. For a runtime of one thread: when this task has been
    /// run so many times in a row and nothing has changed, everything that could go on has done so.
    pub(crate) async fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let (mut quiet, mut seen) = (0, (0, 0));
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::task::yield_now() => {}
            }
            let now = (self.sleepers.lock().unwrap().next, self.under_way.load(Ordering::SeqCst));
            quiet = if now == seen && now.1 == 0 { quiet + 1 } else { 0 };
            seen = now;
            if quiet > 50 {
                quiet = 0;
                self.advance();
            }
        }
    }

    fn advance(&self) {
        let first = self.sleepers.lock().unwrap().waiting.keys().next().map(|(due, _)| *due);
        let Some(due) = first else { return };
        let missing = due.duration_since(self.simulator.now());
        self.simulator.advance(Duration::try_from(missing).unwrap_or_default());
        for (_, waker) in self.sleepers.lock().unwrap().waiting.range_mut(..=(due, u64::MAX)) {
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        }
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.simulator.now()
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let due = self.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        let mut sleepers = self.sleepers.lock().unwrap();
        sleepers.next += 1;
        let key = (due, sleepers.next);
        sleepers.waiting.insert(key, None);
        Box::pin(Sleep { clock: self, key })
    }
}

struct Sleep<'a> {
    clock: &'a SharedClock,
    key: (Timestamp, u64),
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.simulator.now() >= self.key.0 {
            return Poll::Ready(());
        }
        if let Some(waker) = self.clock.sleepers.lock().unwrap().waiting.get_mut(&self.key) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.sleepers.lock().unwrap().waiting.remove(&self.key);
    }
}
