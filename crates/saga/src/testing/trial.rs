//! A trial: one saga's plan through every hazard at every place.

use super::drive::{Between, Passed, Play};
use super::ground::Grounds;
use super::hazard::{Base, Case};
use super::plan;
use super::report::{CASE_VARIABLE, Report};
use super::{Scene, World};
use arcadia_sql::{Engine, MIGRATIONS, Migrations};
use futures_util::StreamExt as _;
use futures_util::stream;
use std::sync::Arc;
use std::time::Duration;

/// Cases whose databases are open at the same time.
const AT_ONCE: usize = 4;
/// Real time: a case that takes longer hangs, also on a machine that stands still for minutes.
const CASE_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// Runs one saga through every hazard at every place.
pub struct Trial<F> {
    fresh: F,
    between: Between,
    only: Option<String>,
    /// Only cases whose names contain it, and of these none after the first that does not hold.
    seeks: Option<&'static str>,
    grounds: Grounds,
}

impl<F> std::fmt::Debug for Trial<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial").field("only", &self.only).finish_non_exhaustive()
    }
}

impl<F, Fut, W> Trial<F>
where
    F: Fn(Scene) -> Fut,
    Fut: Future<Output = W>,
    W: World,
{
    /// A trial in worlds that `fresh` makes, one for each case.
    pub fn of(fresh: F) -> Trial<F> {
        let only = std::env::var(CASE_VARIABLE).ok();
        let between: Between = Arc::new(|ledger, _| ledger);
        let grounds = Grounds::of(&MIGRATIONS);
        Trial { fresh, between, only, seeks: None, grounds }
    }

    /// Databases with another schema than this workspace's. It must not put rows into its tables: a database
    /// serves several cases and is emptied between them.
    #[must_use]
    pub fn with_migrations(self, migrations: &'static Migrations) -> Trial<F> {
        Trial { grounds: Grounds::of(migrations), ..self }
    }

    /// Puts a double between the kit and the database, and seeks a case of this hazard that it fails.
    #[cfg(test)]
    pub(crate) fn through(self, between: Between, hazard: &'static str) -> Trial<F> {
        Trial { between, seeks: Some(hazard), ..self }
    }

    /// Every case on both databases.
    pub async fn run(&self) -> Report {
        let mut report = self.on(Engine::Sqlite).await;
        report.join(self.on(Engine::Postgres).await);
        report
    }

    /// Every case on one database.
    pub async fn on(&self, engine: Engine) -> Report {
        let mut report = Report::default();
        let forward = match self.undisturbed(engine, Base::Forward, &mut report).await {
            Ok(forward) => forward,
            Err(()) => return report,
        };
        let back = if forward.road.turns_back().is_some() {
            match self.undisturbed(engine, Base::Back, &mut report).await {
                Ok(back) => Some(back),
                Err(()) => return report,
            }
        } else {
            report.pass_over("rollbacks: the first step is the point of no return".to_owned());
            None
        };
        let cases = plan::cases(engine, &forward, back.as_ref());
        let cases = cases.into_iter().filter(|case| self.wants(case));
        let mut played =
            stream::iter(cases.map(|case| async move { (case, self.play(case).await) })).buffered(AT_ONCE);
        while let Some((case, held)) = played.next().await {
            report.add(&case, held.map(drop));
            if self.seeks.is_some() && !report.violations().is_empty() {
                break;
            }
        }
        report
    }

    fn wants(&self, case: &Case) -> bool {
        let name = case.to_string();
        self.only.as_ref().is_none_or(|only| *only == name)
            && self.seeks.is_none_or(|part| name.contains(part))
    }

    /// Also the measure of the places; it must hold before anything else can.
    async fn undisturbed(&self, engine: Engine, base: Base, report: &mut Report) -> Result<Passed, ()> {
        let case = Case { engine, base, hazard: None };
        let played = self.play(case).await;
        match played {
            Ok(passed) => {
                if self.wants(&case) {
                    report.add(&case, Ok(()));
                }
                Ok(passed)
            }
            Err(why) => {
                report.add(&case, Err(why));
                Err(())
            }
        }
    }

    async fn play(&self, case: Case) -> Result<Passed, String> {
        let play = async {
            let ground = self.grounds.take(case.engine).await?;
            let (play, id) = Play::set(case, &self.fresh, &ground, &self.between).await?;
            let played = play.play(id).await;
            self.grounds.give_back(ground);
            played
        };
        let hangs = || format!("the case hangs: it took longer than {} s", CASE_TIMEOUT.as_secs());
        tokio::time::timeout(CASE_TIMEOUT, play).await.map_err(|_| hangs())?
    }
}
