//! The stage of one case: every write, call and step passes it twice, before and after, and at one point of
//! one kind the case has something in store.

use super::hazard::{Kind, Point, Side};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::task;

/// What the case has in store at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Snare {
    /// Stand still until [`Stage::release`]; a node that dies is dropped there instead.
    Hold,
    /// The call is cut: before it was sent, or before its answer came.
    Cut,
}

#[derive(Debug, Default)]
pub(crate) struct Stage {
    armed: Mutex<Option<(Point, Snare)>>,
    passed: Mutex<BTreeMap<Kind, usize>>,
    turned: Mutex<BTreeMap<Kind, usize>>,
    /// All that happened, by task; a read of the database is no point.
    road: Mutex<Vec<(Option<Point>, Option<task::Id>)>>,
    reached: Notify,
    gate: Notify,
}

impl Stage {
    pub(crate) fn arm(&self, point: Point, snare: Snare) {
        *lock(&self.armed) = Some((point, snare));
    }

    /// How many of each kind have begun so far.
    pub(crate) fn passed(&self) -> BTreeMap<Kind, usize> {
        lock(&self.passed).clone()
    }

    /// The saga turns back: what passed so far is its way forward.
    pub(crate) fn turn(&self) {
        let passed = self.passed();
        let mut turned = lock(&self.turned);
        if turned.is_empty() {
            *turned = passed;
        }
    }

    pub(crate) fn turned(&self) -> BTreeMap<Kind, usize> {
        lock(&self.turned).clone()
    }

    /// The database was only asked: no place to strike, but what was before it is another than what comes after.
    pub(crate) fn reads(&self) {
        lock(&self.road).push((None, task::try_id()));
    }

    /// The ends of records and steps whose task then did nothing, to anything, before the next began: the two are
    /// one place. A call takes a step along, and ends at the provider, so that none counts.
    pub(crate) fn one_with_the_next(&self) -> BTreeSet<Point> {
        let road = lock(&self.road);
        let pairs = road.windows(2).filter_map(|pair| match pair {
            [(Some(end), of), (Some(next), by)] if of == by => Some((*end, *next)),
            _ => None,
        });
        let is_one = |(end, next): &(Point, Point)| {
            let sides = (end.side, next.side) == (Side::After, Side::Before);
            sides && end.kind != Kind::Call && next.kind != Kind::Call
        };
        pairs.filter(is_one).map(|(end, _)| end).collect()
    }

    /// Counts a pause, which is no point of its own: only a cancel comes there.
    pub(crate) fn pauses(&self) -> usize {
        let mut passed = lock(&self.passed);
        let number = passed.entry(Kind::Pause).or_default();
        *number += 1;
        *number
    }

    /// Resolves when somebody stands at the point.
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(crate) fn release(&self) {
        self.gate.notify_one();
    }

    /// Counts one of `kind`, and stands still where the case says so.
    pub(crate) async fn before(&self, kind: Kind) -> Result<usize, Cut> {
        let number = {
            let mut passed = lock(&self.passed);
            let number = passed.entry(kind).or_default();
            *number += 1;
            *number
        };
        self.pass(Point { kind, number, side: Side::Before }).await?;
        Ok(number)
    }

    pub(crate) async fn after(&self, kind: Kind, number: usize) -> Result<(), Cut> {
        self.pass(Point { kind, number, side: Side::After }).await
    }

    /// Whether the case's point is this one. It is one only once.
    pub(crate) fn springs(&self, point: Point) -> Option<Snare> {
        let mut armed = lock(&self.armed);
        let (_, snare) = (*armed).filter(|(at, _)| *at == point)?;
        *armed = None;
        Some(snare)
    }

    async fn pass(&self, point: Point) -> Result<(), Cut> {
        lock(&self.road).push((Some(point), task::try_id()));
        match self.springs(point) {
            None => Ok(()),
            Some(Snare::Cut) => Err(Cut),
            Some(Snare::Hold) => {
                self.reached.notify_one();
                self.gate.notified().await;
                Ok(())
            }
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection broke: before the call was sent or before its answer came. The caller cannot tell which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection broke")]
pub struct Cut;

/// What a world's client passes with every provider call, so that a case can kill, freeze or cut it there.
///
/// The order is: the tripwire, then the question whether the lease outlasts the call
/// ([`Run::may_call`](crate::Run::may_call)), then the request. A node that froze at the tripwire finds its lease
/// gone when it wakes.
#[derive(Debug, Clone, Default)]
pub struct Tripwire(Option<Arc<Stage>>);

impl Tripwire {
    /// One that never springs.
    #[must_use]
    pub fn idle() -> Tripwire {
        Tripwire(None)
    }

    pub(crate) fn on(stage: &Arc<Stage>) -> Tripwire {
        Tripwire(Some(Arc::clone(stage)))
    }

    /// Makes a call between the two points.
    ///
    /// # Errors
    /// The call's own, or [`Cut`] in its place; after the call a `Cut` hides an answer that was given.
    pub async fn call<T, E: From<Cut>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let passed = self.before().await?;
        let answer = call.await?;
        self.after(passed).await?;
        Ok(answer)
    }

    /// Where a call begins, for clients that cannot wrap theirs. Answers what [`Tripwire::after`] wants.
    ///
    /// # Errors
    /// [`Cut`]: do not send the request.
    pub async fn before(&self) -> Result<usize, Cut> {
        match &self.0 {
            Some(stage) => stage.before(Kind::Call).await,
            None => Ok(0),
        }
    }

    /// Where the call's answer came.
    ///
    /// # Errors
    /// [`Cut`]: the answer is lost.
    pub async fn after(&self, passed: usize) -> Result<(), Cut> {
        match &self.0 {
            Some(stage) => stage.after(Kind::Call, passed).await,
            None => Ok(()),
        }
    }
}
