//! `arcadia migrate`: brings the database up to date and says what was applied.

use super::{log, print_line};
use crate::cloud;
use crate::config::Config;

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    log::start(config.log_format);
    let db = cloud::connect(config).await?;
    let applied = db.migrate(&arcadia_sql::MIGRATIONS).await?;
    db.close().await;
    for name in &applied {
        print_line(format_args!("applied {name}"))?;
    }
    if applied.is_empty() {
        print_line("up to date")?;
    }
    Ok(())
}
