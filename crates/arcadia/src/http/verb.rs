//! The bodies of verbs, whether to a saga, a schedule or a project: what is asked for, and why.

use crate::error::{Error, FieldError};
use crate::fields::{Faults, Fields};
use serde_json::{Map, Value};

/// Long enough for a story, short enough for a history.
const REASON_BYTES_MAX: usize = 2_000;

/// Reads a verb's body; nothing is done where anything in it is wrong.
pub fn read<T>(
    body: Map<String, Value>,
    take: impl FnOnce(&mut Fields<'_>, &Faults) -> Option<T>,
) -> Result<T, Error> {
    let faults = Faults::default();
    let mut fields = Fields::of(body, &faults);
    let taken = take(&mut fields, &faults);
    fields.finish();
    let errors: Vec<FieldError> = faults.into_errors();
    match taken {
        Some(taken) if errors.is_empty() => Ok(taken),
        _ => Err(Error::Invalid(errors)),
    }
}

/// Why, which must be said.
pub fn reason(fields: &mut Fields<'_>, faults: &Faults) -> Option<String> {
    let reason = fields.text("reason");
    let reason = fields.require("reason", reason)?;
    fitting(faults, "reason", reason, REASON_BYTES_MAX)
}

/// Why, where somebody says so; empty where nobody does.
pub fn reason_if_any(fields: &mut Fields<'_>, faults: &Faults) -> Option<String> {
    match fields.text("reason") {
        Some(reason) => fitting(faults, "reason", reason, REASON_BYTES_MAX),
        None => Some(String::new()),
    }
}

/// The text, where it is neither blank nor too long.
pub fn fitting(faults: &Faults, field: &str, text: String, bytes_max: usize) -> Option<String> {
    if text.trim().is_empty() {
        faults.add(field, "may not be empty");
    } else if text.len() > bytes_max {
        faults.add(field, format!("is longer than {bytes_max} bytes"));
    } else {
        return Some(text);
    }
    None
}
