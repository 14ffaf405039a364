//! How the background behaves on a token that it shares with provisioning: it takes no more than half of a minute's
//! budget (the hour allows no more in the long run), it spreads what it takes, and the more provisioning asks for, the
//! less it takes, down to a trickle. A burst of deployments then finds the minute free that it is going to need.

use std::collections::VecDeque;

use super::{MINUTE_MS, count};

/// For each recent request of provisioning the background leaves room for so many more to come.
const FORESIGHT: u32 = 4;
/// What the background may always have, so that it does not starve in turn: a tenth.
const TRICKLE_PART: u32 = 10;
/// A minute's share is spent in so many parts.
const PARTS: u32 = 10;
const PART_MS: i64 = MINUTE_MS / PARTS as i64;

/// The requests of the last minute by who sent them, oldest first, in epoch milliseconds.
#[derive(Debug, Default)]
pub(super) struct Manners {
    provisioning_ms: VecDeque<i64>,
    background_ms: VecDeque<i64>,
}

impl Manners {
    pub(super) fn count(&mut self, now_ms: i64, is_provisioning: bool) {
        self.of(is_provisioning).push_back(now_ms);
    }

    pub(super) fn refund(&mut self, is_provisioning: bool) {
        self.of(is_provisioning).pop_back();
    }

    fn of(&mut self, is_provisioning: bool) -> &mut VecDeque<i64> {
        if is_provisioning { &mut self.provisioning_ms } else { &mut self.background_ms }
    }

    /// When the background may send its next request; now, if that is all the same to provisioning.
    pub(super) fn free_at(&mut self, now_ms: i64, per_minute: u32) -> i64 {
        for sent in [&mut self.provisioning_ms, &mut self.background_ms] {
            while sent.front().is_some_and(|sent_ms| sent_ms + MINUTE_MS <= now_ms) {
                sent.pop_front();
            }
        }
        let wanted = count(self.provisioning_ms.len()).saturating_mul(FORESIGHT).max(per_minute / 2);
        let share = per_minute.saturating_sub(wanted).max(per_minute / TRICKLE_PART).max(1);
        let in_minute = self.nth_last(share).map(|sent_ms| sent_ms + MINUTE_MS);
        let in_part = self.nth_last((share / PARTS).max(1)).map(|sent_ms| sent_ms + PART_MS);
        in_minute.into_iter().chain(in_part).fold(now_ms, i64::max)
    }

    /// The time of the background's last request but `places - 1`.
    fn nth_last(&self, places: u32) -> Option<i64> {
        self.background_ms.iter().rev().nth(places.saturating_sub(1) as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many requests the background sends in a minute, asking as often as it can.
    fn sent_in_a_minute(manners: &mut Manners, from_ms: i64) -> u32 {
        let mut sent = 0;
        let mut now_ms = from_ms;
        while now_ms < from_ms + MINUTE_MS {
            let free_ms = manners.free_at(now_ms, 250);
            if free_ms <= now_ms {
                manners.count(now_ms, false);
                sent += 1;
            } else {
                now_ms = free_ms;
            }
        }
        sent
    }

    #[test]
    fn the_background_spreads_half_a_minute_s_budget() {
        let mut manners = Manners::default();
        assert_eq!(sent_in_a_minute(&mut manners, 0), 120);
        assert!(manners.background_ms.iter().filter(|sent_ms| **sent_ms < 6_000).count() <= 12);
        assert_eq!(sent_in_a_minute(&mut manners, MINUTE_MS), 120);
    }

    #[test]
    fn the_more_provisioning_asks_for_the_less_the_background_takes_down_to_a_trickle() {
        let with = |requests: u32| {
            let mut manners = Manners::default();
            (0..requests).for_each(|_| manners.count(59_999, true));
            sent_in_a_minute(&mut manners, 60_000)
        };
        assert_eq!([with(10), with(40), with(60), with(250)], [120, 90, 20, 20]);
    }

    #[test]
    fn a_request_that_never_left_is_taken_back_from_who_asked_for_it() {
        let mut manners = Manners::default();
        (0..12).for_each(|_| manners.count(0, false));
        assert_eq!(manners.free_at(0, 250), 6_000);
        manners.refund(true);
        assert_eq!(manners.free_at(0, 250), 6_000);
        manners.refund(false);
        assert_eq!(manners.free_at(0, 250), 0);
    }
}
