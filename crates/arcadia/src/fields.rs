//! Reads a JSON object field by field and notes everything that is wrong with it, so that a caller learns it all at
//! once: wrong types, what is missing, what is not known.

use crate::error::FieldError;
use serde_json::{Map, Value};
use std::cell::RefCell;

/// Everything found wrong so far.
#[derive(Debug, Default)]
pub struct Faults(RefCell<Vec<FieldError>>);

impl Faults {
    /// One more.
    pub fn add(&self, field: impl Into<String>, message: impl Into<String>) {
        self.0.borrow_mut().push(FieldError::new(field, message));
    }

    /// All of them.
    #[must_use]
    pub fn into_errors(self) -> Vec<FieldError> {
        self.0.into_inner()
    }
}

impl From<Vec<FieldError>> for Faults {
    fn from(errors: Vec<FieldError>) -> Faults {
        Faults(RefCell::new(errors))
    }
}

/// An object that is being read. `null` counts as absent.
#[derive(Debug)]
pub struct Fields<'f> {
    prefix: String,
    values: Map<String, Value>,
    known: Vec<&'static str>,
    faults: &'f Faults,
}

impl<'f> Fields<'f> {
    /// The body itself.
    #[must_use]
    pub fn of(values: Map<String, Value>, faults: &'f Faults) -> Fields<'f> {
        Fields { prefix: String::new(), values, known: Vec::new(), faults }
    }

    /// Text that may be absent.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.typed(name, "text", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// Text or a whole number, as text.
    pub fn text_or_number(&mut self, name: &'static str) -> Option<String> {
        self.typed(name, "text or a whole number", |value| match value {
            Value::String(text) => Some(text),
            Value::Number(number) => number.as_u64().map(|number| number.to_string()),
            _ => None,
        })
    }

    /// A whole number that may be absent.
    pub fn integer(&mut self, name: &'static str) -> Option<i64> {
        self.typed(name, "a whole number", |value| value.as_i64())
    }

    /// Any JSON.
    pub fn any(&mut self, name: &'static str) -> Option<Value> {
        self.typed(name, "JSON", Some)
    }

    /// `true` or `false`; `false` when absent.
    pub fn flag(&mut self, name: &'static str) -> bool {
        self.typed(name, "true or false", |value| value.as_bool()).unwrap_or_default()
    }

    /// A list of texts; empty when absent.
    pub fn texts(&mut self, name: &'static str) -> Vec<String> {
        let texts = |value| match value {
            Value::Array(list) => list.into_iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        self.typed(name, "a list of texts", texts).unwrap_or_default()
    }

    /// An object as it is, for whoever knows its keys.
    pub fn map(&mut self, name: &'static str) -> Option<Map<String, Value>> {
        self.typed(name, "an object", |value| match value {
            Value::Object(map) => Some(map),
            _ => None,
        })
    }

    /// An object, read in its turn.
    pub fn object(&mut self, name: &'static str) -> Option<Fields<'f>> {
        let prefix = format!("{}{name}.", self.prefix);
        let values = self.map(name)?;
        Some(Fields { prefix, values, known: Vec::new(), faults: self.faults })
    }

    /// Notes that `name` is missing where `value` is absent and nothing else was said of it.
    pub fn require<T>(&self, name: &str, value: Option<T>) -> Option<T> {
        let field = format!("{}{name}", self.prefix);
        let was_said = self.faults.0.borrow().iter().any(|error| error.field == field);
        if value.is_none() && !was_said {
            self.faults.add(field, "is required");
        }
        value
    }

    /// Notes everything that was not asked for.
    pub fn finish(self) {
        for name in self.values.keys() {
            let message = format!("is not a field here; known are {}", self.known.join(", "));
            self.faults.add(format!("{}{name}", self.prefix), message);
        }
    }

    fn typed<T>(&mut self, name: &'static str, wanted: &str, read: impl Fn(Value) -> Option<T>) -> Option<T> {
        self.known.push(name);
        let value = self.values.remove(name).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.faults.add(format!("{}{name}", self.prefix), format!("must be {wanted}"));
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::{Faults, Fields};
    use serde_json::{Value, json};

    #[test]
    fn everything_wrong_is_told_at_once_by_its_path() {
        let Value::Object(body) = json!({"name": 5, "plan": {"tags": ["a", 1], "sise": "x"}, "odd": null})
        else {
            unreachable!()
        };
        let faults = Faults::default();
        let mut fields = Fields::of(body, &faults);
        let name = fields.text("name");
        assert_eq!(fields.require("name", name), None);
        let slug = fields.text("slug");
        assert_eq!(fields.require("slug", slug), None);
        let mut plan = fields.object("plan").unwrap();
        assert!(plan.texts("tags").is_empty());
        assert_eq!(plan.text("size"), None);
        plan.finish();
        fields.finish();
        let told: Vec<String> =
            faults.into_errors().into_iter().map(|e| format!("{} {}", e.field, e.message)).collect();
        assert_eq!(
            told,
            [
                "name must be text",
                "slug is required",
                "plan.tags must be a list of texts",
                "plan.sise is not a field here; known are tags, size",
                "odd is not a field here; known are name, slug, plan",
            ]
        );
    }
}
