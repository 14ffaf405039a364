//! The demo as a viewer starts it: the built binary, on both databases, empty and used before.

#![allow(clippy::unwrap_used, reason = "a demo that cannot be watched has failed")]

use arcadia_sql::testing::TestDb;
use arcadia_sql::{Engine, MIGRATIONS, Options};
use serde_json::Value;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arcadia"));
    command.arg("demo").args(arguments).kill_on_drop(true).stdin(Stdio::null());
    for name in ["DATABASE_URL", "RUST_LOG", "ARCADIA_LISTEN", "ARCADIA_SPEED", "DIGITALOCEAN_API_URL"] {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end, and holds what it printed last to what it promises.
async fn assert_plays(arguments: &[&str]) -> Value {
    let output = demo(&[&["--exit", "--json"], arguments].concat()).output().await.unwrap();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{talk}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();

    let served = &report["provisioned"];
    assert_eq!((&served["state"], &served["saga_status"]), (&"active".into(), &"completed".into()));
    assert!(served["droplet_id"].is_u64() && served["ip"].is_string(), "{served}");
    assert!(served["hostname"].as_str().unwrap().ends_with(".arcadia-demo.com"));
    let steps = served["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 7);
    assert!(steps.iter().all(|step| step["status"] == "completed" && step["attempts"] == 1), "{steps:?}");

    let refused = &report["rolled_back"];
    assert_eq!((&refused["state"], &refused["saga_status"]), (&"cancelled".into(), &"rolled_back".into()));
    assert_eq!(refused["reason"], "step_failed:point_deployment_dns");
    assert_eq!(refused["compensate_from_idx"], 4);
    assert_eq!(report["left_over"], Value::Array(Vec::new()));
    assert!(talk.contains("create_droplet"), "the talk shows the steps: {talk}");
    report
}

#[tokio::test]
async fn it_plays_on_a_database_of_its_own() {
    assert_plays(&[]).await;
}

#[tokio::test]
async fn it_plays_twice_on_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("kept.db").display());
    let first = assert_plays(&["--database", &url]).await;
    let second = assert_plays(&["--database", &url]).await;
    assert_ne!(first["provisioned"]["hostname"], second["provisioned"]["hostname"]);
}

#[tokio::test]
async fn it_plays_twice_on_one_postgresql() {
    let db = TestDb::fresh(Engine::Postgres, Options::default(), &MIGRATIONS).await;
    assert_plays(&["--database", db.url()]).await;
    assert_plays(&["--database", db.url()]).await;
}

#[tokio::test]
async fn it_goes_on_serving_what_it_made_until_it_is_interrupted() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut child = demo(&["--json"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let curl = loop {
        let line = lines.next_line().await.unwrap().expect("the demo invites before it ends");
        if line.trim_start().starts_with("curl ") {
            break line;
        }
    };
    let header = curl.split('\'').nth(1).unwrap();
    let (name, value) = header.split_once(": ").unwrap();
    let url = curl.split_whitespace().last().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).header(name, value).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let listed: Value = answer.json().await.unwrap();
    let states: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["cancelled", "active"]);

    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn it_says_why_it_cannot_play() {
    let output = demo(&["--exit", "--database", "mysql://localhost/x"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("sqlite nor postgres"));
}
