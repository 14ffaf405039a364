//! An independent record: triggers of the database write down every claim of a saga and every write to the ledger,
//! in their order, so that the engine's own columns can be held against it.

use arcadia_sql::{Db, Statement, args, row, statements};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The ids under which a process drove sagas.
pub type Runners = BTreeSet<Uuid>;

statements! {
    WITNESS = sqlite "
        CREATE TABLE witness (number INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, saga_id UUID NOT NULL,
            epoch BIGINT NOT NULL, runner UUID NOT NULL, step_idx BIGINT)"
    postgres "
        CREATE TABLE witness (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what TEXT NOT NULL,
            saga_id UUID NOT NULL, epoch BIGINT NOT NULL, runner UUID NOT NULL, step_idx BIGINT)";

    // Each pair is one trigger on PostgreSQL, which wants a function first, and two on SQLite.
    CLAIMS_ONE = sqlite "
        CREATE TRIGGER witness_insert AFTER INSERT ON saga_runs WHEN NEW.owner IS NOT NULL BEGIN
            INSERT INTO witness (what, saga_id, epoch, runner) VALUES ('claim', NEW.id, NEW.epoch, NEW.owner); END"
    postgres "
        CREATE FUNCTION witness_claim() RETURNS trigger LANGUAGE plpgsql AS '
        BEGIN
            IF NEW.owner IS NOT NULL AND (TG_OP = ''INSERT'' OR (NEW.epoch, NEW.owner) IS DISTINCT FROM (OLD.epoch, OLD.owner))
            THEN INSERT INTO witness (what, saga_id, epoch, runner) VALUES (''claim'', NEW.id, NEW.epoch, NEW.owner);
            END IF;
            RETURN NULL;
        END'";
    CLAIMS_OTHER = sqlite "
        CREATE TRIGGER witness_update AFTER UPDATE ON saga_runs
        WHEN NEW.owner IS NOT NULL AND (NEW.epoch IS NOT OLD.epoch OR NEW.owner IS NOT OLD.owner) BEGIN
            INSERT INTO witness (what, saga_id, epoch, runner) VALUES ('claim', NEW.id, NEW.epoch, NEW.owner); END"
    postgres "
        CREATE TRIGGER witness_claims AFTER INSERT OR UPDATE ON saga_runs
        FOR EACH ROW EXECUTE FUNCTION witness_claim()";

    LEDGER_ONE = sqlite "
        CREATE TRIGGER witness_result AFTER INSERT ON saga_step_results BEGIN
            INSERT INTO witness (what, saga_id, epoch, runner, step_idx)
            VALUES ('ledger', NEW.saga_id, NEW.epoch, NEW.runner, NEW.step_idx); END"
    postgres "
        CREATE FUNCTION witness_ledger() RETURNS trigger LANGUAGE plpgsql AS '
        BEGIN
            INSERT INTO witness (what, saga_id, epoch, runner, step_idx)
            VALUES (''ledger'', NEW.saga_id, NEW.epoch, NEW.runner, NEW.step_idx);
            RETURN NULL;
        END'";
    LEDGER_OTHER = sqlite "
        CREATE TRIGGER witness_result_again AFTER UPDATE ON saga_step_results BEGIN
            INSERT INTO witness (what, saga_id, epoch, runner, step_idx)
            VALUES ('ledger', NEW.saga_id, NEW.epoch, NEW.runner, NEW.step_idx); END"
    postgres "
        CREATE TRIGGER witness_results AFTER INSERT OR UPDATE ON saga_step_results
        FOR EACH ROW EXECUTE FUNCTION witness_ledger()";

    SEEN = "SELECT what, saga_id, epoch, runner FROM witness ORDER BY number";
    LEDGER = "SELECT saga_id, step_name, epoch, runner FROM saga_step_results";
    LEDGER_OF = "SELECT step_name, runner FROM saga_step_results WHERE saga_id = $1 ORDER BY step_idx";
    EPOCHS = "SELECT id, epoch FROM saga_runs";
    LEDGER_WRITES = "SELECT COUNT(*) FROM witness WHERE what = 'ledger'";
}

row! {
    #[derive(Debug, Clone)]
    struct Seen {
        what: String,
        saga_id: Uuid,
        epoch: i64,
        runner: Uuid,
    }
}

row! {
    #[derive(Debug, Clone)]
    struct LedgerRow {
        saga_id: Uuid,
        step_name: String,
        epoch: i64,
        runner: Uuid,
    }
}

pub async fn install(db: &Db) {
    let triggers: [&'static Statement; 5] =
        [&WITNESS, &CLAIMS_ONE, &CLAIMS_OTHER, &LEDGER_ONE, &LEDGER_OTHER];
    for statement in triggers {
        db.execute(statement, args![]).await.unwrap();
    }
}

/// The steps of one saga in the ledger, each with the runner that wrote it last.
pub async fn ledger_of(db: &Db, saga: Uuid) -> Vec<(String, Uuid)> {
    db.fetch_all(&LEDGER_OF, args![saga]).await.unwrap()
}

/// How many writes to the ledger there were.
async fn ledger_writes(db: &Db) -> i64 {
    db.fetch_one::<(i64,)>(&LEDGER_WRITES, args![]).await.unwrap().0
}

/// Every claim and every write of the ledger was one of these processes', under the epoch of its own claim, and
/// none came after a later claim. Answers how many ledger writes each process did.
pub async fn judge(db: &Db, processes: &[Runners]) -> Vec<usize> {
    let seen: Vec<Seen> = db.fetch_all(&SEEN, args![]).await.unwrap();
    let mut claims: BTreeMap<(Uuid, i64), Uuid> = BTreeMap::new();
    let mut latest: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut writes = vec![0; processes.len()];
    for it in &seen {
        let process = processes.iter().position(|runners| runners.contains(&it.runner));
        let process = process.unwrap_or_else(|| panic!("by no process of this test: {it:?}"));
        let newest = latest.entry(it.saga_id).or_default();
        if it.what == "claim" {
            assert!(it.epoch > *newest, "a claim that bumps no epoch: {it:?}");
            *newest = it.epoch;
            claims.insert((it.saga_id, it.epoch), it.runner);
        } else {
            assert_eq!(it.epoch, *newest, "written after its saga was claimed anew: {it:?}");
            assert_eq!(claims.get(&(it.saga_id, it.epoch)), Some(&it.runner), "not the claim's: {it:?}");
            writes[process] += 1;
        }
    }
    assert_eq!(i64::try_from(writes.iter().sum::<usize>()).unwrap(), ledger_writes(db).await);
    judge_rows(db, &claims).await;
    writes
}

async fn judge_rows(db: &Db, claims: &BTreeMap<(Uuid, i64), Uuid>) {
    let epochs: Vec<(Uuid, i64)> = db.fetch_all(&EPOCHS, args![]).await.unwrap();
    let epochs: BTreeMap<Uuid, i64> = epochs.into_iter().collect();
    let rows: Vec<LedgerRow> = db.fetch_all(&LEDGER, args![]).await.unwrap();
    assert!(!rows.is_empty(), "an empty ledger proves nothing");
    for row in rows {
        assert!(row.epoch <= epochs[&row.saga_id], "{row:?} is ahead of its saga");
        assert_eq!(claims.get(&(row.saga_id, row.epoch)), Some(&row.runner), "{row:?} is not its claim's");
    }
}
