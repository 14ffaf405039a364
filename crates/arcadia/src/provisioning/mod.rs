//! The steps that change the account at the provider, and what they share: the guarded client, and what each
//! of its errors means for a step.

pub mod boots;
pub mod dns;
pub(crate) mod droplets;
pub(crate) mod last_look;
pub(crate) mod snapshots;
pub mod steps;

use crate::cloud::Cloud;
use crate::inventory::Witness;
use arcadia_saga::{Halt, Outcome, Run};
use digitalocean::{Client, Error, ErrorKind};
use std::time::Duration;

/// How often something at the provider is looked at.
pub(crate) const POLL_EVERY: Duration = Duration::from_secs(5);

/// How long a busy or unreachable provider is waited for, from the step's first attempt.
const BUSY_MAX: Duration = Duration::from_secs(30 * 60);

/// No limit of the provider's lasts longer, whatever a header says.
const LIMIT_MAX: Duration = Duration::from_secs(60 * 60);

/// How long the renewal of a node's lease is waited for.
const LEASE_WAIT: Duration = Duration::from_secs(1);

/// The client of one step: no call leaves unless this node's lease outlasts it.
pub(crate) fn provider(run: &Run<Cloud>) -> Client {
    let guard = run.call_guard();
    run.cloud.digitalocean.with_timeout(run.cloud.call_timeout).guarded(move |call| guard(call.timeout))
}

/// The saga as the one who changes our rows.
pub(crate) fn witness(run: &Run<Cloud>) -> Witness {
    let saga = run.saga_id();
    let (actor, asked_at) = (format!("saga:{saga}"), run.clock().now());
    Witness { source: actor.clone(), actor, asked_at, run: None }
}

/// Turns a failed call into what its step does next.
pub(crate) trait OrHalt<T> {
    /// # Errors
    /// See [`halt`].
    fn or_halt(self, run: &Run<Cloud>) -> Outcome<T>;
}

impl<T> OrHalt<T> for Result<T, Error> {
    fn or_halt(self, run: &Run<Cloud>) -> Outcome<T> {
        self.map_err(|error| halt(run, &error))
    }
}

/// An earlier call of the same step had its effect: a refusal is no longer the whole step's, and it is undone too.
pub(crate) fn after_effect(halt: Halt) -> Halt {
    match halt {
        Halt::Failed(failure) => Halt::Unknown(failure),
        other => other,
    }
}

/// What may have happened is looked into; what passes is waited for; the rest is certain.
fn halt(run: &Run<Cloud>, error: &Error) -> Halt {
    if error.is_in_doubt() || error.asks_to_try_again() || error.kind() == ErrorKind::EndlessListing {
        return Halt::unknown(error.to_string());
    }
    if error.kind() == ErrorKind::Refused {
        return Halt::wait(LEASE_WAIT, "this node's lease to be renewed");
    }
    if let Some(delay) = rate_limited(error) {
        return Halt::wait(delay, "the provider's rate limit");
    }
    if error.is_pending_event() {
        return busy(run, "another action at the provider to end", error);
    }
    if error.kind() == ErrorKind::NotSent {
        return busy(run, "the provider to be reachable", error);
    }
    Halt::failed(error.to_string())
}

/// How long to wait for the rate limit: what was asked for, where that is neither a storm nor for ever.
pub(crate) fn rate_limited(error: &Error) -> Option<Duration> {
    Some(error.is_rate_limited()?.clamp(POLL_EVERY, LIMIT_MAX))
}

fn busy(run: &Run<Cloud>, reason: &str, error: &Error) -> Halt {
    let clock = run.clock();
    if clock.now() < clock.after(run.started_at(), BUSY_MAX) {
        return Halt::wait(POLL_EVERY, format!("{reason}: {}", error.message()));
    }
    Halt::failed(format!("waited {} minutes for {reason}: {error}", BUSY_MAX.as_secs() / 60))
}
