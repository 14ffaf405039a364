//! The account's billing history and its balance: what was invoiced, and the payments, which are negative.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use jiff::{Unit, ZonedRound};
use rust_decimal::Decimal;

use super::charge::cents;
use super::invoice::Invoice;
use crate::model::Account;

#[derive(Debug, Clone)]
pub(crate) struct HistoryEntry {
    pub(crate) description: String,
    pub(crate) amount: Decimal,
    pub(crate) date: Timestamp,
    pub(crate) kind: &'static str,
    /// UUID and number; payments have none.
    pub(crate) invoice: Option<(String, String)>,
}

/// The state of the account at the last full hour, as the service computes it.
#[derive(Debug, Clone)]
pub(crate) struct Balance {
    pub(crate) account_balance: Decimal,
    pub(crate) month_to_date_usage: Decimal,
    pub(crate) generated_at: Timestamp,
}

impl Account {
    /// Newest first; what lies in the future has not happened.
    pub(crate) fn billing_history(&self) -> impl Iterator<Item = &HistoryEntry> {
        self.billing.history.iter().rev().filter(|entry| entry.date <= self.now)
    }

    pub(crate) fn balance(&self) -> Balance {
        let rounding = ZonedRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Trunc);
        let hour = self.now.to_zoned(TimeZone::UTC).round(rounding);
        let generated_at = hour.map_or(self.now, |hour| hour.timestamp());
        let owed: Decimal = self.billing_history().map(|entry| entry.amount).sum();
        let month_to_date_usage = self.usage_until(generated_at);
        Balance { account_balance: cents(owed), month_to_date_usage, generated_at }
    }

    pub(super) fn enter(&mut self, invoice: &Invoice, paid_at: Timestamp) {
        let amount = invoice.amount();
        self.billing.history.push(HistoryEntry {
            description: format!("Invoice for {}", invoice.period.in_words()),
            amount,
            date: invoice.made_at,
            kind: "Invoice",
            invoice: Some((invoice.uuid.clone(), invoice.id.clone())),
        });
        self.billing.history.push(HistoryEntry {
            description: "Payment (VISA 4242)".to_owned(),
            amount: -amount,
            date: paid_at,
            kind: "Payment",
            invoice: None,
        });
    }
}
