//! One life of the real binary: started with its own environment, heard through its log, ended by a signal.
//! It never outlives its test.

use super::site::Site;
use super::witness::Runners;
use arcadia_test_record::{keep, needle};
use serde_json::Value;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child as Process, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Only what is stuck takes so long: a machine may stand still for minutes.
pub const PATIENCE: Duration = Duration::from_secs(20 * 60);

pub const JWT_SECRET: &str = concat!("a secret of more than thirty-two bytes ", needle!());

/// A running process.
pub struct Child {
    process: Process,
    log: watch::Receiver<Vec<String>>,
    reading: JoinHandle<()>,
    /// Where it serves; empty for a worker.
    pub base: String,
}

/// What is known of a process that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub log: Vec<String>,
}

impl Child {
    /// `arcadia serve`, once it listens.
    pub async fn serve(site: &Site) -> Child {
        let mut child = Child::start(site, "serve");
        let mut lines = BufReader::new(child.process.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("it says where it listens").unwrap();
        let Some(line) = line else { panic!("it ended before it listened:\n{}", child.said()) };
        child.base = line.strip_prefix("listening on ").unwrap().to_owned();
        child
    }

    /// `arcadia worker`, once its runner has a lease.
    pub async fn worker(site: &Site) -> Child {
        let child = Child::start(site, "worker");
        child.until_it_says("runner started").await;
        child
    }

    /// Starts it and waits for nothing.
    pub fn start(site: &Site, command: &str) -> Child {
        let mut process = Command::new(env!("CARGO_BIN_EXE_arcadia"))
            .arg(command)
            .env_clear()
            .envs(site.environment())
            .current_dir(site.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (said, log) = watch::channel(Vec::new());
        let reading = tokio::spawn(read(process.stderr.take().unwrap(), said));
        Child { process, log, reading, base: String::new() }
    }

    /// SIGKILL, and the end of it. It must have been alive until then.
    pub async fn kill(mut self) -> Ended {
        let ended = self.process.try_wait().unwrap();
        assert!(ended.is_none(), "it ended by itself ({ended:?}):\n{}", self.said());
        self.process.start_kill().unwrap();
        self.end().await
    }

    /// SIGTERM.
    pub async fn terminate(&self) {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    }

    /// SIGTERM, and an end in order.
    pub async fn stop(self) -> Ended {
        self.terminate().await;
        let ended = self.end().await;
        assert!(ended.status.success(), "stopped with {}:\n{}", ended.status, ended.log.join("\n"));
        ended
    }

    /// Waits until it has ended by itself.
    pub async fn end(mut self) -> Ended {
        let status = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let Ok(status) = status else { panic!("it does not end:\n{}", self.said()) };
        // The pipe ends with the process, so this has read all of it.
        self.reading.await.unwrap();
        Ended { status: status.unwrap(), log: self.log.borrow().clone() }
    }

    pub async fn until_it_says(&self, words: &str) {
        let mut log = self.log.clone();
        let heard = log.wait_for(|lines| lines.iter().any(|line| line.contains(words)));
        let heard = tokio::time::timeout(PATIENCE, heard).await.is_ok_and(|heard| heard.is_ok());
        assert!(heard, "it never said `{words}`:\n{}", self.said());
    }

    /// The ids under which it has driven sagas so far.
    pub fn runners(&self) -> Runners {
        runners(&self.log.borrow())
    }

    pub fn said(&self) -> String {
        self.log.borrow().join("\n")
    }
}

impl Ended {
    /// The ids under which it drove sagas.
    pub fn runners(&self) -> Runners {
        runners(&self.log)
    }
}

fn runners(log: &[String]) -> Runners {
    let entries = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let starts = entries.filter(|entry| entry["message"] == "runner started");
    starts.map(|entry| entry["runner"].as_str().unwrap().parse().unwrap()).collect()
}

async fn read(from: impl AsyncRead + Unpin, said: watch::Sender<Vec<String>>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        keep(&line);
        // What a level below the usual adds is for the record alone.
        if line.contains(r#""level":"TRACE""#) || line.contains(r#""level":"DEBUG""#) {
            continue;
        }
        said.send_modify(|all| all.push(line));
    }
}
