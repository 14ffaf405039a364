//! Pages, their links, and what is answered outside of any collection.

use reqwest::Method;
use serde_json::json;

use crate::site::{Site, droplet};

async fn sixty() -> Site {
    let site = Site::instant().await;
    for ten in 0..6 {
        let names: Vec<String> = (0..10).map(|at| format!("fleet-{ten}{at}")).collect();
        let mut body = json!({ "names": names, "tags": ["fleet:a"] });
        for key in ["region", "size", "image"] {
            body[key] = droplet("")[key].take();
        }
        assert_eq!(site.post("/v2/droplets", body).await.0, 202);
    }
    site
}

#[tokio::test]
async fn sixty_droplets_come_in_three_pages_whose_links_lead_from_one_to_the_next() {
    let site = sixty().await;
    let mut path = "/v2/droplets?per_page=20&tag_name=fleet:a".to_owned();
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let (status, body) = site.get(&path).await;
        assert_eq!((status, &body["meta"]["total"]), (200, &json!(60)));
        let ids = body["droplets"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap());
        seen.extend(ids);
        pages += 1;
        let links = &body["links"]["pages"];
        assert_eq!(links.get("prev").is_some(), pages > 1);
        assert_eq!(links.get("last").is_some(), pages < 3);
        match links["next"].as_str() {
            Some(next) => path = next.strip_prefix(&site.url("")).expect("our own base").to_owned(),
            None => break,
        }
        assert_eq!(path, format!("/v2/droplets?tag_name=fleet:a&page={}&per_page=20", pages + 1));
    }
    assert_eq!(pages, 3);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 60);
}

#[tokio::test]
async fn a_page_beyond_the_last_is_empty_and_more_than_two_hundred_a_page_is_refused() {
    let site = sixty().await;
    let (status, body) = site.get("/v2/droplets?page=9&per_page=20").await;
    assert_eq!((status, &body["droplets"]), (200, &json!([])));
    assert!(body["links"]["pages"].get("next").is_none());
    assert_eq!(site.get("/v2/droplets?per_page=201").await.0, 422);
    assert_eq!(site.get("/v2/droplets").await.1["droplets"].as_array().unwrap().len(), 20);
    assert_eq!(site.total("/v2/droplets?name=FLEET-07").await, 1);
}

#[tokio::test]
async fn head_trailing_slashes_and_unknown_routes_behave_as_at_digitalocean() {
    let site = sixty().await;
    let head = site.send(Method::HEAD, "/v2/droplets", None).await;
    assert_eq!(head.status(), 200);
    assert!(head.headers().contains_key("ratelimit-limit") && head.headers().contains_key("x-request-id"));
    assert_eq!(site.total("/v2/droplets/").await, 60);
    for (method, path) in
        [(Method::GET, "/v2/nothing"), (Method::PATCH, "/v2/droplets"), (Method::GET, "/v2/")]
    {
        let answer = site.send(method, path, None).await;
        let (status, body) = crate::site::parts(answer).await;
        assert_eq!((status, &body["id"]), (404, &json!("not_found")));
    }
}
