//! What the machine itself can do right now: fdatasync of a small append, and single-row commits.

use anyhow::Context as _;
use arcadia_sql::{Db, args, statements};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

statements! {
    pub(crate) MAKE = "CREATE TABLE IF NOT EXISTS bench_rows (id BIGINT PRIMARY KEY, value TEXT)";
    pub(crate) ADD = "INSERT INTO bench_rows (id, value) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = $2";
}

/// fdatasync of 4 KiB appends for `time`: how many a second, and the median in milliseconds.
pub fn fdatasync(folder: &Path, time: Duration) -> anyhow::Result<(f64, f64)> {
    let path = folder.join("probe");
    let mut file = std::fs::File::create(&path).context("the probe's file")?;
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < time {
        let one = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(one.elapsed());
    }
    std::fs::remove_file(path)?;
    let per_s = times.len() as f64 / began.elapsed().as_secs_f64();
    Ok((per_s, percentile_ms(&mut times, 0.5)))
}

/// Rows written one by one, each its own commit: how many a second.
pub async fn single_row_commits(db: &Db, time: Duration) -> anyhow::Result<f64> {
    db.execute(&MAKE, args![]).await?;
    let (began, mut rows) = (Instant::now(), 0_i64);
    while began.elapsed() < time {
        db.execute(&ADD, args![rows, "a row"]).await?;
        rows += 1;
    }
    Ok(rows as f64 / began.elapsed().as_secs_f64())
}

/// That share of the times lies below it; milliseconds.
pub fn percentile_ms(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Resident memory of this process, MiB.
pub fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Processor time that the whole machine has used since it was started.
pub fn busy() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat has a first line")?;
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, then idle and waiting for a disk, then interrupts and what was stolen.
    let busy: u64 = ticks.iter().take(3).chain(ticks.iter().skip(5).take(2)).sum();
    Ok(Duration::from_millis(busy * MILLIS_PER_TICK))
}

/// Processor time that this process has used.
pub fn own_busy() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').context("/proc/self/stat names its process")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    Ok(Duration::from_millis(ticks.sum::<u64>() * MILLIS_PER_TICK))
}

/// Linux counts processor time for programs in hundredths of a second.
const MILLIS_PER_TICK: u64 = 10;
