//! What a simulator is started with: profile, clock, limits and how long everything takes.
//! Every duration is simulated time; `Timings::instant` makes asynchronous things due at once.

use jiff::Timestamp;
use secrecy::SecretString;

/// How a simulator behaves. The default is the realistic one, so that a test has to ask for anything easier.
#[derive(Debug, Clone)]
pub struct Options {
    /// Everything random is drawn from this seed.
    pub seed: u64,
    pub profile: Profile,
    pub clock: ClockMode,
    pub limits: RateLimits,
    pub timings: Timings,
    /// `account.droplet_limit`; creating beyond it is refused.
    pub droplet_limit: u32,
    /// How many ids of each kind were handed out before: a second account that one database meets skips the first's.
    pub ids_skipped: u64,
    /// Whether a resize of a running droplet is refused. The live behaviour is not settled, so it can be switched off.
    pub resize_needs_off: bool,
    /// With which the stand-in for the finance service checks its tokens.
    pub finance_secret: SecretString,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            seed: 1,
            profile: Profile::Live,
            clock: ClockMode::Flow { speed: 1.0 },
            limits: RateLimits::default(),
            timings: Timings::realistic(),
            droplet_limit: 100,
            ids_skipped: 0,
            resize_needs_off: true,
            finance_secret: "simulated-finance-secret".into(),
        }
    }
}

/// `Spec` answers only what the published specification allows; `Live` does what the real service was seen to do besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Spec,
    Live,
}

/// Whether time passes by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClockMode {
    /// Simulated time starts now and runs `speed` times as fast as real time.
    Flow { speed: f64 },
    /// Nothing moves until the clock is advanced.
    Manual { start: Timestamp },
}

/// Requests allowed per token, in two sliding windows; `None` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    pub per_minute: Option<u32>,
    pub per_hour: Option<u32>,
    /// The extra limit on listing SSH keys.
    pub key_lists_per_minute: Option<u32>,
}

impl RateLimits {
    pub fn unlimited() -> RateLimits {
        RateLimits { per_minute: None, per_hour: None, key_lists_per_minute: None }
    }
}

impl Default for RateLimits {
    fn default() -> RateLimits {
        RateLimits { per_minute: Some(250), per_hour: Some(5_000), key_lists_per_minute: Some(10) }
    }
}

/// A range of durations from which one is drawn, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from_ms: u64,
    pub to_ms: u64,
}

impl Span {
    pub const ZERO: Span = Span { from_ms: 0, to_ms: 0 };

    pub const fn ms(from_ms: u64, to_ms: u64) -> Span {
        Span { from_ms, to_ms }
    }

    pub const fn exactly(ms: u64) -> Span {
        Span { from_ms: ms, to_ms: ms }
    }

    pub(crate) fn draw_ms(self, random: &mut fastrand::Rng) -> u64 {
        if self.to_ms <= self.from_ms { self.from_ms } else { random.u64(self.from_ms..=self.to_ms) }
    }
}

/// How long things take. A lag counts from the moment the thing itself is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// From the create request to `active`.
    pub boot: Span,
    /// How long `POST /v2/droplets` takes to answer after its work is done; not applied while the clock is manual.
    pub create_answer: Span,
    /// How long a new droplet is missing from listings.
    pub droplet_list_lag: Span,
    /// How long a new droplet is missing from listings by tag.
    pub droplet_tag_lag: Span,
    /// How long a destroyed droplet still answers and is listed.
    pub droplet_linger: Span,
    /// Power on, power off, shutdown, reboot and power cycle.
    pub power: Span,
    /// How long the status stays what it was after a completed power off.
    pub power_lag: Span,
    /// From the resize request until size and memory show the new values; at most `resize`.
    pub resize_flip: Span,
    pub resize: Span,
    pub snapshot: Span,
    /// How long a new snapshot is missing from listings.
    pub snapshot_list_lag: Span,
    /// How long a deleted snapshot is still listed.
    pub snapshot_linger: Span,
    /// Rebuild, restore, image transfer and conversion.
    pub rebuild: Span,
    /// Rename, backups on and off, IPv6 and the like.
    pub quick: Span,
    /// How long the event lock outlives its action.
    pub unlock_lag: Span,
    /// Attaching and detaching volumes, assigning and unassigning addresses.
    pub attach: Span,
    /// From writing a firewall with droplets until it is `succeeded`.
    pub firewall: Span,
    /// How long a firewall still names a droplet that is gone.
    pub firewall_memory: Span,
    /// From creating a load balancer until it is `active`.
    pub load_balancer: Span,
}

impl Timings {
    /// Nothing takes any time: what is asked for is done when the next request is looked at.
    pub const fn instant() -> Timings {
        Timings {
            boot: Span::ZERO,
            create_answer: Span::ZERO,
            droplet_list_lag: Span::ZERO,
            droplet_tag_lag: Span::ZERO,
            droplet_linger: Span::ZERO,
            power: Span::ZERO,
            power_lag: Span::ZERO,
            resize_flip: Span::ZERO,
            resize: Span::ZERO,
            snapshot: Span::ZERO,
            snapshot_list_lag: Span::ZERO,
            snapshot_linger: Span::ZERO,
            rebuild: Span::ZERO,
            quick: Span::ZERO,
            unlock_lag: Span::ZERO,
            attach: Span::ZERO,
            firewall: Span::ZERO,
            firewall_memory: Span::ZERO,
            load_balancer: Span::ZERO,
        }
    }

    /// The delays that were observed at the real service.
    pub const fn realistic() -> Timings {
        Timings {
            boot: Span::ms(8_000, 40_000),
            create_answer: Span::exactly(300),
            droplet_list_lag: Span::ms(0, 5_000),
            droplet_tag_lag: Span::ms(0, 5_000),
            droplet_linger: Span::ms(6_000, 12_000),
            power: Span::ms(5_000, 15_000),
            power_lag: Span::ms(0, 5_000),
            resize_flip: Span::ms(12_000, 24_000),
            resize: Span::ms(45_000, 47_000),
            snapshot: Span::ms(60_000, 180_000),
            snapshot_list_lag: Span::ms(2_000, 8_000),
            snapshot_linger: Span::ms(0, 5_000),
            rebuild: Span::ms(30_000, 60_000),
            quick: Span::ms(1_000, 5_000),
            unlock_lag: Span::ms(0, 3_000),
            attach: Span::ms(2_000, 10_000),
            firewall: Span::ms(20_000, 60_000),
            firewall_memory: Span::ms(15_000, 30_000),
            load_balancer: Span::ms(60_000, 180_000),
        }
    }
}
