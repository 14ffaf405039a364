//! Invoices: issued ones on the first of the following month, and the running month's preview, rebuilt each day.
//! Amounts are rounded once, on their line; every total is a sum of lines.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::charge::{cents, hours_begun};
use super::period::Period;
use super::{Product, Usage};
use crate::clock::after_ms;
use crate::model::urn::UrnKind;
use crate::model::{Account, Event};

#[derive(Debug, Clone)]
pub(crate) struct Invoice {
    pub(crate) uuid: String,
    pub(crate) id: String,
    pub(crate) period: Period,
    /// When it was issued, or the preview rebuilt.
    pub(crate) made_at: Timestamp,
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) product: &'static str,
    pub(crate) resource_uuid: String,
    pub(crate) resource_id: String,
    pub(crate) group: String,
    pub(crate) description: String,
    pub(crate) amount: Decimal,
    pub(crate) hours: Option<i64>,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) project: String,
    pub(crate) category: &'static str,
}

pub(crate) const TAXES: &str = "Taxes";
/// The word that stands for the running month's invoice in paths.
const PREVIEW: &str = "preview";
/// By the second from here on.
const BY_THE_SECOND_SINCE: i16 = 2026;
/// Invoices come out at twenty to seven.
const ISSUED_AFTER_MS: u64 = (6 * 60 + 40) * 60_000;
const PAID_AFTER_MS: u64 = 22 * 60_000;

impl Invoice {
    pub(crate) fn amount(&self) -> Decimal {
        total(self.lines.iter())
    }

    pub(crate) fn taxes(&self) -> Decimal {
        total(self.lines.iter().filter(|line| line.product == TAXES))
    }

    /// Each product with its sum and the number of its lines, in the order of the lines.
    pub(crate) fn by_product(&self) -> Vec<(&'static str, Decimal, usize)> {
        let mut sums: Vec<(&'static str, Decimal, usize)> = Vec::new();
        for line in self.lines.iter().filter(|line| line.product != TAXES) {
            match sums.iter_mut().find(|(product, ..)| *product == line.product) {
                Some((_, amount, count)) => {
                    *amount += line.amount;
                    *count += 1;
                }
                None => sums.push((line.product, line.amount, 1)),
            }
        }
        sums
    }
}

fn total<'a>(lines: impl Iterator<Item = &'a Line>) -> Decimal {
    cents(lines.map(|line| line.amount).sum())
}

impl Account {
    /// An issued invoice by its UUID, or the preview by that word or its own UUID.
    pub(crate) fn invoice(&self, uuid: &str) -> Option<Invoice> {
        if uuid == PREVIEW || uuid == self.billing.preview_uuid {
            return Some(self.preview());
        }
        self.billing.invoices.iter().find(|invoice| invoice.uuid == uuid).cloned()
    }

    /// Newest first.
    pub(crate) fn invoices(&self) -> impl Iterator<Item = &Invoice> {
        self.billing.invoices.iter().rev()
    }

    /// The running month up to the last midnight.
    pub(crate) fn preview(&self) -> Invoice {
        let period = Period::of(self.now);
        let midnight = self.now.to_zoned(TimeZone::UTC).start_of_day();
        let until = midnight.map_or(self.now, |midnight| midnight.timestamp());
        let id = self.invoice_number(self.billing.invoices.len());
        let lines = self.lines(period, until);
        Invoice { uuid: self.billing.preview_uuid.clone(), id, period, made_at: until, lines }
    }

    /// What the running month has cost up to `until`, before taxes.
    pub(super) fn usage_until(&self, until: Timestamp) -> Decimal {
        total(self.lines(Period::of(self.now), until).iter().filter(|line| line.product != TAXES))
    }

    pub(in crate::model) fn open_books(&mut self) {
        self.billing.preview_uuid = self.uuid();
        self.schedule_month_end();
    }

    fn schedule_month_end(&mut self) {
        let period = Period::of(self.now);
        self.schedule_at(after_ms(period.end(), ISSUED_AFTER_MS), Event::MonthEnds(period));
    }

    /// Issues the invoice of a month in which anything was used. It is paid a little later.
    pub(in crate::model) fn month_ends(&mut self, period: Period) {
        let lines = self.lines(period, period.end());
        if !lines.is_empty() {
            let id = self.invoice_number(self.billing.invoices.len());
            let invoice = Invoice { uuid: self.uuid(), id, period, made_at: self.now, lines };
            let paid_at = after_ms(self.now, PAID_AFTER_MS);
            self.enter(&invoice, paid_at);
            self.billing.invoices.push(invoice);
            self.billing.preview_uuid = self.uuid();
        }
        self.schedule_month_end();
    }

    fn invoice_number(&self, at: usize) -> String {
        format!("{}", 418_071_234 + 7_919 * at)
    }

    fn lines(&self, period: Period, until: Timestamp) -> Vec<Line> {
        let usages = self.billing.meter.usages.iter();
        let mut lines: Vec<(Product, Line)> =
            usages.filter_map(|usage| Some((usage.product, self.line(usage, period, until)?))).collect();
        lines.sort_by(|(one, a), (other, b)| {
            (one, &a.description, a.start).cmp(&(other, &b.description, b.start))
        });
        let mut lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
        lines.extend(self.tax_line(&lines, period));
        lines
    }

    fn line(&self, usage: &Usage, period: Period, until: Timestamp) -> Option<Line> {
        let until = until.min(period.end());
        let start = usage.from.max(period.start());
        let end = usage.to.unwrap_or(until).min(until);
        let ended_before = usage.to.is_some_and(|to| to <= period.start() && usage.from < period.start());
        if start >= until || end < start || ended_before || usage.rate.monthly.is_zero() {
            return None;
        }
        let seconds = end.as_second() - start.as_second();
        let amount = usage.rate.charge(seconds, period.year() >= BY_THE_SECOND_SINCE);
        let project = match &usage.urn {
            Some(urn) if usage.to.is_none() => self.project_name_of(urn),
            _ => usage.last_project.clone(),
        };
        let numbered = usage.id.bytes().all(|byte| byte.is_ascii_digit());
        let named = usage.urn.as_ref().is_none_or(|urn| urn.kind != UrnKind::FloatingIp);
        let id = || usage.id.clone();
        let group = usage.product.has_group().then(|| usage.description.split(' ').next()).flatten();
        Some(Line {
            product: usage.product.name(),
            resource_uuid: if !numbered && named && usage.product != Product::Spaces {
                id()
            } else {
                String::new()
            },
            resource_id: if numbered || !named { id() } else { String::new() },
            group: group.unwrap_or_default().to_owned(),
            description: usage.description.clone(),
            amount,
            hours: (usage.product != Product::Backups).then(|| hours_begun(seconds)),
            start,
            // Seen on volumes: a full month that ends a second early.
            end: if usage.product == Product::Volume && end == period.end() { last_second(end) } else { end },
            project,
            category: usage.product.category(),
        })
    }

    fn tax_line(&self, lines: &[Line], period: Period) -> Option<Line> {
        let tax = self.billing.tax.as_ref()?;
        let amount = cents(total(lines.iter()) * tax.rate);
        (!amount.is_zero()).then(|| Line {
            product: TAXES,
            resource_uuid: String::new(),
            resource_id: String::new(),
            group: String::new(),
            description: tax.name.to_owned(),
            amount,
            hours: None,
            start: period.start(),
            end: last_second(period.end()),
            project: String::new(),
            category: "iaas",
        })
    }
}

fn last_second(end: Timestamp) -> Timestamp {
    Timestamp::from_second(end.as_second() - 1).unwrap_or(end)
}
