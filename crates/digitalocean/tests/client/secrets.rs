//! The token is nowhere: not in errors, not in debug output, not in logs, not even where the provider echoes it.

use std::{
    io,
    sync::{Arc, Mutex},
};

use arcadia_test_record::{keep, needle};
use digitalocean::{Client, CreateDroplet, DropletId, Purpose, Retry, UserData};
use tracing_subscriber::fmt::MakeWriter;

use crate::server::{HandClock, Reply, Server, TOKEN, builder, ok, status};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn echoes() -> Vec<Reply> {
    let refusal = format!(r#"{{"id":"{TOKEN}","message":"no such token {TOKEN}","request_id":"{TOKEN}"}}"#);
    vec![
        status(401, refusal),
        status(500, "").header("x-request-id", TOKEN),
        status(400, format!(r#"{{"error":"{TOKEN}"}}"#)),
        ok(format!(r#"{{"droplet":"{TOKEN}"}}"#)).header("x-request-id", TOKEN),
        ok(format!(r#"{{"droplet":{{"id":"{TOKEN}"}}}}"#)),
        ok(TOKEN),
        status(302, "").header("location", format!("http://127.0.0.1:1/{TOKEN}")),
        Reply::Cut,
    ]
}

#[tokio::test]
async fn no_token_is_shown_anywhere() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(log.clone()).with_max_level(tracing::Level::TRACE).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let server = Server::answering(echoes()).await;
    let reported = Log::default();
    let sink = reported.clone();
    let settings = builder(&server.url).retry(Retry::none()).clock(HandClock::new()).on_call(move |report| {
        let mut sink = sink.0.lock().unwrap();
        sink.extend_from_slice(format!("{report:?}\n").as_bytes());
    });
    let mut shown = format!("{settings:?} {:?}", Client::builder("x").token(Purpose::Sync, TOKEN).build());
    let client = settings.build().unwrap().guarded(|_| Ok(()));
    shown += &format!("{client:?} {:?} {:?}", client.droplets(), client.droplets().list());

    for _ in echoes() {
        let error = client.droplets().get(DropletId(1)).await.unwrap_err();
        shown += &format!("{error} {error:?} {error:#?} {:?}\n", error.message());
    }

    assert_eq!(server.asked().len(), echoes().len());
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let reported = String::from_utf8(reported.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("called the provider") && logged.contains("/v2/droplets/1"), "{logged}");
    assert_eq!(reported.lines().count(), echoes().len());
    for text in [&shown, &logged, &reported] {
        keep(text);
        assert!(!text.contains(TOKEN), "{text}");
    }
    assert!(shown.contains("[token]"));
}

#[tokio::test]
async fn a_query_is_neither_logged_nor_in_errors() {
    let log = Log::default();
    let filter = tracing_subscriber::EnvFilter::new("digitalocean=trace");
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_env_filter(filter).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let server = Server::answering(vec![status(404, ""), Reply::Cut]).await;

    for _ in 0..2 {
        let error = server.client().droplets().list_tagged("whisper").await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("whisper"));
    }

    assert!(server.lines()[0].contains("whisper"));
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    keep(&logged);
    assert!(logged.contains("/v2/droplets") && !logged.contains("whisper"), "{logged}");
}

const PASSWORD: &str = concat!("password: ", needle!());

#[test]
fn user_data_is_not_shown() {
    let wanted = CreateDroplet { user_data: Some(UserData::from(PASSWORD)), ..CreateDroplet::default() };
    assert!(!format!("{wanted:?}").contains(PASSWORD));
    assert!(serde_json::to_string(&wanted).unwrap().contains(PASSWORD));
}
