//! `arcadia simulate`: DigitalOcean over HTTP, for trying things out without an account.

use super::{log, print_line, stop};
use crate::config::{Config, ConfigError, SPEEDS};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use digitalocean_sim::{ClockMode, Options, Profile, RateLimits, Simulator, Timings};
use tokio::net::TcpListener;

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The address; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4006")]
    listen: String,
    /// How many times faster than real its time runs
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Everything random is drawn from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// `spec` answers only what the published specification allows, `live` what the real service does besides
    #[arg(long, value_enum, default_value_t = ProfileName::Live)]
    profile: ProfileName,
    /// The rate limits
    #[arg(long, value_enum, default_value_t = LimitsName::Real)]
    limits: LimitsName,
    /// How long everything takes
    #[arg(long, value_enum, default_value_t = TimingsName::Realistic)]
    timings: TimingsName,
    /// How many droplets the account may have
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    droplet_limit: u32,
    /// A zone that the account has from the start; may be given several times
    #[arg(long, value_name = "ZONE")]
    domain: Vec<String>,
    /// An account to begin with
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProfileName {
    Spec,
    Live,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LimitsName {
    Real,
    Unlimited,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TimingsName {
    Realistic,
    Instant,
}

pub(super) async fn run(config: &Config, flags: Flags) -> anyhow::Result<()> {
    log::start(config.log_format);
    anyhow::ensure!(SPEEDS.contains(&flags.speed), ConfigError::Speed);
    let simulator = Simulator::new(options(&flags));
    if let Some(name) = &flags.scenario {
        simulator.load_scenario(name, Some(flags.seed))?;
    }
    for domain in &flags.domain {
        simulator.add_domain(domain)?;
    }
    let listener = TcpListener::bind(&flags.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", flags.listen))?;
    let address = listener.local_addr()?;
    let stop = stop::on_signal()?;
    print_line(format_args!("listening on http://{address}"))?;
    tracing::info!(%address, speed = flags.speed, seed = flags.seed, "simulating DigitalOcean");
    Ok(simulator.serve(listener, stop).await?)
}

fn options(flags: &Flags) -> Options {
    Options {
        seed: flags.seed,
        profile: match flags.profile {
            ProfileName::Spec => Profile::Spec,
            ProfileName::Live => Profile::Live,
        },
        clock: ClockMode::Flow { speed: flags.speed },
        limits: match flags.limits {
            LimitsName::Real => RateLimits::default(),
            LimitsName::Unlimited => RateLimits::unlimited(),
        },
        timings: match flags.timings {
            TimingsName::Realistic => Timings::realistic(),
            TimingsName::Instant => Timings::instant(),
        },
        droplet_limit: flags.droplet_limit,
        ..Options::default()
    }
}
