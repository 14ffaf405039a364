//! A node's calendar: the ticks of schedules, each when it is due.

use super::{CLAIM_EVERY, Flights, Runner};
use arcadia_sql::Error;
use std::time::Duration;

impl<C: Send + Sync + 'static> Runner<C> {
    /// Enters the schedules, then starts what they say when it is due; never resolves.
    pub(super) async fn keep_calendar(&self, flights: &Flights) {
        let safety_poll = self.settings.safety_poll;
        let (mut held, mut entered) = (CLAIM_EVERY, false);
        loop {
            entered = entered || self.enter_schedules().await;
            let next = if self.holds(flights) { self.tick().await } else { None };
            let wait = match next {
                Some((_, true)) => {
                    held = (held * 2).min(safety_poll);
                    held
                }
                Some((until_next, false)) => {
                    held = CLAIM_EVERY;
                    until_next
                }
                None => safety_poll,
            };
            tokio::time::sleep(wait.min(safety_poll)).await;
        }
    }

    /// False when it must be tried again. Until then health says so: what is new in this build does not tick.
    pub(super) async fn enter_schedules(&self) -> bool {
        let entered = self.sagas.enter_schedules().await;
        if let Err(error) = &entered {
            tracing::warn!(%error, "the schedules could not be entered; trying again");
        }
        self.sagas.schedules_trouble.say(entered.as_ref().err().map(ToString::to_string));
        entered.is_ok()
    }

    /// Starts what the schedules say is due; answers how long until the next tick, and whether somebody else holds one
    /// that is overdue.
    async fn tick(&self) -> Option<(Duration, bool)> {
        let ticked = async {
            let taken = self.sagas.tick().await?;
            let Some(next) = self.sagas.next_tick_at().await? else { return Ok(None) };
            let until = next.duration_since(self.sagas.db.now().await?);
            let is_held = taken == 0 && until.is_negative();
            Ok::<_, Error>(Some((Duration::try_from(until).unwrap_or_default(), is_held)))
        };
        ticked.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the schedules could not be looked at; trying again");
            None
        })
    }
}
