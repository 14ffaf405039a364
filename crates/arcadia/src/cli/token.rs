//! `arcadia token`: a token for local development. In production tokens are issued elsewhere.

use super::print_line;
use crate::config::Config;
use crate::tokens::{Claims, mint};
use anyhow::Context as _;
use arcadia_saga::Clock;
use clap::Args;
use jiff::SignedDuration;

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The tenant it is confined to
    #[arg(long, value_name = "TENANT", required_unless_present = "role")]
    tenant: Option<String>,
    /// A role, such as `platform-admin`; may be given several times
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
    /// The user it names
    #[arg(long, value_name = "USER", default_value = "developer")]
    subject: String,
    /// How long it is valid, such as `1h` or `30d`
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    expires: String,
}

pub(super) fn run(config: &Config, flags: &Flags) -> anyhow::Result<()> {
    let secret = config
        .jwt_secret
        .as_ref()
        .context("no secret to sign with; set `ARCADIA_JWT_SECRET` to that of the server")?;
    let exp = Clock::machine(1.0).now().checked_add(duration(&flags.expires)?)?.as_second();
    let (sub, tenant_id, roles) = (flags.subject.clone(), flags.tenant.clone(), flags.role.clone());
    Ok(print_line(mint(secret, &Claims { sub, tenant_id, roles, exp })?)?)
}

fn duration(text: &str) -> anyhow::Result<SignedDuration> {
    let unusable = || format!("`--expires {text}` is not a duration such as `1h`, `90m` or `30d`");
    let span: jiff::Span = text.parse().with_context(unusable)?;
    // A day of a token's life is 24 hours wherever it is read.
    span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).with_context(unusable)
}
