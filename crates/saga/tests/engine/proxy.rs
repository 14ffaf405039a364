//! The way to a PostgreSQL server, which can be cut and mended.

use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// See the file's head. Gone with its last connection when dropped.
pub struct Proxy {
    url: String,
    connections: Arc<Mutex<Option<JoinSet<()>>>>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// Before the server that `url` names.
    pub async fn before(url: &str) -> Proxy {
        let (user, place) = url.rsplit_once('@').unwrap_or(("postgres://postgres", url));
        let (server, database) = place.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{user}@{}/{database}", listener.local_addr().unwrap());
        let (connections, server) = (Arc::new(Mutex::new(Some(JoinSet::new()))), server.to_owned());
        let (open, mut accepting) = (Arc::clone(&connections), JoinSet::new());
        accepting.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Dropped where the way is cut.
                if let Some(connections) = open.lock().unwrap().as_mut() {
                    connections.spawn(join(client, server.clone()));
                }
            }
        });
        Proxy { url, connections, _accepting: accepting }
    }

    /// The server's URL by this way.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends every connection and lets no new one come about.
    pub fn cut(&self) {
        *self.connections.lock().unwrap() = None;
    }

    pub fn mend(&self) {
        *self.connections.lock().unwrap() = Some(JoinSet::new());
    }
}

async fn join(mut client: TcpStream, server: String) {
    if let Ok(mut server) = TcpStream::connect(server).await {
        // Whichever side ends it: the other one notices.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
