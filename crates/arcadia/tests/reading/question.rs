//! A question to a list: as a query, as what it means for a row, and its answer read page by page.

use crate::api::Person;
use arcadia::inventory::store::ResourceRow;
use serde_json::Value;
use uuid::Uuid;

/// What a list is asked for; every field as in the query.
#[derive(Debug, Clone, Default)]
pub struct Question {
    pub kind: Option<String>,
    pub status: Option<String>,
    pub tenant_id: Option<String>,
    pub region: Option<String>,
    pub project_id: Option<Uuid>,
    pub tag: Option<String>,
    pub name: Option<String>,
    pub text: Option<String>,
    pub deleted: &'static str,
    pub sort: &'static str,
    pub limit: u32,
}

impl Question {
    /// Everything, tombstones too.
    pub fn everything() -> Question {
        Question { deleted: "with", sort: "newest", limit: 200, ..Question::default() }
    }

    fn query(&self) -> url::form_urlencoded::Serializer<'static, String> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let project = self.project_id.map(|id| id.to_string());
        let given = [
            ("kind", &self.kind),
            ("status", &self.status),
            ("tenant_id", &self.tenant_id),
            ("region", &self.region),
            ("project_id", &project),
            ("tag", &self.tag),
            ("name", &self.name),
            ("text", &self.text),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.append_pair("deleted", self.deleted).append_pair("sort", self.sort);
        query
    }

    /// All pages of the answer, one after the other.
    pub async fn ask(&self, who: &Person<'_>, as_of: Option<&str>) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut query = self.query();
            query.append_pair("limit", &self.limit.to_string());
            for (name, value) in [("as_of", as_of), ("cursor", cursor.as_deref())] {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            }
            let answer = who.get(&format!("/api/v1/inventory?{}", query.finish())).await.expect(200);
            let page = answer.body["data"].as_array().unwrap().clone();
            assert!(page.len() <= self.limit as usize, "{self:?}");
            rows.extend(page);
            match answer.body["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return rows,
            }
        }
    }

    /// Where the export of the answer is.
    pub fn export(&self, format: &str) -> String {
        format!("/api/v1/inventory?{}", self.query().append_pair("format", format).finish())
    }

    /// Whether a row is asked for: said once more, in other words than the service's.
    pub fn wants(&self, row: &ResourceRow) -> bool {
        let same = |asked: &Option<String>, has: &Option<String>| asked.is_none() || asked == has;
        let tags: Vec<&str> = row.tags.as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
        let name = row.name.to_lowercase();
        let named = |asked: &String| match asked.to_lowercase().strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == asked.to_lowercase(),
        };
        self.kind.as_ref().is_none_or(|kind| *kind == row.kind)
            && same(&self.status, &row.status)
            && same(&self.tenant_id, &row.tenant_id)
            && same(&self.region, &row.region)
            && (self.project_id.is_none() || self.project_id == row.cloud_project_id)
            && self.tag.as_ref().is_none_or(|tag| tags.contains(&tag.as_str()))
            && self.name.as_ref().is_none_or(named)
            && self.text.as_ref().is_none_or(|text| has_words(row, &tags, text))
            && match self.deleted {
                "without" => row.deleted_at.is_none(),
                "only" => row.deleted_at.is_some(),
                _ => true,
            }
    }

    /// The rows in the order that was asked for.
    pub fn sort(&self, rows: &mut [ResourceRow]) {
        match self.sort {
            "name" => rows.sort_by_key(|row| (row.name.clone(), row.id)),
            "oldest" => rows.sort_by_key(|row| row.id),
            _ => rows.sort_by_key(|row| std::cmp::Reverse(row.id)),
        }
    }
}

fn has_words(row: &ResourceRow, tags: &[&str], text: &str) -> bool {
    let split = |text: &str| {
        let pieces = text.split(|c: char| c == ' ' || c.is_ascii_punctuation() && c != '%');
        pieces.filter(|word| !word.is_empty()).map(str::to_lowercase).collect::<Vec<_>>()
    };
    let address = row.attrs["public_ipv4"].as_str().unwrap_or_default();
    let there = split(&format!("{} {} {} {address}", row.name, row.provider_id, tags.join(" ")));
    split(text).iter().all(|wanted| there.iter().any(|word| word.starts_with(wanted)))
}
