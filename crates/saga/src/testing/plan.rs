//! From what two undisturbed runs passed, the list of all cases: every hazard at every place.

use super::drive::Passed;
use super::hazard::{Act, Base, Case, Hazard, How, Kind, Misstep, On, Point, Side, Times};
use crate::step::AnyStep;
use crate::{Class, Registry};
use arcadia_sql::Engine;
use std::sync::Arc;

/// A saga's steps, as far as the kit must know them.
#[derive(Debug, Clone)]
pub(crate) struct Road {
    pub(crate) classes: Vec<Class>,
    pub(crate) pivot: Option<usize>,
    /// Attempts of each step, and of its compensation.
    pub(crate) attempts: Vec<(u32, u32)>,
    /// Whether a certain failure of each step is tried again, too.
    pub(crate) tries_refusals_again: Vec<bool>,
}

impl Road {
    pub(crate) fn of<C: Send + Sync + 'static>(registry: &Registry<C>, steps: &[String]) -> Road {
        let found: Vec<Arc<dyn AnyStep<C>>> = steps.iter().filter_map(|name| registry.find(name)).collect();
        let attempts = found.iter().map(|step| step.policy());
        let refusals = found.iter().map(|step| step.policy().retry_certain);
        Road {
            classes: found.iter().map(|step| step.class()).collect(),
            pivot: registry.pivot(steps),
            tries_refusals_again: refusals.collect(),
            attempts: attempts.map(|policy| (policy.attempts, policy.compensation_attempts)).collect(),
        }
    }

    fn is_before_pivot(&self, idx: usize) -> bool {
        self.pivot.is_none_or(|pivot| idx < pivot)
    }
}

/// Every case of one engine, the simplest first.
pub(crate) fn cases(engine: Engine, forward: &Passed, back: Option<&Passed>) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut add = |base, hazards: Vec<Hazard>| {
        cases.extend(hazards.into_iter().map(|hazard| Case { engine, base, hazard: Some(hazard) }));
    };
    add(Base::Forward, missteps(&forward.road));
    add(Base::Forward, strikes(forward));
    if let Some(back) = back {
        add(Base::Back, missteps_back(back));
        add(Base::Back, strikes(back));
    }
    cases
}

fn missteps(road: &Road) -> Vec<Hazard> {
    let fails = |how, side| Misstep::Fails { how, side };
    let kinds = [
        fails(How::Certain, Side::Before),
        fails(How::InDoubt, Side::Before),
        fails(How::InDoubt, Side::After),
        fails(How::Panic, Side::Before),
        fails(How::Panic, Side::After),
    ];
    let mut hazards = Vec::new();
    for idx in 0..road.classes.len() {
        let often = if road.is_before_pivot(idx) { Times::ForGood } else { Times::Thrice };
        for misstep in kinds {
            for times in [Times::Once, often] {
                hazards.push(Hazard::Step { on: On::Step, idx, misstep, times });
            }
        }
        let (misstep, times) = (Misstep::Twice, Times::Once);
        hazards.push(Hazard::Step { on: On::Step, idx, misstep, times });
    }
    hazards
}

fn missteps_back(back: &Passed) -> Vec<Hazard> {
    let mut hazards = Vec::new();
    for &idx in &back.undone {
        let mut add = |misstep, times| hazards.push(Hazard::Step { on: On::Undo, idx, misstep, times });
        add(Misstep::Twice, Times::Once);
        for how in [How::Certain, How::InDoubt, How::Panic] {
            add(Misstep::Fails { how, side: Side::Before }, Times::Once);
            add(Misstep::Fails { how, side: Side::Before }, Times::ForGood);
        }
        add(Misstep::Fails { how: How::InDoubt, side: Side::After }, Times::Once);
        add(Misstep::Fails { how: How::Panic, side: Side::After }, Times::Once);
    }
    hazards
}

/// Deaths, zombies, cancels and cuts at every place behind the turn, once where one place has two names.
fn strikes(passed: &Passed) -> Vec<Hazard> {
    let mut hazards = Vec::new();
    for (&kind, &count) in &passed.counts {
        let from = passed.turned.get(&kind).copied().unwrap_or_default();
        for number in from + 1..=count {
            for side in [Side::Before, Side::After] {
                let point = Point { kind, number, side };
                if passed.doubles.contains(&point) {
                    continue;
                }
                let acts: &[Act] = match (kind, side) {
                    (Kind::Pause, Side::Before) => &[Act::Cancel],
                    (Kind::Pause, Side::After) => &[],
                    (Kind::Call, _) => &[Act::Dies, Act::Zombie, Act::Cancel, Act::Cut],
                    _ => &[Act::Dies, Act::Zombie, Act::Cancel],
                };
                hazards.extend(acts.iter().map(|&act| Hazard::At(act, point)));
            }
        }
    }
    hazards
}
