//! Owners in valid time, held against a calendar in which every minute has its owner written out.

use super::*;

const MINUTES: i64 = 40;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

fn owner(random: &mut fastrand::Rng) -> Ownership {
    let tenant = random.usize(..3);
    Ownership {
        tenant_id: ["acme", "globex"].get(tenant).map(|name| (*name).to_owned()),
        deployment_id: None,
        project_id: [Uuid::from_u128(1), Uuid::from_u128(2)].get(random.usize(..3)).copied(),
        reason: [Reason::Project, Reason::Parent, Reason::Operator][random.usize(..3)],
    }
}

/// Each minute's owner.
type Minutes = Vec<Option<Ownership>>;

fn say(minutes: &mut Minutes, statement: &Statement) {
    for (minute, owner) in minutes.iter_mut().enumerate() {
        if at(i64::try_from(minute).unwrap()) >= statement.from_at {
            *owner = Some(statement.owner.clone());
        }
    }
}

#[track_caller]
fn same(spans: &[Statement], minutes: &Minutes, seed: u64) {
    for (minute, owner) in minutes.iter().enumerate() {
        let found = owner_at(spans, at(i64::try_from(minute).unwrap())).map(|span| &span.owner);
        assert_eq!(found, owner.as_ref(), "minute {minute}, seed {seed}");
    }
}

#[test]
fn each_time_has_the_owner_that_was_said_of_it_last() {
    for seed in 0..3_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut recorded, mut minutes) = (Vec::new(), vec![None; MINUTES as usize]);
        for _ in 0..random.usize(1..8) {
            let statement = Statement { from_at: at(random.i64(0..MINUTES)), owner: owner(&mut random) };
            say(&mut minutes, &statement);
            recorded.push(statement);
        }
        let spans = timeline(recorded);
        same(&spans, &minutes, seed);
        assert!(
            spans.windows(2).all(|pair| pair[0].from_at < pair[1].from_at && pair[0].owner != pair[1].owner)
        );
    }
}

#[test]
fn a_restatement_changes_what_it_is_about_from_its_time_on_and_nothing_else() {
    for seed in 0..3_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut recorded, mut minutes) = (Vec::new(), vec![None; MINUTES as usize]);
        for _ in 0..random.usize(1..8) {
            let statement = Statement { from_at: at(random.i64(0..MINUTES)), owner: owner(&mut random) };
            say(&mut minutes, &statement);
            recorded.push(statement);
        }
        let from = random.bool().then(|| random.i64(0..MINUTES));
        let project = Some(Uuid::from_u128(1));
        // One that had it before, one that never had it, or nobody.
        let tenant_id = [Some("acme"), Some("initech"), None][random.usize(..3)].map(str::to_owned);
        let change = |owner: &Ownership| {
            let tenant_id = tenant_id.clone();
            (owner.project_id == project).then(|| Ownership { tenant_id, ..owner.clone() })
        };
        for (minute, owner) in minutes.iter_mut().enumerate() {
            let counts = from.is_none_or(|from| i64::try_from(minute).unwrap() >= from);
            if let Some(changed) = owner.as_ref().filter(|_| counts).and_then(change) {
                *owner = Some(changed);
            }
        }
        let new = restate(&timeline(recorded.clone()), from.map(at), change);
        recorded.extend(new);
        same(&timeline(recorded), &minutes, seed);
    }
}

#[test]
fn an_heir_is_whose_its_parent_was_at_each_time_from_then_on() {
    for seed in 0..3_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let said = |random: &mut fastrand::Rng| -> Vec<Statement> {
            let count = random.usize(1..8);
            let one = |random: &mut fastrand::Rng| Statement {
                from_at: at(random.i64(0..MINUTES)),
                owner: owner(random),
            };
            (0..count).map(|_| one(random)).collect()
        };
        let (mut recorded, parent) = (said(&mut random), timeline(said(&mut random)));
        let from = random.i64(0..MINUTES);
        let own = timeline(recorded.clone());
        let minutes = (0..MINUTES).map(|minute| {
            let own = owner_at(&own, at(minute))?.owner.clone();
            let parents =
                owner_at(&parent, at(minute)).filter(|_| minute >= from && own.reason == Reason::Parent);
            Some(match parents {
                Some(Statement { owner, .. }) => {
                    Ownership { tenant_id: owner.tenant_id.clone(), project_id: owner.project_id, ..own }
                }
                None => own,
            })
        });
        let minutes: Minutes = minutes.collect();
        recorded.extend(inherit(&own, &parent, at(from)));
        same(&timeline(recorded), &minutes, seed);
    }
}

#[test]
fn a_restatement_that_changes_nothing_says_nothing() {
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let recorded: Vec<Statement> = (0..random.usize(1..8))
            .map(|_| Statement { from_at: at(random.i64(0..MINUTES)), owner: owner(&mut random) })
            .collect();
        let from = random.bool().then(|| at(random.i64(0..MINUTES)));
        assert_eq!(restate(&timeline(recorded), from, |_| None), [], "seed {seed}");
    }
}

#[test]
fn a_tenant_has_it_since_he_had_it_without_a_break() {
    let span = |minute, tenant: Option<&str>, reason| Statement {
        from_at: at(minute),
        owner: Ownership {
            tenant_id: tenant.map(str::to_owned),
            deployment_id: None,
            project_id: None,
            reason,
        },
    };
    let spans = [
        span(1, None, Reason::Unallocated),
        span(2, Some("acme"), Reason::Project),
        span(5, Some("acme"), Reason::Deployment),
        span(7, Some("globex"), Reason::Operator),
    ];
    assert_eq!(tenant_since(&spans, at(0)), None);
    assert_eq!(tenant_since(&spans, at(6)), Some(at(2)));
    assert_eq!(tenant_since(&spans, at(9)), Some(at(7)));
}
