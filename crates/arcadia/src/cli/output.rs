//! How data is printed: a table for people, JSON or YAML for programs.

use super::print_line;
use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};
use serde_json::Value;

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Output {
    /// How it is printed
    #[arg(short = 'o', long = "output", value_enum, default_value = "table", value_name = "FORMAT")]
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
    Yaml,
}

impl Output {
    /// `table` makes what people see of it.
    pub(super) fn print(self, value: &Value, table: impl FnOnce(&Value) -> Table) -> anyhow::Result<()> {
        match self.form {
            Form::Table => print_line(table(value))?,
            Form::Json => print_line(serde_json::to_string_pretty(value)?)?,
            Form::Yaml => print_line(yaml(value).trim_end())?,
        }
        Ok(())
    }
}

/// An empty table with that head.
pub(super) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(head.iter().copied());
    table
}

/// A value in a cell: text as it is, nothing for null, JSON for all else.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // A terminal obeys control characters, whoever named a resource.
        Value::String(text) => text.chars().filter(|c| !c.is_control()).collect(),
        other => other.to_string(),
    }
}

fn yaml(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

/// Blocks for lists and objects; scalars as JSON has them, which YAML has too.
fn block(value: &Value, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                text.push_str(&format!("{pad}{}:", scalar(key)));
                nested(value, indent, text);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for value in list {
                text.push_str(&format!("{pad}-"));
                nested(value, indent, text);
            }
        }
        other => text.push_str(&format!("{pad}{other}\n")),
    }
}

fn nested(value: &Value, indent: usize, text: &mut String) {
    let is_block = value.as_object().is_some_and(|map| !map.is_empty())
        || value.as_array().is_some_and(|list| !list.is_empty());
    if is_block {
        text.push('\n');
        block(value, indent + 2, text);
    } else {
        text.push_str(&format!(" {value}\n"));
    }
}

/// A key without quotes where nothing in it means something else.
fn scalar(key: &str) -> String {
    let is_plain = key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"].contains(&key);
    if is_plain { key.to_owned() } else { Value::from(key).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_has_blocks_for_what_holds_something_and_quotes_for_text() {
        let value = json!({"name": "yes", "tags": ["a: b", 1], "attrs": {"off": null, "x": {}}, "none": []});
        let wanted =
            "attrs:\n  \"off\": null\n  x: {}\nname: \"yes\"\nnone: []\ntags:\n  - \"a: b\"\n  - 1\n";
        assert_eq!(yaml(&value), wanted);
        assert_eq!(yaml(&json!([{"a": 1, "b": [2]}])), "-\n  a: 1\n  b:\n    - 2\n");
        assert_eq!(yaml(&json!([])), "[]\n");
    }

    #[test]
    fn a_cell_holds_no_control_characters() {
        assert_eq!(cell(&json!("we\u{1b}[31mb\n")), "we[31mb");
        assert_eq!((cell(&json!(null)), cell(&json!(600))), (String::new(), "600".to_owned()));
    }
}
