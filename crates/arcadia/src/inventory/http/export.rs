//! A whole list as CSV or JSON lines, read and sent page by page: memory does not grow with it. What fails midway breaks
//! the answer off, so that no reader takes a part for the whole.

use super::super::reading::{self, Filter, ListedRow, Place, Sort};
use super::{ResourceShown, shown};
use crate::cloud::Cloud;
use crate::error::Error;
use crate::scope::Scope;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::borrow::Cow;
use std::sync::Arc;

const PAGE: u32 = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    JsonLines,
}

impl Format {
    pub(super) fn parse(word: &str) -> Option<Format> {
        match word {
            "csv" => Some(Format::Csv),
            "jsonl" => Some(Format::JsonLines),
            _ => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::JsonLines => "application/jsonl",
        }
    }

    fn head(self) -> String {
        match self {
            Format::Csv => format!("{}\r\n", COLUMNS.join(",")),
            Format::JsonLines => String::new(),
        }
    }

    fn line(self, row: ResourceShown) -> String {
        match self {
            Format::Csv => csv_line(&row),
            // A resource holds nothing that JSON cannot say.
            Format::JsonLines => serde_json::to_string(&row).unwrap_or_default() + "\n",
        }
    }
}

const COLUMNS: [&str; 19] = [
    "id",
    "kind",
    "provider_id",
    "name",
    "region",
    "status",
    "size_slug",
    "project_id",
    "tenant_id",
    "deployment_id",
    "owner_reason",
    "owner_since",
    "tags",
    "attrs",
    "monthly_cost_minor",
    "provider_created_at",
    "first_seen_at",
    "last_seen_at",
    "deleted_at",
];

/// How far an export has come.
struct Export {
    cloud: Arc<Cloud>,
    scope: Scope,
    filter: Filter,
    sort: Sort,
    format: Format,
    after: Option<Place>,
}

/// Nothing is sent before the first page was read: until then an error is an answer.
pub(super) async fn stream(
    cloud: Arc<Cloud>,
    scope: Scope,
    filter: Filter,
    sort: Sort,
    format: Format,
) -> Result<Response, Error> {
    let mut export = Export { cloud, scope, filter, sort, format, after: None };
    let first = export.page().await?;
    let first = format.head() + &first.unwrap_or_default();
    let rest = stream::try_unfold(export, |mut export| async move {
        let page = export.page().await?;
        Ok::<_, arcadia_sql::Error>(page.map(|page| (page, export)))
    });
    let body = stream::StreamExt::chain(stream::iter([Ok(first)]), rest);
    let kind = [(header::CONTENT_TYPE, format.content_type())];
    Ok((kind, Body::from_stream(body)).into_response())
}

impl Export {
    async fn page(&mut self) -> Result<Option<String>, arcadia_sql::Error> {
        let Export { cloud, scope, filter, sort, format, after } = self;
        let rows: Vec<ListedRow> =
            reading::list(&cloud.db, scope, filter, *sort, after.as_ref(), PAGE).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        *after = Some(Place::from(last));
        Ok(Some(rows.into_iter().map(|row| format.line(shown(row, scope))).collect()))
    }
}

fn csv_line(row: &ResourceShown) -> String {
    // The same reason as above; the order is that of the columns' names.
    let value = serde_json::to_value(row).unwrap_or_default();
    let cells = COLUMNS.map(|column| match &value[column] {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => quoted(&as_text(text)),
        other => quoted(&other.to_string()),
    });
    cells.join(",") + "\r\n"
}

/// A spreadsheet takes what begins so for a formula, unless an apostrophe stands before it. Whoever names a resource must
/// not have that run at whoever opens the list.
fn as_text(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return format!("'{text}").into();
    }
    text.into()
}

/// As RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{as_text, quoted};

    #[test]
    fn what_a_spreadsheet_would_run_comes_as_text() {
        let cells = [
            (
                "=HYPERLINK(\"http://evil.example\",\"x\")",
                "\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"x\"\")\"",
            ),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("web-1", "web-1"),
            ("a=b", "a=b"),
        ];
        for (name, cell) in cells {
            assert_eq!(quoted(&as_text(name)), cell);
        }
    }
}
