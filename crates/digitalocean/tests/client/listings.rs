//! Listings are complete or they are errors, whatever the pages do.

use digitalocean::{ErrorKind, Retry};
use futures_util::{StreamExt, TryStreamExt};

use crate::server::{Asked, Reply, Server, builder, droplet, ok, status};

fn page(ids: std::ops::Range<u64>, total: u64, next: Option<&str>) -> Reply {
    let droplets: Vec<_> = ids.map(droplet).collect();
    let links = next.map_or("{}".to_owned(), |next| format!(r#"{{"pages":{{"next":"{next}"}}}}"#));
    ok(format!(r#"{{"droplets":[{}],"links":{links},"meta":{{"total":{total}}}}}"#, droplets.join(",")))
}

fn ids<'a>(droplets: impl IntoIterator<Item = &'a digitalocean::Droplet>) -> Vec<u64> {
    droplets.into_iter().map(|droplet| droplet.id.0).collect()
}

#[tokio::test]
async fn pages_are_followed_to_the_end_on_our_host_with_our_filter() {
    let elsewhere = Server::answering(vec![page(0..1, 1, None)]).await;
    let next = |number| format!("{}/v2/elsewhere?page={number}&per_page=200", elsewhere.url);
    let server = Server::answering(vec![
        page(1..3, 5, Some(&next(2))),
        page(3..5, 5, Some(&next(3))),
        page(5..6, 5, None),
    ])
    .await;

    let droplets = server.client().droplets().list_tagged("env:demo").await.unwrap();

    assert_eq!(ids(&droplets), [1, 2, 3, 4, 5]);
    assert_eq!((droplets.total, droplets.pages, droplets.is_short()), (Some(5), 3, false));
    assert_eq!(
        server.lines(),
        [
            "GET /v2/droplets?tag_name=env%3Ademo&page=1&per_page=200",
            "GET /v2/droplets?tag_name=env%3Ademo&page=2&per_page=200",
            "GET /v2/droplets?tag_name=env%3Ademo&page=3&per_page=200",
        ]
    );
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn an_object_that_comes_twice_is_kept_once_and_a_missing_one_is_noticed() {
    let server =
        Server::answering(vec![page(1..4, 7, Some("/v2/droplets?page=2")), page(3..6, 7, None)]).await;
    let droplets = server.client().droplets().list_tagged("x").await.unwrap();
    assert_eq!(ids(&droplets), [1, 2, 3, 4, 5]);
    assert_eq!((droplets.total, droplets.is_short()), (Some(7), true));
}

#[tokio::test]
async fn a_page_that_fails_fails_the_listing() {
    for bad in [status(500, ""), status(404, ""), ok("{}"), ok("garbage"), Reply::Cut, Reply::CutInBody] {
        let server = Server::answering(vec![page(1..3, 5, Some("/v2/droplets?page=2")), bad.clone()]).await;
        let error = server.client().droplets().list_tagged("x").await.unwrap_err();
        assert_eq!(server.asked().len(), 2, "{bad:?}: {error}");
    }
}

#[tokio::test]
async fn a_page_that_fails_once_is_read_again() {
    let server = Server::answering(vec![
        page(1..3, 3, Some("/v2/droplets?page=2")),
        status(502, ""),
        page(3..4, 3, None),
    ])
    .await;
    let client = builder(&server.url).clock(crate::server::HandClock::new()).build().unwrap();
    assert_eq!(ids(&client.droplets().list_tagged("x").await.unwrap()), [1, 2, 3]);
}

#[tokio::test]
async fn a_next_page_that_does_not_lie_ahead_is_an_error() {
    for next in ["/v2/droplets?page=1", "/v2/droplets?page=0", "/v2/droplets?page=x", "/v2/droplets"] {
        let server = Server::answering(vec![page(1..3, 5, Some(next))]).await;
        let error = server.client().droplets().list_tagged("x").await.unwrap_err();
        assert_eq!((error.kind(), error.is_in_doubt()), (ErrorKind::EndlessListing, false), "{next}");
    }
}

#[tokio::test]
async fn a_listing_without_an_end_is_an_error() {
    let server = Server::start(|_, n| {
        let n = n as u64;
        page(n..n + 1, 1, Some(&format!("/v2/droplets?page={}", n + 2)))
    })
    .await;
    let client = builder(&server.url).retry(Retry::none()).most_pages(20).build().unwrap();
    let error = client.droplets().list_tagged("x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EndlessListing);
    assert_eq!(server.asked().len(), 20);
}

#[tokio::test]
async fn the_page_size_the_server_chose_is_kept() {
    let server = Server::answering(vec![
        page(1..3, 4, Some("https://api.digitalocean.com/v2/droplets?page=2&per_page=2")),
        page(3..5, 4, None),
    ])
    .await;
    server.client().droplets().list_tagged("x").await.unwrap();
    assert_eq!(server.lines()[1], "GET /v2/droplets?tag_name=x&page=2&per_page=2");
}

fn both_kinds(asked: &Asked, _: usize) -> Reply {
    match (asked.line.contains("type=gpus"), asked.line.contains("?page=2&")) {
        (true, _) => page(10..12, 2, None),
        (false, false) => page(1..3, 3, Some("/v2/droplets?page=2")),
        (false, true) => page(3..4, 3, None),
    }
}

#[tokio::test]
async fn the_listing_of_droplets_has_the_gpu_droplets_as_well() {
    let server = Server::start(both_kinds).await;
    let droplets = server.client().droplets().list().await.unwrap();
    assert_eq!(ids(&droplets), [1, 2, 3, 10, 11]);
    assert_eq!((droplets.total, droplets.pages), (Some(5), 3));
    assert_eq!(server.lines().last().unwrap(), "GET /v2/droplets?type=gpus&page=1&per_page=200");
}

#[tokio::test]
async fn without_the_gpu_droplets_there_is_no_listing() {
    let server =
        Server::start(
            |asked, n| if asked.line.contains("gpus") { status(500, "") } else { both_kinds(asked, n) },
        )
        .await;
    assert_eq!(server.client().droplets().list().await.unwrap_err().status(), Some(500));
}

#[tokio::test]
async fn a_null_list_is_empty() {
    let server = Server::answering(vec![ok(r#"{"domains":null,"links":null,"meta":null}"#)]).await;
    let domains = server.client().domains().list().await.unwrap();
    assert_eq!((domains.len(), domains.total), (0, None));
}

#[tokio::test]
async fn a_stream_reads_a_page_only_when_it_is_needed() {
    let server = Server::start(both_kinds).await;
    let mut stream = server.client().droplets().list().stream();
    for wanted in [1, 2] {
        assert_eq!(stream.next().await.unwrap().unwrap().id.0, wanted);
    }
    assert_eq!(server.asked().len(), 1);
    let rest: Vec<_> = stream.try_collect().await.unwrap();
    assert_eq!(ids(&rest), [3, 10, 11]);
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_stream_ends_with_its_first_error() {
    let server = Server::answering(vec![
        page(1..3, 5, Some("/v2/droplets?page=2")),
        status(500, ""),
        page(3..4, 3, None),
    ])
    .await;
    let results: Vec<_> = server.client().droplets().list().stream().collect().await;
    assert_eq!(results.len(), 3);
    assert_eq!(results[2].as_ref().unwrap_err().status(), Some(500));
    assert_eq!(server.asked().len(), 2);

    let server = Server::answering(vec![page(1..3, 5, Some("/v2/droplets?page=2")), status(500, "")]).await;
    let pages: Vec<_> = server.client().droplets().list().pages().collect().await;
    assert_eq!(pages.iter().map(|page| page.as_ref().map_or(0, Vec::len)).collect::<Vec<_>>(), [2, 0]);
}
