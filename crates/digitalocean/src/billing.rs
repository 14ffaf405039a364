//! Balance, history and invoices, in US dollars. All amounts are decimal strings on the wire, and exact here.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Client, Error, ErrorKind, Key, Keyed, List,
    call::Call,
    wire::{decimal, or_default},
};

text_id! {
    /// An invoice's UUID. The running month's is [`InvoiceId::preview`], whose own UUID is not the final invoice's.
    InvoiceId
}

impl InvoiceId {
    /// The word that stands for the running month.
    pub fn preview() -> Self {
        Self("preview".to_owned())
    }
}

open_enum! {
    /// What a line of the billing history is.
    pub enum HistoryType {
        AchFailure = "ACHFailure",
        Adjustment = "Adjustment",
        AttemptFailed = "AttemptFailed",
        Chargeback = "Chargeback",
        Credit = "Credit",
        CreditExpiration = "CreditExpiration",
        Invoice = "Invoice",
        Payment = "Payment",
        Refund = "Refund",
        Reversal = "Reversal",
    }
}

/// The account's balance as of `generated_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The sum of the two others.
    #[serde(deserialize_with = "decimal")]
    pub month_to_date_balance: Decimal,
    #[serde(deserialize_with = "decimal")]
    pub account_balance: Decimal,
    #[serde(deserialize_with = "decimal")]
    pub month_to_date_usage: Decimal,
    pub generated_at: Timestamp,
}

/// A line of the billing history; payments are negative. It has no id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    #[serde(deserialize_with = "decimal")]
    pub amount: Decimal,
    pub date: Timestamp,
    #[serde(rename = "type")]
    pub kind: HistoryType,
    pub invoice_id: Option<String>,
    pub invoice_uuid: Option<InvoiceId>,
}

/// An invoice as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    pub invoice_uuid: InvoiceId,
    pub invoice_id: Option<String>,
    #[serde(deserialize_with = "decimal")]
    pub amount: Decimal,
    /// `2026-10`.
    pub invoice_period: String,
    /// The preview only.
    pub updated_at: Option<Timestamp>,
}

/// A line of an invoice, as sent: any text may be empty. It has no id but its position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceItem {
    #[serde(default, deserialize_with = "or_default")]
    pub product: String,
    #[serde(default, deserialize_with = "or_default")]
    pub resource_uuid: String,
    #[serde(default, deserialize_with = "or_default")]
    pub resource_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub group_description: String,
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    #[serde(deserialize_with = "decimal")]
    pub amount: Decimal,
    #[serde(default, deserialize_with = "or_default")]
    pub duration: String,
    #[serde(default, deserialize_with = "or_default")]
    pub duration_unit: String,
    #[serde(default, deserialize_with = "or_default")]
    pub start_time: String,
    #[serde(default, deserialize_with = "or_default")]
    pub end_time: String,
    #[serde(default, deserialize_with = "or_default")]
    pub project_name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub category: String,
}

/// An invoice's sums. The names and addresses that come with them are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceSummary {
    pub invoice_uuid: InvoiceId,
    pub invoice_id: Option<String>,
    /// `2026-10`.
    pub billing_period: String,
    #[serde(deserialize_with = "decimal")]
    pub amount: Decimal,
    pub product_charges: Option<Charge>,
    pub overages: Option<Charge>,
    pub taxes: Option<Charge>,
    pub credits_and_adjustments: Option<Charge>,
}

/// A sum and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "decimal")]
    pub amount: Decimal,
    #[serde(default, deserialize_with = "or_default")]
    pub items: Vec<Charge>,
}

impl Keyed for HistoryEntry {
    fn key(&self) -> Key {
        Key::None
    }
}

impl Keyed for Invoice {
    fn key(&self) -> Key {
        Key::Text(self.invoice_uuid.0.clone())
    }
}

impl Keyed for InvoiceItem {
    fn key(&self) -> Key {
        Key::None
    }
}

/// `/v2/customers/my`, by [`Client::billing`]. Mostly for `client.for_purpose(Purpose::Billing)`.
#[derive(Debug, Clone)]
pub struct Billing(Client);

impl Client {
    pub fn billing(&self) -> Billing {
        Billing(self.clone())
    }
}

impl Billing {
    pub async fn balance(&self) -> Result<Balance, Error> {
        self.bare(Call::get("/v2/customers/my/balance", &[])).await
    }

    pub fn history(&self) -> List<HistoryEntry> {
        List::new(self.0.clone(), "billing_history", Call::get("/v2/customers/my/billing_history", &[]))
    }

    /// The issued ones, without the preview.
    pub fn invoices(&self) -> List<Invoice> {
        List::new(self.0.clone(), "invoices", Call::get("/v2/customers/my/invoices", &[]))
    }

    /// The running month's.
    pub async fn preview(&self) -> Result<Invoice, Error> {
        self.0
            .fetch(Call::get("/v2/customers/my/invoices", &[]).query("per_page", 1), "invoice_preview")
            .await
    }

    /// The lines of an invoice, in order.
    pub fn items(&self, id: &InvoiceId) -> List<InvoiceItem> {
        let call = Call::get("/v2/customers/my/invoices/{invoice_uuid}", &[id]);
        List::new(self.0.clone(), "invoice_items", call)
    }

    pub async fn summary(&self, id: &InvoiceId) -> Result<InvoiceSummary, Error> {
        self.bare(Call::get("/v2/customers/my/invoices/{invoice_uuid}/summary", &[id])).await
    }

    /// The invoice as `text/csv`. Read its columns by name.
    pub async fn csv(&self, id: &InvoiceId) -> Result<String, Error> {
        let call = Call::get("/v2/customers/my/invoices/{invoice_uuid}/csv", &[id]);
        let answer = self.0.send(&call).await?;
        String::from_utf8(answer.body).map_err(|_| {
            call.error(ErrorKind::Undecodable, "not UTF-8")
                .with_status(answer.status)
                .over(answer.attempts, true)
        })
    }

    /// These answers have no envelope.
    async fn bare<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let answer = self.0.send(&call).await?;
        serde_json::from_slice(&answer.body).map_err(|source| self.0.undecodable(&call, &answer, &source))
    }
}
