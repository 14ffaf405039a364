//! One SQL text on two engines: SQLite in a file, PostgreSQL over the network.
//! Nothing above this crate names the driver; statements are declared with [`statements!`], rows with [`row!`].

mod clock;
mod db;
mod error;
mod lent;
mod listener;
mod migrate;
mod migrations;
mod options;
mod postgres;
mod render;
mod row;
mod servers;
mod session;
mod sqlite;
mod statement;
pub mod testing;
mod tx;
mod value;

pub use clock::ManualNow;
pub use db::Db;
pub use error::Error;
pub use listener::Listener;
pub use migrate::{Migration, Migrations, Sql};
pub use migrations::MIGRATIONS;
pub use options::{Engine, Options};
pub use row::{Cell, Column, FromRow, Row};
pub use session::{PostgresSession, SqliteSession, SqliteTx};
pub use statement::Statement;
pub use tx::Tx;
pub use value::{Args, Argument, Kind, Value};
