//! Lists of the inventory, now or as of a past time: what is asked for, and from which index a list begins. Where a
//! filter leaves few, those are looked at; else the list is walked in its order.

use super::store::reading as store;
use super::store::terms;
use crate::scope::Scope;
use arcadia_sql::{Args, Db, Error, Statement, Value, args};
use jiff::Timestamp;
use uuid::Uuid;

pub use store::ListedRow;

/// Up to so many are looked at one by one.
const FEW: usize = 500;
/// What begins alike was often made together: a walk could find it late, so that far more are looked at.
const FEW_NAMES: usize = 10_000;
/// A search has no more words.
pub const WORDS_MAX: usize = 5;
/// As the terms are kept.
const WORD_CHARS_MAX: usize = 60;
const NAME_CHARS_MAX: usize = 200;

/// What a list is asked for; nothing is everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    pub kind: Option<String>,
    pub status: Option<String>,
    pub tenant: Option<String>,
    pub region: Option<String>,
    pub project: Option<Uuid>,
    pub deployment: Option<Uuid>,
    pub tag: Option<String>,
    /// In upper or lower case.
    pub name: Option<Name>,
    /// Each begins a word of the name, the provider's id, a tag or the public address; see [`words`].
    pub words: Vec<String>,
    pub deleted: Deleted,
    /// The inventory as it was then.
    pub as_of: Option<Timestamp>,
}

/// A name, or how one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Whole(String),
    Beginning(String),
}

/// Whether what is gone is listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deleted {
    #[default]
    Without,
    With,
    Only,
}

impl Deleted {
    /// Every word with its meaning.
    pub const ALL: [(&str, Deleted); 3] =
        [("without", Deleted::Without), ("with", Deleted::With), ("only", Deleted::Only)];

    fn as_str(self) -> &'static str {
        let word = Deleted::ALL.iter().find(|(_, meaning)| *meaning == self);
        word.map_or("without", |(word, _)| word)
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// Seen first the latest.
    #[default]
    Newest,
    Oldest,
    Name,
}

impl Sort {
    /// Every word with its meaning.
    pub const ALL: [(&str, Sort); 3] =
        [("newest", Sort::Newest), ("oldest", Sort::Oldest), ("name", Sort::Name)];
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    pub id: Uuid,
}

impl From<&ListedRow> for Place {
    fn from(row: &ListedRow) -> Place {
        Place { name: row.name.clone(), id: row.id.0 }
    }
}

/// A search's text in words, as the terms are split: `web-1.example` is three.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let separates = |c: char| "-._:/\",[]@\\+= ".contains(c);
    text.split(separates).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What `scope` may see of what `filter` asks for, after `after`, at most `limit`.
///
/// # Errors
/// The database.
pub async fn list(
    db: &Db,
    scope: &Scope,
    filter: &Filter,
    sort: Sort,
    after: Option<&Place>,
    limit: u32,
) -> Result<Vec<ListedRow>, Error> {
    let mut filter = filter.clone();
    if let Scope::Tenant(tenant) = scope {
        if filter.tenant.as_ref().is_some_and(|asked| asked != tenant) {
            return Ok(Vec::new());
        }
        filter.tenant = Some(tenant.clone());
    }
    let start = match start(db, &filter, sort).await? {
        Start::Ids(ids) if ids.is_empty() => return Ok(Vec::new()),
        start => start,
    };
    let (statement, args) = filter.call(start, sort, after, limit);
    db.fetch_all(statement, args).await
}

/// From where a list is read.
#[derive(Debug, Clone, PartialEq)]
enum Start {
    All,
    Ids(Vec<Uuid>),
    Tenant,
    Kind,
    Status,
    Region,
    Project,
    Term(String),
}

/// One way to narrow a list: the statement that answers some ids, and how to walk where they are too many.
struct Way {
    few: Option<(&'static Statement, Args)>,
    few_max: usize,
    many: Option<Start>,
}

async fn start(db: &Db, filter: &Filter, sort: Sort) -> Result<Start, Error> {
    let mut ways = filter.ways();
    let is_walked = |way: &Way| sort != Sort::Name && way.many.is_some();
    if ways.len() == 1
        && let Some(way) = ways.pop_if(|way| is_walked(way))
    {
        return Ok(way.many.unwrap_or(Start::All));
    }
    let mut walk = None;
    for Way { few, few_max, many } in ways {
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
    }
    Ok(walk.filter(|_| sort != Sort::Name).unwrap_or(Start::All))
}

impl Filter {
    /// The most telling first.
    fn ways(&self) -> Vec<Way> {
        let mut ways = Vec::new();
        if let Some(deployment) = self.deployment {
            ways.push(self.by(&terms::OF_DEPLOYMENT, deployment, "deployment", None));
        }
        ways.extend(self.name.as_ref().map(Way::by_name));
        ways.extend(self.words.iter().map(|word| Way::by_word(word)));
        ways.extend(self.tag.iter().map(|tag| Way::by_term(format!("tag={tag}"))));
        if let Some(project) = self.project {
            ways.push(self.by(&terms::IN_PROJECT, project, "project", Some(Start::Project)));
        }
        if let Some(tenant) = &self.tenant {
            ways.push(self.by(&terms::OF_TENANT, tenant, "tenant", Some(Start::Tenant)));
        }
        if self.deleted == Deleted::Only {
            let statement = if self.as_of.is_some() { &terms::EVER_DELETED } else { &terms::DELETED };
            ways.push(Way { few: Some((statement, args![ENOUGH])), few_max: FEW, many: None });
        }
        if let Some(status) = &self.status {
            let few = self.as_of.is_none().then(|| (&terms::IN_STATUS as _, args![status, ENOUGH]));
            ways.push(Way { few, few_max: FEW, many: Some(Start::Status) });
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
            None => Way { few: Some((statement, args![value, ENOUGH])), few_max: FEW, many },
        }
    }

    fn call(
        &self,
        start: Start,
        sort: Sort,
        after: Option<&Place>,
        limit: u32,
    ) -> (&'static Statement, Args) {
        let (whole, beginning) = match &self.name {
            Some(Name::Whole(name)) => (Some(name.clone()), None),
            Some(Name::Beginning(name)) => (None, Some(name.clone())),
            None => (None, None),
        };
        let word = |at: usize| Value::from(self.words.get(at).cloned());
        // As JSON has it, which is how it stands in the list.
        let tag = self.tag.as_ref().map(|tag| serde_json::Value::from(tag.as_str()).to_string());
        let beyond = if sort == Sort::Newest { Uuid::max() } else { Uuid::nil() };
        let mut args = vec![
            self.tenant.clone().into(),
            self.kind.clone().into(),
            self.status.clone().into(),
            self.region.clone().into(),
            self.project.into(),
            self.deployment.into(),
            self.deleted.as_str().into(),
            tag.into(),
            whole.into(),
            beginning.into(),
            word(0),
            word(1),
            word(2),
            word(3),
            word(4),
            limit.into(),
            after.map_or(beyond, |place| place.id).into(),
        ];
        args.extend(self.as_of.map(Value::from));
        if sort == Sort::Name {
            args.push(after.map(|place| place.name.clone()).unwrap_or_default().into());
        }
        let statement = statement(&start, sort, self.as_of.is_some());
        match start {
            Start::Ids(ids) => args.push(ids.into()),
            Start::Term(term) if sort != Sort::Name => args.push(term.into()),
            _ => {}
        }
        (statement, Args::from(args))
    }
}

impl Way {
    fn by_term(term: String) -> Way {
        Way {
            few: Some((&terms::WITH_TERM, args![term.clone(), ENOUGH])),
            few_max: FEW,
            many: Some(Start::Term(term)),
        }
    }

    fn by_name(name: &Name) -> Way {
        match name {
            Name::Whole(name) => match as_kept(name, NAME_CHARS_MAX) {
                Some(name) => Way::by_term(format!("name={name}")),
                None => Way { few: None, few_max: FEW, many: None },
            },
            Name::Beginning(name) => Way::by_beginning("name", name, NAME_CHARS_MAX, FEW_NAMES),
        }
    }

    fn by_word(word: &str) -> Way {
        Way::by_beginning("word", word, WORD_CHARS_MAX, FEW)
    }

    fn by_beginning(term: &str, beginning: &str, chars_max: usize, few_max: usize) -> Way {
        let enough = i64::try_from(few_max).unwrap_or(i64::MAX - 1) + 1;
        let few = as_kept(beginning, chars_max).map(|beginning| {
            let from = format!("{term}={beginning}");
            let until = format!("{from}{}", char::MAX);
            (&terms::WITH_TERMS_BETWEEN as _, args![from, until, enough])
        });
        Way { few, few_max, many: None }
    }
}

/// One more than few.
const ENOUGH: i64 = FEW as i64 + 1;

/// As a term has it; nothing where the databases might not agree on what is lower case.
fn as_kept(text: &str, chars_max: usize) -> Option<String> {
    text.is_ascii().then(|| text.to_ascii_lowercase().chars().take(chars_max).collect())
}

fn statement(start: &Start, sort: Sort, is_past: bool) -> &'static Statement {
    use Sort::{Name, Newest, Oldest};
    match (is_past, start, sort) {
        (false, Start::Ids(_), Newest) => &store::NEWEST_OF_IDS,
        (false, Start::Ids(_), Oldest) => &store::OLDEST_OF_IDS,
        (false, Start::Ids(_), Name) => &store::BY_NAME_OF_IDS,
        (false, _, Name) => &store::BY_NAME,
        (false, Start::All, Newest) => &store::NEWEST,
        (false, Start::All, Oldest) => &store::OLDEST,
        (false, Start::Tenant, Newest) => &store::NEWEST_OF_TENANT,
        (false, Start::Tenant, Oldest) => &store::OLDEST_OF_TENANT,
        (false, Start::Kind, Newest) => &store::NEWEST_OF_KIND,
        (false, Start::Kind, Oldest) => &store::OLDEST_OF_KIND,
        (false, Start::Status, Newest) => &store::NEWEST_IN_STATUS,
        (false, Start::Status, Oldest) => &store::OLDEST_IN_STATUS,
        (false, Start::Region, Newest) => &store::NEWEST_IN_REGION,
        (false, Start::Region, Oldest) => &store::OLDEST_IN_REGION,
        (false, Start::Project, Newest) => &store::NEWEST_IN_PROJECT,
        (false, Start::Project, Oldest) => &store::OLDEST_IN_PROJECT,
        (false, Start::Term(_), Newest) => &store::NEWEST_WITH_TERM,
        (false, Start::Term(_), Oldest) => &store::OLDEST_WITH_TERM,
        (true, Start::Ids(_), Newest) => &store::NEWEST_OF_IDS_AS_OF,
        (true, Start::Ids(_), Oldest) => &store::OLDEST_OF_IDS_AS_OF,
        (true, Start::Ids(_), Name) => &store::BY_NAME_OF_IDS_AS_OF,
        (true, _, Name) => &store::BY_NAME_AS_OF,
        (true, Start::Kind, Newest) => &store::NEWEST_OF_KIND_AS_OF,
        (true, Start::Kind, Oldest) => &store::OLDEST_OF_KIND_AS_OF,
        (true, Start::Status, Newest) => &store::NEWEST_IN_STATUS_AS_OF,
        (true, Start::Status, Oldest) => &store::OLDEST_IN_STATUS_AS_OF,
        (true, Start::Term(_), Newest) => &store::NEWEST_WITH_TERM_AS_OF,
        (true, Start::Term(_), Oldest) => &store::OLDEST_WITH_TERM_AS_OF,
        // The columns of now say nothing of then.
        (true, Start::All | Start::Tenant | Start::Region | Start::Project, Newest) => &store::NEWEST_AS_OF,
        (true, Start::All | Start::Tenant | Start::Region | Start::Project, Oldest) => &store::OLDEST_AS_OF,
    }
}
