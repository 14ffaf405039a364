//! Plans: named lists of steps that fit together, and the registry of all that this build knows.

use crate::schedule::{Schedule, Schedules};
use crate::step::{AnyStep, Typed};
use crate::{Class, Field, Shape, Step};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An ordered list of steps under a name.
pub struct Plan<C> {
    name: &'static str,
    inputs: &'static [Field],
    steps: Vec<Arc<dyn AnyStep<C>>>,
}

impl<C> std::fmt::Debug for Plan<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("name", &self.name).field("steps", &self.step_names()).finish()
    }
}

impl<C: Send + Sync + 'static> Plan<C> {
    /// A plan whose sagas start with inputs of shape `I`.
    #[must_use]
    pub fn named<I: Shape>(name: &'static str) -> Plan<C> {
        Plan { name, inputs: I::FIELDS, steps: Vec::new() }
    }

    /// The next step.
    #[must_use]
    pub fn step(mut self, step: impl Step<C>) -> Plan<C> {
        self.steps.push(Arc::new(Typed(step)));
        self
    }
}

impl<C> Plan<C> {
    /// The plan's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The steps' names in order.
    #[must_use]
    pub fn step_names(&self) -> Vec<String> {
        self.steps.iter().map(|step| step.name().to_owned()).collect()
    }
}

/// Why a plan or a list of steps is refused.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// A step needs what neither the inputs nor an earlier step give.
    #[error("{list}: step `{step}` needs `{field}`, which no earlier step and no input gives")]
    Missing {
        /// The plan or saga kind.
        list: String,
        /// The step.
        step: String,
        /// The key.
        field: &'static str,
    },
    /// What is given has another type than what is needed.
    #[error("{list}: step `{step}` needs `{field}` as `{wanted}`, but it is given as `{given}`")]
    Mismatch {
        /// The plan or saga kind.
        list: String,
        /// The step.
        step: String,
        /// The key.
        field: &'static str,
        /// The type that the step needs.
        wanted: &'static str,
        /// The type that is given.
        given: &'static str,
    },
    /// An irreversible step stands before the pivot, or there are two pivots.
    #[error("{list}: `{step}` cannot stand before the pivot, nor can a plan have two pivots")]
    BeforePivot {
        /// The plan or saga kind.
        list: String,
        /// The step.
        step: String,
    },
    /// No such step.
    #[error("no step is called `{name}`{}", nearest_words(nearest))]
    UnknownStep {
        /// What was asked for.
        name: String,
        /// The known names that come nearest.
        nearest: Vec<String>,
    },
    /// No such plan.
    #[error("no plan is called `{name}`{}", nearest_words(nearest))]
    UnknownPlan {
        /// What was asked for.
        name: String,
        /// The known names that come nearest.
        nearest: Vec<String>,
    },
    /// No such queue.
    #[error("no queue is called `{name}`{}", nearest_words(nearest))]
    UnknownQueue {
        /// What was asked for.
        name: String,
        /// The known names that come nearest.
        nearest: Vec<String>,
    },
    /// No such schedule.
    #[error("no schedule is called `{name}`{}", nearest_words(nearest))]
    UnknownSchedule {
        /// What was asked for.
        name: String,
        /// The known names that come nearest.
        nearest: Vec<String>,
    },
    /// A cron expression that cannot be read.
    #[error("schedule `{schedule}`: `{cron}` is not a cron expression: {why}")]
    Cron {
        /// The schedule.
        schedule: String,
        /// What was written.
        cron: String,
        /// What is wrong with it.
        why: String,
    },
    /// A list without steps.
    #[error("{list}: a saga needs at least one step")]
    Empty {
        /// The plan or saga kind.
        list: String,
    },
    /// Two different steps or plans with one name.
    #[error("two different things are called `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
}

impl PlanError {
    pub(crate) fn unknown_schedule(name: &str, known: &Schedules) -> PlanError {
        PlanError::UnknownSchedule {
            name: name.to_owned(),
            nearest: nearest(name, known.keys().map(String::as_str)),
        }
    }
}

fn nearest_words(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; the nearest known: {}", nearest.join(", ")) }
}

/// Every step and plan that this build knows.
pub struct Registry<C> {
    steps: BTreeMap<&'static str, Arc<dyn AnyStep<C>>>,
    plans: BTreeMap<&'static str, Plan<C>>,
    last_look: Option<Arc<dyn AnyStep<C>>>,
    queues: Vec<Queue>,
    schedules: Schedules,
}

/// A queue and how much of it runs at once. Queues are claimed from in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// As [`StartSaga::queue`](crate::StartSaga::queue) names it.
    pub name: String,
    /// At most so many on one node.
    pub per_node: usize,
    /// At most so many on all nodes together.
    pub over_all: Option<usize>,
}

impl<C> Default for Registry<C> {
    fn default() -> Registry<C> {
        Registry {
            steps: BTreeMap::new(),
            plans: BTreeMap::new(),
            last_look: None,
            queues: Vec::new(),
            schedules: Schedules::new(),
        }
    }
}

impl<C> std::fmt::Debug for Registry<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("steps", &self.step_names()).finish_non_exhaustive()
    }
}

impl<C: Send + Sync + 'static> Registry<C> {
    /// The steps that ship with the engine, `echo`, `fail`, `sleep` and `approve`, and the queue `provisioning`.
    #[must_use]
    pub fn new() -> Registry<C> {
        let provisioning = crate::sagas::PROVISIONING;
        let registry = Registry::default().queue(provisioning, usize::MAX, None);
        registry
            .step(crate::steps::Echo)
            .step(crate::steps::Fail)
            .step(crate::steps::Sleep)
            .step(crate::steps::Approve)
    }

    /// Adds a step that plans or [`StartSaga`](crate::StartSaga) name.
    #[must_use]
    pub fn step<S: Step<C>>(mut self, step: S) -> Registry<C> {
        self.steps.insert(S::NAME, Arc::new(Typed(step)));
        self
    }

    /// Adds a queue behind those that are there.
    #[must_use]
    pub fn queue(mut self, name: &str, per_node: usize, over_all: Option<usize>) -> Registry<C> {
        self.queues.retain(|queue| queue.name != name);
        self.queues.push(Queue { name: name.to_owned(), per_node, over_all });
        self
    }

    /// Adds a schedule; its step and its queue must be there already.
    ///
    /// # Errors
    /// [`PlanError`] when they are not, or when the name is taken.
    pub fn schedule(mut self, schedule: Schedule) -> Result<Registry<C>, PlanError> {
        let name = schedule.name().to_owned();
        self.check_list(&name, schedule.steps(), &[])?;
        self.check_queue(schedule.queue())?;
        if self.schedules.insert(name.clone(), schedule).is_some() {
            return Err(PlanError::Twice { name });
        }
        Ok(self)
    }

    /// Adds a plan and its steps, if they fit together.
    ///
    /// # Errors
    /// [`PlanError`] names the step and the field that do not fit.
    pub fn plan(mut self, plan: Plan<C>) -> Result<Registry<C>, PlanError> {
        if self.plans.contains_key(plan.name) {
            return Err(PlanError::Twice { name: plan.name.to_owned() });
        }
        let steps: Vec<&dyn AnyStep<C>> = plan.steps.iter().map(AsRef::as_ref).collect();
        check(plan.name, &steps, plan.inputs)?;
        for step in &plan.steps {
            self.steps.entry(step.name()).or_insert_with(|| Arc::clone(step));
        }
        self.plans.insert(plan.name, plan);
        Ok(self)
    }
}

impl<C> Registry<C> {
    /// The names of all steps.
    #[must_use]
    pub fn step_names(&self) -> Vec<String> {
        self.steps.keys().map(|&name| name.to_owned()).collect()
    }

    /// The steps' names of plan `name`.
    ///
    /// # Errors
    /// [`PlanError::UnknownPlan`] with the nearest known names.
    pub fn plan_steps(&self, name: &str) -> Result<Vec<String>, PlanError> {
        self.known_plan(name).map(Plan::step_names)
    }

    /// What sagas of plan `name` start with.
    ///
    /// # Errors
    /// [`PlanError::UnknownPlan`] with the nearest known names.
    pub fn plan_inputs(&self, name: &str) -> Result<&'static [Field], PlanError> {
        self.known_plan(name).map(|plan| plan.inputs)
    }

    /// The names of all plans.
    #[must_use]
    pub fn plan_names(&self) -> Vec<String> {
        self.plans.keys().map(|&name| name.to_owned()).collect()
    }

    fn known_plan(&self, name: &str) -> Result<&Plan<C>, PlanError> {
        self.plans.get(name).ok_or_else(|| PlanError::UnknownPlan {
            name: name.to_owned(),
            nearest: nearest(name, self.plans.keys().copied()),
        })
    }

    /// The same steps, each inside what `wrap` makes of it: the test kit's way in.
    pub(crate) fn wrapped(self, wrap: impl Fn(Arc<dyn AnyStep<C>>) -> Arc<dyn AnyStep<C>>) -> Registry<C> {
        let steps = self.steps.iter().map(|(name, step)| (*name, wrap(Arc::clone(step)))).collect();
        Registry { steps, last_look: self.last_look.as_ref().map(|look| wrap(Arc::clone(look))), ..self }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<dyn AnyStep<C>>> {
        self.steps.get(name).map(Arc::clone)
    }

    /// Where the point of no return lies in `steps`, if anywhere.
    pub(crate) fn pivot(&self, steps: &[String]) -> Option<usize> {
        steps.iter().position(|name| {
            self.steps.get(name.as_str()).is_some_and(|step| step.class() != Class::Compensatable)
        })
    }

    /// Checks a list of step names against inputs of the given keys.
    pub(crate) fn check_list(&self, kind: &str, names: &[String], inputs: &[&str]) -> Result<(), PlanError> {
        let mut steps = Vec::with_capacity(names.len());
        for name in names {
            let step = self.steps.get(name.as_str()).ok_or_else(|| PlanError::UnknownStep {
                name: name.clone(),
                nearest: nearest(name, self.steps.keys().copied()),
            })?;
            steps.push(step.as_ref());
        }
        let needed = steps.iter().flat_map(|step| step.needs());
        let given: Vec<Field> = needed.filter(|field| inputs.contains(&field.name)).copied().collect();
        check(kind, &steps, &given)
    }
}

fn check<C>(list: &str, steps: &[&dyn AnyStep<C>], inputs: &[Field]) -> Result<(), PlanError> {
    if steps.is_empty() {
        return Err(PlanError::Empty { list: list.to_owned() });
    }
    let mut given: BTreeMap<&str, Field> = inputs.iter().map(|field| (field.name, *field)).collect();
    let mut passed: Option<Class> = None;
    for step in steps {
        for field in step.needs() {
            check_field(list, step.name(), field, given.get(field.name))?;
        }
        given.extend(step.gives().iter().map(|field| (field.name, *field)));
        if step.class() == Class::Pivot && passed.is_some() {
            return Err(PlanError::BeforePivot { list: list.to_owned(), step: step.name().to_owned() });
        }
        if step.class() != Class::Compensatable {
            passed = Some(step.class());
        }
    }
    Ok(())
}

fn check_field(list: &str, step: &str, needed: &Field, given: Option<&Field>) -> Result<(), PlanError> {
    let (list, step) = (list.to_owned(), step.to_owned());
    match given {
        None if needed.is_optional() => Ok(()),
        None => Err(PlanError::Missing { list, step, field: needed.name }),
        Some(given) if given.is_optional() && !needed.is_optional() => {
            Err(PlanError::Mismatch { list, step, field: needed.name, wanted: needed.of, given: given.of })
        }
        Some(given) if given.inner() == needed.inner() => Ok(()),
        Some(given) => {
            Err(PlanError::Mismatch { list, step, field: needed.name, wanted: needed.of, given: given.of })
        }
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut scored: Vec<(f64, &str)> =
        known.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().filter(|(score, _)| *score > 0.7).take(3).map(|(_, name)| name.to_owned()).collect()
}

impl<C: Send + Sync + 'static> Registry<C> {
    /// What looks, at the end of a rollback, for things that still bear the saga's mark. It gives
    /// `left: Vec<Value>`; an empty list is a clean account.
    #[must_use]
    pub fn last_look(mut self, look: impl Step<C>) -> Registry<C> {
        self.last_look = Some(Arc::new(Typed(look)));
        self
    }

    /// The queues in the order of their claims.
    #[must_use]
    pub fn queues(&self) -> &[Queue] {
        &self.queues
    }

    pub(crate) fn schedules(&self) -> &Schedules {
        &self.schedules
    }

    pub(crate) fn check_queue(&self, name: &str) -> Result<(), PlanError> {
        if self.queues.iter().any(|queue| queue.name == name) {
            return Ok(());
        }
        let nearest = nearest(name, self.queues.iter().map(|queue| queue.name.as_str()));
        Err(PlanError::UnknownQueue { name: name.to_owned(), nearest })
    }

    pub(crate) fn has_last_look(&self) -> bool {
        self.last_look.is_some()
    }

    pub(crate) fn find_last_look(&self) -> Option<Arc<dyn AnyStep<C>>> {
        self.last_look.clone()
    }
}
