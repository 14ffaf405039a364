//! What the finance service's stand-in was given: each invoice once, by tenant, source and external id.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Account;

/// An invoice to import; amounts in minor units.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Import {
    pub(crate) tenant_id: String,
    pub(crate) source: String,
    pub(crate) external_id: String,
    pub(crate) period: String,
    pub(crate) currency: String,
    pub(crate) gross_minor: i64,
    pub(crate) net_minor: i64,
    pub(crate) tax_minor: i64,
    pub(crate) lines: Vec<ImportLine>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ImportLine {
    pub(crate) amount_minor: i64,
}

/// An invoice as it was last imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportedInvoice {
    pub id: String,
    pub tenant_id: String,
    pub source: String,
    pub external_id: String,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// How often it was sent.
    pub times: u64,
    /// The body as it was sent last.
    pub body: Value,
}

impl Account {
    /// Answers the finance service's id and what came of it.
    pub(crate) fn import_invoice(&mut self, import: &Import, body: Value) -> (String, &'static str) {
        let now = self.now;
        let known = self.imports.iter_mut().find(|it| {
            it.tenant_id == import.tenant_id
                && it.source == import.source
                && it.external_id == import.external_id
        });
        if let Some(known) = known {
            known.last_at = now;
            known.times += 1;
            known.body = body;
            return (known.id.clone(), "updated");
        }
        let id = self.uuid();
        self.imports.push(ImportedInvoice {
            id: id.clone(),
            tenant_id: import.tenant_id.clone(),
            source: import.source.clone(),
            external_id: import.external_id.clone(),
            first_at: now,
            last_at: now,
            times: 1,
            body,
        });
        (id, "created")
    }

    pub(crate) fn imports(&self) -> &[ImportedInvoice] {
        &self.imports
    }
}
