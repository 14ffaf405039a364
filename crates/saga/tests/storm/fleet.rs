//! The worker processes: this very program, started again with orders, heard and told over a line of its own,
//! ended by SIGKILL or by the end of that line.

use crate::worker::ORDERS;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// The test that works where it finds orders.
const WORK: &str = "two_thousand_sagas_outlive_every_kill::sqlite";

/// Whatever is waited for comes much sooner, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One life of a worker; each has a number of its own.
struct Worker {
    number: u32,
    process: Child,
    line: OwnedWriteHalf,
}

pub struct Fleet {
    listener: TcpListener,
    shelf: SocketAddr,
    url: String,
    /// Where the workers' logs are.
    folder: PathBuf,
    workers: Vec<Worker>,
    lives: u32,
    said: mpsc::UnboundedSender<String>,
    pub heard: mpsc::UnboundedReceiver<String>,
}

impl Fleet {
    pub async fn of(workers: usize, shelf: SocketAddr, url: String, folder: PathBuf) -> Fleet {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (said, heard) = mpsc::unbounded_channel();
        let mut fleet = Fleet { listener, shelf, url, folder, workers: Vec::new(), lives: 0, said, heard };
        for _ in 0..workers {
            fleet.start().await;
        }
        fleet
    }

    pub fn len(&self) -> usize {
        self.workers.len()
    }

    pub fn number(&self, at: usize) -> u32 {
        self.workers[at].number
    }

    /// One more.
    pub async fn start(&mut self) {
        self.lives += 1;
        let (number, test) = (self.lives, self.listener.local_addr().unwrap());
        let log = File::create(self.folder.join(format!("worker-{number}.log"))).unwrap();
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", WORK])
            .env(ORDERS, format!("{number} {test} {} {}", self.shelf, self.url))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let accepted = tokio::time::timeout(PATIENCE, self.listener.accept()).await;
        let (stream, _) = accepted.expect("a worker calls the test").unwrap();
        let line = self.listen(number, stream).await;
        self.workers.push(Worker { number, process, line });
    }

    async fn listen(&self, number: u32, stream: TcpStream) -> OwnedWriteHalf {
        let (reading, writing) = stream.into_split();
        let mut lines = BufReader::new(reading).lines();
        assert_eq!(lines.next_line().await.unwrap(), Some(format!("worker {number}")));
        let said = self.said.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = said.send(line);
            }
        });
        writing
    }

    /// Answers whom it told. A worker just killed does not hear it.
    pub async fn tell(&mut self, at: usize, line: &str) -> u32 {
        let worker = &mut self.workers[at];
        let _ = worker.line.write_all(format!("{line}\n").as_bytes()).await;
        worker.number
    }

    /// SIGKILL; it must have been alive until then. Answers its number once it is dead.
    pub async fn kill(&mut self, at: usize) -> u32 {
        let mut worker = self.workers.swap_remove(at);
        let ended = worker.process.try_wait().unwrap();
        assert!(ended.is_none(), "worker {} ended by itself: {ended:?}", worker.number);
        worker.process.kill().await.unwrap();
        worker.number
    }

    /// Ends every worker in order.
    pub async fn stop(&mut self) {
        for Worker { number, mut process, line } in std::mem::take(&mut self.workers) {
            drop(line);
            let ended = tokio::time::timeout(PATIENCE, process.wait()).await;
            let status = ended.unwrap_or_else(|_| panic!("worker {number} does not stop")).unwrap();
            assert!(status.success(), "worker {number} stopped with {status}");
        }
    }
}
