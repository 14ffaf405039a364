//! Guards see every request that leaves, as late as possible; reports tell of every one that left.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use digitalocean::{Certainty, CreateDroplet, DropletId, ErrorKind, Limits, Purpose};

use crate::server::{HandClock, Server, builder, droplet, ok, secs, status};

fn found() -> String {
    format!(r#"{{"droplet":{}}}"#, droplet(7))
}

#[tokio::test]
async fn a_refused_call_does_not_leave_and_is_certain() {
    let server = Server::answering(vec![ok(found())]).await;
    let client = server.client();
    let guarded = client.guarded(|call| {
        assert_eq!((call.method.as_str(), call.path, call.route), ("POST", "/v2/droplets", "/v2/droplets"));
        assert_eq!((call.timeout, call.purpose), (secs(30), Purpose::Provisioning));
        Err("the lease is lost".into())
    });

    let error = guarded.droplets().create(&CreateDroplet::default()).await.unwrap_err();

    assert_eq!(
        (error.kind(), error.certainty(), error.attempts()),
        (ErrorKind::Refused, Certainty::Certain, 0)
    );
    assert_eq!(error.message(), "the lease is lost");
    assert!(server.asked().is_empty());

    client.droplets().create(&CreateDroplet::default()).await.unwrap();
    assert_eq!(server.asked().len(), 1, "the client it was derived from has no guard");
}

#[tokio::test]
async fn guards_add_up_and_survive_a_change_of_purpose() {
    let server = Server::answering(vec![ok(found())]).await;
    let asked = Arc::new(AtomicU32::new(0));
    let counting = Arc::clone(&asked);
    let client = server
        .client()
        .guarded(move |_| {
            counting.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
        .guarded(|call| if call.purpose == Purpose::Sync { Err("no".into()) } else { Ok(()) });

    client.droplets().get(DropletId(7)).await.unwrap();
    client.for_purpose(Purpose::Sync).droplets().get(DropletId(7)).await.unwrap_err();

    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_guard_is_asked_before_each_attempt_and_a_refusal_after_a_doubt_is_in_doubt() {
    let server = Server::answering(vec![status(500, "")]).await;
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&attempts);
    let client = builder(&server.url).clock(HandClock::new()).build().unwrap().guarded(move |call| {
        seen.lock().unwrap().push(call.attempt);
        if call.attempt > 2 { Err("lost".into()) } else { Ok(()) }
    });

    let error = client.droplets().destroy(DropletId(7)).await.unwrap_err();

    assert_eq!(*attempts.lock().unwrap(), [1, 2, 3]);
    assert_eq!(
        (error.kind(), error.certainty(), error.attempts()),
        (ErrorKind::Refused, Certainty::InDoubt, 2)
    );
}

#[tokio::test]
async fn a_guard_is_asked_after_the_wait_for_the_budget_and_its_refusal_costs_none() {
    let server = Server::answering(vec![ok(found())]).await;
    let clock = HandClock::new();
    let limits = Limits { per_minute: 1, per_hour: 100 };
    let client = builder(&server.url).clock(clock.clone()).limits(limits).build().unwrap();
    client.droplets().get(DropletId(7)).await.unwrap();

    let at_guard = Arc::clone(&clock);
    let guarded = client.guarded(move |_| {
        let slept: std::time::Duration = at_guard.slept().iter().sum();
        Err(format!("asked after {} s", slept.as_secs()))
    });
    for _ in 0..3 {
        let error = guarded.droplets().get(DropletId(7)).await.unwrap_err();
        assert_eq!(error.message(), "asked after 60 s");
    }
    assert_eq!(client.budget(Purpose::Provisioning).unwrap().minute_remaining, 1);
}

#[tokio::test]
async fn each_attempt_that_left_is_reported() {
    let server = Server::answering(vec![status(503, "").header("x-request-id", "r-1"), ok(found())]).await;
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reports);
    let client = builder(&server.url)
        .clock(HandClock::new())
        .on_call(move |report| {
            let call = &report.call;
            sink.lock().unwrap().push(format!(
                "{} {} {} {:?} {:?} {} {:?}",
                call.method,
                call.path,
                call.route,
                report.status,
                report.request_id,
                call.attempt,
                report.failure
            ));
        })
        .build()
        .unwrap();

    client.droplets().get(DropletId(7)).await.unwrap();

    assert_eq!(
        *reports.lock().unwrap(),
        [
            "GET /v2/droplets/7 /v2/droplets/{droplet_id} Some(503) Some(\"r-1\") 1 Some(Answered)",
            "GET /v2/droplets/7 /v2/droplets/{droplet_id} Some(200) None 2 None",
        ]
    );
}
