//! What a storm measured, beside what is aimed at.

use crate::asked::SAGAS;
use crate::shelf::Kill;
use crate::worker::LEASE;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

#[derive(Debug)]
pub struct Figures {
    took: Duration,
    kills: usize,
    /// Sagas whose process died three times at one step, and which an operator sent on.
    helped: usize,
    /// From a kill to the first call for a saga that the dead worker had a call under way for.
    adopted_after: Vec<Duration>,
    /// How long the database's server was away, each time.
    pub away: Vec<Duration>,
    pub statuses: BTreeMap<String, usize>,
    pub cancelled: usize,
    /// Attempts that a new owner took up in doubt.
    pub resumed_in_doubt: i64,
    pub effects: usize,
}

impl Figures {
    pub fn of(took: Duration, kills: usize, helped: usize, dead: &[Kill]) -> Figures {
        let mut adopted_after: Vec<Duration> = dead.iter().filter_map(|kill| kill.adopted_after).collect();
        adopted_after.sort();
        Figures {
            took,
            kills,
            helped,
            adopted_after,
            away: Vec::new(),
            statuses: BTreeMap::new(),
            cancelled: 0,
            resumed_in_doubt: 0,
            effects: 0,
        }
    }

    pub fn print(&self, (calls, late): (u64, u64)) {
        let Figures { kills, helped, cancelled, resumed_in_doubt, effects, .. } = self;
        let took_s = self.took.as_secs_f64();
        let per_s = SAGAS as f64 / took_s;
        report(&format!(
            "{SAGAS} sagas in {took_s:.1} s ({per_s:.0}/s): {:?}, {cancelled} cancelled",
            self.statuses
        ));
        report(&format!(
            "{kills} kills, the server away for {:?}; {helped} sagas sent on by hand",
            self.away
        ));
        report(&format!("{resumed_in_doubt} attempts resumed in doubt"));
        report(&format!(
            "{calls} calls, {effects} effects, of which {late} came after their answer was lost"
        ));
        let (adoptions, target_ms) = (self.adopted_after.len(), (LEASE + Duration::from_secs(1)).as_millis());
        if let (Some(median), Some(max)) = (self.adopted_after.get(adoptions / 2), self.adopted_after.last())
        {
            let (median_ms, max_ms) = (median.as_millis(), max.as_millis());
            report(&format!(
                "from a kill to an adopted saga's first step: median {median_ms} ms, max {max_ms} ms of {adoptions} \
                 (on PostgreSQL at most the lease and a second, {target_ms} ms; on SQLite 1000 ms from the start)"
            ));
        }
    }
}

/// Past the test's captured output: figures are wanted of tests that pass.
pub fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "storm: {line}");
}
