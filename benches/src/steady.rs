//! Throughput for a minute and more, window by window: nothing may pile up that a short run does not see.

use crate::place::Place;
use crate::probe;
use crate::sagas::{GOOD, Node, throughput};
use arcadia_saga::{Clock, Registry, Settings, bare_limit};
use clap::Args;
use serde_json::json;
use std::time::Duration;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Sagas at once.
    #[arg(long, default_value_t = 512)]
    in_flight: usize,
    /// Windows of ten seconds.
    #[arg(long, default_value_t = 6)]
    windows: usize,
}

const WINDOW: Duration = Duration::from_secs(10);
const BARE_GROUPS: usize = 300;

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let opened = arguments.place.open().await?;
    let settings = Settings { in_flight_max: 20_000, ..Settings::default() };
    let node = Node::start(opened.db.clone(), Registry::<()>::new(), (), settings).await?;
    let bare = async || -> anyhow::Result<f64> {
        let took = bare_limit(&opened.db, &Clock::machine(1.0), BARE_GROUPS).await?;
        Ok((BARE_GROUPS * 100) as f64 / took.as_secs_f64())
    };
    let before = bare().await?;
    let mut windows = Vec::new();
    for _ in 0..arguments.windows {
        windows.push(throughput(&node.sagas, arguments.in_flight, GOOD, WINDOW).await?.0);
        eprintln!("{:.0} sagas/s", windows[windows.len() - 1]);
    }
    let after = bare().await?;
    node.stop().await?;
    let (first, last) = (windows[0], windows[windows.len() - 1]);
    let median = probe::median(&mut windows);
    let limit = f64::midpoint(before, after);
    let lines = [
        format!(
            "sagas/s over {} windows of 10 s: {median:.0}, {:.0} % of the bare limit",
            windows.len(),
            100.0 * median / limit
        ),
        format!(
            "slowest {:.0}, fastest {:.0}; last window {:.0} % of the first",
            windows[0],
            windows[windows.len() - 1],
            100.0 * last / first
        ),
        format!("bare limit {before:.0}/s before, {after:.0}/s after"),
    ];
    let json = json!({"sagas_per_s": median, "windows": windows, "bare_before": before, "bare_after": after, "last_of_first": last / first});
    arguments.place.report(&lines, &json);
    Ok(())
}
