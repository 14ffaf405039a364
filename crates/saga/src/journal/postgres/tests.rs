//! What becomes of a batch when one of its rows cannot be had.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{Job, write, write_batch};
use crate::rows::SagaRow;
use crate::{Clock, store};
use arcadia_sql::{Engine, MIGRATIONS, Options, args, testing::TestDb};
use tokio::sync::oneshot;

#[tokio::test]
async fn a_row_that_somebody_holds_keeps_no_other_from_being_written() {
    let db = TestDb::fresh(Engine::Postgres, Options::default(), &MIGRATIONS).await;
    let hot = db.batch_connections(1).await.unwrap();
    let [begun, done, ..] = super::super::bare::group(&Clock::machine(1.0)).unwrap();
    write(&hot, begun.iter()).await.unwrap();

    let mut holder = db.begin().await.unwrap();
    let held = done[0].id;
    holder.fetch_one::<SagaRow>(&store::SAGA_FOR_UPDATE, args![held]).await.unwrap();
    let (batch, answers): (Vec<Job>, Vec<_>) = done
        .into_iter()
        .map(|entry| {
            let (answer, answered) = oneshot::channel();
            let id = entry.id;
            (Job { entry, answer }, (id, answered))
        })
        .unzip();
    write_batch(&hot, batch).await;
    for (id, answered) in answers {
        let answer = answered.await.unwrap();
        if id == held {
            assert!(answer.unwrap_err().is_busy());
        } else {
            assert!(answer.unwrap().is_some(), "written");
        }
    }
}
