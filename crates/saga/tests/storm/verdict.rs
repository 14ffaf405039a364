//! The verdict: what the shelf's log says of every step, held against what the ledger says of it.

use crate::asked::{Asked, SAGAS, STEPS};
use crate::figures::Figures;
use crate::fleet::PATIENCE;
use crate::shelf::{Change, Line, Place, Shelf};
use arcadia_sql::{Db, args, row, statements};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};
use uuid::Uuid;

statements! {
    SAGAS_OF_ALL = "SELECT id, status, owner, epoch, attention, error FROM saga_runs ORDER BY id";
    LEDGER = "
        SELECT saga_id, step_idx, status, in_doubt, output, runner, epoch FROM saga_step_results
        ORDER BY saga_id, step_idx";
    LOCKS = "SELECT name FROM saga_locks";
    LEASES = "SELECT COUNT(*) FROM saga_nodes WHERE NOT dead";
    IN_DOUBT = "SELECT COUNT(*) FROM saga_events WHERE kind = 'resumed_in_doubt'";
}

row! {
    #[derive(Debug)]
    struct Facts {
        id: Uuid,
        status: String,
        owner: Option<Uuid>,
        epoch: i64,
        attention: Option<Value>,
        error: Option<Value>,
    }
}

row! {
    #[derive(Debug)]
    struct Entry {
        saga_id: Uuid,
        step_idx: i64,
        status: String,
        in_doubt: bool,
        output: Option<Value>,
        runner: Uuid,
        epoch: i64,
    }
}

/// The dead are buried within their lease: only who lives has one.
pub async fn while_they_live(db: &Db, workers: usize) {
    let begun = Instant::now();
    loop {
        let leases = count(db, &LEASES).await;
        if leases == i64::try_from(workers).unwrap() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{workers} workers live, {leases} have a lease");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// After the last worker has stopped.
pub async fn judge(db: &Db, asked: &[Asked], shelf: &Shelf, figures: &mut Figures) {
    let sagas: Vec<Facts> = db.fetch_all(&SAGAS_OF_ALL, args![]).await.unwrap();
    judge_ends(&sagas, asked, figures);
    let locks: Vec<(String,)> = db.fetch_all(&LOCKS, args![]).await.unwrap();
    assert_eq!(locks, [], "locks are left");
    assert_eq!(count(db, &LEASES).await, 0, "leases are left");
    let ledger: Vec<Entry> = db.fetch_all(&LEDGER, args![]).await.unwrap();
    judge_epochs(&sagas, &ledger);
    let (log, things) = (shelf.log(), shelf.things());
    judge_effects(&sagas, &ledger, &log, &things);
    judge_order(&log);
    judge_locks(asked, &log);
    figures.effects = log.len();
    figures.resumed_in_doubt = count(db, &IN_DOUBT).await;
    assert!(figures.resumed_in_doubt > 0, "no kill met a call: the storm proves nothing");
}

/// Every saga that was asked for ended, nobody has one, nobody else's is there.
fn judge_ends(sagas: &[Facts], asked: &[Asked], figures: &mut Figures) {
    let mut wanted: Vec<Uuid> = asked.iter().map(|it| it.id.0).collect();
    wanted.sort();
    assert_eq!(sagas.iter().map(|saga| saga.id).collect::<Vec<_>>(), wanted);
    for saga in sagas {
        let is_terminal = ["completed", "rolled_back"].contains(&saga.status.as_str());
        assert!(is_terminal && saga.owner.is_none() && saga.attention.is_none(), "{saga:?}");
        *figures.statuses.entry(saga.status.clone()).or_default() += 1;
        let was_cancelled = saga.error.as_ref().is_some_and(|error| error["reason"] == "cancelled");
        figures.cancelled += usize::from(was_cancelled);
    }
    let (ways, cancelled) = (figures.statuses.len(), figures.cancelled);
    assert!(ways == 2 && cancelled > 0, "a storm has both ends, and cancels: {figures:?}");
}

/// One epoch is one runner's, and none is ahead of its saga.
fn judge_epochs(sagas: &[Facts], ledger: &[Entry]) {
    let epochs: HashMap<Uuid, i64> = sagas.iter().map(|saga| (saga.id, saga.epoch)).collect();
    let mut owners: HashMap<(Uuid, i64), Uuid> = HashMap::new();
    for entry in ledger {
        let owner = *owners.entry((entry.saga_id, entry.epoch)).or_insert(entry.runner);
        assert_eq!(owner, entry.runner, "two runners wrote under one epoch: {entry:?}");
        assert!(entry.epoch <= epochs[&entry.saga_id], "written ahead of its saga: {entry:?}");
    }
}

/// What stands is what the ledger calls completed, once; nothing was ever made twice.
fn judge_effects(sagas: &[Facts], ledger: &[Entry], log: &[Line], things: &HashMap<Place, u32>) {
    let mut added: HashMap<Place, u32> = HashMap::new();
    for line in log {
        let adds = added.entry(line.place).or_default();
        *adds += u32::from(line.change == Change::Added);
        assert_eq!(*adds, 1, "made twice: {:#?}", history(log, line.place));
    }
    let entries: HashMap<Place, &Entry> = ledger.iter().map(|entry| (place(entry), entry)).collect();
    let mut standing = 0;
    for saga in sagas {
        for idx in 0..STEPS {
            let place = Place { saga: saga.id, idx };
            let (stands, made) = (things.get(&place).copied().unwrap_or(0), added.get(&place).copied());
            let entry = entries.get(&place).copied();
            let tell = || format!("{saga:?}\n{entry:?}\n{:#?}", history(log, place));
            let (is_completed, made) = (saga.status == "completed", made.unwrap_or(0));
            assert_eq!(stands, u32::from(is_completed), "{}", tell());
            match entry.map(|entry| (entry.status.as_str(), entry.in_doubt, entry.output.is_some())) {
                Some(("completed", _, true)) => assert!(is_completed, "{}", tell()),
                Some(("compensated", _, has_output)) => {
                    assert!(!is_completed && (made == 1 || !has_output), "{}", tell());
                }
                // Certainly refused, or never begun.
                Some(("failed", false, false)) | None => assert!(!is_completed && made == 0, "{}", tell()),
                Some(_) => panic!("{}", tell()),
            }
            standing += stands;
        }
    }
    let completed = ledger.iter().filter(|entry| entry.status == "completed").count();
    assert_eq!(
        usize::try_from(standing).unwrap(),
        completed,
        "the ledger counts other effects than the shelf"
    );
    assert!(sagas.len() == SAGAS && completed > 0);
}

/// Forward step by step, then back step by step, and never forward again.
fn judge_order(log: &[Line]) {
    let mut at: HashMap<Uuid, (bool, usize)> = HashMap::new();
    for line in log {
        let goes_back = line.change != Change::Added;
        let idx = line.place.idx;
        if let Some((went_back, last)) = at.insert(line.place.saga, (goes_back, idx)) {
            let in_order = match (went_back, goes_back) {
                (false, false) => idx == last + 1,
                (false, true) => idx == last,
                (true, true) => idx + 1 == last,
                (true, false) => false,
            };
            let saga = log.iter().filter(|other| other.place.saga == line.place.saga);
            assert!(in_order, "out of order: {:#?}", saga.collect::<Vec<_>>());
        } else {
            assert!(!goes_back && idx == 0, "{line:?} came first");
        }
    }
}

/// Who shares a lock never worked at the same time.
fn judge_locks(asked: &[Asked], log: &[Line]) {
    let locks: HashMap<Uuid, usize> = asked.iter().filter_map(|it| Some((it.id.0, it.lock?))).collect();
    let mut by_lock: BTreeMap<usize, Vec<Uuid>> = BTreeMap::new();
    for line in log {
        let Some(lock) = locks.get(&line.place.saga) else { continue };
        let turns = by_lock.entry(*lock).or_default();
        if turns.last() != Some(&line.place.saga) {
            assert!(!turns.contains(&line.place.saga), "two sagas had shelf:{lock} at once, {line:?}");
            turns.push(line.place.saga);
        }
    }
    assert!(by_lock.values().any(|turns| turns.len() > 1), "no lock was wanted twice");
}

fn history(log: &[Line], place: Place) -> Vec<&Line> {
    log.iter().filter(|line| line.place == place).collect()
}

fn place(entry: &Entry) -> Place {
    Place { saga: entry.saga_id, idx: usize::try_from(entry.step_idx).unwrap() }
}

async fn count(db: &Db, statement: &'static arcadia_sql::Statement) -> i64 {
    db.fetch_one::<(i64,)>(statement, args![]).await.unwrap().0
}
