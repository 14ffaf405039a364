//! A server that answers what it is told and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use digitalocean::{Client, Limits, Purpose, Retry};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) media: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Stub {
    pub(crate) client: Client,
    told: Arc<Mutex<Told>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Stub {
    pub(crate) async fn start() -> Stub {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Told { status: 204, media: String::new(), body: Vec::new() }));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (tells, hears) = (Arc::clone(&told), Arc::clone(&asked));
        let answer = move |request: Request| {
            let (tells, hears) = (Arc::clone(&tells), Arc::clone(&hears));
            async move { answer(request, &tells, &hears).await }
        };
        let server =
            tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
        let client = Client::builder(base).token(Purpose::Provisioning, crate::drive::TOKEN);
        let client = client.retry(Retry::none()).limits(Limits::unlimited()).build().unwrap();
        Stub { client, told, asked, server }
    }

    /// What every request is answered until further notice. A listing's later pages are its last.
    pub(crate) fn tell(&self, status: u16, media: &str, body: Vec<u8>) {
        *self.told.lock().unwrap() = Told { status, media: media.to_owned(), body };
        self.asked.lock().unwrap().clear();
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(request: Request, told: &Mutex<Told>, asked: &Mutex<Vec<Asked>>) -> Response {
    let (parts, body) = request.into_parts();
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).unwrap().0;
    let content_type = parts.headers.get("content-type").map(|it| it.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let is_first = {
        let mut asked = asked.lock().unwrap();
        asked.push(Asked { method, path, query, content_type, body });
        asked.len() == 1
    };
    let told = told.lock().unwrap().clone();
    let body = if is_first { told.body } else { without_links(&told.body) };
    let response = Response::builder().status(told.status).header("content-type", told.media);
    response.body(Body::from(body)).unwrap()
}

/// An example that names a next page would do so for ever.
fn without_links(body: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    value["links"] = json!({});
    value.to_string().into_bytes()
}
