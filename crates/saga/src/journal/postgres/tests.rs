//! What becomes of a batch when one of its rows cannot be had.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{Change, Job, write, write_batch};
use crate::journal::Entry;
use crate::rows::{SagaRow, StepRow, Written};
use crate::{Clock, store};
use arcadia_sql::{Engine, Error, MIGRATIONS, Options, args, statements, testing::TestDb};
use tokio::sync::oneshot;
use uuid::Uuid;

statements! {
    TAKEN_OVER = "UPDATE saga_runs SET owner = $2, epoch = epoch + 1, seq = seq + 1 WHERE id = $1";
    LOCK = "INSERT INTO saga_locks (name, saga_id) VALUES ('droplet:7', $1)";
}

type Answered = oneshot::Receiver<Result<Option<Written>, Error>>;

fn job(entry: Entry) -> (Job, (Uuid, Answered)) {
    let (answer, answered) = oneshot::channel();
    let id = entry.id;
    (Job { entry, answer }, (id, answered))
}

#[tokio::test]
async fn a_row_that_somebody_holds_keeps_no_other_from_being_written() {
    let db = TestDb::fresh(Engine::Postgres, Options::default(), &MIGRATIONS).await;
    let mut hot = db.postgres_session().await.unwrap().unwrap();
    let [begun, done, ..] = super::super::bare::group(&Clock::machine(1.0)).unwrap();
    write(&mut hot, begun.iter()).await.unwrap();

    let mut holder = db.begin().await.unwrap();
    let held = done[0].id;
    holder.fetch_one::<SagaRow>(&store::SAGA_FOR_UPDATE, args![held]).await.unwrap();
    let (batch, answers): (Vec<Job>, Vec<_>) = done.into_iter().map(job).unzip();
    write_batch(&mut hot, batch).await;
    for (id, answered) in answers {
        let answer = answered.await.unwrap();
        if id == held {
            assert!(answer.unwrap_err().is_busy());
        } else {
            assert!(answer.unwrap().is_some(), "written");
        }
    }
}

/// A node that lost its lease and took its own saga over again: what it wrote in its life before may still be waiting.
#[tokio::test]
async fn an_entry_of_a_lost_lease_writes_nothing_beside_its_heir_s() {
    let db = TestDb::fresh(Engine::Postgres, Options::default(), &MIGRATIONS).await;
    let mut hot = db.postgres_session().await.unwrap().unwrap();
    let [begun, mut done, ..] = super::super::bare::group(&Clock::machine(1.0)).unwrap();
    write(&mut hot, begun.iter()).await.unwrap();
    let mut zombie = done.swap_remove(0);
    zombie.frees_locks = true;
    let (id, heir) = (zombie.id, Uuid::from_u128(2));
    db.execute(&LOCK, args![id]).await.unwrap();
    db.execute(&TAKEN_OVER, args![id, heir]).await.unwrap();
    let Change::Update(updated) = &zombie.change else { panic!("a step that is done is an update") };
    let mut updated = updated.clone();
    (updated.owner, updated.epoch, updated.seq) = (heir, updated.epoch + 1, updated.seq + 1);
    let change = Change::Update(updated);
    let heirs = Entry { id, change, steps: Vec::new(), events: Vec::new(), frees_locks: false };

    let (batch, answers): (Vec<Job>, Vec<_>) = [heirs, zombie].into_iter().map(job).unzip();
    write_batch(&mut hot, batch).await;
    let mut written = Vec::new();
    for (_, answered) in answers {
        written.push(answered.await.unwrap().unwrap().is_some());
    }
    assert_eq!(written, [true, false]);
    let ledger: Vec<StepRow> = db.fetch_all(&store::STEPS, args![id]).await.unwrap();
    assert_eq!(ledger.len(), 0, "{ledger:?}");
    assert_eq!(
        db.fetch_all::<(String,)>(&store::LOCKS, args![]).await.unwrap().len(),
        1,
        "the heir's lock is gone"
    );
}
