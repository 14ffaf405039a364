//! An invoice as its CSV, with the service's own columns and oddities. Invoices from before 2022 have one column less.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::invoice::{Invoice, Line};

const HEADER: &str = "product,group_description,description,hours,start,end,USD,project_name";
const CATEGORY_SINCE: i16 = 2022;

pub(crate) fn write(invoice: &Invoice) -> String {
    let has_category = invoice.period.year() >= CATEGORY_SINCE;
    let mut text = HEADER.to_owned();
    if has_category {
        text.push_str(",category");
    }
    text.push('\n');
    for line in &invoice.lines {
        text.push_str(&row(line).join(","));
        if has_category {
            text.push(',');
            text.push_str(line.category);
        }
        text.push('\n');
    }
    text
}

/// As the service names the file it sends.
pub(crate) fn file_name(invoice: &Invoice) -> String {
    format!("DigitalOcean Invoice {} (6173678-{}).csv", invoice.period.in_file_name(), invoice.id)
}

fn row(line: &Line) -> [String; 8] {
    [
        quoted(line.product),
        quoted(&line.group),
        quoted(&line.description),
        line.hours.map(|hours| hours.to_string()).unwrap_or_default(),
        moment(line.start),
        moment(line.end),
        dollars(line.amount),
        quoted(&line.project),
    ]
}

fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S +0000").to_string()
}

fn dollars(amount: Decimal) -> String {
    let sign = if amount.is_sign_negative() { "-" } else { "" };
    format!("{sign}${}", amount.abs())
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_quotes_are_quoted_and_credits_are_negative() {
        assert_eq!(quoted("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(quoted("plain (x)"), "plain (x)");
        assert_eq!(dollars(Decimal::new(-500, 2)), "-$5.00");
        assert_eq!(dollars(Decimal::new(4000, 2)), "$40.00");
    }
}
