//! Every kind of fault, seen from the client's side of the wire.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site::{Site, droplet, message};

async fn fault(site: &Site, fault: Value) -> u64 {
    let (status, body) = site.post("/_sim/faults", fault).await;
    assert_eq!(status, 201, "{body}");
    body["id"].as_u64().unwrap()
}

fn droplets(site: &Site) -> usize {
    site.simulator.account()["droplets"].as_array().unwrap().len()
}

async fn create(site: &Site, name: &str) -> (u16, Value) {
    site.post("/v2/droplets", droplet(name)).await
}

/// Waits for what must come about by itself; the limit only turns a hang into a failure.
async fn until(came_about: impl Fn() -> bool) {
    let coming = async {
        while !came_about() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), coming).await.expect("it comes about");
}

/// Everything that the server writes until it closes the connection.
async fn raw(address: SocketAddr, path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer t\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A reset is as good an end as an orderly one.
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

#[tokio::test]
async fn refuse_answers_422_as_often_as_it_should_and_does_nothing() {
    let site = Site::instant().await;
    site.simulator.add_domain("acme.com").unwrap();
    fault(
        &site,
        json!({ "route": "POST /v2/domains/{domain_name}/records", "kind": "refuse",
                         "message": "no more", "times": 2, "after": 1, "match": "blocked" }),
    )
    .await;
    let add = async |name: &str| {
        let record = json!({ "type": "A", "name": name, "data": "192.0.2.1" });
        site.post("/v2/domains/acme.com/records", record).await
    };
    assert_eq!(add("blocked-1").await.0, 201, "the first match passes");
    assert_eq!(add("free").await.0, 201);
    let (status, body) = add("blocked-2").await;
    assert_eq!((status, body), (422, json!({ "id": "unprocessable_entity", "message": "no more" })));
    assert_eq!(add("blocked-3").await.0, 422);
    assert_eq!(add("blocked-4").await.0, 201, "spent");
    assert_eq!(site.total("/v2/domains/acme.com/records").await, 4 + 3);
    let (_, body) = site.get("/_sim/faults").await;
    assert_eq!((&body["faults"][0]["matched"], &body["faults"][0]["strikes"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn status_comes_before_or_after_the_work() {
    let site = Site::instant().await;
    fault(&site, json!({ "route": "POST /v2/droplets", "kind": "status", "status": 500, "times": 1 })).await;
    let (status, body) = create(&site, "a").await;
    assert_eq!(
        (status, body),
        (500, json!({ "id": "server_error", "message": "Unexpected server-side error" }))
    );
    assert_eq!(droplets(&site), 0);
    fault(&site, json!({ "route": "* *", "kind": "status", "status": 503, "at": "after", "times": 1 })).await;
    assert_eq!(create(&site, "a").await.0, 503);
    assert_eq!(droplets(&site), 1);
    assert_eq!(site.get("/v2/droplets").await.0, 200);
}

#[tokio::test]
async fn a_cut_connection_ends_without_a_status_line() {
    let site = Site::instant().await;
    fault(&site, json!({ "route": "POST /v2/droplets", "kind": "cut_before", "times": 2 })).await;
    assert_eq!(raw(site.address, "/v2/droplets", &droplet("a")).await, b"");
    let error = site.request(Method::POST, "/v2/droplets", Some(droplet("a"))).send().await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    assert_eq!(droplets(&site), 0);
    fault(&site, json!({ "route": "POST /v2/droplets", "kind": "cut_after", "times": 1 })).await;
    assert_eq!(raw(site.address, "/v2/droplets", &droplet("a")).await, b"");
    assert_eq!(droplets(&site), 1);
    let records = site.simulator.requests();
    assert_eq!(records.iter().map(|it| it.status).collect::<Vec<_>>(), [None, None, None]);
    assert_eq!(records[2].faults, ["cut_after"]);
    assert_eq!(create(&site, "b").await.0, 202);
}

#[tokio::test]
async fn a_delayed_answer_waits_for_simulated_time_after_its_work_is_done() {
    let site = Site::instant().await;
    fault(&site, json!({ "route": "POST /v2/droplets", "kind": "delay", "ms": 5000, "times": 1 })).await;
    let request = site.request(Method::POST, "/v2/droplets", Some(droplet("a"))).send();
    let waiting = tokio::spawn(request);
    until(|| droplets(&site) == 1).await;
    site.advance_s(4);
    let (status, _) = site.get("/v2/droplets").await;
    assert_eq!(status, 200, "others are answered meanwhile");
    assert!(!waiting.is_finished());
    site.advance_s(1);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 202);
}

#[tokio::test]
async fn a_slow_body_comes_in_pieces_but_whole() {
    let site = Site::instant().await;
    site.simulator.set_mode(digitalocean_sim::TimeMode::Flow);
    site.simulator.set_speed(1_000.0);
    fault(&site, json!({ "route": "GET /v2/sizes", "kind": "slow_body", "ms": 60000 })).await;
    let before = site.simulator.now();
    assert_eq!(site.total("/v2/sizes").await, 18);
    assert!(site.simulator.now().duration_since(before).as_secs() >= 50);
}

#[tokio::test]
async fn hide_keeps_what_was_created_out_of_listings_only() {
    let site = Site::instant().await;
    site.simulator.add_domain("acme.com").unwrap();
    fault(&site, json!({ "route": "POST /v2/droplets", "kind": "hide", "ms": 20000 })).await;
    fault(&site, json!({ "route": "POST /v2/domains/{name}/records", "kind": "hide", "ms": 20000 })).await;
    fault(&site, json!({ "route": "POST /v2/droplets/{id}/actions", "kind": "hide", "ms": 20000 })).await;
    let mut body = droplet("a");
    body["tags"] = json!(["mark"]);
    let (_, body) = site.post("/v2/droplets", body).await;
    let id = body["droplet"]["id"].as_u64().unwrap();
    let record = json!({ "type": "A", "name": "www", "data": "192.0.2.1" });
    let (_, body) = site.post("/v2/domains/acme.com/records", record).await;
    let record = format!("/v2/domains/acme.com/records/{}", body["domain_record"]["id"]);
    assert_eq!(site.act(id, json!({ "type": "snapshot", "name": "s" })).await.0, 201);
    let paths = [
        "/v2/droplets",
        "/v2/droplets?tag_name=mark",
        "/v2/domains/acme.com/records?type=A",
        "/v2/snapshots",
    ];
    for (seconds, total) in [(0, 0), (19, 0), (1, 1)] {
        site.advance_s(seconds);
        for path in paths {
            assert_eq!(site.total(path).await, total, "{path} after {seconds} more");
        }
        assert_eq!(site.get(&format!("/v2/droplets/{id}")).await.0, 200);
        assert_eq!(site.get(&record).await.0, 200);
    }
}

#[tokio::test]
async fn never_active_stays_new_and_can_be_destroyed() {
    let site = Site::start().await;
    fault(&site, json!({ "route": "POST /v2/droplets", "kind": "never_active", "match": "stuck" })).await;
    let (_, body) = create(&site, "stuck").await;
    let id = body["droplet"]["id"].as_u64().unwrap();
    create(&site, "fine").await;
    site.advance_s(3_600);
    assert_eq!(site.droplet(id).await["status"], "new");
    assert_eq!(site.droplet(id + 1).await["status"], "active");
    assert_eq!(site.delete(&format!("/v2/droplets/{id}")).await.0, 204);
}

#[tokio::test]
async fn an_action_ends_errored_or_without_effect() {
    let site = Site::start().await;
    let id = site.active_droplet("a").await;
    for (kind, status) in [("error_action", "errored"), ("no_effect", "completed")] {
        fault(&site, json!({ "route": "POST /v2/droplets/{id}/actions", "kind": kind, "times": 1 })).await;
        let (_, body) = site.act(id, json!({ "type": "power_off" })).await;
        site.advance_s(60);
        let action = site.get(&format!("/v2/actions/{}", body["action"]["id"])).await.1;
        assert_eq!(action["action"]["status"], status);
        let shown = site.droplet(id).await;
        assert_eq!((&shown["status"], &shown["locked"]), (&json!("active"), &json!(false)));
    }
}

#[tokio::test]
async fn a_vanished_droplet_was_accepted_and_then_is_nowhere() {
    let site = Site::start().await;
    fault(&site, json!({ "route": "POST /v2/droplets", "kind": "vanish", "ms": 10000 })).await;
    let (status, body) = create(&site, "a").await;
    assert_eq!(status, 202);
    let id = body["droplet"]["id"].as_u64().unwrap();
    site.advance_s(9);
    assert_eq!(site.droplet(id).await["status"], "new");
    site.advance_s(1);
    assert_eq!(site.get(&format!("/v2/droplets/{id}")).await.0, 404);
    assert_eq!((site.total("/v2/droplets").await, droplets(&site)), (0, 0));
    site.advance_s(60);
    let action = site.get(&format!("/v2/actions/{}", body["links"]["actions"][0]["id"])).await.1;
    assert_eq!(action["action"]["status"], "errored");
}

#[tokio::test]
async fn an_action_is_slow_an_address_late_and_an_id_not_yet_known() {
    let site = Site::start().await;
    for kind in ["slow_action", "late_address", "not_yet"] {
        fault(&site, json!({ "route": "POST /v2/droplets", "kind": kind, "ms": 20000 })).await;
    }
    let (_, body) = create(&site, "a").await;
    let id = body["droplet"]["id"].as_u64().unwrap();
    let path = format!("/v2/droplets/{id}");
    site.advance_s(19);
    assert_eq!(site.get(&path).await.0, 404);
    assert_eq!(site.total("/v2/droplets").await, 1, "listed all the same");
    site.advance_s(1);
    assert_eq!(site.droplet(id).await["status"], "new");
    site.advance_s(29);
    assert_eq!(site.droplet(id).await["status"], "new", "30 s of boot and 20 s more");
    site.advance_s(1);
    let shown = site.droplet(id).await;
    assert_eq!((&shown["status"], shown["networks"]["v4"].as_array().unwrap().len()), (&json!("active"), 1));
    site.advance_s(20);
    assert_eq!(site.droplet(id).await["networks"]["v4"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_destroyed_can_linger_longer() {
    let site = Site::start().await;
    let id = site.active_droplet("a").await;
    site.act(id, json!({ "type": "snapshot", "name": "s" })).await;
    site.advance_s(64);
    let snapshot = site.get("/v2/snapshots").await.1["snapshots"][0]["id"].as_str().unwrap().to_owned();
    for route in ["DELETE /v2/droplets/{id}", "DELETE /v2/snapshots/{id}"] {
        fault(&site, json!({ "route": route, "kind": "linger", "ms": 60000 })).await;
    }
    site.delete(&format!("/v2/droplets/{id}")).await;
    site.delete(&format!("/v2/snapshots/{snapshot}")).await;
    for (seconds, droplets, snapshots) in [(62, 1, 1), (1, 1, 0), (5, 0, 0)] {
        site.advance_s(seconds);
        assert_eq!(site.total("/v2/droplets").await, droplets);
        assert_eq!(site.total("/v2/snapshots").await, snapshots);
    }
}

#[tokio::test]
async fn a_held_request_waits_for_its_release_before_or_after_its_work() {
    let site = Site::instant().await;
    for (at, done_while_held) in [("before", 0), ("after", 1)] {
        let id = fault(&site, json!({ "route": "POST /v2/droplets", "kind": "hold", "at": at })).await;
        let held = tokio::spawn(site.request(Method::POST, "/v2/droplets", Some(droplet("a"))).send());
        site.simulator.until_held(id, 1).await;
        assert_eq!(droplets(&site), done_while_held, "{at}");
        let (_, body) = site.get("/_sim/faults").await;
        assert_eq!(body["faults"][0]["held"], 1);
        let (_, released) = site.post(&format!("/_sim/faults/{id}/release"), json!({})).await;
        assert_eq!(released, json!({ "released": 1 }));
        assert_eq!(held.await.unwrap().unwrap().status(), 202);
        assert_eq!(site.delete("/_sim/faults").await.0, 204);
        site.simulator.load_scenario("empty", None).unwrap();
    }
    assert_eq!(site.post("/_sim/faults/99/release", json!({})).await.0, 404);
}

#[tokio::test]
async fn a_client_that_leaves_while_held_takes_its_work_with_it_unless_it_was_detached() {
    let site = Site::instant().await;
    for (detached, created) in [(false, 0), (true, 1)] {
        let hold = json!({ "route": "POST /v2/droplets", "kind": "hold", "detached": detached });
        let id = fault(&site, hold).await;
        let held = tokio::spawn(site.request(Method::POST, "/v2/droplets", Some(droplet("a"))).send());
        site.simulator.until_held(id, 1).await;
        held.abort();
        assert!(held.await.unwrap_err().is_cancelled());
        if !detached {
            until(|| site.simulator.faults()[0].held == 0).await;
        }
        site.delete("/_sim/faults").await;
        until(|| !detached || droplets(&site) == 1).await;
        assert_eq!(droplets(&site), created);
    }
}

#[tokio::test]
async fn html_502_and_garbage_are_no_json() {
    let site = Site::instant().await;
    fault(&site, json!({ "route": "POST /v2/droplets", "kind": "html_502", "times": 1 })).await;
    let response = site.send(Method::POST, "/v2/droplets", Some(droplet("a"))).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (502, &"text/html".parse().unwrap())
    );
    assert!(response.headers().contains_key("ratelimit-limit"));
    assert_eq!(droplets(&site), 0);
    fault(&site, json!({ "route": "POST /v2/droplets", "kind": "garbage", "times": 1 })).await;
    let response = site.send(Method::POST, "/v2/droplets", Some(droplet("a"))).await;
    assert_eq!(response.status(), 200);
    assert!(serde_json::from_str::<Value>(&response.text().await.unwrap()).is_err());
    assert_eq!(droplets(&site), 1);
}

#[tokio::test]
async fn rate_limit_comes_in_both_kinds_and_does_nothing() {
    let site = Site::instant().await;
    for (limit, retry_after) in [("burst", Some("7")), ("hourly", None)] {
        fault(&site, json!({ "route": "POST /v2/droplets", "kind": "rate_limit", "limit": limit, "retry_after_s": 7, "times": 1 })).await;
        let response = site.send(Method::POST, "/v2/droplets", Some(droplet("a"))).await;
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers().get("retry-after").map(|value| value.to_str().unwrap()), retry_after);
        assert_eq!(response.headers()["ratelimit-remaining"], "0");
    }
    assert_eq!(droplets(&site), 0);
}

#[tokio::test]
async fn a_probable_fault_strikes_the_same_requests_for_the_same_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let site = Site::instant().await;
        fault(&site, json!({ "route": "GET /v2/account", "kind": "status", "status": 500, "probability": 0.5, "seed": 11 })).await;
        let mut run = Vec::new();
        for _ in 0..40 {
            run.push(site.get("/v2/account").await.0);
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&500));
}

#[tokio::test]
async fn a_fault_that_means_nothing_is_refused() {
    let site = Site::instant().await;
    for (bad, text) in [
        (json!({ "route": "POST /v2/droplets", "kind": "explode" }), "explode"),
        (json!({ "route": "/v2/droplets", "kind": "cut_before" }), "route"),
        (json!({ "route": "POST /v2/droplets", "kind": "cut_before", "ms": 3 }), "ms"),
        (json!({ "route": "POST /v2/droplets", "kind": "status", "status": 42 }), "status"),
    ] {
        let (status, body) = site.post("/_sim/faults", bad).await;
        assert_eq!(status, 422);
        assert!(message(&body).contains(text), "{body}");
    }
}

#[tokio::test]
async fn shutting_down_does_not_wait_for_what_is_held() {
    let simulator = digitalocean_sim::Simulator::new(crate::site::options());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let (served, stop) = (simulator.clone(), shutdown.clone());
    let server = tokio::spawn(async move { served.serve(listener, stop).await });
    let hold = digitalocean_sim::FaultKind::Hold { at: Default::default(), detached: false };
    let id = simulator.inject(digitalocean_sim::Fault::new("POST /v2/droplets", hold));
    let held = tokio::spawn(async move { raw(address, "/v2/droplets", &droplet("a")).await });
    simulator.until_held(id, 1).await;
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(10), server).await.expect("ends at once").unwrap().unwrap();
    assert_eq!(held.await.unwrap(), b"");
}
