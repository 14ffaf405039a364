//! A tiny HTTP server on a free loopback port. It answers what the test's closure says, keeps what it was
//! asked, and can hang, cut and garble.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use arcadia_test_record::needle;
use digitalocean::{Client, ClientBuilder, Clock, Purpose, Retry};
use jiff::Timestamp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) const TOKEN: &str = concat!("dop_v1_", needle!(), "provisioning");
pub(crate) const SYNC_TOKEN: &str = concat!("dop_v1_", needle!(), "sync");

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Method, path and query: `GET /v2/droplets?page=1`.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Full {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Closes the connection without a byte.
    Cut,
    /// Announces more than it sends, then closes.
    CutInBody,
    /// Sends the head and then nothing, with the connection open.
    SlowBody,
    /// Says nothing, with the connection open.
    Hang,
    /// Chunks without an end in sight.
    Flood,
}

pub(crate) fn ok(body: impl Into<String>) -> Reply {
    status(200, body)
}

pub(crate) fn status(status: u16, body: impl Into<String>) -> Reply {
    Reply::Full { status, headers: Vec::new(), body: body.into() }
}

impl Reply {
    pub(crate) fn header(self, name: &'static str, value: impl ToString) -> Self {
        match self {
            Self::Full { status, mut headers, body } => {
                headers.push((name, value.to_string()));
                Self::Full { status, headers, body }
            }
            other => other,
        }
    }
}

type Handler = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// The closure gets each request and how many came before it.
    pub(crate) async fn start(handler: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (handler, log): (Arc<Handler>, _) = (Arc::new(handler), Arc::clone(&asked));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&handler), Arc::clone(&log)));
            }
        });
        Self { url, asked, accepting }
    }

    /// Answers the replies in turn, and with the last one from then on.
    pub(crate) async fn answering(replies: Vec<Reply>) -> Self {
        Self::start(move |_, n| replies[n.min(replies.len() - 1)].clone()).await
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// A client that sends each request once, in real time.
    pub(crate) fn client(&self) -> Client {
        builder(&self.url).retry(Retry::none()).build().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

pub(crate) fn builder(url: &str) -> ClientBuilder {
    arcadia_test_record::listen();
    // A second installation fails, and the first one stays: that is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder(url).token(Purpose::Provisioning, TOKEN).token(Purpose::Sync, SYNC_TOKEN)
}

async fn converse(mut stream: TcpStream, handler: Arc<Handler>, log: Arc<Mutex<Vec<Asked>>>) {
    let mut buffer = Vec::new();
    while let Some(asked) = read_request(&mut stream, &mut buffer).await {
        let before = {
            let mut log = log.lock().unwrap();
            log.push(asked.clone());
            log.len() - 1
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        match handler(&asked, before) {
            Reply::Full { status, headers, body } => {
                let headers: String =
                    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let length =
                    if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
                let reply = format!("HTTP/1.1 {status} Status\r\n{headers}{length}\r\n{body}");
                if stream.write_all(reply.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Cut => return,
            Reply::CutInBody => {
                let _ =
                    stream.write_all(format!("{head}content-length: 500\r\n\r\n{{\"dro").as_bytes()).await;
                return;
            }
            Reply::SlowBody => {
                let _ =
                    stream.write_all(format!("{head}content-length: 500\r\n\r\n{{\"dro").as_bytes()).await;
                std::future::pending::<()>().await;
            }
            Reply::Hang => std::future::pending::<()>().await,
            Reply::Flood => {
                let _ =
                    stream.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await;
                while stream.write_all(b"10\r\n                \r\n").await.is_ok() {}
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Asked> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<_> = lines
        .filter_map(|header| header.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut asked = Asked { line, headers, body: String::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse::<usize>().unwrap());
    while buffer.len() < head_end + 4 + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let rest = buffer.split_off(head_end + 4 + length);
    asked.body = String::from_utf8(buffer[head_end + 4..].to_vec()).unwrap();
    *buffer = rest;
    Some(asked)
}

/// A clock that stands still, except that whoever sleeps on it moves it on and wakes at once.
#[derive(Debug)]
pub(crate) struct HandClock {
    now: Mutex<Timestamp>,
    slept: Mutex<Vec<Duration>>,
}

impl HandClock {
    pub(crate) fn new() -> Arc<Self> {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        Arc::new(Self { now: Mutex::new(now), slept: Mutex::default() })
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            self.slept.lock().unwrap().push(wait);
            let mut now = self.now.lock().unwrap();
            *now = now.checked_add(wait).unwrap();
        })
    }
}

/// A clock that only the test moves; sleepers wake when their time has come.
#[derive(Debug)]
pub(crate) struct GateClock(tokio::sync::watch::Sender<Timestamp>);

impl GateClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(tokio::sync::watch::Sender::new(Timestamp::from_second(1_800_000_000).unwrap())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.checked_add(by).unwrap());
    }
}

impl Clock for GateClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let due = self.now().checked_add(wait).unwrap();
        let mut times = self.0.subscribe();
        Box::pin(async move {
            times.wait_for(|now| *now >= due).await.unwrap();
        })
    }
}

pub(crate) fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// A droplet as the API shows it just after its creation.
pub(crate) fn droplet(id: u64) -> String {
    format!(
        r#"{{"id":{id},"name":"edge-{id}","memory":1024,"vcpus":1,"disk":25,"locked":false,"status":"new","kernel":null,
        "created_at":"2026-11-02T09:00:00Z","features":["droplet_agent"],"backup_ids":[],"next_backup_window":null,
        "snapshot_ids":[180000123],"volume_ids":[],"size_slug":"s-1vcpu-1gb","networks":{{"v4":[],"v6":[]}},
        "image":{{"id":247516813,"slug":null}},"region":{{"name":"San Francisco 3","slug":"sfo3","features":null}},
        "tags":null,"subnet_uuid":"unknown to the specification"}}"#
    )
}

pub(crate) fn action(id: u64) -> String {
    format!(
        r#"{{"action":{{"id":{id},"status":"in-progress","type":"power_off","started_at":"2026-11-02T09:05:00Z",
        "completed_at":null,"resource_id":1,"resource_type":"droplet","region":null,"region_slug":"sfo3"}}}}"#
    )
}
