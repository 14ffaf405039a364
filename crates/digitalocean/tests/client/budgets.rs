//! Tokens and their budgets, through the client: who carries which, who waits, and for how long.

use std::time::Duration;

use digitalocean::{BuildError, Certainty, Client, DropletId, ErrorKind, Limits, Purpose};
use futures_util::{FutureExt, future::join_all};

use crate::server::{
    GateClock, HandClock, Reply, SYNC_TOKEN, Server, TOKEN, builder, droplet, ok, secs, status,
};

fn found() -> Reply {
    ok(format!(r#"{{"droplet":{}}}"#, droplet(1)))
}

async fn get(client: &Client, purpose: Purpose) -> Result<digitalocean::Droplet, digitalocean::Error> {
    client.for_purpose(purpose).droplets().get(DropletId(1)).await
}

#[tokio::test]
async fn each_purpose_carries_its_own_token() {
    let server = Server::answering(vec![found()]).await;
    let client = server.client();
    get(&client, Purpose::Sync).await.unwrap();
    get(&client, Purpose::Provisioning).await.unwrap();
    let sent: Vec<_> =
        server.asked().iter().map(|asked| asked.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(sent, [format!("Bearer {SYNC_TOKEN}"), format!("Bearer {TOKEN}")]);
    let agent = server.asked()[0].header("user-agent").unwrap().to_owned();
    assert_eq!(agent, concat!("arcadia-cloud/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_purpose_without_a_token_is_refused_here() {
    let server = Server::answering(vec![found()]).await;
    let error = get(&server.client(), Purpose::Billing).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::NoToken, Certainty::Certain));
    assert_eq!(server.client().budget(Purpose::Billing), None);
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let url = "http://127.0.0.1:1";
    builder(url).build().unwrap();
    assert!(matches!(Client::builder(url).build(), Err(BuildError::NoToken)));
    for token in ["", " ", "two\nlines"] {
        let refused = Client::builder(url).token(Purpose::Sync, token).build();
        assert!(matches!(refused, Err(BuildError::Token(Purpose::Sync))), "{token:?}");
    }
    for url in ["", "api.digitalocean.com", "ftp://x", "http://user:pass@x", "http://x?q=1", "http://x#f"] {
        assert!(matches!(builder(url).build(), Err(BuildError::BaseUrl)), "{url:?}");
    }
}

#[tokio::test]
async fn a_base_url_may_have_a_path_and_a_trailing_slash() {
    let server = Server::answering(vec![found()]).await;
    let client = builder(&format!("{}/prefix/", server.url)).build().unwrap();
    get(&client, Purpose::Sync).await.unwrap();
    assert_eq!(server.lines(), ["GET /prefix/v2/droplets/1"]);
}

#[tokio::test]
async fn calls_wait_before_the_limit() {
    let server = Server::answering(vec![found()]).await;
    let clock = HandClock::new();
    let limits = Limits { per_minute: 3, per_hour: 100 };
    let client = builder(&server.url).clock(clock.clone()).limits(limits).build().unwrap();
    for _ in 0..7 {
        get(&client, Purpose::Sync).await.unwrap();
    }
    assert_eq!(clock.slept().iter().sum::<Duration>(), secs(120));
    assert_eq!(client.budget(Purpose::Sync).unwrap().remaining, 93);
    assert_eq!(client.budget(Purpose::Provisioning).unwrap().remaining, 100, "another token");
}

#[tokio::test]
async fn the_headers_correct_the_budget() {
    let reset = 1_800_000_000 + 30;
    let nearly_empty = found()
        .header("ratelimit-limit", 20_000)
        .header("ratelimit-remaining", 0)
        .header("ratelimit-reset", reset);
    let server = Server::answering(vec![nearly_empty, found()]).await;
    let clock = HandClock::new();
    let client = builder(&server.url).clock(clock.clone()).build().unwrap();
    get(&client, Purpose::Sync).await.unwrap();

    let budget = client.budget(Purpose::Sync).unwrap();
    assert_eq!((budget.limit, budget.remaining), (20_000, 0));
    assert_eq!(budget.reset.unwrap().as_second(), reset);

    get(&client, Purpose::Sync).await.unwrap();
    assert_eq!(clock.slept().iter().sum::<Duration>(), secs(30));
}

#[tokio::test]
async fn a_429_makes_the_next_call_wait_as_well() {
    let server = Server::answering(vec![status(429, "").header("retry-after", 20), found()]).await;
    let clock = HandClock::new();
    let client = builder(&server.url).clock(clock.clone()).build().unwrap();

    client.droplets().power_on(DropletId(1)).await.unwrap_err();
    assert_eq!(clock.slept(), []);
    get(&client, Purpose::Provisioning).await.unwrap();
    assert_eq!(clock.slept().iter().sum::<Duration>(), secs(20));
}

#[tokio::test]
async fn a_wait_beyond_the_patience_is_an_error_and_nothing_is_sent() {
    let server = Server::answering(vec![found()]).await;
    let clock = HandClock::new();
    let limits = Limits { per_minute: 100, per_hour: 1 };
    let client = builder(&server.url).clock(clock.clone()).limits(limits).build().unwrap();
    get(&client, Purpose::Sync).await.unwrap();

    let error = get(&client, Purpose::Sync).await.unwrap_err();

    assert_eq!(
        (error.kind(), error.certainty(), error.attempts()),
        (ErrorKind::OverBudget, Certainty::Certain, 0)
    );
    assert_eq!(error.is_rate_limited(), Some(secs(3_600)));
    assert_eq!((clock.slept().len(), server.asked().len()), (0, 1));
}

#[tokio::test]
async fn background_calls_that_wait_do_not_hold_up_provisioning() {
    let server = Server::answering(vec![found()]).await;
    let limits = Limits { per_minute: 10, per_hour: 1_000 };
    let client = builder(&server.url).token(Purpose::Sync, TOKEN).limits(limits).build().unwrap();
    get(&client, Purpose::Sync).await.unwrap();

    let mut waiting = Box::pin(join_all((0..3).map(|_| get(&client, Purpose::Sync))));
    assert!(waiting.as_mut().now_or_never().is_none());
    tokio::select! {
        _ = &mut waiting => panic!("the background used the reserve"),
        provisioned = get(&client, Purpose::Provisioning) => { provisioned.unwrap(); }
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_newcomer_does_not_overtake_those_who_wait() {
    let server = Server::answering(vec![found()]).await;
    let clock = GateClock::new();
    let limits = Limits { per_minute: 1, per_hour: 1_000 };
    let client = builder(&server.url).clock(clock.clone()).limits(limits).build().unwrap();
    get(&client, Purpose::Sync).await.unwrap();
    let mut waiting = Box::pin(get(&client, Purpose::Sync));
    assert!(waiting.as_mut().now_or_never().is_none());

    clock.advance(secs(60));
    let mut newcomer = Box::pin(get(&client, Purpose::Sync));
    assert!(newcomer.as_mut().now_or_never().is_none());

    tokio::select! {
        _ = &mut newcomer => panic!("the newcomer was first"),
        first = &mut waiting => { first.unwrap(); }
    }
    assert_eq!(server.asked().len(), 2);
    clock.advance(secs(60));
    newcomer.await.unwrap();
}

#[tokio::test]
async fn those_who_queue_behind_others_lose_their_patience_too() {
    let server = Server::answering(vec![found()]).await;
    let clock = GateClock::new();
    let limits = Limits { per_minute: 1, per_hour: 1_000 };
    let client = builder(&server.url).clock(clock.clone()).limits(limits).patience(secs(90)).build().unwrap();
    get(&client, Purpose::Sync).await.unwrap();
    let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(get(&client, Purpose::Sync))).collect();
    for call in &mut waiting {
        assert!(call.as_mut().now_or_never().is_none());
    }

    clock.advance(secs(60));
    waiting.remove(0).await.unwrap();
    clock.advance(secs(30));

    let error = waiting.remove(0).await.unwrap_err();
    assert_eq!((error.kind(), server.asked().len()), (ErrorKind::OverBudget, 2));
}
