//! Balance, history and invoices. Every amount is a text with two decimals.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::billing::{Invoice, Line, file_name, write_csv};
use crate::model::refusal::Refusal;
use crate::model::{Account, whole_second};
use crate::options::Profile;

fn money(amount: Decimal) -> String {
    format!("{amount:.2}")
}

fn found(account: &Account, call: &Call) -> Result<Invoice, Refusal> {
    account.invoice(call.param("invoice")).ok_or(Refusal::NotFound)
}

pub(crate) fn balance(account: &mut Account, _: &Call) -> Result<Answer, Refusal> {
    let balance = account.balance();
    let sum = balance.account_balance + balance.month_to_date_usage;
    let shown = json!({ "month_to_date_balance": money(sum), "account_balance": money(balance.account_balance),
        "month_to_date_usage": money(balance.month_to_date_usage), "generated_at": whole_second(balance.generated_at) });
    Answer::json(200, &shown)
}

pub(crate) fn history(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (entries, total) = call.window()?.cut(account.billing_history());
    let view = |entry: &&crate::model::billing::HistoryEntry| {
        let mut shown = json!({ "description": entry.description, "amount": money(entry.amount),
            "date": whole_second(entry.date), "type": entry.kind });
        if let Some((uuid, id)) = &entry.invoice {
            shown["invoice_uuid"] = json!(uuid);
            shown["invoice_id"] = json!(id);
        }
        shown
    };
    let entries: Vec<Value> = entries.iter().map(view).collect();
    paging::page(account, call, "billing_history", entries, total)
}

fn entry(invoice: &Invoice) -> Value {
    json!({ "invoice_uuid": invoice.uuid, "invoice_id": invoice.id, "amount": money(invoice.amount()),
            "invoice_period": invoice.period.to_string() })
}

pub(crate) fn invoices(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (invoices, total) = call.window()?.cut(account.invoices());
    let preview = account.preview();
    let mut shown_preview = entry(&preview);
    shown_preview["updated_at"] = json!(whole_second(preview.made_at));
    let invoices: Vec<Value> = invoices.into_iter().map(entry).collect();
    paging::page_with(account, call, ("invoices", invoices, total), Some(("invoice_preview", shown_preview)))
}

fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn item(account: &Account, line: &Line) -> Value {
    let mut shown = json!({ "product": line.product, "resource_uuid": line.resource_uuid,
        "resource_id": line.resource_id, "group_description": line.group, "description": line.description,
        "amount": money(line.amount), "duration": line.hours.map(|it| it.to_string()).unwrap_or_default(),
        "duration_unit": if line.hours.is_some() { "Hours" } else { "" }, "start_time": moment(line.start),
        "end_time": moment(line.end), "project_name": line.project });
    // In the answers and in the CSV, but not in the specification.
    if account.profile == Profile::Live {
        shown["category"] = json!(line.category);
    }
    shown
}

pub(crate) fn items(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let invoice = found(account, call)?;
    let (lines, total) = call.window()?.cut(invoice.lines.iter());
    let lines: Vec<Value> = lines.into_iter().map(|line| item(account, line)).collect();
    paging::page(account, call, "invoice_items", lines, total)
}

pub(crate) fn summary(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let invoice = found(account, call)?;
    let products: Vec<Value> = invoice
        .by_product()
        .into_iter()
        .map(|(name, amount, count)| json!({ "name": name, "amount": money(amount), "count": count.to_string() }))
        .collect();
    let taxes = invoice.taxes();
    let shown = json!({
        "invoice_uuid": invoice.uuid,
        "invoice_id": invoice.id,
        "billing_period": invoice.period.to_string(),
        "amount": money(invoice.amount()),
        "user_name": "Arcadia Operator",
        "user_billing_address": { "address_line1": "1 Simulated Street", "address_line2": "", "city": "Sydney",
            "region": "NSW", "postal_code": "2000", "country_iso2_code": "AU",
            "created_at": "2014-12-03T02:11:46.000+00:00", "updated_at": "2014-12-03T02:11:46.000+00:00" },
        "user_company": "Arcadia",
        "user_email": "operator@arcadia-demo.com",
        "product_charges": { "name": "Product usage charges", "amount": money(invoice.amount() - taxes), "items": products },
        "overages": { "name": "Overages", "amount": "0.00" },
        "taxes": { "name": "Taxes", "amount": money(taxes) },
        "credits_and_adjustments": { "name": "Credits & adjustments", "amount": "0.00" },
    });
    Answer::json(200, &shown)
}

pub(crate) fn csv(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let invoice = found(account, call)?;
    Ok(Answer::csv(write_csv(&invoice), file_name(&invoice)))
}
