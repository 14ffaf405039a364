//! Lists of the inventory, now or as of a past time: what is asked for, and from which index a list begins. Where a
//! filter leaves few, those are looked at; else the list is walked in its order.

mod beginnings;
mod ways;

use super::store::reading as store;
use crate::scope::Scope;
use arcadia_sql::{Args, Db, Error, Statement, Value};
use jiff::Timestamp;
use uuid::Uuid;

use beginnings::end_of;
pub use store::ListedRow;
use ways::{FEW, Start, start};

/// A search has no more words.
pub const WORDS_MAX: usize = 5;
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
    match start(db, &filter, sort).await? {
        Start::Ids(ids) if sort != Sort::Name => one_by_one(db, &filter, sort, after, limit, ids).await,
        Start::Ids(ids) if ids.is_empty() => Ok(Vec::new()),
        Start::Named(terms) => {
            let ids = named(db, &filter, terms, after, limit).await?;
            let (statement, args) = filter.call(Start::Ids(ids), sort, after, limit);
            db.fetch_all(statement, args).await
        }
        Start::Beginnings(beginnings) => begun(db, &filter, beginnings, after, limit).await,
        start => {
            let (statement, args) = filter.call(start, sort, after, limit);
            db.fetch_all(statement, args).await
        }
    }
}

/// Looks at these in the list's order, some at a time, until the page is full.
async fn one_by_one(
    db: &Db,
    filter: &Filter,
    sort: Sort,
    after: Option<&Place>,
    limit: u32,
    mut ids: Vec<Uuid>,
) -> Result<Vec<ListedRow>, Error> {
    if let Some(place) = after {
        ids.retain(|id| if sort == Sort::Newest { *id < place.id } else { *id > place.id });
    }
    if sort == Sort::Newest {
        ids.reverse();
    }
    let mut rows: Vec<ListedRow> = Vec::new();
    for some in ids.chunks(FEW) {
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let (statement, args) = filter.call(Start::Ids(some.to_vec()), sort, after, left);
        rows.extend(db.fetch_all::<ListedRow>(statement, args).await?);
    }
    Ok(rows)
}

/// The first ones by name of each of these terms, among which are the first of all.
async fn named(
    db: &Db,
    filter: &Filter,
    terms: Vec<String>,
    after: Option<&Place>,
    limit: u32,
) -> Result<Vec<Uuid>, Error> {
    let mut ids = Vec::new();
    for term in terms {
        let (statement, args) = filter.call(Start::Named(vec![term]), Sort::Name, after, limit);
        ids.extend(db.fetch_all::<(Uuid,)>(statement, args).await?.into_iter().map(|(id,)| id));
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// One beginning after the other, until the page is full.
async fn begun(
    db: &Db,
    filter: &Filter,
    beginnings: Vec<String>,
    after: Option<&Place>,
    limit: u32,
) -> Result<Vec<ListedRow>, Error> {
    let mut rows: Vec<ListedRow> = Vec::new();
    for beginning in beginnings {
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let before = Place { name: beginning.clone(), id: Uuid::nil() };
        let after = after.filter(|place| place.name >= beginning).unwrap_or(&before);
        let (statement, args) =
            filter.call(Start::Beginnings(vec![beginning]), Sort::Name, Some(after), left);
        if filter.as_of.is_some() {
            rows.extend(db.fetch_all::<ListedRow>(statement, args).await?);
            continue;
        }
        let ids = db.fetch_all::<(Uuid,)>(statement, args).await?.into_iter().map(|(id,)| id).collect();
        let (statement, args) = filter.call(Start::Ids(ids), Sort::Name, Some(after), left);
        rows.extend(db.fetch_all::<ListedRow>(statement, args).await?);
    }
    Ok(rows)
}

impl Filter {
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
            Start::Beginnings(beginnings) => {
                args.extend(beginnings.iter().take(1).map(|beginning| Value::from(end_of(beginning))));
            }
            Start::Named(terms) => args.extend(terms.into_iter().take(1).map(Value::from)),
            _ => {}
        }
        (statement, Args::from(args))
    }
}

fn statement(start: &Start, sort: Sort, is_past: bool) -> &'static Statement {
    use Sort::{Name, Newest, Oldest};
    match (is_past, start, sort) {
        (false, Start::Ids(_), Newest) => &store::NEWEST_OF_IDS,
        (false, Start::Ids(_), Oldest) => &store::OLDEST_OF_IDS,
        (false, Start::Ids(_), Name) => &store::BY_NAME_OF_IDS,
        (false, Start::Named(_), _) => &store::BY_NAME_WITH_TERM,
        (false, Start::Beginnings(_), _) => &store::BY_NAME_UNTIL,
        (false, _, Name) => &store::BY_NAME,
        (false, Start::All, Newest) => &store::NEWEST,
        (false, Start::All, Oldest) => &store::OLDEST,
        (false, Start::Gone, Newest) => &store::NEWEST_GONE,
        (false, Start::Gone, Oldest) => &store::OLDEST_GONE,
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
        (true, Start::Gone, Newest) => &store::NEWEST_GONE_AS_OF,
        (true, Start::Gone, Oldest) => &store::OLDEST_GONE_AS_OF,
        (true, Start::Gone, Name) => &store::BY_NAME_GONE_AS_OF,
        (true, Start::Named(_), _) => &store::BY_NAME_WITH_TERM_AS_OF,
        (true, Start::Beginnings(_), _) => &store::BY_NAME_UNTIL_AS_OF,
        (true, _, Name) => &store::BY_NAME_AS_OF,
        (true, Start::Kind, Newest) => &store::NEWEST_OF_KIND_AS_OF,
        (true, Start::Kind, Oldest) => &store::OLDEST_OF_KIND_AS_OF,
        (true, Start::Status, Newest) => &store::NEWEST_IN_STATUS_AS_OF,
        (true, Start::Status, Oldest) => &store::OLDEST_IN_STATUS_AS_OF,
        (true, Start::Term(_), Newest) => &store::NEWEST_WITH_TERM_AS_OF,
        (true, Start::Term(_), Oldest) => &store::OLDEST_WITH_TERM_AS_OF,
        // The columns of now say nothing of then.
        (true, _, Newest) => &store::NEWEST_AS_OF,
        (true, _, Oldest) => &store::OLDEST_AS_OF,
    }
}
