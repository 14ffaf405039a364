//! What each kind of failure says about itself: what happened, and whether it may have been executed.

use std::time::Duration;

use digitalocean::{Certainty, CreateDroplet, DropletId, Error, ErrorKind, Retry};
use tokio::net::TcpListener;

use crate::server::{Reply, Server, action, builder, ok, status};

async fn create(server: &Server) -> Error {
    server.client().droplets().create(&CreateDroplet::default()).await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_keeps_what_the_provider_said() {
    let body = r#"{"id":"unprocessable_entity","message":"Droplet already has a pending event.","request_id":"in-body"}"#;
    let server = Server::answering(vec![status(422, body).header("x-request-id", "in-header")]).await;

    let error = server.client().droplets().power_off(DropletId(7)).await.unwrap_err();

    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Answered, Certainty::Certain));
    assert_eq!(error.status(), Some(422));
    assert_eq!(error.id(), Some("unprocessable_entity"));
    assert_eq!(error.message(), "Droplet already has a pending event.");
    assert_eq!(error.request_id(), Some("in-body"));
    assert_eq!((error.method().as_str(), error.path()), ("POST", "/v2/droplets/7/actions"));
    assert!(error.is_pending_event());
    assert_eq!(
        error.to_string(),
        "POST /v2/droplets/7/actions was answered 422 unprocessable_entity: Droplet already has a pending event. \
         (request in-body)"
    );
}

#[tokio::test]
async fn the_request_id_falls_back_to_the_header() {
    let body = r#"{"id":"not_found","message":"The resource you were accessing could not be found."}"#;
    let server = Server::answering(vec![status(404, body).header("x-request-id", "in-header")]).await;

    let error = server.client().droplets().get(DropletId(7)).await.unwrap_err();

    assert!(error.is_not_found());
    assert_eq!(error.request_id(), Some("in-header"));
}

#[tokio::test]
async fn the_tag_endpoints_error_is_understood() {
    let body = r#"{"error":"Error validating resource tag: \"a b\" contains invalid characters","messages":null,"root_causes":["x"]}"#;
    let server = Server::answering(vec![status(400, body)]).await;

    let error = server.client().tags().create("a b").await.unwrap_err();

    assert!(error.is_validation());
    assert_eq!(
        (error.id(), error.message()),
        (None, "Error validating resource tag: \"a b\" contains invalid characters")
    );
}

#[tokio::test]
async fn a_creation_answered_by_a_gateway_s_html_is_in_doubt_and_sent_once() {
    let server = Server::answering(vec![status(502, "<html>Bad Gateway</html>")]).await;

    let error =
        builder(&server.url).build().unwrap().droplets().create(&CreateDroplet::default()).await.unwrap_err();

    assert_eq!((error.status(), error.certainty()), (Some(502), Certainty::InDoubt));
    assert_eq!((error.message(), error.attempts()), ("", 1));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_creation_whose_connection_is_cut_is_in_doubt_and_sent_once() {
    for reply in [Reply::Cut, Reply::CutInBody] {
        let server = Server::answering(vec![reply]).await;
        let error = builder(&server.url)
            .build()
            .unwrap()
            .droplets()
            .create(&CreateDroplet::default())
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::ConnectionLost, Certainty::InDoubt));
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_connection_cut_after_reuse_is_in_doubt_and_the_request_is_not_sent_again() {
    let server = Server::answering(vec![ok(action(1)), Reply::Cut]).await;
    let client = server.client();
    client.droplets().power_off(DropletId(1)).await.unwrap();

    let error = client.droplets().power_on(DropletId(1)).await.unwrap_err();

    assert_eq!((error.kind(), error.certainty()), (ErrorKind::ConnectionLost, Certainty::InDoubt));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_refused_connection_is_certain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let client = builder(&url).retry(Retry::none()).build().unwrap();
    let error = client.droplets().create(&CreateDroplet::default()).await.unwrap_err();

    assert_eq!((error.kind(), error.certainty()), (ErrorKind::NotSent, Certainty::Certain));
    assert!(error.message().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_certain() {
    let client = builder("http://no-such-host.invalid").retry(Retry::none()).build().unwrap();
    let error = client.droplets().create(&CreateDroplet::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::NotSent, Certainty::Certain));
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_in_doubt() {
    for reply in [Reply::Hang, Reply::SlowBody] {
        let server = Server::answering(vec![reply]).await;
        let client = server.client().with_timeout(Duration::from_millis(150));
        let error = client.droplets().create(&CreateDroplet::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::TimedOut, Certainty::InDoubt));
    }
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_in_doubt() {
    for body in ["", "<html>", r#"{"droplet":{}}"#, r#"{"droplets":[]}"#] {
        let server = Server::answering(vec![status(202, body).header("x-request-id", "r-1")]).await;
        let error = create(&server).await;
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Undecodable, Certainty::InDoubt), "{body}");
        assert_eq!((error.status(), error.request_id()), (Some(202), Some("r-1")));
    }
}

#[tokio::test]
async fn a_deletion_needs_no_body() {
    let server = Server::answering(vec![status(204, "")]).await;
    server.client().droplets().destroy(DropletId(1)).await.unwrap();
    assert_eq!(server.lines(), ["DELETE /v2/droplets/1"]);
}

#[tokio::test]
async fn a_429_is_certain_and_says_how_long_to_wait() {
    let server = Server::answering(vec![
        status(429, r#"{"id":"too_many_requests","message":"Too many requests"}"#).header("retry-after", 17),
    ])
    .await;

    let error =
        builder(&server.url).build().unwrap().droplets().create(&CreateDroplet::default()).await.unwrap_err();

    assert_eq!(error.certainty(), Certainty::Certain);
    assert_eq!(error.is_rate_limited(), Some(Duration::from_secs(17)));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read() {
    for reply in [ok(" ".repeat(70_000)), Reply::Flood] {
        let server = Server::answering(vec![reply]).await;
        let client = builder(&server.url).longest_body(65_536).retry(Retry::none()).build().unwrap();
        let error = client.account().get().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Undecodable, Some(200)));
        assert_eq!(error.message(), "more than 65536 bytes");
    }
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_not_even_begun() {
    let server = Server::answering(vec![Reply::CutInBody]).await;
    let client = builder(&server.url).longest_body(499).retry(Retry::none()).build().unwrap();
    assert_eq!(client.account().get().await.unwrap_err().kind(), ErrorKind::Undecodable);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::answering(vec![ok("{}")]).await;
    let to = format!("{}/v2/account", elsewhere.url);
    let server = Server::answering(vec![status(302, "").header("location", to)]).await;

    let error = server.client().account().get().await.unwrap_err();

    assert_eq!((error.status(), error.certainty()), (Some(302), Certainty::InDoubt));
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn an_id_that_would_address_something_else_is_not_sent() {
    let server = Server::answering(vec![status(204, "")]).await;

    let error = server.client().snapshots().delete(&"".into()).await.unwrap_err();

    assert_eq!(
        (error.kind(), error.certainty(), error.attempts()),
        (ErrorKind::Invalid, Certainty::Certain, 0)
    );
    assert!(server.asked().is_empty());
}
