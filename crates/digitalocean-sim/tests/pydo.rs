//! DigitalOcean's own Python client, unmodified, against the simulator at a thousand times the speed of life.
//! The interpreter that has the client installed is named by `ARCADIA_TEST_PYTHON`.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::path::Path;

use digitalocean_sim::{ClockMode, Options, RateLimits, Simulator};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

async fn run(scenario: &str) {
    let python = std::env::var("ARCADIA_TEST_PYTHON").unwrap_or_else(|_| {
        panic!("ARCADIA_TEST_PYTHON names no interpreter with DigitalOcean's client: run `cargo xtask test`")
    });
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
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pydo_contract.py");
    let output = Command::new(python)
        .arg(script)
        .args([&base, scenario])
        .kill_on_drop(true)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .await
        .expect("the interpreter starts");
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{scenario}: {said}\n{complained}");
    assert!(said.contains(&format!("passed {scenario}")), "{said}");
    let (calls, statuses) = (simulator.requests(), |status: Option<u16>| status.is_some());
    assert!(calls.len() > 5 && calls.iter().all(|call| statuses(call.status)));
    shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_official_client_creates_tags_snapshots_and_destroys_a_droplet() {
    run("droplet_life").await;
}

#[tokio::test]
async fn the_official_client_pages_through_sixty_droplets_and_destroys_them() {
    run("sixty_droplets").await;
}

#[tokio::test]
async fn the_official_client_edits_dns_records() {
    run("dns_records").await;
}

#[tokio::test]
async fn the_official_client_understands_the_catalogue_and_the_errors() {
    run("catalogue_and_errors").await;
}
