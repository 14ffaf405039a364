//! Others' clients, unmodified, against the simulator at a thousand times the speed of life: DigitalOcean's own for
//! Python, and independent ones for Python and JavaScript. `cargo xtask test` installs them and names where they are.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use arcadia_test_record::{keep, needle};
use digitalocean_sim::{ClockMode, Options, RateLimits, Simulator};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// An interpreter that has the Python clients.
const PYTHON: &str = "ARCADIA_TEST_PYTHON";
/// A folder whose `node_modules` has the JavaScript client.
const NODE: &str = "ARCADIA_TEST_NODE";

fn named(variable: &str) -> OsString {
    std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} names nobody's client: run `cargo xtask test`"))
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Runs what `command` makes of the simulator's base URL; it must say that it passed.
async fn run(command: impl FnOnce(&str) -> Command, passed: &str) {
    arcadia_test_record::listen();
    let options = Options {
        clock: ClockMode::Flow { speed: 1_000.0 },
        limits: RateLimits::unlimited(),
        ..Options::default()
    };
    let simulator = Simulator::new(options);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let (served, stop) = (simulator.clone(), shutdown.clone());
    let server = tokio::spawn(async move { served.serve(listener, stop).await });
    let mut command = command(&base);
    command.env("DIGITALOCEAN_TOKEN", concat!("dop_v1_", needle!()));
    command.env("NO_PROXY", "127.0.0.1").env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.kill_on_drop(true).output().await;
    let output = output.expect("the interpreter starts");
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    keep(&said);
    keep(&complained);
    assert!(output.status.success(), "{passed}: {said}\n{complained}");
    assert!(said.contains(&format!("passed {passed}")), "{said}");
    let calls = simulator.requests();
    assert!(calls.len() > 5 && calls.iter().all(|call| call.status.is_some_and(|status| status < 500)));
    shutdown.cancel();
    server.await.unwrap().unwrap();
}

async fn pydo(scenario: &'static str) {
    let command = |base: &str| {
        let mut command = Command::new(named(PYTHON));
        command.arg(script("pydo_contract.py")).args([base, scenario]);
        command
    };
    run(command, scenario).await;
}

#[tokio::test]
async fn the_official_client_creates_tags_snapshots_and_destroys_a_droplet() {
    pydo("droplet_life").await;
}

#[tokio::test]
async fn the_official_client_pages_through_sixty_droplets_and_destroys_them() {
    pydo("sixty_droplets").await;
}

#[tokio::test]
async fn the_official_client_edits_dns_records() {
    pydo("dns_records").await;
}

#[tokio::test]
async fn the_official_client_understands_the_catalogue_and_the_errors() {
    pydo("catalogue_and_errors").await;
}

#[tokio::test]
async fn the_official_client_goes_through_every_operation_that_the_service_uses() {
    let command = |base: &str| {
        let mut command = Command::new(named(PYTHON));
        command.arg(script("pydo_inventory.py")).args([base, "inventory"]);
        command
    };
    run(command, "inventory").await;
}

#[tokio::test]
async fn an_independent_python_client_works_with_droplets_domains_snapshots_and_projects() {
    let command = |base: &str| {
        let mut command = Command::new(named(PYTHON));
        command.arg(script("python_digitalocean.py"));
        command.env("DIGITALOCEAN_END_POINT", format!("{base}/v2/"));
        command
    };
    run(command, "python-digitalocean").await;
}

#[tokio::test]
async fn an_independent_javascript_client_works_with_droplets_domains_snapshots_and_projects() {
    let command = |base: &str| {
        let mut command = Command::new("node");
        command.arg(script("dots_wrapper.js")).arg(base).arg(named(NODE));
        command
    };
    run(command, "dots-wrapper").await;
}
