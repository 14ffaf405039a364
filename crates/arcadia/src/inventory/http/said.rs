//! What an operator says of whose a project or a resource is, as the body of a request has it.

use crate::error::Error;
use crate::fields::{Faults, Fields};
use crate::http::verb::{self, reason_if_any};
use jiff::Timestamp;
use serde_json::{Map, Value};

const TENANT_BYTES_MAX: usize = 255;

/// Something is a tenant's, or nobody's: `{"tenant_id": "acme" | null, "effective_from"?, "reason"?}`.
pub(super) struct Gift {
    pub(super) tenant_id: Option<String>,
    pub(super) effective_from: Option<Timestamp>,
    pub(super) reason: String,
}

/// A word on a resource: a gift, or `{"release": true, "reason"?}`, which takes such a word back.
pub(super) enum Word {
    Gift(Gift),
    Release { reason: String },
}

impl Word {
    pub(super) fn read(body: Map<String, Value>) -> Result<Word, Error> {
        if !body.contains_key("release") {
            return Gift::read(body).map(Word::Gift);
        }
        verb::read(body, |fields, faults| {
            if fields.any("release") != Some(Value::Bool(true)) {
                faults.add("release", "must be true, or missing where `tenant_id` is given");
            }
            Some(Word::Release { reason: reason_if_any(fields, faults).unwrap_or_default() })
        })
    }
}

impl Gift {
    /// `tenant_id` must be there, also where it is null: an empty body gives nothing away.
    pub(super) fn read(mut body: Map<String, Value>) -> Result<Gift, Error> {
        let is_nobodys = body.get("tenant_id").is_some_and(Value::is_null);
        if is_nobodys {
            body.remove("tenant_id");
        }
        verb::read(body, |fields, faults| {
            let tenant_id = fields.text("tenant_id");
            if !is_nobodys {
                fields.require("tenant_id", tenant_id.as_ref());
            }
            let effective_from = effective_from(fields, faults);
            let reason = reason_if_any(fields, faults).unwrap_or_default();
            if tenant_id.as_ref().is_some_and(|it| it.trim().is_empty() || it.len() > TENANT_BYTES_MAX) {
                faults.add("tenant_id", format!("must have 1 to {TENANT_BYTES_MAX} bytes"));
            }
            Some(Gift { tenant_id, effective_from, reason })
        })
    }
}

fn effective_from(fields: &mut Fields<'_>, faults: &Faults) -> Option<Timestamp> {
    let text = fields.text("effective_from")?;
    let from = super::time(&text);
    if from.is_none() {
        faults.add("effective_from", "must be a time such as 2026-03-01T00:00:00Z");
    }
    from
}
