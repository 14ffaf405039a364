//! The binary as operators run it: what it prints where, what it refuses, and that it stops when asked.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use arcadia_test_record::{keep, level, needle};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;

const SECRET: &str = concat!("a secret of more than thirty-two bytes ", needle!());
const TOKEN: &str = concat!("dop_v1_", needle!());

/// The binary in a folder of its own, with nothing of the environment that it would read.
fn arcadia(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arcadia"));
    command.args(arguments).current_dir(folder).env_clear().env("RUST_LOG", level("info"));
    command
}

fn run(mut command: Command) -> Output {
    let output = command.output().unwrap();
    keep(&stderr(&output));
    keep(&stdout(&output));
    output
}

/// The token that `arcadia token` prints: for that it is asked, so that its stdout is not kept.
fn minted(mut command: Command) -> String {
    let output = command.env("ARCADIA_JWT_SECRET", SECRET).output().unwrap();
    keep(&stderr(&output));
    stdout(&output).trim().to_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A server, killed if its test ends before it does.
struct Server {
    child: Child,
    base: String,
    listening: Option<JoinHandle<()>>,
}

impl Server {
    fn start(mut command: Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let complaints = BufReader::new(child.stderr.take().unwrap());
        let listening =
            std::thread::spawn(|| complaints.lines().map_while(Result::ok).for_each(|line| keep(&line)));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("listening on ").map(str::to_owned);
        let base = base.unwrap_or_else(|| panic!("the first line is `{line}`"));
        Server { child, base, listening: Some(listening) }
    }

    /// Asks it to stop, as a service manager does.
    fn stop(mut self) -> Option<i32> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.listening.take().map(JoinHandle::join);
    }
}

#[test]
fn without_a_secret_it_refuses_to_serve_and_says_what_to_set() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = arcadia(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    command.env("DO_API_TOKEN", TOKEN);
    let refused = run(command);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("ARCADIA_JWT_SECRET"), "{}", stderr(&refused));
    assert_eq!(stdout(&refused), "");
}

const SHORT_SECRET: &str = concat!("short ", needle!());

#[test]
fn a_short_secret_is_refused_without_being_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut command = arcadia(folder.path(), &["token", "--tenant", "acme"]);
    command.env("ARCADIA_JWT_SECRET", SHORT_SECRET);
    let refused = run(command);
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(said.contains("at least 32") && !said.contains(SHORT_SECRET), "{said}");
}

#[test]
fn without_a_provider_s_token_it_refuses_to_work() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(arcadia(folder.path(), &["worker"]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("DO_API_TOKEN"), "{}", stderr(&refused));
}

#[test]
fn a_command_that_is_not_understood_exits_with_two() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["serv"][..], &["token"], &["simulate", "--profile", "dream"]] {
        assert_eq!(run(arcadia(folder.path(), arguments)).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_effective_settings_are_shown_without_their_secrets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("arcadia.toml"), "listen = \"127.0.0.1:1\"\n").unwrap();
    let mut command =
        arcadia(folder.path(), &["config", "--database", concat!("postgres://me:", needle!(), "@db/x")]);
    command.env("ARCADIA_JWT_SECRET", SECRET).env("DO_API_TOKEN_BILLING", TOKEN);
    let shown = stdout(&run(command));
    assert!(shown.contains("listen = \"127.0.0.1:1\""), "{shown}");
    assert!(shown.contains("postgres://me:***@db/x"), "{shown}");
    assert!(!shown.contains(needle!()), "{shown}");
}

#[test]
fn a_database_that_cannot_be_opened_is_named_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["127.0.0.1:1/x", "127.0.0.1:99999/x", "[bad/x", "127.0.0.1:1/x?sslmode=odd"];
    let urls = places.map(|place| format!("postgres://me:{}@{place}", needle!()));
    for url in urls.iter().chain([&format!("mysql://me:{}@db/x", needle!()), &needle!().to_owned()]) {
        for command in [&["migrate"][..], &["demo", "--exit"]] {
            let refused = run(arcadia(folder.path(), &[command, &["--database", url]].concat()));
            assert_eq!(refused.status.code(), Some(1), "{url}");
            let said = stderr(&refused);
            assert!(said.contains("database") && !said.contains(needle!()), "{said}");
        }
    }
}

#[test]
fn migrating_twice_applies_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let first = stdout(&run(arcadia(folder.path(), &["migrate"])));
    assert!(first.contains("applied 0001_saga"), "{first}");
    assert_eq!(stdout(&run(arcadia(folder.path(), &["migrate"]))), "up to date\n");
}

#[test]
fn a_program_whose_log_nobody_reads_any_more_still_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = arcadia(folder.path(), &["simulate", "--listen", "127.0.0.1:0"]);
    let (log, unread) = std::io::pipe().unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(unread).spawn().unwrap();
    // Its own copies of the pipe's end are with the command.
    drop((log, command));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    drop(output);
    let server = Server { child, base: line, listening: None };
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn a_simulator_and_a_server_work_together_and_stop_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let simulate = ["simulate", "--listen", "127.0.0.1:0", "--speed", "50", "--domain", "arcadia-demo.com"];
    let simulator = Server::start(arcadia(folder.path(), &simulate));
    let serve = || {
        let mut command = arcadia(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        command.env("ARCADIA_JWT_SECRET", SECRET).env("DIGITALOCEAN_API_URL", &simulator.base);
        command.env("DO_API_TOKEN", TOKEN).env("ARCADIA_TENANT_ZONES", "arcadia-demo.com");
        command
    };
    let server = Server::start(serve());

    let refused = run(serve());
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("another process"), "{}", stderr(&refused));

    let _ = rustls::crypto::ring::default_provider().install_default();
    let token = minted(arcadia(folder.path(), &["token", "--tenant", "acme"]));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let list = http.get(format!("{}/api/v1/deployments", server.base)).bearer_auth(token);
    let listed = list.send().await.unwrap();
    assert_eq!(listed.status(), 200);
    keep(&listed.text().await.unwrap());

    assert_eq!(server.stop(), Some(0));
    assert_eq!(simulator.stop(), Some(0));
}
