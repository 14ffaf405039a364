//! A thousand schedules that are due in the same second: how long until each has run, and whether each ran once.

use crate::place::Place;
use crate::probe;
use crate::sagas::Node;
use anyhow::Context as _;
use arcadia_saga::{Outcome, Policy, Registry, Run, Schedule, Settings, Step};
use clap::Args;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[arg(long, default_value_t = 1_000)]
    schedules: usize,
}

/// Tells when it ran.
struct Tick {
    ran: mpsc::UnboundedSender<(uuid::Uuid, jiff::Timestamp)>,
}

impl Step<()> for Tick {
    const NAME: &'static str = "tick";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::background()
    }

    async fn execute(&self, run: &Run<()>, (): ()) -> Outcome<()> {
        // The measurement is over when nobody listens.
        let _ = self.ran.send((run.saga_id().0, jiff::Timestamp::now()));
        Ok(())
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let opened = arguments.place.open().await?;
    let (ran, mut runs) = mpsc::unbounded_channel();
    let mut registry = Registry::new().queue("background", 512, None).step(Tick { ran });
    for number in 0..arguments.schedules {
        let name = format!("every-minute-{number}");
        registry = registry.schedule(Schedule::new(&name, "* * * * *", "background", "tick")?)?;
    }
    let node = Node::start(opened.db.clone(), registry, (), Settings::default()).await?;
    let due = loop {
        let states = node.sagas.schedules().await?;
        if states.len() == arguments.schedules {
            break states.iter().map(|state| state.next_at).max().context("schedules")?;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut late: HashMap<uuid::Uuid, Vec<Duration>> = HashMap::new();
    // Until ten seconds after the minute: a second run of any would have come by then.
    let until = due + Duration::from_secs(10);
    loop {
        let left = Duration::try_from(until.duration_since(jiff::Timestamp::now())).unwrap_or_default();
        match tokio::time::timeout(left, runs.recv()).await {
            Ok(Some((saga, at))) if at >= due => {
                late.entry(saga).or_default().push(Duration::try_from(at.duration_since(due))?);
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
        }
    }
    let once = late.values().filter(|times| times.len() == 1).count();
    let states = node.sagas.schedules().await?;
    let of_schedules =
        states.iter().filter(|state| state.last_saga_id.is_some_and(|id| late.contains_key(&id)));
    let of_schedules = of_schedules.count();
    node.stop().await?;
    anyhow::ensure!(
        once == arguments.schedules && of_schedules == once,
        "{once} sagas ran once, for {of_schedules} schedules"
    );
    let mut times: Vec<Duration> = late.into_values().flatten().collect();
    let (p50, last) = (probe::percentile_ms(&mut times, 0.5), probe::percentile_ms(&mut times, 1.0));
    let lines = [format!(
        "{once} schedules due at once: each ran once, half within {p50:.0} ms, the last after {last:.0} ms"
    )];
    arguments.place.report(&lines, &json!({"schedules": once, "p50_ms": p50, "last_ms": last}));
    Ok(())
}
