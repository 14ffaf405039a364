//! What can go wrong, where, and what a case is called.

use arcadia_sql::Engine;
use std::fmt;

/// What is counted, and can be interrupted before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// A durable write of the engine: the ledger, a claim, the table of nodes.
    Write,
    /// A call of the world's client.
    Call,
    Execute,
    Compensate,
    /// Nothing is due: the saga waits.
    Pause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    Before,
    After,
}

/// The `number`th (from 1) of a kind in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Point {
    pub(crate) kind: Kind,
    pub(crate) number: usize,
    pub(crate) side: Side,
}

/// Where the saga goes when nothing else happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Base {
    Forward,
    /// The last step that can turn the saga back does: the pivot by a certain failure, else the last step in
    /// doubt after its effect.
    Back,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Act {
    Dies,
    Zombie,
    Cancel,
    Cut,
}

/// Whether the hazard meets the step or its compensation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum On {
    Step,
    Undo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum How {
    Certain,
    InDoubt,
    Panic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Misstep {
    Fails { how: How, side: Side },
    Twice,
}

/// How often a misstep happens before it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Times {
    Once,
    /// For steps behind the point of no return, which are tried again for ever.
    Thrice,
    ForGood,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Hazard {
    At(Act, Point),
    Step { on: On, idx: usize, misstep: Misstep, times: Times },
}

/// One run of the saga with one thing going wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) engine: Engine,
    pub(crate) base: Base,
    pub(crate) hazard: Option<Hazard>,
}

impl Hazard {
    /// The row of the report that it counts for.
    pub(crate) fn family(self) -> &'static str {
        use Hazard::{At, Step};
        match self {
            At(Act::Dies, Point { kind: Kind::Write, side: Side::Before, .. }) => "dies before a record",
            At(Act::Dies, Point { kind: Kind::Write, side: Side::After, .. }) => "dies after a record",
            At(Act::Dies, Point { side: Side::Before, .. }) => "dies before a call or step",
            At(Act::Dies, Point { side: Side::After, .. }) => "dies after a call or step",
            At(Act::Zombie, _) => "a second runner takes over",
            At(Act::Cancel, _) => "a cancel arrives",
            At(Act::Cut, _) => "a call is cut",
            Step { misstep: Misstep::Twice, .. } => "runs twice",
            Step { on: On::Undo, .. } => "a compensation fails",
            Step { misstep: Misstep::Fails { side: Side::Before, .. }, .. } => "fails before its effect",
            Step { misstep: Misstep::Fails { side: Side::After, .. }, .. } => "fails after its effect",
        }
    }
}

impl Times {
    pub(crate) fn count(self) -> usize {
        match self {
            Times::Once => 1,
            Times::Thrice => 3,
            Times::ForGood => usize::MAX,
        }
    }
}

/// The name by which a case is replayed, such as `sqlite/back/dies-before-write-7`.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = match self.base {
            Base::Forward => "forward",
            Base::Back => "back",
        };
        write!(f, "{}/{base}", engine_word(self.engine))?;
        self.hazard.map_or(Ok(()), |hazard| write!(f, "/{hazard}"))
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Hazard::At(act, Point { kind, number, side }) => {
                write!(f, "{}-{}-{}-{number}", word(act), word(side), word(kind))
            }
            Hazard::Step { on, idx, misstep, times } => {
                write!(f, "{}-{idx}-", word(on))?;
                match misstep {
                    Misstep::Twice => write!(f, "twice"),
                    Misstep::Fails { how, side } => {
                        write!(f, "{}-{}-{}", word(how), word(side), word(times))
                    }
                }
            }
        }
    }
}

pub(crate) fn engine_word(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    }
}

fn word(of: impl fmt::Debug) -> String {
    format!("{of:?}").to_lowercase()
}
