//! The examples, as they are built beside the tests, against a server that answers what they ask.

use std::path::PathBuf;
use std::process::Output;

use arcadia_test_record::keep;
use tokio::process::Command;

use crate::server::{Reply, Server, TOKEN, droplet, ok, status};

async fn run(example: &str, server: &Server) -> (Output, String) {
    // target/debug/deps/client-… and target/debug/examples/…
    let here = std::env::current_exe().unwrap();
    let built: PathBuf = here.ancestors().nth(2).unwrap().join("examples").join(example);
    assert!(built.is_file(), "`cargo test -p digitalocean` builds {}", built.display());
    let mut command = Command::new(built);
    command.env("DIGITALOCEAN_API_URL", &server.url).env("DO_API_TOKEN", TOKEN).env("SPEED", "10000");
    let output = command.kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    keep(&said);
    keep(&String::from_utf8_lossy(&output.stderr));
    (output, said)
}

/// The droplet, with what it lacks while it is new.
fn active(id: u64) -> String {
    let address = r#""v4":[{"ip_address":"192.0.2.7","netmask":"255.255.255.0","gateway":"192.0.2.1","type":"public"}]"#;
    droplet(id).replace(r#""status":"new""#, r#""status":"active""#).replace(r#""v4":[]"#, address)
}

fn listing(droplets: &[String]) -> Reply {
    let total = droplets.len();
    ok(format!(r#"{{"droplets":[{}],"links":{{}},"meta":{{"total":{total}}}}}"#, droplets.join(",")))
}

#[tokio::test]
async fn the_inventory_example_lists_every_droplet_on_a_line() {
    let server = Server::start(|asked, _| match asked.line.contains("type=gpus") {
        true => listing(&[active(8)]),
        false => listing(&[active(7)]),
    })
    .await;
    let (output, said) = run("inventory", &server).await;
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains('7') && lines[1].ends_with("edge-8"), "{said}");
}

#[tokio::test]
async fn the_provision_example_waits_through_a_404_until_its_droplet_has_an_address() {
    let server = Server::start(|asked, n| match (asked.line.as_str(), n) {
        ("POST /v2/droplets", _) => {
            status(202, format!(r#"{{"droplet":{},"links":{{"actions":[]}}}}"#, droplet(7)))
        }
        (_, 1) => status(
            404,
            r#"{"id":"not_found","message":"The resource you were accessing could not be found."}"#,
        ),
        _ => ok(format!(r#"{{"droplet":{}}}"#, active(7))),
    })
    .await;
    let (output, said) = run("provision", &server).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(said, "7 is active at Some(192.0.2.7)\n");
    assert_eq!(server.lines(), ["POST /v2/droplets", "GET /v2/droplets/7", "GET /v2/droplets/7"]);
}

#[tokio::test]
async fn the_provision_example_adopts_what_a_lost_answer_created() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "POST /v2/droplets" => Reply::Cut,
        line if line.starts_with("GET /v2/droplets?") => listing(&[active(7)]),
        _ => ok(format!(r#"{{"droplet":{}}}"#, active(7))),
    })
    .await;
    let (output, said) = run("provision", &server).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(said, "7 is active at Some(192.0.2.7)\n");
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 1);
}
