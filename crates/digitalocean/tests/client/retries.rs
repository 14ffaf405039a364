//! Which requests are sent again, after which waits, and what the last error says about all of them.

use std::time::Duration;

use digitalocean::{
    Certainty, Client, DropletId, ErrorKind, RecordDraft, RecordId, RecordType, Retry, SteadyClock,
};

use crate::server::{HandClock, Reply, Server, builder, droplet, ok, secs, status};

fn patient(server: &Server) -> (Client, std::sync::Arc<HandClock>) {
    let clock = HandClock::new();
    (builder(&server.url).clock(clock.clone()).build().unwrap(), clock)
}

fn found() -> Reply {
    ok(format!(r#"{{"droplet":{}}}"#, droplet(1)))
}

#[tokio::test]
async fn a_read_is_repeated_until_it_succeeds_after_growing_waits() {
    let server = Server::answering(vec![
        status(503, ""),
        status(500, "x"),
        status(502, "<html>"),
        status(504, ""),
        found(),
    ])
    .await;
    let (client, clock) = patient(&server);

    client.droplets().get(DropletId(1)).await.unwrap();

    assert_eq!(server.asked().len(), 5);
    let slept = clock.slept();
    assert_eq!(slept.len(), 4);
    for (wait, longest_s) in slept.iter().zip([1, 2, 4, 8]) {
        assert!(*wait <= secs(longest_s), "{slept:?}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_no_reason_not_to_read_again() {
    let server = Server::answering(vec![Reply::Cut, Reply::CutInBody, found()]).await;
    let (client, _) = patient(&server);
    client.droplets().get(DropletId(1)).await.unwrap();
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let clock = HandClock::new();
    let client = builder(&url).clock(clock.clone()).build().unwrap();

    let error = client.droplets().destroy(DropletId(1)).await.unwrap_err();

    assert_eq!(
        (error.kind(), error.certainty(), error.attempts()),
        (ErrorKind::NotSent, Certainty::Certain, 5)
    );
    assert_eq!(clock.slept().len(), 4);
}

#[tokio::test]
async fn attempts_end_and_the_last_answer_is_reported() {
    let server =
        Server::answering(vec![status(500, ""), status(500, ""), status(503, r#"{"id":"last"}"#)]).await;
    let clock = HandClock::new();
    let retry = Retry { attempts: 3, ..Retry::default() };
    let client = builder(&server.url).clock(clock).retry(retry).build().unwrap();

    let error = client.droplets().get(DropletId(1)).await.unwrap_err();

    assert_eq!((error.status(), error.id(), error.attempts()), (Some(503), Some("last"), 3));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_write_whose_first_attempt_was_in_doubt_stays_in_doubt() {
    let server =
        Server::answering(vec![status(502, ""), status(422, r#"{"id":"unprocessable_entity"}"#)]).await;
    let (client, _) = patient(&server);
    let draft = RecordDraft::new(RecordType::A, "www", "192.0.2.1");

    let error = client.records("example.com").update(RecordId(1), &draft).await.unwrap_err();

    assert_eq!((error.status(), error.attempts()), (Some(422), 2));
    assert_eq!(error.certainty(), Certainty::InDoubt);
}

#[tokio::test]
async fn a_429_waits_as_long_as_it_says() {
    let server = Server::answering(vec![status(429, "").header("retry-after", 42), found()]).await;
    let (client, clock) = patient(&server);
    client.droplets().get(DropletId(1)).await.unwrap();
    assert_eq!(clock.slept(), [secs(42)]);
}

#[tokio::test]
async fn a_429_without_a_wait_waits_for_the_reset() {
    let reset = 1_800_000_000 + 50;
    let limited = status(429, "").header("ratelimit-remaining", 0).header("ratelimit-reset", reset);
    let server = Server::answering(vec![limited, found()]).await;
    let (client, clock) = patient(&server);
    client.droplets().get(DropletId(1)).await.unwrap();
    assert_eq!(clock.slept(), [secs(50)]);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_reported_instead_of_taken() {
    let server = Server::answering(vec![status(429, "").header("retry-after", 1_000), found()]).await;
    let (client, clock) = patient(&server);

    let error = client.droplets().get(DropletId(1)).await.unwrap_err();

    assert_eq!(error.is_rate_limited(), Some(secs(1_000)));
    assert_eq!((error.certainty(), clock.slept().len()), (Certainty::Certain, 0));
}

#[tokio::test]
async fn a_time_out_is_not_repeated() {
    let server = Server::answering(vec![Reply::Hang, found()]).await;
    let (client, _) = patient(&server);
    let error =
        client.with_timeout(Duration::from_millis(150)).droplets().get(DropletId(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::TimedOut, 1));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_fast_clock_shortens_waits_but_not_time_outs() {
    let server = Server::answering(vec![status(429, "").header("retry-after", 100), found()]).await;
    let client = builder(&server.url).speed(1_000.0).build().unwrap();
    let started = std::time::Instant::now();
    client.droplets().get(DropletId(1)).await.unwrap();
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(100), "{took:?}");
    assert!(took < secs(50), "{took:?}");
    assert_eq!(client.timeout(), secs(30));
}

#[tokio::test]
async fn a_clock_s_pace_is_its_speed() {
    use digitalocean::Clock;
    let clock = SteadyClock::new(10_000.0);
    let before = clock.now();
    clock.sleep(secs(500)).await;
    assert!(clock.now().duration_since(before) >= jiff::SignedDuration::from_secs(500));
}
