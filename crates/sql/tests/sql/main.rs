//! The crate from outside, on both engines. Each file is one promise of the layer.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod connect;
mod errors;
mod migrations;
mod slots;
mod transactions;
mod values;

use arcadia_sql::{Migration, Migrations, Sql};

/// A column of every type, and a table that refers to it.
static EVERYTHING: Migrations = Migrations::new(&[Migration {
    name: "0001_everything",
    sql: Sql::Both(
        "CREATE TABLE things (
             id UUID PRIMARY KEY, flag BOOLEAN, small INTEGER, big BIGINT, words TEXT,
             moment TIMESTAMPTZ, document JSONB, bytes BYTEA
         );
         CREATE TABLE parts (
             id BIGINT PRIMARY KEY, thing UUID NOT NULL REFERENCES things (id),
             amount BIGINT CONSTRAINT amount_positive CHECK (amount > 0)
         );",
    ),
}]);
