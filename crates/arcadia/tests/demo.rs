//! The demo as a viewer starts it: the built binary, on both databases, empty and used before.

#![allow(clippy::unwrap_used, reason = "a demo that cannot be watched has failed")]

use arcadia_sql::testing::TestDb;
use arcadia_sql::{Engine, MIGRATIONS, Options, args, statements};
use arcadia_test_record::{keep, level, needle};
use serde_json::Value;
use std::process::{Output, Stdio};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

statements! {
    /// A node as another process enters itself.
    ENLIST = "
        INSERT INTO saga_nodes (id, name, started_at, lease_until, dead, steps)
        VALUES ($1, 'production', {now}, {now+$2}, FALSE, '[]')";
}

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arcadia"));
    command.arg("demo").args(arguments).kill_on_drop(true).stdin(Stdio::null());
    for name in ["DATABASE_URL", "ARCADIA_LISTEN", "ARCADIA_SPEED", "DIGITALOCEAN_API_URL"] {
        command.env_remove(name);
    }
    // What the demo makes for itself is chosen by nobody: its token is found by its form.
    command.env("DO_API_TOKEN", concat!("dop_v1_", needle!())).env("RUST_LOG", level("off"));
    command.env("ARCADIA_JWT_SECRET", concat!("a secret of more than thirty-two bytes ", needle!()));
    command
}

async fn output(mut command: Command) -> Output {
    let output = command.output().await.unwrap();
    keep(&String::from_utf8_lossy(&output.stdout));
    keep(&String::from_utf8_lossy(&output.stderr));
    output
}

/// Runs it to its end, and holds what it printed last to what it promises.
async fn assert_plays(arguments: &[&str]) -> Value {
    let output = output(demo(&[&["--exit", "--json"], arguments].concat())).await;
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
async fn it_keeps_off_a_database_that_another_node_uses() {
    let db = TestDb::fresh(Engine::Postgres, Options::default(), &MIGRATIONS).await;
    db.execute(&ENLIST, args![uuid::Uuid::from_u128(7), 600_000_i64]).await.unwrap();
    let output = output(demo(&["--exit", "--database", db.url()])).await;
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("the database is in use (0 unfinished sagas, 1 live nodes)"), "{talk}");
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
        keep(&line);
    };
    let header = curl.split('\'').nth(1).unwrap();
    let (name, value) = header.split_once(": ").unwrap();
    let url = curl.split_whitespace().last().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // It is shown here, once, to whoever watches the demo, and nowhere else.
    let token = value.strip_prefix("Bearer ").unwrap();
    keep(&curl.replace(token, "[token]"));
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            keep(&line);
        }
    });
    let answer = client.get(url).header(name, value).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let listed: Value = answer.json().await.unwrap();
    keep(&listed.to_string());
    let states: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["cancelled", "active"]);

    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn it_says_why_it_cannot_play() {
    let output = output(demo(&["--exit", "--database", "mysql://localhost/x"])).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("sqlite nor postgres"));
}
