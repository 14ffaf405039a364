//! The way forward: prepare, intend, execute, and what each outcome means.

use super::{Driver, Next, PANIC, guarded, later};
use crate::flight::{Flight, Transition, TurnBack};
use crate::journal::Refused;
use crate::rows::check_storable;
use crate::step::AnyStep;
use crate::{Failure, Halt, Outcome, Policy};
use serde_json::{Map, Value};
use std::time::Duration;

impl<C: Send + Sync + 'static> Driver<C> {
    /// Looks at what will be changed, then makes the intent durable.
    pub(super) async fn begin(&self, flight: &mut Flight, step: &dyn AnyStep<C>) -> Result<Next, Refused> {
        if self.shutdown.is_cancelled() {
            let transition = Transition { park: Some(Duration::ZERO), ..Transition::default() };
            self.write(flight, &transition).await?;
            return Ok(Next::Pause);
        }
        flight.look_first(self.clock().now());
        let prior = if step.prepares() {
            let run = self.run_of(flight);
            match guarded(&step.policy(), step.prepare(&run)).await {
                Ok(prior) => prior,
                Err(halt) => return self.not_prepared(flight, step, halt).await,
            }
        } else {
            None
        };
        flight.intend(self.clock().now(), prior);
        let refused_by_cancel = flight.at_pivot() && !flight.is_in_doubt();
        self.write(flight, &Transition { refused_by_cancel, ..Transition::default() }).await?;
        Ok(Next::Again)
    }

    /// Nothing was changed yet, so even a failure in doubt is certain for the saga, unless its ledger lost commits.
    pub(super) async fn not_prepared(
        &self,
        flight: &mut Flight,
        step: &dyn AnyStep<C>,
        halt: Halt,
    ) -> Result<Next, Refused> {
        let policy = step.policy();
        let transition = match halt {
            Halt::Lost => return Err(Refused::Lost),
            Halt::Undecodable(message) => return self.park(flight, "undecodable", &message).await,
            Halt::Wait(wait) => self.pause(flight, wait),
            Halt::Unknown(failure) | Halt::Failed(failure) if flight.only_forward() => {
                self.prepare_again(flight, &policy, &failure)
            }
            Halt::Unknown(failure) if flight.row.step_attempts + 1 < i64::from(policy.attempts) => {
                self.prepare_again(flight, &policy, &failure)
            }
            Halt::Unknown(failure) | Halt::Failed(failure) => {
                flight.row.step_attempts += 1;
                let in_doubt = flight.is_in_doubt();
                return self.fail(flight, failure, in_doubt).await;
            }
        };
        flight.is_not_begun();
        self.write(flight, &transition).await?;
        Ok(Next::Pause)
    }

    /// A preparation has no intent: its attempts are counted when they end.
    fn prepare_again(&self, flight: &mut Flight, policy: &Policy, failure: &Failure) -> Transition {
        flight.row.step_attempts += 1;
        if !flight.has_attempts(policy) {
            flight.is_stuck(failure);
        }
        let delay = self.clock().scaled(self.backoff(policy, flight.row.step_attempts));
        flight.retry(failure, delay, "retry")
    }

    pub(super) async fn execute(&self, flight: &mut Flight, step: &dyn AnyStep<C>) -> Result<Next, Refused> {
        debug_assert!(flight.intent_is_ours, "a step is called only after its intent is durable");
        let run = self.run_of(flight);
        let outcome = guarded(&step.policy(), step.execute(&run)).await;
        let outcome = outcome.and_then(|mut gave| {
            gave.append(&mut run.put.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            check_output(gave)
        });
        let policy = step.policy();
        match outcome {
            Ok(gave) => self.completed(flight, gave).await,
            Err(Halt::Lost) => Err(Refused::Lost),
            Err(Halt::Undecodable(message)) => self.park(flight, "undecodable", &message).await,
            Err(Halt::Wait(wait)) => {
                let transition = self.pause(flight, wait);
                self.write(flight, &transition).await?;
                Ok(Next::Pause)
            }
            // A pivot in doubt is settled forward, whatever its second attempt says of itself.
            Err(Halt::Failed(failure))
                if flight.past_pivot() || (flight.at_pivot() && flight.row.doubt_until.is_some()) =>
            {
                self.try_again(flight, &policy, &failure).await
            }
            Err(Halt::Failed(failure)) if policy.retry_certain && flight.has_attempts(&policy) => {
                self.try_again(flight, &policy, &failure).await
            }
            // Certain for this attempt; an earlier one may still be in doubt.
            Err(Halt::Failed(failure)) => {
                let in_doubt = flight.row.doubt_until.is_some();
                self.fail(flight, failure, in_doubt).await
            }
            Err(Halt::Unknown(failure)) => {
                flight.doubt(later(self.clock().now(), self.call_timeout));
                let forward_only = flight.past_pivot() || flight.at_pivot();
                let attempts_left = flight.has_attempts(&policy);
                if forward_only || (attempts_left && !failure.message.starts_with(PANIC)) {
                    self.try_again(flight, &policy, &failure).await
                } else {
                    self.fail(flight, failure, true).await
                }
            }
        }
    }

    pub(super) async fn completed(
        &self,
        flight: &mut Flight,
        gave: Map<String, Value>,
    ) -> Result<Next, Refused> {
        let now = self.clock().now();
        let transition = flight.completed(now, gave);
        let following = (!flight.is_terminal()).then(|| self.registry.find(flight.step_name())).flatten();
        let goes_on =
            following.is_some_and(|step| !step.prepares()) && !flight.at_pivot() && !flight.wants_cancel();
        if goes_on && !self.shutdown.is_cancelled() {
            flight.intend(now, None);
        }
        self.write(flight, &transition).await?;
        if flight.wants_cancel() && !flight.is_terminal() {
            // The intent went out with the same write, but the call did not.
            flight.not_begun_after_all();
        }
        Ok(if flight.is_terminal() { Next::Pause } else { Next::Again })
    }

    pub(super) async fn fail(
        &self,
        flight: &mut Flight,
        failure: Failure,
        in_doubt: bool,
    ) -> Result<Next, Refused> {
        let reason = format!("step_failed:{}", flight.step_name());
        let why = TurnBack { reason, message: failure.message, includes_step: in_doubt, begun: true };
        self.turn_back(flight, why).await
    }

    pub(super) async fn try_again(
        &self,
        flight: &mut Flight,
        policy: &Policy,
        failure: &Failure,
    ) -> Result<Next, Refused> {
        // Only forward, and as often tried as its policy hoped: it goes on, but a person should know.
        if !flight.has_attempts(policy) {
            flight.is_stuck(failure);
        }
        let transition = self.retry(flight, policy, failure);
        self.write(flight, &transition).await?;
        Ok(Next::Pause)
    }
}

/// An output that a database would refuse must not reach the ledger: the step is undone instead.
fn check_output(gave: Map<String, Value>) -> Outcome<Map<String, Value>> {
    match check_storable(&gave) {
        Ok(()) => Ok(gave),
        Err(why) => Err(Halt::unknown(format!("the output {why}"))),
    }
}
