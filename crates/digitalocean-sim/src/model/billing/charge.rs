//! The price of one stretch of usage: by the second since 2026, by the begun hour before, never more than a month
//! costs, never less than a cent.

use rust_decimal::{Decimal, RoundingStrategy};

/// After so many hours a month's price is reached.
const CAP_HOURS: i64 = 672;
const LEAST_S: i64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) hourly: Decimal,
    pub(super) monthly: Decimal,
}

impl Rate {
    /// For what has no hourly price on the list: the month's, spread over the hours that make a month.
    pub(super) fn monthly(monthly: Decimal) -> Rate {
        Rate { hourly: monthly / Decimal::from(CAP_HOURS), monthly }
    }

    /// The charge for so many seconds of one month, in whole cents.
    pub(super) fn charge(self, seconds: i64, by_the_second: bool) -> Decimal {
        if self.monthly.is_zero() {
            return Decimal::ZERO;
        }
        let seconds = if by_the_second { seconds.max(LEAST_S) } else { hours_begun(seconds) * 3_600 };
        let used = if seconds >= CAP_HOURS * 3_600 {
            self.monthly
        } else {
            // The hourly price times 672 can exceed the monthly one by a fraction of a cent.
            (Decimal::from(seconds) * self.hourly / Decimal::from(3_600)).min(self.monthly)
        };
        cents(used).max(Decimal::new(1, 2))
    }
}

pub(super) fn hours_begun(seconds: i64) -> i64 {
    seconds.max(1).div_euclid(3_600) + i64::from(seconds.max(1) % 3_600 != 0)
}

pub(super) fn cents(amount: Decimal) -> Decimal {
    let mut amount = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    amount.rescale(2);
    amount
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn small() -> Rate {
        Rate { hourly: dollars("0.00893"), monthly: dollars("6") }
    }

    #[test]
    fn a_month_costs_the_monthly_price_however_long_it_is() {
        for hours in [672, 720, 744] {
            assert_eq!(small().charge(hours * 3_600, true), dollars("6.00"), "{hours}");
        }
        assert_eq!(small().charge(671 * 3_600 + 3_599, true), dollars("6.00"));
    }

    #[test]
    fn seconds_count_since_2026_and_begun_hours_before() {
        assert_eq!(small().charge(30 * 3_600 + 1, true), dollars("0.27"));
        assert_eq!(small().charge(10 * 3_600 + 1, false), dollars("0.10"), "eleven hours");
        assert_eq!(small().charge(10 * 3_600, false), dollars("0.09"));
    }

    #[test]
    fn the_least_is_a_minute_or_a_cent_whichever_is_more() {
        assert_eq!(small().charge(0, true), dollars("0.01"));
        let gpu = Rate { hourly: dollars("23.92"), monthly: dollars("16074.24") };
        assert_eq!(gpu.charge(5, true), dollars("0.40"));
    }
}
