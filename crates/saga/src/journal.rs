//! The one place where a runner writes: a transition is one transaction, and a runner that no longer owns
//! the saga cannot write a byte.

use crate::Clock;
use crate::flight::{Flight, Transition};
use crate::lease::Lease;
use crate::store::{self, Standing, StepRow, Written};
use arcadia_sql::{Db, Error, Tx, args};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Why a transition was not written.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another runner owns the saga, or this one lost its lease. Drop it.
    Lost,
    /// A cancel came before the pivot.
    Cancelled,
    /// The database will never take it.
    Database(Error),
}

#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) lease: Arc<Lease>,
}

impl Journal {
    /// Writes the flight's row and the transition. While the database is away it tries again, until the
    /// lease is over; a lost answer to COMMIT is settled by reading.
    pub(crate) async fn write(&self, flight: &mut Flight, transition: &Transition) -> Result<(), Refused> {
        loop {
            let written = match self.write_once(flight, transition).await {
                Ok(Some(written)) => Some(written),
                Ok(None) => self.standing(flight, transition).await?,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(saga = %flight.id(), %error, "the ledger could not be written; trying again");
                    self.clock.sleep(RETRY_AFTER).await;
                    self.standing(flight, transition).await?
                }
                Err(error) => return Err(Refused::Database(error)),
            };
            if let Some(written) = written {
                flight.row.seq += 1;
                flight.row.nudge = written.nudge;
                flight.cancel.store(written.cancel_requested, Ordering::Relaxed);
                return Ok(());
            }
        }
    }

    async fn write_once(&self, flight: &Flight, transition: &Transition) -> Result<Option<Written>, Error> {
        let mut tx = self.db.begin().await?;
        let Some(written) = self.write_saga(&mut tx, flight, transition).await? else {
            return Ok(None);
        };
        for step in &transition.steps {
            write_step(&mut tx, flight, step).await?;
        }
        let (now, actor) = (self.clock.now(), format!("runner:{}", self.lease.runner()));
        for (number, event) in (0_i64..).zip(&transition.events) {
            let (seq, data) = (flight.row.seq + 1, event.data.clone());
            let args = args![flight.id(), seq, number, now, event.kind, event.step_idx, actor.clone(), data];
            tx.execute(&store::WRITE_EVENT, args).await?;
        }
        if transition.frees_locks {
            tx.execute(&store::FREE_LOCKS, args![flight.id()]).await?;
        }
        tx.commit().await?;
        Ok(Some(written))
    }

    async fn write_saga(
        &self,
        tx: &mut Tx,
        flight: &Flight,
        transition: &Transition,
    ) -> Result<Option<Written>, Error> {
        let row = &flight.row;
        let wake_in_ms = transition.park.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        let args = args![
            row.id,
            self.lease.runner(),
            row.epoch,
            row.seq,
            row.status.as_str(),
            Value::Object(flight.context.clone()),
            row.error.clone(),
            row.attention.clone(),
            row.clean.clone(),
            row.current_step_idx,
            flight.step_name(),
            row.step_state.as_str(),
            row.step_attempts,
            row.step_waits,
            row.step_started_at,
            row.step_prior.clone(),
            row.step_memo.clone(),
            row.doubt_until,
            row.waiting_for.clone(),
            row.crashes,
            row.finished_at,
            self.clock.now(),
            transition.release || transition.park.is_some(),
            wake_in_ms,
            row.nudge,
            transition.refused_by_cancel
        ];
        tx.fetch_optional::<Written>(&store::WRITE_SAGA, args).await
    }

    /// Reads where the saga stands: our next seq there means applied, our last one not applied (`None`).
    async fn standing(&self, flight: &Flight, transition: &Transition) -> Result<Option<Written>, Refused> {
        loop {
            if self.lease.outlasts(&self.clock, Duration::ZERO).is_err() {
                return Err(Refused::Lost);
            }
            let read = self.db.fetch_optional::<Standing>(&store::STANDING, args![flight.id()]).await;
            let standing = match read {
                Ok(Some(standing)) => standing,
                Ok(None) => return Err(Refused::Lost),
                Err(error) if error.is_retryable() => {
                    self.clock.sleep(RETRY_AFTER).await;
                    continue;
                }
                Err(error) => return Err(Refused::Database(error)),
            };
            let released = transition.release || transition.park.is_some();
            let Standing { owner, epoch, seq, nudge, cancel_requested } = standing;
            let is_ours = owner == Some(self.lease.runner());
            return match (epoch == flight.row.epoch, seq - flight.row.seq) {
                (true, 0) if is_ours && transition.refused_by_cancel && cancel_requested => {
                    Err(Refused::Cancelled)
                }
                (true, 0) if is_ours => Ok(None),
                (true, 1) if is_ours || released => Ok(Some(Written { nudge, cancel_requested })),
                _ => Err(Refused::Lost),
            };
        }
    }

    /// Last resort for a saga that cannot be read or written: nobody claims it until a person looked.
    pub(crate) async fn park_poisoned(&self, id: uuid::Uuid, epoch: i64, attention: Value) {
        loop {
            let args = args![id, self.lease.runner(), epoch, attention.clone(), self.clock.now()];
            match self.db.execute(&store::PARK_POISONED, args).await {
                Ok(_) => return,
                Err(error) => tracing::error!(saga = %id, %error, "a poisoned saga could not be parked"),
            }
            if self.lease.outlasts(&self.clock, Duration::ZERO).is_err() {
                return;
            }
            self.clock.sleep(RETRY_AFTER).await;
        }
    }
}

async fn write_step(tx: &mut Tx, flight: &Flight, step: &StepRow) -> Result<(), Error> {
    let args = args![
        flight.id(),
        step.step_idx,
        step.step_name.as_str(),
        step.status.as_str(),
        step.in_doubt,
        step.prior.clone(),
        step.output.clone(),
        step.error.clone(),
        step.attempts,
        step.compensation_attempts,
        step.runner,
        step.epoch,
        step.started_at,
        step.finished_at,
        step.compensation_started_at,
        step.compensation_finished_at
    ];
    tx.execute(&store::WRITE_STEP, args).await.map(|_| ())
}
