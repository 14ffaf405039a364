//! A month of billing, in UTC.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// One month, written `2026-04`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Period(Date);

impl Period {
    pub(crate) fn of(at: Timestamp) -> Period {
        Period(at.to_zoned(TimeZone::UTC).date().first_of_month())
    }

    pub(crate) fn next(self) -> Period {
        Period(self.0.checked_add(1.month()).unwrap_or(self.0))
    }

    pub(crate) fn start(self) -> Timestamp {
        self.0.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |start| start.timestamp())
    }

    /// The first moment that is no longer in it.
    pub(crate) fn end(self) -> Timestamp {
        self.next().start()
    }

    pub(crate) fn year(self) -> i16 {
        self.0.year()
    }

    /// `April 2026`.
    pub(crate) fn in_words(self) -> String {
        self.0.strftime("%B %Y").to_string()
    }

    /// `2026 Apr`.
    pub(crate) fn in_file_name(self) -> String {
        self.0.strftime("%Y %b").to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.strftime("%Y-%m"))
    }
}
