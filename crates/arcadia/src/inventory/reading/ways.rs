//! From where a list is read: where a filter leaves few, those are looked at one by one; else the index is walked that has
//! them in the list's order.

use super::super::store::terms;
use super::beginnings::as_written;
use super::{Deleted, Filter, Name, Sort};
use arcadia_sql::{Args, Db, Error, Statement, args};
use uuid::Uuid;

/// Up to so many are looked at one by one.
pub(super) const FEW: usize = 500;
/// What begins alike was often made together: a walk could find it late, so that far more are looked at, …
const FEW_NAMES: usize = 10_000;
/// … and of words, which cost more where there are as many.
const FEW_WORDS: usize = 2_000;
/// A word's beginning that begins more words than these is walked over.
const TERMS_MAX: i64 = 16;
/// As the terms are kept.
const WORD_CHARS_MAX: usize = 60;
const NAME_CHARS_MAX: usize = 200;

/// From where a list is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Start {
    All,
    Ids(Vec<Uuid>),
    Tenant,
    Kind,
    Status,
    Region,
    Project,
    Term(String),
    /// Is gone, or was at a past time.
    Gone,
    /// By name among those whose names begin with any of these, which are in order.
    Beginnings(Vec<String>),
    /// By name among those with any of these terms.
    Named(Vec<String>),
}

/// One way to narrow a list: the statement that answers some ids, and how to walk where they are too many.
struct Way {
    few: Option<(&'static Statement, Args)>,
    few_max: usize,
    many: Option<Start>,
    /// From which term on, and until before which, names are walked where they are too many.
    named: Option<(String, String)>,
}

pub(super) async fn start(db: &Db, filter: &Filter, sort: Sort) -> Result<Start, Error> {
    let mut ways = filter.ways(sort);
    let is_walked = |way: &Way| sort != Sort::Name && way.many.is_some();
    if ways.len() == 1
        && let Some(way) = ways.pop_if(|way| is_walked(way))
    {
        return Ok(way.many.unwrap_or(Start::All));
    }
    let (mut walk, mut walk_named) = (None, None);
    for Way { few, few_max, many, named } in ways {
        if let Some((statement, args)) = few {
            let mut ids: Vec<Uuid> =
                db.fetch_all::<(Uuid,)>(statement, args).await?.into_iter().map(|(id,)| id).collect();
            if ids.len() <= few_max {
                ids.sort_unstable();
                ids.dedup();
                return Ok(Start::Ids(ids));
            }
        }
        walk = walk.or(many);
        walk_named = walk_named.or(named);
    }
    if sort != Sort::Name {
        return Ok(walk.unwrap_or(Start::All));
    }
    if filter.as_of.is_some() && filter.deleted == Deleted::Only {
        return Ok(Start::Gone);
    }
    if let Some(Name::Beginning(beginning)) = &filter.name
        && let Some(beginnings) = as_written(db, beginning, filter.as_of.is_some()).await?
    {
        return Ok(Start::Beginnings(beginnings));
    }
    let Some((from, until)) = walk_named else { return Ok(Start::All) };
    let terms: Vec<(String,)> =
        db.fetch_all(&terms::TERMS_BETWEEN, args![from, until, TERMS_MAX + 1]).await?;
    let are_few = terms.len() <= usize::try_from(TERMS_MAX).unwrap_or(usize::MAX);
    let terms = terms.into_iter().map(|(term,)| term).collect();
    Ok(if are_few { Start::Named(terms) } else { Start::All })
}

impl Filter {
    /// The most telling first.
    fn ways(&self, sort: Sort) -> Vec<Way> {
        let mut ways = Vec::new();
        // More than few are found in the order of their names.
        let few_names = if sort == Sort::Name { FEW } else { FEW_NAMES };
        if let Some(deployment) = self.deployment {
            ways.push(self.by(&terms::OF_DEPLOYMENT, deployment, "deployment", None));
        }
        ways.extend(self.name.as_ref().map(|name| Way::by_name(name, few_names)));
        ways.extend(self.words.iter().map(|word| Way::by_word(word)));
        ways.extend(self.tag.iter().map(|tag| Way::by_tag(tag)));
        if let Some(project) = self.project {
            ways.push(self.by(&terms::IN_PROJECT, project, "project", Some(Start::Project)));
        }
        if let Some(tenant) = &self.tenant {
            ways.push(self.by(&terms::OF_TENANT, tenant, "tenant", Some(Start::Tenant)));
        }
        if self.deleted == Deleted::Only {
            let statement = if self.as_of.is_some() { &terms::EVER_DELETED } else { &terms::DELETED };
            let few = Some((statement as _, args![ENOUGH]));
            ways.push(Way { few, few_max: FEW, many: Some(Start::Gone), named: None });
        }
        if let Some(status) = &self.status {
            let few = match self.as_of {
                Some(time) => (&terms::IN_STATUS_AS_OF as _, args![status, time, ENOUGH]),
                None => (&terms::IN_STATUS as _, args![status, ENOUGH]),
            };
            ways.push(Way { few: Some(few), few_max: FEW, many: Some(Start::Status), named: None });
        }
        if let Some(region) = &self.region {
            ways.push(self.by(&terms::IN_REGION, region, "region", Some(Start::Region)));
        }
        if let Some(kind) = &self.kind {
            // A kind never changes.
            ways.push(Way {
                few: Some((&terms::OF_KIND, args![kind, ENOUGH])),
                few_max: FEW,
                many: Some(Start::Kind),
                named: None,
            });
        }
        ways
    }

    /// By a column of the rows; as of a past time by the term of what ever had it.
    fn by<T>(&self, statement: &'static Statement, value: T, term: &str, many: Option<Start>) -> Way
    where
        T: std::fmt::Display + arcadia_sql::Argument,
    {
        match self.as_of {
            Some(_) => Way::by_term(format!("{term}={value}")),
            None => Way { few: Some((statement, args![value, ENOUGH])), few_max: FEW, many, named: None },
        }
    }
}

impl Way {
    fn by_tag(tag: &str) -> Way {
        let term = format!("tag={tag}");
        // What no tag has in it ends the range: it is this term alone.
        Way { named: Some((term.clone(), format!("{term}\u{1}"))), ..Way::by_term(term) }
    }

    fn by_term(term: String) -> Way {
        Way {
            few: Some((&terms::WITH_TERM, args![term.clone(), ENOUGH])),
            few_max: FEW,
            many: Some(Start::Term(term)),
            named: None,
        }
    }

    fn by_name(name: &Name, few_max: usize) -> Way {
        match name {
            Name::Whole(name) => match as_kept(name, NAME_CHARS_MAX) {
                Some(name) => Way::by_term(format!("name={name}")),
                None => Way { few: None, few_max: FEW, many: None, named: None },
            },
            Name::Beginning(name) => Way::by_beginning("name", name, NAME_CHARS_MAX, few_max),
        }
    }

    fn by_word(word: &str) -> Way {
        let way = Way::by_beginning("word", word, WORD_CHARS_MAX, FEW_WORDS);
        Way { named: as_kept(word, WORD_CHARS_MAX).map(|word| between("word", &word)), ..way }
    }

    fn by_beginning(term: &str, beginning: &str, chars_max: usize, few_max: usize) -> Way {
        let enough = i64::try_from(few_max).unwrap_or(i64::MAX - 1) + 1;
        let few = as_kept(beginning, chars_max).map(|beginning| {
            let (from, until) = between(term, &beginning);
            (&terms::WITH_TERMS_BETWEEN as _, args![from, until, enough])
        });
        Way { few, few_max, many: None, named: None }
    }
}

/// All terms that begin so.
fn between(term: &str, beginning: &str) -> (String, String) {
    let from = format!("{term}={beginning}");
    let until = format!("{from}{}", char::MAX);
    (from, until)
}

/// One more than few.
const ENOUGH: i64 = FEW as i64 + 1;

/// As a term has it; nothing where the databases might not agree on what is lower case.
fn as_kept(text: &str, chars_max: usize) -> Option<String> {
    text.is_ascii().then(|| text.to_ascii_lowercase().chars().take(chars_max).collect())
}
