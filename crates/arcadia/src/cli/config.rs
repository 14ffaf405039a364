//! `arcadia config`: the effective settings, secrets masked.

use super::print_line;
use crate::config::Config;

pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    Ok(print_line(config.effective())?)
}
