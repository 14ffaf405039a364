//! The configuration: defaults < `arcadia.toml` < environment < flags. `config.default.toml` is both the defaults
//! and their documentation; this page says which variable sets what.

use config::{Config as Layers, File, FileFormat};
use digitalocean::Purpose;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DEFAULTS: &str = include_str!("config.default.toml");

/// Read where it exists, unless another is named.
const USUAL_FILE: &str = "arcadia.toml";

/// Every variable and the setting it sets.
const VARIABLES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database_url"),
    ("ARCADIA_DATA_DIR", "data_dir"),
    ("ARCADIA_LISTEN", "listen"),
    ("ARCADIA_JWT_SECRET", "jwt_secret"),
    ("ARCADIA_SERVER", "server_url"),
    ("ARCADIA_SPEED", "speed"),
    ("ARCADIA_SCHEDULES", "schedules"),
    ("ARCADIA_LEASE_MS", "lease_ms"),
    ("ARCADIA_CALL_TIMEOUT_MS", "call_timeout_ms"),
    ("ARCADIA_LOG_FORMAT", "log_format"),
    ("DIGITALOCEAN_API_URL", "digitalocean.api_url"),
];

/// A comma separated list.
const TENANT_ZONES: &str = "ARCADIA_TENANT_ZONES";

/// Each also with `_FILE`.
const TOKENS: &[(&str, &str)] = &[
    ("ARCADIA_TOKEN", "server_token"),
    ("DO_API_TOKEN", "digitalocean.token"),
    ("DO_API_TOKEN_PROVISIONING", "digitalocean.token_provisioning"),
    ("DO_API_TOKEN_SYNC", "digitalocean.token_sync"),
    ("DO_API_TOKEN_BILLING", "digitalocean.token_billing"),
];

/// Faster or slower, waits turn into none at all or into centuries.
pub const SPEEDS: RangeInclusive<f64> = 0.001..=100_000.0;

/// HMAC keys shorter than the shortest hash are guessable.
const SECRET_BYTES_MIN: usize = 32;

/// The effective settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// May hold a password.
    pub database_url: SecretString,
    pub data_dir: PathBuf,
    pub listen: String,
    /// At least 32 bytes where it is set.
    pub jwt_secret: Option<SecretString>,
    /// The server that commands ask.
    pub server_url: String,
    /// As whom they ask it.
    pub server_token: Option<SecretString>,
    /// Lower case.
    pub tenant_zones: Vec<String>,
    pub speed: f64,
    /// Whether this node starts work by the calendar.
    pub schedules: bool,
    pub lease: Duration,
    pub call_timeout: Duration,
    pub log_format: LogFormat,
    pub digitalocean_api_url: String,
    /// The general token stands in for a missing one.
    pub tokens: BTreeMap<Purpose, SecretString>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human on a terminal, JSON elsewhere.
    Auto,
    Human,
    Json,
}

/// Where the settings come from, beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Must exist where it is named.
    pub file: Option<PathBuf>,
    /// Settings by their names in the file, as flags gave them.
    pub flags: Vec<(&'static str, String)>,
}

/// Why the settings cannot be used. Never names a secret's value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the settings cannot be read")]
    Unreadable(#[from] config::ConfigError),
    #[error("the file {file} that `{variable}` names cannot be read")]
    TokenFile { variable: String, file: String, source: std::io::Error },
    #[error("`{variable}` and `{variable}_FILE` are both set; keep one")]
    Twice { variable: &'static str },
    #[error(
        "`jwt_secret` (ARCADIA_JWT_SECRET) has {found} bytes; a shared secret needs at least {SECRET_BYTES_MIN}"
    )]
    ShortSecret { found: usize },
    #[error(
        "`call_timeout_ms` ({call_timeout_ms}) must be shorter than `lease_ms` ({lease_ms}): a call of ours may not outlive our claim on the saga"
    )]
    CallOutlivesLease { call_timeout_ms: u64, lease_ms: u64 },
    /// Without the line itself, as it may hold a secret.
    #[error("{file} is not TOML: {place}: {why}")]
    NotToml { file: String, place: String, why: String },
    #[error("`speed` must be from {} to {}", SPEEDS.start(), SPEEDS.end())]
    Speed,
    #[error("`{setting}` must be above zero")]
    NotAboveZero { setting: &'static str },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    database_url: String,
    data_dir: PathBuf,
    listen: String,
    jwt_secret: String,
    server_url: String,
    server_token: String,
    tenant_zones: Vec<String>,
    speed: f64,
    schedules: bool,
    lease_ms: u64,
    call_timeout_ms: u64,
    log_format: LogFormat,
    digitalocean: RawDigitalOcean,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDigitalOcean {
    api_url: String,
    token: String,
    token_provisioning: String,
    token_sync: String,
    token_billing: String,
}

impl Config {
    /// Reads the settings of this process.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting.
    pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
        Config::load_with(sources, |name| std::env::var(name).ok())
    }

    /// The same with an environment of the caller's. An empty variable counts as not set.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting.
    pub fn load_with(
        sources: &Sources,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Config, ConfigError> {
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let mut layers = Layers::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        layers = match &sources.file {
            Some(file) => layers.add_source(File::from(file.as_path()).format(FileFormat::Toml)),
            None => layers.add_source(File::new(USUAL_FILE, FileFormat::Toml).required(false)),
        };
        for (name, setting) in VARIABLES {
            layers = layers.set_override_option(*setting, variable(name))?;
        }
        layers =
            layers.set_override_option("tenant_zones", variable(TENANT_ZONES).map(|zones| split(&zones)))?;
        for (name, setting) in TOKENS {
            layers = layers.set_override_option(*setting, token(name, &variable)?)?;
        }
        for (setting, value) in &sources.flags {
            layers = layers.set_override(*setting, value.as_str())?;
        }
        Config::from_raw(layers.build().map_err(without_source_line)?.try_deserialize()?)
    }

    fn from_raw(raw: Raw) -> Result<Config, ConfigError> {
        let Raw { lease_ms, call_timeout_ms, speed, .. } = raw;
        if !SPEEDS.contains(&speed) {
            return Err(ConfigError::Speed);
        }
        if call_timeout_ms == 0 {
            return Err(ConfigError::NotAboveZero { setting: "call_timeout_ms" });
        }
        if call_timeout_ms >= lease_ms {
            return Err(ConfigError::CallOutlivesLease { call_timeout_ms, lease_ms });
        }
        let found = raw.jwt_secret.len();
        if (1..SECRET_BYTES_MIN).contains(&found) {
            return Err(ConfigError::ShortSecret { found });
        }
        let database_url = match raw.database_url.as_str() {
            "" => format!("sqlite://{}", raw.data_dir.join("arcadia.db").display()),
            url => url.to_owned(),
        };
        Ok(Config {
            database_url: database_url.into(),
            data_dir: raw.data_dir,
            listen: raw.listen,
            jwt_secret: secret(raw.jwt_secret),
            server_url: raw.server_url,
            server_token: secret(raw.server_token),
            tenant_zones: raw.tenant_zones.iter().map(|zone| zone.to_ascii_lowercase()).collect(),
            speed,
            schedules: raw.schedules,
            lease: Duration::from_millis(lease_ms),
            call_timeout: Duration::from_millis(call_timeout_ms),
            log_format: raw.log_format,
            digitalocean_api_url: raw.digitalocean.api_url.clone(),
            tokens: tokens(raw.digitalocean),
        })
    }

    /// The folder that an embedded database needs; `None` for a server.
    #[must_use]
    pub fn database_folder(&self) -> Option<&Path> {
        let path = self.database_url.expose_secret().strip_prefix("sqlite:")?;
        let folder = Path::new(path.strip_prefix("//").unwrap_or(path)).parent()?;
        (!folder.as_os_str().is_empty()).then_some(folder)
    }

    /// Every setting as `name = value`, secrets masked.
    #[must_use]
    pub fn effective(&self) -> String {
        let masked = |is_set: bool| if is_set { "\"***\"" } else { "\"\"" };
        let token = |purpose| masked(self.tokens.contains_key(&purpose));
        let log_format = format!("{:?}", self.log_format).to_lowercase();
        [
            format!("database_url = {:?}", masked_url(self.database_url.expose_secret())),
            format!("data_dir = {:?}", self.data_dir.display().to_string()),
            format!("listen = {:?}", self.listen),
            format!("jwt_secret = {}", masked(self.jwt_secret.is_some())),
            format!("server_url = {:?}", masked_url(&self.server_url)),
            format!("server_token = {}", masked(self.server_token.is_some())),
            format!("tenant_zones = {:?}", self.tenant_zones),
            format!("speed = {:?}", self.speed),
            format!("schedules = {}", self.schedules),
            format!("lease_ms = {}", self.lease.as_millis()),
            format!("call_timeout_ms = {}", self.call_timeout.as_millis()),
            format!("log_format = {log_format:?}"),
            String::new(),
            "[digitalocean]".to_owned(),
            format!("api_url = {:?}", masked_url(&self.digitalocean_api_url)),
            format!("token_provisioning = {}", token(Purpose::Provisioning)),
            format!("token_sync = {}", token(Purpose::Sync)),
            format!("token_billing = {}", token(Purpose::Billing)),
        ]
        .join("\n")
    }
}

/// The parser quotes the line at which it stopped: what it says before and after that is enough.
fn without_source_line(error: config::ConfigError) -> ConfigError {
    let config::ConfigError::FileParse { uri, cause } = &error else { return error.into() };
    let said = cause.to_string();
    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
    let place = lines.next().unwrap_or_default().trim_start_matches("TOML parse error ").to_owned();
    let why = lines.next_back().unwrap_or_default().to_owned();
    ConfigError::NotToml { file: uri.clone().unwrap_or_default(), place, why }
}

fn split(zones: &str) -> Vec<String> {
    zones.split(',').map(str::trim).filter(|zone| !zone.is_empty()).map(str::to_owned).collect()
}

fn secret(text: String) -> Option<SecretString> {
    (!text.is_empty()).then(|| text.into())
}

fn token(
    name: &'static str,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, ConfigError> {
    let file_variable = format!("{name}_FILE");
    match (variable(name), variable(&file_variable)) {
        (Some(_), Some(_)) => Err(ConfigError::Twice { variable: name }),
        (None, Some(file)) => match std::fs::read_to_string(&file) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(source) => Err(ConfigError::TokenFile { variable: file_variable, file, source }),
        },
        (token, None) => Ok(token),
    }
}

fn tokens(raw: RawDigitalOcean) -> BTreeMap<Purpose, SecretString> {
    let own = [
        (Purpose::Provisioning, raw.token_provisioning),
        (Purpose::Sync, raw.token_sync),
        (Purpose::Billing, raw.token_billing),
    ];
    let general = secret(raw.token);
    let chosen = own.into_iter().map(|(purpose, token)| (purpose, secret(token).or_else(|| general.clone())));
    chosen.filter_map(|(purpose, token)| Some((purpose, token?))).collect()
}

fn masked_url(url: &str) -> String {
    let Ok(mut parsed) = url::Url::parse(url) else { return "***".to_owned() };
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    if parsed.password().is_some() && parsed.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    // Parameters may hold a password too.
    if parsed.query().is_some() {
        parsed.set_query(Some("***"));
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests;
