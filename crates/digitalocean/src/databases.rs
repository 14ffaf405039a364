//! Managed databases, for reading. The API sends passwords with the list: there is no field here
//! that could hold one, so that they end with the answer's bytes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Client, Error, Key, Keyed, List, call::Call, wire::or_default};

text_id! {
    /// A database cluster's UUID.
    DatabaseId
}

open_enum! {
    /// A database cluster's state.
    pub enum DatabaseStatus {
        Creating = "creating",
        Online = "online",
        Resizing = "resizing",
        Migrating = "migrating",
        Forking = "forking",
    }
}

/// A database cluster, without users and connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    pub id: DatabaseId,
    pub name: String,
    /// `pg`, `mysql`, `valkey`, …
    pub engine: String,
    pub version: Option<String>,
    pub num_nodes: u32,
    /// A size's slug, of the databases' own list.
    pub size: String,
    pub region: String,
    pub status: Option<DatabaseStatus>,
    pub created_at: Option<Timestamp>,
    pub private_network_uuid: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    pub project_id: Option<String>,
    pub storage_size_mib: Option<u64>,
}

impl Keyed for Database {
    fn key(&self) -> Key {
        Key::Text(self.id.0.clone())
    }
}

/// `/v2/databases`, by [`Client::databases`].
#[derive(Debug, Clone)]
pub struct Databases(Client);

impl Client {
    pub fn databases(&self) -> Databases {
        Databases(self.clone())
    }
}

impl Databases {
    pub fn list(&self) -> List<Database> {
        List::new(self.0.clone(), "databases", Call::get("/v2/databases", &[]))
    }

    pub async fn get(&self, id: &DatabaseId) -> Result<Database, Error> {
        self.0.fetch(Call::get("/v2/databases/{database_cluster_uuid}", &[id]), "database").await
    }
}
