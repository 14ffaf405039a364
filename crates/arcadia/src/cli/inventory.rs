//! `arcadia inventory`: what a server's inventory holds, one resource of it, what happened to that, and whose it is to be.

use super::client::Server;
use super::output::{Output, cell, table};
use crate::config::Config;
use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// What there is, or was
    List(Box<ListFlags>),
    /// One resource: whose it is and why, what it lives through, who made it
    Show(ShowFlags),
    /// What happened to one resource, newest first
    History(HistoryFlags),
    /// Say whose a resource is, or take that back; for platform admins
    Assign(AssignFlags),
}

#[derive(Debug, Args)]
pub(super) struct ListFlags {
    /// Such as `droplet`, `dns_zone` or `volume`
    #[arg(long)]
    kind: Option<String>,
    #[arg(long)]
    status: Option<String>,
    /// For platform admins
    #[arg(long)]
    tenant: Option<String>,
    /// The project's id
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// The deployment's id
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    #[arg(long)]
    region: Option<String>,
    #[arg(long)]
    tag: Option<String>,
    /// A whole name, or its beginning and `*`
    #[arg(long)]
    name: Option<String>,
    /// Beginnings of words in names, ids, tags and addresses
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// Whether what is gone is listed
    #[arg(long, value_parser = ["without", "with", "only"])]
    deleted: Option<String>,
    #[arg(long, value_parser = ["newest", "oldest", "name"])]
    sort: Option<String>,
    /// The inventory as it was then, such as `2026-04-01T00:00:00Z`
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct ShowFlags {
    id: String,
    /// As it was then
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct HistoryFlags {
    id: String,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct AssignFlags {
    id: String,
    #[command(flatten)]
    word: WordFlags,
    /// Since when, such as `2026-04-01T00:00:00Z`; since now when absent
    #[arg(long, value_name = "TIME", conflicts_with = "release")]
    from: Option<String>,
    /// Why, for its history
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WordFlags {
    /// It is this tenant's
    #[arg(long)]
    tenant: Option<String>,
    /// It is nobody's
    #[arg(long)]
    nobody: bool,
    /// It is whose its deployment, parent or project says
    #[arg(long)]
    release: bool,
}

/// A server answers no more at once.
const PAGE: u32 = 200;

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let server = Server::of(config)?;
    match command {
        Command::List(flags) => {
            let rows = pages(&server, &["inventory"], flags.query(), flags.limit).await?;
            flags.output.print(&rows, list_table)
        }
        Command::Show(ShowFlags { id, as_of, output }) => {
            let query: Vec<_> = as_of.map(|as_of| ("as_of", as_of)).into_iter().collect();
            output.print(&server.get(&["inventory", &id], &query).await?, show_table)
        }
        Command::History(HistoryFlags { id, limit, output }) => {
            let events = pages(&server, &["inventory", &id, "events"], Vec::new(), limit).await?;
            output.print(&events, history_table)
        }
        Command::Assign(flags) => {
            let said = server.patch(&["inventory", &flags.id], &flags.body()).await?;
            flags.output.print(&said, show_table)
        }
    }
}

impl AssignFlags {
    fn body(&self) -> Value {
        let mut body = match &self.word {
            WordFlags { release: true, .. } => json!({"release": true}),
            // Null for `--nobody`.
            WordFlags { tenant, .. } => json!({"tenant_id": tenant, "effective_from": self.from}),
        };
        body["reason"] = json!(self.reason);
        body
    }
}

impl ListFlags {
    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("kind", &self.kind),
            ("status", &self.status),
            ("tenant_id", &self.tenant),
            ("project_id", &self.project),
            ("deployment_id", &self.deployment),
            ("region", &self.region),
            ("tag", &self.tag),
            ("name", &self.name),
            ("text", &self.text),
            ("deleted", &self.deleted),
            ("sort", &self.sort),
            ("as_of", &self.as_of),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

/// As many of a list as are wanted, over as many pages as that takes.
async fn pages(
    server: &Server,
    path: &[&str],
    query: Vec<(&'static str, String)>,
    limit: u32,
) -> anyhow::Result<Value> {
    let (mut rows, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        let mut query = query.clone();
        query.push(("limit", left.min(PAGE).to_string()));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let mut page = server.get(path, &query).await?;
        if let Value::Array(data) = page["data"].take() {
            rows.extend(data);
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || rows.len() >= limit as usize {
            return Ok(json!(rows));
        }
    }
}

fn list_table(rows: &Value) -> Table {
    let columns = ["id", "kind", "name", "status", "region", "tenant_id", "owner_reason", "deleted_at"];
    let mut table = table(&["id", "kind", "name", "status", "region", "tenant", "why", "deleted"]);
    for row in rows.as_array().into_iter().flatten() {
        table.add_row(columns.map(|column| cell(&row[column])));
    }
    table
}

fn show_table(resource: &Value) -> Table {
    let mut table = table(&["what", "is"]);
    for (name, value) in resource.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let text = match value.as_array().filter(|_| name == "owners") {
            Some(owners) => owners.iter().map(owner_words).collect::<Vec<_>>().join("\n"),
            None => cell(value),
        };
        table.add_row([name.clone(), text]);
    }
    table
}

fn owner_words(owner: &Value) -> String {
    let [tenant, reason, from] = ["tenant_id", "reason", "from"].map(|key| cell(&owner[key]));
    let whose = if tenant.is_empty() { "nobody" } else { tenant.as_str() };
    format!("{whose} since {from} ({reason})")
}

fn history_table(events: &Value) -> Table {
    let mut table = table(&["at", "what", "by", "through", "details"]);
    for event in events.as_array().into_iter().flatten() {
        table.add_row(["at", "kind", "actor", "source", "data"].map(|column| cell(&event[column])));
    }
    table
}
