//! `arcadia inventory` as people and scripts run it, against a server of the story.

use crate::api::{Api, FAR_AWAY, SECRET};
use crate::world::World;
use arcadia::tokens::{Claims, mint};
use arcadia_test_record::keep;
use digitalocean_sim::Kind;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::process::{Command, Output};

fn token(claims: &Value) -> String {
    let claims: Claims = serde_json::from_value(claims.clone()).unwrap();
    mint(&SecretString::from(SECRET), &claims).unwrap()
}

pub fn admin() -> String {
    token(&json!({"sub": "root", "roles": ["platform-admin"], "exp": FAR_AWAY}))
}

pub async fn arcadia(server: &str, token: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_arcadia"));
    command.arg("inventory").args(arguments).current_dir(folder.path()).env_clear();
    command.env("ARCADIA_SERVER", server).env("ARCADIA_TOKEN", token);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    keep(&String::from_utf8_lossy(&output.stderr));
    keep(&String::from_utf8_lossy(&output.stdout));
    output
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn make(world: &World, name: &str) -> String {
    let body = json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64"});
    world.create(Kind::Droplet, body)
}

stories! {
    async fn a_list_a_resource_and_its_history_are_printed_for_people_and_for_programs(world: &World) {
        let droplet = make(world, "web-1");
        make(world, "db-1");
        world.sync_all().await;
        let api = Api::over(world).await;
        let run = async |arguments: &[&str]| stdout(&arcadia(&api.base, &admin(), arguments).await);

        let table = run(&["list", "--kind", "droplet", "--text", "web"]).await;
        assert!(table.contains("web-1") && !table.contains("db-1") && table.contains("tenant"), "{table}");
        let listed: Value = serde_json::from_str(&run(&["list", "-o", "json", "--name", "WEB-1"]).await).unwrap();
        let id = listed[0]["id"].as_str().unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 1);
        assert_eq!(listed[0]["provider_id"], droplet.as_str());
        let yaml = run(&["list", "--output", "yaml", "--kind", "droplet", "--limit", "1", "--sort", "name"]).await;
        assert!(yaml.starts_with("-\n") && yaml.contains("\n  name: \"db-1\"\n"), "{yaml}");
        let before = ["list", "-o", "json", "--as-of", "2020-01-01T00:00:00Z"];
        assert_eq!(run(&before).await.trim(), "[]");

        let shown = run(&["show", id]).await;
        assert!(shown.contains("web-1") && shown.contains("nobody since"), "{shown}");
        let history: Value = serde_json::from_str(&run(&["history", id, "-o", "json"]).await).unwrap();
        assert_eq!(history.as_array().unwrap().last().unwrap()["kind"], "discovered");
    }

    async fn the_exit_code_says_what_went_wrong(world: &World) {
        let api = Api::over(world).await;
        let code = async |server: &str, token: &str, arguments: &[&str]| {
            let output = arcadia(server, token, arguments).await;
            assert!(output.stdout.is_empty() && !output.stderr.is_empty());
            output.status.code()
        };
        let nothing = uuid::Uuid::nil().to_string();
        assert_eq!(code(&api.base, &admin(), &["list", "--as-of", "yesterday"]).await, Some(1));
        assert_eq!(code(&api.base, "", &["list"]).await, Some(1));
        assert_eq!(code("nonsense", &admin(), &["list"]).await, Some(1));
        assert_eq!(code(&api.base, &admin(), &["list", "--sort", "price"]).await, Some(2));
        assert_eq!(code(&api.base, &admin(), &["show", &nothing]).await, Some(3));
        assert_eq!(code(&api.base, &admin(), &["show", "../sagas"]).await, Some(3));
        assert_eq!(code(&api.base, "nonsense", &["list"]).await, Some(4));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(code(&nobody, &admin(), &["list"]).await, Some(5));
    }
}
