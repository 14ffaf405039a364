//! The document's schemas as JSON Schema: references are written out, `nullable` becomes an alternative, what only
//! describes is dropped. Read-only fields are not asked for in requests, write-only ones not in answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::document::document;

/// Whether a schema is that of something sent to the API or of something it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    Request,
    Answer,
}

/// The keywords that say what is valid. All others describe.
const KEPT: [&str; 17] = [
    "type",
    "format",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
];

pub(crate) fn translate(schema: &Value, direction: Direction) -> Value {
    let schema = document().resolve(schema);
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let mut translated = Map::new();
    for (key, value) in fields {
        let value = match key.as_str() {
            key if KEPT.contains(&key) => value.clone(),
            "properties" => {
                let each = document().resolve(value).as_object().unwrap().iter();
                Value::Object(each.map(|(name, it)| (name.clone(), translate(it, direction))).collect())
            }
            "allOf" | "anyOf" | "oneOf" => {
                value.as_array().unwrap().iter().map(|it| translate(it, direction)).collect()
            }
            "items" | "not" => translate(value, direction),
            "additionalProperties" if value.is_object() => translate(value, direction),
            "additionalProperties" => value.clone(),
            _ => continue,
        };
        translated.insert(key.clone(), value);
    }
    if let Some(required) = translated.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| {
            !is_one_way(&document().at(schema, "properties")[name.as_str().unwrap()], direction)
        });
        if required.is_empty() {
            translated.remove("required");
        }
    }
    let translated = Value::Object(translated);
    if schema["nullable"] == true { json!({ "anyOf": [{ "type": "null" }, translated] }) } else { translated }
}

fn is_one_way(property: &Value, direction: Direction) -> bool {
    let property = document().resolve(property);
    let word = if direction == Direction::Request { "readOnly" } else { "writeOnly" };
    property[word] == true
}

type Validators = HashMap<(String, Direction), Arc<Validator>>;

/// The validator of a schema; each is built once.
fn validator(name: &str, schema: &Value, direction: Direction) -> Arc<Validator> {
    static BUILT: Mutex<Option<Validators>> = Mutex::new(None);
    let key = (name.to_owned(), direction);
    if let Some(built) = BUILT.lock().unwrap().get_or_insert_default().get(&key) {
        return Arc::clone(built);
    }
    let schema = translate(schema, direction);
    let options = jsonschema::options().with_draft(Draft::Draft4).should_validate_formats(true);
    let uuid = |text: &str| text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let built = options.with_format("uuid", uuid).build(&schema);
    let built = Arc::new(built.unwrap_or_else(|error| panic!("{name}: {error}")));
    BUILT.lock().unwrap().get_or_insert_default().insert(key, Arc::clone(&built));
    built
}

/// Everything that is wrong with `value`, each with its place.
pub(crate) fn faults(name: &str, schema: &Value, direction: Direction, value: &Value) -> Vec<String> {
    let validator = validator(name, schema, direction);
    let faults = validator.iter_errors(value);
    faults.map(|fault| format!("{name}: at `{}`: {fault}", fault.instance_path())).collect()
}

#[test]
fn a_broken_example_is_rejected() {
    let operation = document().find("GET", "/v2/droplets/1").unwrap();
    let schema = &operation.response("200").unwrap()["content"]["application/json"]["schema"];
    let example = operation.examples("200", "application/json").into_values().next().unwrap().clone();
    let check = |value: &Value| faults("GET droplet", schema, Direction::Answer, value);
    assert_eq!(check(&example), Vec::<String>::new());
    for (pointer, broken) in [
        ("/droplet/id", json!("text")),
        ("/droplet/status", json!("flying")),
        ("/droplet/created_at", json!("yesterday")),
        ("/droplet/networks/v4/0/ip_address", json!("nowhere")),
        ("/droplet/region", json!({})),
        ("/droplet/name", Value::Null),
    ] {
        let mut spoilt = example.clone();
        *spoilt.pointer_mut(pointer).unwrap() = broken;
        assert!(!check(&spoilt).is_empty(), "{pointer}");
    }
}
