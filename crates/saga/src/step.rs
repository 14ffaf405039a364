//! A step: what it needs, what it gives, what it does, how that is undone. Implement [`Step`]; the engine
//! sees it through [`AnyStep`], whose values are JSON.

use crate::rows::storable;
use crate::{Field, Run, Shape};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::any::TypeId;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// What `execute` and `prepare` answer.
pub type Outcome<T> = Result<T, Halt>;

/// What `compensate` answers.
pub type Undo = Result<(), Halt>;

/// Why a step did not finish just now.
#[derive(Debug, Clone, PartialEq)]
pub enum Halt {
    /// Not yet: run it again later. The worker is given back meanwhile.
    Wait(Wait),
    /// Certain: the call did not happen, nothing changed.
    Failed(Failure),
    /// In doubt: it may have happened.
    Unknown(Failure),
    /// This runner no longer owns the saga: nothing more may be written.
    Lost,
    /// The inputs or the context cannot be read: a person is needed.
    Undecodable(String),
}

/// A pause, as a row with `wake_at`.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// How long, in provider time (an accelerated clock shortens it).
    pub delay: Duration,
    /// Waiting for what, in words for a person.
    pub reason: String,
    /// What the step wants to find in [`Run::memo`] when it runs again.
    pub memo: Option<Value>,
}

/// A failure with the provider's or our own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For a person: what happened.
    pub message: String,
}

impl Halt {
    /// Run again after `delay`.
    pub fn wait(delay: Duration, reason: impl Into<String>) -> Halt {
        Halt::Wait(Wait { delay, reason: reason.into(), memo: None })
    }

    /// Run again after `delay` and find `memo` then.
    pub fn wait_with(delay: Duration, reason: impl Into<String>, memo: Value) -> Halt {
        Halt::Wait(Wait { delay, reason: reason.into(), memo: Some(memo) })
    }

    /// A certain failure.
    pub fn failed(message: impl Into<String>) -> Halt {
        Halt::Failed(Failure { message: message.into() })
    }

    /// A failure in doubt.
    pub fn unknown(message: impl Into<String>) -> Halt {
        Halt::Unknown(Failure { message: message.into() })
    }

    /// In words that both databases store.
    pub(crate) fn storable(self) -> Halt {
        match self {
            Halt::Wait(wait) => Halt::Wait(Wait { reason: storable(wait.reason), ..wait }),
            Halt::Failed(failure) => Halt::failed(storable(failure.message)),
            Halt::Unknown(failure) => Halt::unknown(storable(failure.message)),
            Halt::Undecodable(message) => Halt::Undecodable(storable(message)),
            Halt::Lost => Halt::Lost,
        }
    }
}

/// A database error before a commit changed nothing that counts; the step is idempotent and runs again.
impl From<arcadia_sql::Error> for Halt {
    fn from(error: arcadia_sql::Error) -> Halt {
        Halt::unknown(error.to_string())
    }
}

/// Whether a step can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Undone by its `compensate`.
    Compensatable,
    /// The point of no return: once it completed, the saga only goes forward.
    Pivot,
    /// Cannot be undone: it is its plan's pivot or comes after it.
    Irreversible,
}

/// How often and how patiently a step is tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Attempts in all when the outcome is in doubt, before the saga rolls back.
    pub attempts: u32,
    /// Whether a certain failure is tried again too, as background work wants it.
    pub retry_certain: bool,
    /// Attempts in all of the compensation, before a person is needed.
    pub compensation_attempts: u32,
    /// The pause before the second attempt; it doubles, with jitter, up to `backoff_max`.
    pub backoff: Duration,
    /// The longest pause between two attempts.
    pub backoff_max: Duration,
    /// An attempt that takes longer is in doubt. Real time.
    pub timeout: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            attempts: 1,
            retry_certain: false,
            compensation_attempts: 5,
            backoff: Duration::from_secs(1),
            backoff_max: Duration::from_secs(30),
            timeout: Duration::from_secs(60),
        }
    }
}

impl Policy {
    /// For background work: any failure is tried again, five times in all, a minute or more apart.
    #[must_use]
    pub fn background() -> Policy {
        let (backoff, backoff_max) = (Duration::from_secs(30), Duration::from_secs(600));
        Policy { attempts: 5, retry_certain: true, backoff, backoff_max, ..Policy::default() }
    }

    /// For steps that only write tables of ours: a database that was away is tried again for some minutes, since its
    /// absence says nothing against what the saga did so far.
    #[must_use]
    pub fn database() -> Policy {
        Policy { attempts: 10, compensation_attempts: 10, ..Policy::default() }
    }

    /// For steps that call the provider: a failure in doubt is looked into up to five times.
    #[must_use]
    pub fn provider() -> Policy {
        Policy { attempts: 5, compensation_attempts: 8, ..Policy::default() }
    }
}

/// What a compensation has to go by.
#[derive(Debug, Clone, PartialEq)]
pub struct Undoing<Needs, Prior, Gives> {
    /// What the step needed.
    pub needs: Needs,
    /// What it saw before it changed anything.
    pub prior: Option<Prior>,
    /// What it gave; missing when we never learnt the answer.
    pub gave: Option<Gives>,
}

/// One unit of a saga. Running it twice, or again after a crash at any point, has one effect.
pub trait Step<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The name in plans, ledger and API: lower case with underscores.
    const NAME: &'static str;
    /// Whether it can be undone.
    const CLASS: Class = Class::Compensatable;
    /// Whether it makes things at the provider that bear the saga's mark, so that a rollback ends with a
    /// last look for them.
    const LEAVES_MARKS: bool = false;
    /// Whether its effect stands outside the database, where it outlives a ledger that lost it: a rollback then undoes
    /// the step even if, by the ledger, it never began. What leaves marks does.
    const OUTLIVES_LEDGER: bool = Self::LEAVES_MARKS;

    /// Read from the saga's inputs and what earlier steps gave.
    type Needs: Shape + DeserializeOwned + Send + Sync;
    /// Put into the saga's context.
    type Gives: Shape + Serialize + DeserializeOwned + Send + Sync;
    /// What `prepare` saw; `()` when there is nothing to see.
    type Prior: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Attempts, backoff, time-out.
    fn policy(&self) -> Policy {
        Policy::default()
    }

    /// Reads what will be changed. Stored with the intent and never run again after it.
    fn prepare(
        &self,
        run: &Run<C>,
        needs: Self::Needs,
    ) -> impl Future<Output = Outcome<Option<Self::Prior>>> + Send {
        let _ = (run, needs);
        async { Ok(None) }
    }

    /// Does it, or finds it done.
    fn execute(&self, run: &Run<C>, needs: Self::Needs) -> impl Future<Output = Outcome<Self::Gives>> + Send;

    /// Undoes it. `undoing.gave` is missing when the outcome was in doubt: find what was made by the mark.
    fn compensate(
        &self,
        run: &Run<C>,
        undoing: Undoing<Self::Needs, Self::Prior, Self::Gives>,
    ) -> impl Future<Output = Undo> + Send {
        let _ = (run, undoing);
        async { Ok(()) }
    }

    /// Undoes it after the ledger lost both whether it was done and what it needs. What is not provably the saga's is left
    /// alone, and named in the failure.
    fn compensate_unknown(&self, run: &Run<C>) -> impl Future<Output = Undo> + Send {
        let _ = run;
        async {
            Err(Halt::failed(
                "the ledger lost whether it was done and what it needs: nothing tells what to look for",
            ))
        }
    }
}

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A step without its types.
pub(crate) trait AnyStep<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn class(&self) -> Class;
    fn leaves_marks(&self) -> bool;
    fn outlives_ledger(&self) -> bool;
    fn policy(&self) -> Policy;
    fn prepares(&self) -> bool;
    fn needs(&self) -> &'static [Field];
    fn gives(&self) -> &'static [Field];
    fn prepare<'a>(&'a self, run: &'a Run<C>) -> Boxed<'a, Outcome<Option<Value>>>;
    fn execute<'a>(&'a self, run: &'a Run<C>) -> Boxed<'a, Outcome<Map<String, Value>>>;
    fn compensate<'a>(
        &'a self,
        run: &'a Run<C>,
        prior: Option<Value>,
        gave: Option<Value>,
    ) -> Boxed<'a, Undo>;
    /// By the ledger it never began, and the ledger lost commits.
    fn compensate_lost<'a>(&'a self, run: &'a Run<C>) -> Boxed<'a, Undo>;
}

/// A typed step on its way into a registry. A type of its own, so that the test kit's wrapper can be another.
pub(crate) struct Typed<S>(pub(crate) S);

impl<C: Send + Sync + 'static, S: Step<C>> AnyStep<C> for Typed<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn class(&self) -> Class {
        S::CLASS
    }

    fn leaves_marks(&self) -> bool {
        S::LEAVES_MARKS
    }

    fn outlives_ledger(&self) -> bool {
        S::OUTLIVES_LEDGER
    }

    fn policy(&self) -> Policy {
        Step::policy(&self.0)
    }

    fn prepares(&self) -> bool {
        TypeId::of::<S::Prior>() != TypeId::of::<()>()
    }

    fn needs(&self) -> &'static [Field] {
        S::Needs::FIELDS
    }

    fn gives(&self) -> &'static [Field] {
        S::Gives::FIELDS
    }

    fn prepare<'a>(&'a self, run: &'a Run<C>) -> Boxed<'a, Outcome<Option<Value>>> {
        Box::pin(async move {
            let seen = Step::prepare(&self.0, run, run.needs(S::Needs::FIELDS)?).await?;
            seen.map(|prior| to_json(&prior)).transpose()
        })
    }

    fn execute<'a>(&'a self, run: &'a Run<C>) -> Boxed<'a, Outcome<Map<String, Value>>> {
        Box::pin(async move {
            let gave = Step::execute(&self.0, run, run.needs(S::Needs::FIELDS)?).await?;
            match to_json(&gave)? {
                Value::Object(map) => Ok(map),
                _ => Ok(Map::new()),
            }
        })
    }

    fn compensate<'a>(
        &'a self,
        run: &'a Run<C>,
        prior: Option<Value>,
        gave: Option<Value>,
    ) -> Boxed<'a, Undo> {
        Box::pin(async move {
            let undoing = Undoing {
                needs: run.needs(S::Needs::FIELDS)?,
                prior: prior.map(|value| from_json("prior", value)).transpose()?,
                gave: gave.map(|value| pick("output", S::Gives::FIELDS, |key| value.get(key))).transpose()?,
            };
            Step::compensate(&self.0, run, undoing).await
        })
    }

    fn compensate_lost<'a>(&'a self, run: &'a Run<C>) -> Boxed<'a, Undo> {
        Box::pin(async move {
            match run.needs(S::Needs::FIELDS) {
                Ok(needs) => Step::compensate(&self.0, run, Undoing { needs, prior: None, gave: None }).await,
                Err(_) => Step::compensate_unknown(&self.0, run).await,
            }
        })
    }
}

fn to_json(value: &impl Serialize) -> Result<Value, Halt> {
    serde_json::to_value(value).map_err(|error| Halt::Undecodable(format!("output: {error}")))
}

/// A value of shape `T` from the keys it names.
pub(crate) fn pick<'v, T: DeserializeOwned>(
    what: &str,
    fields: &[Field],
    find: impl Fn(&str) -> Option<&'v Value>,
) -> Result<T, Halt> {
    let found = fields.iter().filter_map(|field| Some((field.name.to_owned(), find(field.name)?.clone())));
    let found: Map<String, Value> = found.collect();
    // Serde reads `()` from null only.
    let value = if fields.is_empty() { Value::Null } else { Value::Object(found) };
    from_json(what, value)
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, Halt> {
    serde_json::from_value(value).map_err(|error| {
        Halt::Undecodable(format!("{what} is not a {}: {error}", std::any::type_name::<T>()))
    })
}
