//! The provider of the simulation: things on a shelf by the mark of the step that made them. A thing may arrive
//! some time after the call, and is listed some time after it arrived.

use super::super::history::History;
use super::super::stage::lock;
use super::turns::{Fate, Kind, Turns};
use crate::{Halt, Outcome, Run, Settings};
use arcadia_sql::ManualNow;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The longest that a thing that exists is not listed.
const LISTED_WITHIN_MS: u64 = 20_000;

#[derive(Debug, Clone)]
struct Thing {
    mark: String,
    arrives: Timestamp,
    listed: Timestamp,
}

pub(super) struct Goods {
    random: fastrand::Rng,
    things: Vec<Thing>,
    /// What stands on each dial; one that was never turned shows `unset`.
    pub(super) dials: BTreeMap<String, String>,
    violations: Vec<String>,
}

pub(super) struct Shelf {
    pub(super) goods: Mutex<Goods>,
    now: ManualNow,
    turns: Arc<Turns>,
    history: Arc<History>,
}

impl Shelf {
    pub(super) fn new(seed: u64, now: ManualNow, turns: Arc<Turns>, history: Arc<History>) -> Shelf {
        let random = fastrand::Rng::with_seed(seed ^ 0x5e1f);
        let goods = Goods { random, things: Vec::new(), dials: BTreeMap::new(), violations: Vec::new() };
        Shelf { goods: Mutex::new(goods), now, turns, history }
    }

    /// More than one living thing under one mark, or a call by whom the saga does not belong to.
    pub(super) fn violation(&self) -> Option<String> {
        let goods = lock(&self.goods);
        let twice = goods
            .things
            .iter()
            .enumerate()
            .find(|(at, thing)| goods.things[..*at].iter().any(|earlier| earlier.mark == thing.mark));
        let twice = twice.map(|(_, thing)| format!("two things live under {}", thing.mark));
        goods.violations.first().cloned().or(twice)
    }

    /// The marks of all that lives, arrived or on its way.
    pub(super) fn living(&self) -> Vec<String> {
        let mut marks: Vec<String> =
            lock(&self.goods).things.iter().map(|thing| thing.mark.clone()).collect();
        marks.sort();
        marks
    }
}

impl Goods {
    /// A thing that arrives within `late_ms` from now.
    pub(super) fn make(&mut self, mark: &str, now: Timestamp, late_ms: u64) {
        let ms = |ms: u64| SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        let arrives = now + ms(self.random.u64(0..=late_ms));
        let listed = arrives + ms(self.random.u64(0..LISTED_WITHIN_MS));
        self.things.push(Thing { mark: mark.to_owned(), arrives, listed });
    }

    pub(super) fn is_listed(&self, mark: &str, now: Timestamp) -> bool {
        self.things.iter().any(|thing| thing.mark == mark && thing.listed <= now)
    }

    /// Whether anything is listed whose mark begins so.
    pub(super) fn lists_any(&self, prefix: &str, now: Timestamp) -> bool {
        self.things.iter().any(|thing| thing.mark.starts_with(prefix) && thing.listed <= now)
    }

    /// What has arrived is destroyed, whether it is listed yet or not.
    pub(super) fn destroy(&mut self, mark: &str, now: Timestamp) {
        self.things.retain(|thing| thing.mark != mark || thing.arrives > now);
    }
}

/// What a simulated node's steps are handed.
pub(super) struct Node {
    pub(super) number: usize,
    pub(super) shelf: Arc<Shelf>,
}

/// What a call does at the provider. The milliseconds say how late its effect may arrive.
pub(super) type Effect<'e, T> = &'e (dyn Fn(&mut Goods, Timestamp, u64) -> T + Send + Sync);

impl Node {
    /// One call of a step, which takes a turn and may go wrong.
    pub(super) async fn call<T>(&self, run: &Run<Node>, what: &str, effect: Effect<'_, T>) -> Outcome<T> {
        self.call_for(run, what, true, effect).await
    }

    /// A call that only looks, before the step's intent.
    pub(super) async fn look_before<T>(
        &self,
        run: &Run<Node>,
        what: &str,
        effect: Effect<'_, T>,
    ) -> Outcome<T> {
        self.call_for(run, what, false, effect).await
    }

    async fn call_for<T>(
        &self,
        run: &Run<Node>,
        what: &str,
        intended: bool,
        effect: Effect<'_, T>,
    ) -> Outcome<T> {
        let shelf = &self.shelf;
        let turn = shelf.turns.ask(self.number, Kind::Provider, format!("{what} {}", run.mark().step)).await;
        let (fate, timeout) = (turn.fate, Settings::default().call_timeout);
        if run.may_call(timeout).is_err() {
            return Err(Halt::wait(Duration::from_secs(1), "the lease to be renewed"));
        }
        match fate {
            Fate::Refused => return Err(Halt::failed("the provider says no")),
            Fate::FailsBefore => return Err(Halt::unknown("the connection broke")),
            Fate::DiesBefore => {
                drop(turn);
                return pending().await;
            }
            _ => {}
        }
        let hidden = matches!(fate, Fate::LosesAnswer | Fate::DiesAfter);
        let late_ms = if hidden { u64::try_from(timeout.as_millis()).unwrap_or_default() } else { 0 };
        let answer = {
            let mut goods = lock(&shelf.goods);
            if let Some(stranger) = self.stranger(run, what, intended) {
                goods.violations.push(stranger);
            }
            effect(&mut goods, shelf.now.get(), late_ms)
        };
        drop(turn);
        match fate {
            Fate::DiesAfter => pending().await,
            Fate::LosesAnswer => Err(Halt::unknown("the connection broke")),
            Fate::AnswersLate => {
                drop(shelf.turns.ask(self.number, Kind::Network, "answer of the provider").await);
                Ok(answer)
            }
            _ => Ok(answer),
        }
    }

    /// A call that nobody but the saga's owner may make, and only behind a durable intent.
    fn stranger(&self, run: &Run<Node>, what: &str, intended: bool) -> Option<String> {
        let last = self.shelf.history.last(run.saga.0)?;
        let ours = last.owner == Some(run.lease.runner()) && last.epoch == run.epoch;
        if !ours {
            return Some(format!("{what} by {} epoch {}, but {last:?}", run.lease.runner(), run.epoch));
        }
        let at = usize::try_from(last.idx).ok();
        let here = at.is_none_or(|at| at == run.idx) && last.intended;
        (intended && !here).then(|| format!("{what} of step {} without a durable intent: {last:?}", run.idx))
    }
}
