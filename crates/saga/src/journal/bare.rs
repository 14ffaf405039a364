//! The same rows as the engine writes for three-step sagas, in groups of a hundred, with no engine around them:
//! the limit that benchmarks compare with.

use super::entry::{Change, Entry, Inserted};
use super::{postgres, sqlite};
use crate::flight::{Flight, Transition};
use crate::rows::SagaRow;
use crate::{Clock, SagaId, StartSaga};
use arcadia_sql::{Db, Engine, Error};
use serde_json::{Map, Value, json};
use std::time::Duration;
use uuid::Uuid;

const GROUP: usize = 100;
/// As many writers as the journal has on PostgreSQL; SQLite has one.
const WRITERS: usize = 2;

/// Writes `groups` times a hundred whole sagas, four commits for each group. Answers how long the writing took.
///
/// # Errors
/// The database.
pub async fn bare_limit(db: &Db, clock: &Clock, groups: usize) -> Result<Duration, Error> {
    let batches: Vec<[Vec<Entry>; 4]> = (0..groups).map(|_| group(clock)).collect::<Result<_, Error>>()?;
    match db.engine() {
        Engine::Sqlite => {
            let Some(mut session) = db.sqlite_session()? else { return Ok(Duration::ZERO) };
            let clock = clock.clone();
            let written = tokio::task::spawn_blocking(move || {
                let began = clock.monotonic();
                for batch in batches.iter().flatten() {
                    session.transaction(|tx| {
                        batch.iter().try_for_each(|entry| sqlite::write(tx, entry).map(drop))
                    })?;
                }
                Ok(clock.monotonic() - began)
            });
            written.await.map_err(|error| Error::Other { statement: "bare", source: Box::new(error) })?
        }
        Engine::Postgres => {
            let mut shares: Vec<Vec<[Vec<Entry>; 4]>> = (0..WRITERS).map(|_| Vec::new()).collect();
            for (at, group) in batches.into_iter().enumerate() {
                shares[at % WRITERS].push(group);
            }
            let mut sessions = Vec::new();
            for _ in &shares {
                sessions.extend(db.postgres_session().await?);
            }
            let began = clock.monotonic();
            let mut writers = tokio::task::JoinSet::new();
            for (share, mut session) in shares.into_iter().zip(sessions) {
                writers.spawn(async move {
                    for batch in share.iter().flatten() {
                        postgres::write(&mut session, batch.iter()).await?;
                    }
                    Ok::<(), Error>(())
                });
            }
            while let Some(written) = writers.join_next().await {
                written.map_err(|error| Error::Other { statement: "bare", source: Box::new(error) })??;
            }
            Ok(clock.monotonic() - began)
        }
    }
}

/// A hundred sagas as four batches: begun, and each of three steps done.
pub(super) fn group(clock: &Clock) -> Result<[Vec<Entry>; 4], Error> {
    let mut batches: [Vec<Entry>; 4] = Default::default();
    let mut ids: Vec<Uuid> = (0..GROUP).map(|_| clock.new_id()).collect();
    ids.sort_unstable();
    for id in ids {
        let (runner, now) = (Uuid::nil(), clock.now());
        let inputs = Map::from_iter([("message".to_owned(), json!("hello"))]);
        let start = StartSaga {
            kind: "test".to_owned(),
            steps: vec!["echo".to_owned(); 3],
            inputs,
            triggered_by: "system:bench".to_owned(),
            ..StartSaga::default()
        };
        let inserted = Inserted {
            kind: start.kind.clone(),
            steps: json!(start.steps).to_string(),
            inputs: Value::Object(start.inputs.clone()).to_string(),
            tenant_id: None,
            deployment_id: None,
            triggered_by: start.triggered_by.clone(),
            queue: start.queue_name(),
            priority: 0,
            next_step: "echo".to_owned(),
            intended: true,
            owner: runner,
            at: now,
        };
        let change = Change::Insert(Box::new(inserted));
        batches[0].push(Entry { id, change, steps: Vec::new(), events: Vec::new(), frees_locks: false });
        let mut flight = Flight::new(SagaRow::begun(SagaId(id), start, runner, now), runner, |_| None)?;
        flight.intend(now, None);
        for (idx, batch) in batches.iter_mut().skip(1).enumerate() {
            let output = Map::from_iter([(format!("echoed_at_step_{idx}"), json!("hello"))]);
            let transition: Transition = flight.completed(now, output);
            if !flight.is_terminal() {
                flight.intend(now, None);
            }
            batch.push(Entry::of(&flight, &transition, runner, now));
            flight.row.seq += 1;
        }
    }
    Ok(batches)
}
