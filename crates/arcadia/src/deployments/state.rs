//! The states of a deployment and which may follow which. Pure.

use serde::Serialize;
use std::fmt;

/// Where a deployment stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Provisioning,
    Trial,
    Active,
    PastDue,
    Paused,
    Suspended,
    Cancelled,
    Archived,
}

impl State {
    /// All of them, in the order of a life.
    pub const ALL: [State; 8] = [
        State::Provisioning,
        State::Trial,
        State::Active,
        State::PastDue,
        State::Paused,
        State::Suspended,
        State::Cancelled,
        State::Archived,
    ];

    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            State::Provisioning => "provisioning",
            State::Trial => "trial",
            State::Active => "active",
            State::PastDue => "past_due",
            State::Paused => "paused",
            State::Suspended => "suspended",
            State::Cancelled => "cancelled",
            State::Archived => "archived",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The states that may come next.
    #[must_use]
    pub fn allowed_next(self) -> &'static [State] {
        match self {
            State::Provisioning | State::Trial | State::Paused | State::Suspended => {
                &[State::Active, State::Cancelled]
            }
            State::Active => &[State::Paused, State::PastDue, State::Suspended, State::Cancelled],
            State::PastDue => &[State::Active, State::Suspended, State::Cancelled],
            State::Cancelled => &[State::Archived],
            State::Archived => &[],
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn nothing_comes_back_from_the_archive_and_nothing_returns_to_provisioning() {
        assert_eq!(State::Archived.allowed_next(), []);
        for state in State::ALL {
            assert!(!state.allowed_next().contains(&State::Provisioning), "{state}");
            assert!(!state.allowed_next().contains(&state), "{state}");
        }
    }

    #[test]
    fn only_a_cancelled_deployment_is_archived() {
        for state in State::ALL {
            assert_eq!(state.allowed_next().contains(&State::Archived), state == State::Cancelled, "{state}");
        }
    }
}
