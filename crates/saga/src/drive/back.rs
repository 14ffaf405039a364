//! The way back: compensate what stands, go on past what fails, end with a last look.

use super::{Driver, Next, guarded, later, pause_if};
use crate::flight::{Flight, Hour, LAST_LOOK_AFTER, Transition, TurnBack};
use crate::journal::Refused;
use crate::{Halt, Wait};
use serde_json::{Value, json};
use std::time::Duration;

impl<C: Send + Sync + 'static> Driver<C> {
    pub(super) async fn turn_back(&self, flight: &mut Flight, why: TurnBack) -> Result<Next, Refused> {
        self.load_ledger(flight).await?;
        let hour = self.hour(flight, why.includes_step);
        let transition = flight.turn_back(hour, why, &self.lost_steps(flight));
        self.write(flight, &transition).await?;
        Ok(pause_if(&transition))
    }

    /// Those that never began by a ledger that lost commits, and may stand all the same.
    fn lost_steps(&self, flight: &Flight) -> Vec<i64> {
        if !flight.row.rewound {
            return Vec::new();
        }
        let outlives = |name: &str| self.registry.find(name).is_some_and(|step| step.outlives_ledger());
        flight.steps_ahead().filter(|(_, name)| outlives(name)).map(|(idx, _)| idx).collect()
    }

    /// An operator asked for it to be tried once more.
    pub(super) async fn resume_undoing(&self, flight: &mut Flight) -> Result<Next, Refused> {
        let hour = self.hour(flight, false);
        let transition = flight.resume_undoing(hour);
        self.write(flight, &transition).await?;
        Ok(pause_if(&transition))
    }

    fn hour(&self, flight: &Flight, includes_step: bool) -> Hour {
        let done = flight.ledger.iter().map(|row| row.step_name.as_str());
        let here = includes_step.then(|| flight.step_name());
        let marks = |name: &str| self.registry.find(name).is_some_and(|step| step.leaves_marks());
        let leaves_marks = self.registry.has_last_look() && done.chain(here).any(marks);
        let last_look_in = self.clock().scaled(Flight::last_look_delay(leaves_marks));
        let now = self.clock().now();
        Hour { now, calls_end: later(now, self.call_timeout), last_look_in }
    }

    pub(super) async fn undo(&self, flight: &mut Flight) -> Result<Next, Refused> {
        debug_assert!(flight.intent_is_ours, "a compensation is called only after its intent is durable");
        let Some(step) = self.registry.find(flight.step_name()) else {
            let message = format!("this build knows no step `{}`", flight.step_name());
            return self.park(flight, "unknown_step", &message).await;
        };
        let policy = step.policy();
        let entry = flight.ledger.iter().find(|row| row.step_idx == flight.idx());
        let (prior, gave) = entry.map_or((None, None), |row| (row.prior.clone(), row.output.clone()));
        let is_lost = flight.row.rewound && entry.is_some_and(|row| row.attempts == 0);
        let run = self.run_of(flight);
        let undone = if is_lost {
            guarded(&policy, step.compensate_lost(&run)).await
        } else {
            guarded(&policy, step.compensate(&run, prior, gave)).await
        };
        let hour = self.hour(flight, false);
        if let Err(Halt::Unknown(_)) = &undone {
            flight.doubt(hour.calls_end);
        }
        let transition = match undone {
            Ok(()) => flight.undone(hour, None),
            Err(Halt::Lost) => return Err(Refused::Lost),
            Err(Halt::Undecodable(message)) => return self.park(flight, "undecodable", &message).await,
            Err(Halt::Wait(wait)) => self.pause(flight, wait),
            Err(Halt::Failed(failure) | Halt::Unknown(failure)) => {
                if flight.row.step_attempts < i64::from(policy.compensation_attempts) {
                    self.retry(flight, &policy, &failure)
                } else {
                    flight.undone(hour, Some(&failure))
                }
            }
        };
        self.write(flight, &transition).await?;
        Ok(pause_if(&transition))
    }

    /// Whoever speaks to a saga wakes it.
    fn is_early_for_last_look(&self, flight: &Flight) -> Option<Wait> {
        let due = self.clock().after(flight.row.step_started_at?, LAST_LOOK_AFTER);
        let left = Duration::try_from(due.duration_since(self.clock().now())).unwrap_or_default();
        let reason = flight.row.waiting_for.clone().unwrap_or_default();
        (!left.is_zero()).then(|| Wait { delay: left.mul_f64(self.clock().speed()), reason, memo: None })
    }

    /// The last act of a rollback: is anything left that bears the saga's mark?
    pub(super) async fn last_look(&self, flight: &mut Flight) -> Result<Next, Refused> {
        let Some(step) = self.registry.find_last_look() else {
            return self.park(flight, "unknown_step", "this build has no last look").await;
        };
        let (run, policy) = (self.run_of(flight), step.policy());
        if let Some(wait) = self.is_early_for_last_look(flight) {
            let transition = self.pause(flight, wait);
            self.write(flight, &transition).await?;
            return Ok(Next::Pause);
        }
        let seen = guarded(&policy, step.execute(&run)).await;
        let mut transition = Transition::default();
        match seen {
            Ok(answer) => {
                let left = answer.get("left").cloned().unwrap_or_default();
                let is_clean = left.as_array().is_none_or(Vec::is_empty);
                flight.row.clean = Some(if is_clean { Value::Bool(true) } else { left });
                flight.rolled_back(self.clock().now(), &mut transition);
            }
            Err(Halt::Lost) => return Err(Refused::Lost),
            Err(Halt::Undecodable(message)) => return self.park(flight, "undecodable", &message).await,
            Err(Halt::Wait(wait)) => transition = self.pause(flight, wait),
            Err(Halt::Failed(failure) | Halt::Unknown(failure)) => {
                if flight.row.step_attempts < i64::from(policy.compensation_attempts) {
                    transition = self.retry(flight, &policy, &failure);
                } else {
                    flight.row.clean = Some(json!({"not_seen": failure.message}));
                    flight.rolled_back(self.clock().now(), &mut transition);
                }
            }
        }
        self.write(flight, &transition).await?;
        Ok(Next::Pause)
    }
}
