//! The budget under a clock moved by hand.

use super::*;

fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn admit_many(budget: &mut Budget, count: u32, now: Timestamp) {
    for n in 0..count {
        assert_eq!(budget.admit(now, true), Ok(()), "request {n}");
    }
}

fn headers(limit: u32, remaining: u32, reset: Timestamp) -> RateHeaders {
    RateHeaders {
        limit: Some(limit),
        remaining: Some(remaining),
        reset_epoch_s: Some(reset.as_second()),
        ..RateHeaders::default()
    }
}

#[test]
fn a_burst_waits_until_its_first_request_is_a_minute_old() {
    let mut budget = Budget::new(Limits::default(), false);
    admit_many(&mut budget, 100, at(0));
    admit_many(&mut budget, 150, at(20));
    assert_eq!(budget.admit(at(30), true), Err(secs(30)));
    admit_many(&mut budget, 100, at(60));
    assert_eq!(budget.admit(at(60), true), Err(secs(20)));
}

#[test]
fn no_minute_ever_holds_more_than_the_burst_limit_and_no_hour_more_than_its_own() {
    let mut budget = Budget::new(Limits::default(), false);
    let (mut now_ms, mut sent) = (at(0).as_millisecond(), Vec::new());
    while sent.len() < 12_000 {
        match budget.admit(Timestamp::from_millisecond(now_ms).unwrap(), true) {
            Ok(()) => sent.push(now_ms),
            Err(wait) => now_ms += i64::try_from(wait.as_millis()).unwrap(),
        }
    }
    for (n, first) in sent.iter().enumerate() {
        assert!(sent.get(n + 250).is_none_or(|later| later - first >= MINUTE_MS));
        assert!(sent.get(n + 5_000).is_none_or(|later| later - first >= HOUR_MS));
    }
    // 5,000 in 20 minutes, again after an hour, and 2,000 in the third: no slower than the limits ask.
    assert_eq!((sent.last().unwrap() - sent[0]) / MINUTE_MS, 127);
}

#[test]
fn the_background_spreads_its_requests_and_leaves_the_rest_of_the_minute_to_provisioning() {
    let mut budget = Budget::new(Limits::default(), true);
    for _ in 0..12 {
        assert_eq!(budget.admit(at(0), false), Ok(()));
    }
    assert_eq!(budget.admit(at(0), false), Err(secs(6)));
    admit_many(&mut budget, 238, at(0));
    assert_eq!(budget.admit(at(0), true), Err(secs(60)));
    assert_eq!(budget.admit(at(59), false), Err(secs(1)));
}

#[test]
fn the_background_leaves_a_fifth_of_the_hour_to_provisioning() {
    let mut budget = Budget::new(Limits { per_minute: 250, per_hour: 100 }, true);
    for part in 0..8 {
        for _ in 0..10 {
            assert_eq!(budget.admit(at(6 * part), false), Ok(()));
        }
    }
    assert_eq!(budget.admit(at(60), false), Err(secs(3_540)));
    admit_many(&mut budget, 20, at(60));
    assert_eq!(budget.admit(at(60), true), Err(secs(3_540)));
}

#[test]
fn a_token_of_its_own_has_no_reserve() {
    let mut budget = Budget::new(Limits::default(), false);
    for _ in 0..250 {
        assert_eq!(budget.admit(at(0), false), Ok(()));
    }
}

#[test]
fn others_use_of_the_token_counts_until_the_provider_says_otherwise() {
    let mut budget = Budget::new(Limits::default(), false);
    admit_many(&mut budget, 1, at(0));
    budget.observe(at(0), &headers(5_000, 0, at(100)));
    assert_eq!(budget.snapshot(at(0)).remaining, 0);
    assert_eq!(budget.admit(at(0), true), Err(secs(100)));

    // At the reset one request leaves; a second one waits for news.
    admit_many(&mut budget, 1, at(100));
    assert_eq!(budget.admit(at(100), true), Err(Duration::from_millis(5_000)));
    budget.observe(at(101), &headers(5_000, 40, at(102)));
    admit_many(&mut budget, 40, at(101));
    assert_eq!(budget.admit(at(101), true), Err(secs(1)));
}

#[test]
fn a_larger_account_may_send_more_also_per_minute() {
    let mut budget = Budget::new(Limits::default(), false);
    budget.observe(at(0), &headers(20_000, 20_000, at(0)));
    admit_many(&mut budget, 1_000, at(0));
    assert_eq!(budget.admit(at(0), true), Err(secs(60)));
    assert_eq!(budget.snapshot(at(0)).limit, 20_000);
    assert_eq!(budget.snapshot(at(0)).remaining, 19_000);
    assert_eq!(budget.snapshot(at(0)).minute_remaining, 0);
}

#[test]
fn retry_after_stops_everyone_and_its_zero_is_not_about_the_hour() {
    let mut budget = Budget::new(Limits::default(), true);
    let seen = RateHeaders { is_429: true, retry_after: Some(secs(17)), ..headers(5_000, 0, at(900)) };
    budget.observe(at(0), &seen);
    assert_eq!(budget.admit(at(0), true), Err(secs(17)));
    assert_eq!(budget.admit(at(10), false), Err(secs(7)));
    assert_eq!(budget.snapshot(at(10)).blocked_until, Some(at(17)));
    assert_eq!(budget.admit(at(17), true), Ok(()));
    assert_eq!(budget.snapshot(at(17)).blocked_until, None);
}

#[test]
fn an_hourly_429_waits_for_the_reset_but_never_longer_than_an_hour() {
    let mut budget = Budget::new(Limits::default(), false);
    budget.observe(at(0), &RateHeaders { is_429: true, ..headers(5_000, 0, at(300)) });
    assert_eq!(budget.admit(at(0), true), Err(secs(300)));

    let mut budget = Budget::new(Limits::default(), false);
    budget.observe(at(0), &RateHeaders { is_429: true, ..headers(5_000, 0, at(999_999)) });
    assert_eq!(budget.admit(at(0), true), Err(secs(3_600)));
}

#[test]
fn without_limits_only_a_429_makes_us_wait() {
    let mut budget = Budget::new(Limits::unlimited(), true);
    for _ in 0..10_000 {
        assert_eq!(budget.admit(at(0), false), Ok(()));
    }
    budget.observe(at(0), &headers(10, 0, at(50)));
    assert_eq!(budget.admit(at(0), false), Ok(()));
    budget
        .observe(at(0), &RateHeaders { is_429: true, retry_after: Some(secs(3)), ..RateHeaders::default() });
    assert_eq!(budget.admit(at(0), false), Err(secs(3)));
}

#[test]
fn what_never_left_is_given_back() {
    let mut budget = Budget::new(Limits { per_minute: 1, per_hour: 10 }, false);
    admit_many(&mut budget, 1, at(0));
    budget.refund(true);
    admit_many(&mut budget, 1, at(0));
    assert_eq!(budget.admit(at(0), true), Err(secs(60)));
}
