//! Logs on stderr: for people on a terminal, as JSON for machines.

use crate::config::LogFormat;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// What is logged where RUST_LOG says nothing.
const USUALLY: &str = "info,sqlx=warn,hyper=warn,reqwest=warn";

/// To be called once, before anything is logged. A second call changes nothing.
pub(super) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUALLY));
    let is_terminal = std::io::stderr().is_terminal();
    let wants_colour = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would say so on stderr, which is what cannot be written, and panic in the midst of the work.
        .log_internal_errors(false);
    let is_human = match format {
        LogFormat::Auto => is_terminal,
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    // An error means that somebody else listens already, which is as good.
    let _ = match is_human {
        true => lines.with_ansi(wants_colour).with_target(false).try_init(),
        false => lines.json().flatten_event(true).try_init(),
    };
}
