//! Whose something was and is, in valid time. What is recorded is append-only: each statement holds from its time on, over
//! all that was recorded before it. Pure.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// Why something belongs to whom it belongs, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// An operator said so.
    Operator,
    /// It serves a deployment.
    Deployment,
    /// It lives through something that has this owner.
    Parent,
    /// It lies in a project of the tenant.
    Project,
    /// It lies in the internal project, or in none.
    Internal,
    /// It lies in a project that nobody has given to a tenant yet.
    Unallocated,
    /// Its project is not known yet.
    None,
}

impl Reason {
    const ALL: [Reason; 7] = [
        Reason::Operator,
        Reason::Deployment,
        Reason::Parent,
        Reason::Project,
        Reason::Internal,
        Reason::Unallocated,
        Reason::None,
    ];

    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Operator => "operator",
            Reason::Deployment => "deployment",
            Reason::Parent => "parent",
            Reason::Project => "project",
            Reason::Internal => "internal",
            Reason::Unallocated => "unallocated",
            Reason::None => "none",
        }
    }

    /// The reason of that word.
    #[must_use]
    pub fn parse(word: &str) -> Reason {
        Reason::ALL.into_iter().find(|reason| reason.as_str() == word).unwrap_or(Reason::None)
    }
}

/// To whom a resource belongs, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ownership {
    pub tenant_id: Option<String>,
    pub deployment_id: Option<Uuid>,
    /// The project that decided, of the resource or of its parent.
    pub project_id: Option<Uuid>,
    pub reason: Reason,
}

/// From a time on, this owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    pub from_at: Timestamp,
    pub owner: Ownership,
}

/// The owners one after the other, from all statements in the order in which they were recorded.
#[must_use]
pub fn timeline(recorded: impl IntoIterator<Item = Statement>) -> Vec<Statement> {
    let mut spans: Vec<Statement> = Vec::new();
    for statement in recorded {
        spans.truncate(spans.partition_point(|span| span.from_at < statement.from_at));
        if spans.last().is_none_or(|last| last.owner != statement.owner) {
            spans.push(statement);
        }
    }
    spans
}

/// The owner at that time; nobody's before the first one.
#[must_use]
pub fn owner_at(spans: &[Statement], at: Timestamp) -> Option<&Statement> {
    spans[..spans.partition_point(|span| span.from_at <= at)].last()
}

/// Since when the tenant of that time had it without a break, whatever the reasons were.
#[must_use]
pub fn tenant_since(spans: &[Statement], at: Timestamp) -> Option<Timestamp> {
    let begun = &spans[..spans.partition_point(|span| span.from_at <= at)];
    let tenant = &begun.last()?.owner.tenant_id;
    let same = begun.iter().rev().take_while(|span| span.owner.tenant_id == *tenant);
    same.last().map(|span| span.from_at)
}

/// What to record so that, from `from` on (`None`: from the beginning), `change` applies to each owner that it answers
/// for, and every other one stays as it is.
#[must_use]
pub fn restate(
    spans: &[Statement],
    from: Option<Timestamp>,
    change: impl Fn(&Ownership) -> Option<Ownership>,
) -> Vec<Statement> {
    let mut wanted: Vec<Statement> = Vec::new();
    let mut add = |span: Statement| {
        if wanted.last().is_none_or(|last| last.owner != span.owner) {
            wanted.push(span);
        }
    };
    for (at, span) in spans.iter().enumerate() {
        let until = spans.get(at + 1).map(|next| next.from_at);
        let split = from.filter(|from| *from > span.from_at);
        if let Some(split) = split {
            add(span.clone());
            if until.is_some_and(|until| until <= split) {
                continue;
            }
        }
        let owner = change(&span.owner).unwrap_or_else(|| span.owner.clone());
        add(Statement { from_at: split.unwrap_or(span.from_at), owner });
    }
    to_record(spans, wanted)
}

/// What to record so that, from `from` on, whatever was its parent's is whose the parent was.
#[must_use]
pub fn inherit(spans: &[Statement], parent: &[Statement], from: Timestamp) -> Vec<Statement> {
    let begins = spans.iter().chain(parent).map(|span| span.from_at);
    let mut times: Vec<Timestamp> = begins.chain([from]).collect();
    times.sort_unstable();
    let mut wanted: Vec<Statement> = Vec::new();
    for at in times {
        let Some(Statement { owner: own, .. }) = owner_at(spans, at) else { continue };
        let is_heir = at >= from && own.reason == Reason::Parent;
        let owner = match owner_at(parent, at).filter(|_| is_heir) {
            Some(Statement { owner: parents, .. }) => Ownership {
                tenant_id: parents.tenant_id.clone(),
                project_id: parents.project_id,
                ..own.clone()
            },
            None => own.clone(),
        };
        if wanted.last().is_none_or(|last| last.owner != owner) {
            wanted.push(Statement { from_at: at, owner });
        }
    }
    to_record(spans, wanted)
}

/// What to record after `spans` so that they become `wanted`.
fn to_record(spans: &[Statement], mut wanted: Vec<Statement>) -> Vec<Statement> {
    let same = wanted.iter().zip(spans).take_while(|(new, old)| new == old).count();
    // Where an owner ends and the next one comes later or never, the one before has to be said again of its time.
    let follows = wanted.get(same).map(|next| next.from_at);
    let ended = spans.get(same).filter(|old| follows.is_none_or(|at| at > old.from_at));
    let rest = wanted.split_off(same);
    let goes_on = ended.zip(wanted.last());
    let goes_on = goes_on.map(|(ended, last)| Statement { from_at: ended.from_at, ..last.clone() });
    goes_on.into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests;
