//! Precedence, masking, and what is refused.

use super::{Config, ConfigError, Sources};
use digitalocean::Purpose;
use secrecy::ExposeSecret;
use std::io::Write as _;

const SECRET: &str = "a secret that is long enough, really";

fn load(sources: &Sources, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load_with(sources, |name| {
        environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

fn from_environment(environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load(&Sources::default(), environment)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn the_defaults_work_as_they_are_printed() {
    let config = from_environment(&[]).unwrap();
    assert_eq!(config.listen, "127.0.0.1:4005");
    assert_eq!(config.database_url.expose_secret(), "sqlite://arcadia-data/arcadia.db");
    assert_eq!(config.lease.as_millis(), 10_000);
    assert!(config.tokens.is_empty());
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let toml = file("listen = \"file:1\"\nlease_ms = 7000\ntenant_zones = [\"A.example\"]\nspeed = 2\n");
    let flags = vec![("listen", "flag:3".to_owned())];
    let sources = Sources { file: Some(toml.path().to_owned()), flags };
    let environment = [("ARCADIA_LISTEN", "environment:2"), ("ARCADIA_LEASE_MS", "8000")];
    let config = load(&sources, &environment).unwrap();
    assert_eq!(config.listen, "flag:3");
    assert_eq!(config.lease.as_millis(), 8_000);
    assert_eq!(config.tenant_zones, ["a.example"]);
    assert_eq!(config.speed, 2.0);
}

#[test]
fn zones_come_as_a_comma_separated_list() {
    let config = from_environment(&[("ARCADIA_TENANT_ZONES", "one.example, Two.example,")]).unwrap();
    assert_eq!(config.tenant_zones, ["one.example", "two.example"]);
}

#[test]
fn the_general_token_stands_in_for_the_missing_ones() {
    let other = file("from a file\n");
    let path = other.path().display().to_string();
    let config = from_environment(&[("DO_API_TOKEN", "general"), ("DO_API_TOKEN_SYNC_FILE", &path)]).unwrap();
    assert_eq!(config.tokens[&Purpose::Provisioning].expose_secret(), "general");
    assert_eq!(config.tokens[&Purpose::Billing].expose_secret(), "general");
    assert_eq!(config.tokens[&Purpose::Sync].expose_secret(), "from a file");
}

#[test]
fn a_token_given_twice_is_refused() {
    let refused = from_environment(&[("DO_API_TOKEN", "a"), ("DO_API_TOKEN_FILE", "b")]).unwrap_err();
    assert!(matches!(refused, ConfigError::Twice { variable: "DO_API_TOKEN" }));
}

#[test]
fn an_unknown_setting_in_the_file_is_refused_by_name() {
    let toml = file("lisen = \"127.0.0.1:1\"\n");
    let refused = load(&Sources { file: Some(toml.path().to_owned()), flags: vec![] }, &[]).unwrap_err();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.contains("lisen"), "{source}");
}

#[test]
fn a_call_may_not_outlive_the_lease() {
    let settings = [("ARCADIA_LEASE_MS", "6000"), ("ARCADIA_CALL_TIMEOUT_MS", "6000")];
    let refused = from_environment(&settings).unwrap_err();
    assert!(refused.to_string().contains("shorter than `lease_ms`"), "{refused}");
}

#[test]
fn a_short_secret_is_refused_and_its_value_not_repeated() {
    let refused = from_environment(&[("ARCADIA_JWT_SECRET", "hunter2")]).unwrap_err().to_string();
    assert!(refused.contains("at least 32") && !refused.contains("hunter2"), "{refused}");
}

#[test]
fn what_is_printed_holds_no_secret() {
    let settings = [
        ("ARCADIA_JWT_SECRET", SECRET),
        ("DO_API_TOKEN", "dop_v1_1234"),
        ("DATABASE_URL", "postgres://me:p4ssw0rd@db.example:5432/arcadia?sslpassword=p4ssw0rd"),
    ];
    let config = from_environment(&settings).unwrap();
    for text in [config.effective(), format!("{config:?}")] {
        for secret in [SECRET, "dop_v1_1234", "p4ssw0rd"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(config.effective().contains("postgres://me:***@db.example:5432/arcadia"));
}

#[test]
fn a_file_that_is_not_toml_is_refused_and_its_lines_not_repeated() {
    let toml = file("[digitalocean]\ntoken = \"dop_v1_1234\" x\n");
    let sources = Sources { file: Some(toml.path().to_owned()), flags: Vec::new() };
    let refused = load(&sources, &[]).unwrap_err();
    let told = format!("{:#}", anyhow::Error::from(refused));
    assert!(told.contains("line 2") && !told.contains("dop_v1_1234"), "{told}");
}

#[test]
fn a_speed_at_which_nothing_would_work_is_refused() {
    for speed in ["0", "-1", "NaN", "inf", "1e-300", "1e300"] {
        let refused = from_environment(&[("ARCADIA_SPEED", speed)]).unwrap_err().to_string();
        assert!(refused.contains("from 0.001 to 100000"), "{speed}: {refused}");
    }
}
