//! Tokens and rate limits.

use digitalocean_sim::{Options, RateLimits};
use reqwest::Method;
use serde_json::json;

use crate::site::{Site, options, parts};

fn header(response: &reqwest::Response, name: &str) -> Option<i64> {
    response.headers().get(name).map(|value| value.to_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn without_a_token_nothing_is_told() {
    let site = Site::start().await;
    for bearer in [None, Some("Bearer "), Some("Basic abc")] {
        let mut request = reqwest::Client::builder().no_proxy().build().unwrap().get(site.url("/v2/account"));
        if let Some(bearer) = bearer {
            request = request.header("authorization", bearer);
        }
        let response = request.send().await.unwrap();
        assert!(header(&response, "ratelimit-remaining").is_some());
        let (status, body) = parts(response).await;
        assert_eq!(status, 401);
        assert_eq!(body, json!({ "id": "unauthorized", "message": "Unable to authenticate you." }));
    }
}

#[tokio::test]
async fn the_burst_limit_tells_how_long_to_wait_and_the_hourly_one_does_not() {
    let limits = RateLimits { per_minute: Some(3), per_hour: Some(5), key_lists_per_minute: None };
    let site = Site::with(Options { limits, ..options() }).await;
    let start = site.simulator.now().as_second();
    for remaining in [4, 3, 2] {
        let response = site.send(Method::GET, "/v2/account", None).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "ratelimit-limit"), Some(5));
        assert_eq!(header(&response, "ratelimit-remaining"), Some(remaining));
        assert_eq!(header(&response, "ratelimit-reset"), Some(start + 3_600));
        site.advance_s(1);
    }
    let response = site.send(Method::GET, "/v2/account", None).await;
    assert_eq!(header(&response, "retry-after"), Some(57));
    assert_eq!(header(&response, "ratelimit-remaining"), Some(0));
    let (status, body) = parts(response).await;
    assert_eq!((status, &body["id"]), (429, &json!("too_many_requests")));

    site.advance_s(57);
    assert_eq!(site.get("/v2/account").await.0, 200);
    site.advance_s(60);
    assert_eq!(site.get("/v2/account").await.0, 200);
    site.advance_s(60);
    let response = site.send(Method::GET, "/v2/account", None).await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (429, None));
    assert_eq!(header(&response, "ratelimit-reset"), Some(start + 3_600));
    site.advance_s(3_600);
    assert_eq!(site.get("/v2/account").await.0, 200);
}

#[tokio::test]
async fn listing_keys_has_a_limit_of_its_own() {
    let site = Site::with(Options { limits: RateLimits::default(), ..options() }).await;
    for _ in 0..10 {
        assert_eq!(site.get("/v2/account/keys").await.0, 200);
    }
    assert_eq!(site.get("/v2/account/keys").await.0, 429);
    assert_eq!(site.get("/v2/account").await.0, 200);
}
