//! Rows, read by column name. What a column may hold is decided by the Rust type that reads it,
//! the same on both engines; anything else is an error that names the column.

use jiff::Timestamp;
use sqlx::postgres::{PgRow, PgValueRef};
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Column as _, ColumnIndex, Decode, Postgres, Row as _, Sqlite, TypeInfo, ValueRef};
use uuid::Uuid;

use crate::Error;

/// A row of either engine.
#[derive(Debug)]
pub struct Row(pub(crate) EngineRow);

pub(crate) enum EngineRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl std::fmt::Debug for EngineRow {
    // The values are tenants' data, which belongs in no log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineRow::Sqlite(row) => write!(formatter, "SQLite row of {} columns", row.len()),
            EngineRow::Postgres(row) => write!(formatter, "PostgreSQL row of {} columns", row.len()),
        }
    }
}

impl Row {
    /// The column of that name. Fails when there is none, or when it holds something else than `T`.
    pub fn get<T: Column>(&self, name: &str) -> Result<T, Error> {
        let index = match &self.0 {
            EngineRow::Sqlite(row) => name.index(row),
            EngineRow::Postgres(row) => name.index(row),
        };
        match index {
            Ok(index) => T::from_cell(&Cell { row: self, index, name }),
            Err(_) => Err(Error::Decode {
                column: name.to_owned(),
                wanted: std::any::type_name::<T>(),
                found: "no such column".to_owned(),
            }),
        }
    }

    /// The column at that position, the first being 0.
    pub fn at<T: Column>(&self, index: usize) -> Result<T, Error> {
        let name = match &self.0 {
            EngineRow::Sqlite(row) => row.columns().get(index).map(|column| column.name()),
            EngineRow::Postgres(row) => row.columns().get(index).map(|column| column.name()),
        };
        match name {
            Some(name) => T::from_cell(&Cell { row: self, index, name }),
            None => Err(Error::Decode {
                column: index.to_string(),
                wanted: std::any::type_name::<T>(),
                found: "no such column".to_owned(),
            }),
        }
    }
}

/// One column of one row.
#[derive(Debug)]
pub struct Cell<'r> {
    row: &'r Row,
    index: usize,
    name: &'r str,
}

enum Raw<'r> {
    Sqlite(SqliteValueRef<'r>),
    Postgres(PgValueRef<'r>),
}

impl Cell<'_> {
    /// Whether it holds NULL.
    pub fn is_null(&self) -> bool {
        match self.raw() {
            Ok(Raw::Sqlite(value)) => value.is_null(),
            Ok(Raw::Postgres(value)) => value.is_null(),
            Err(_) => false,
        }
    }

    /// The error to return when it does not hold what was wanted.
    pub fn refuse(&self, wanted: &'static str, found: impl Into<String>) -> Error {
        Error::Decode { column: self.name.to_owned(), wanted, found: found.into() }
    }

    fn raw(&self) -> Result<Raw<'_>, Error> {
        let raw = match &self.row.0 {
            EngineRow::Sqlite(row) => row.try_get_raw(self.index).map(Raw::Sqlite),
            EngineRow::Postgres(row) => row.try_get_raw(self.index).map(Raw::Postgres),
        };
        raw.map_err(|error| self.refuse("a value", error.to_string()))
    }

    /// The value with its type's name as the engine gives it (SQLite: the storage class).
    fn typed(&self, wanted: &'static str) -> Result<(Raw<'_>, String), Error> {
        if self.is_null() {
            return Err(self.refuse(wanted, "NULL"));
        }
        let raw = self.raw()?;
        let name = match &raw {
            Raw::Sqlite(value) => value.type_info().name().to_owned(),
            Raw::Postgres(value) => value.type_info().name().to_owned(),
        };
        Ok((raw, name))
    }

    fn decoded<T>(
        &self,
        wanted: &'static str,
        result: Result<T, sqlx::error::BoxDynError>,
    ) -> Result<T, Error> {
        result.map_err(|error| self.refuse(wanted, error.to_string()))
    }

    fn sqlite_text(&self, wanted: &'static str, value: SqliteValueRef<'_>) -> Result<String, Error> {
        self.decoded(wanted, <String as Decode<'_, Sqlite>>::decode(value))
    }
}

/// A type a column can be read as. Ids and names of a domain implement it by wrapping what another type reads.
pub trait Column: Sized {
    /// Reads it, or says with [`Cell::refuse`] why not.
    fn from_cell(cell: &Cell<'_>) -> Result<Self, Error>;
}

impl<T: Column> Column for Option<T> {
    fn from_cell(cell: &Cell<'_>) -> Result<Option<T>, Error> {
        if cell.is_null() { Ok(None) } else { T::from_cell(cell).map(Some) }
    }
}

impl Column for i64 {
    fn from_cell(cell: &Cell<'_>) -> Result<i64, Error> {
        let wanted = "an integer";
        let (raw, kind) = cell.typed(wanted)?;
        match (raw, kind.as_str()) {
            (Raw::Sqlite(value), "INTEGER") => cell.decoded(wanted, Decode::<Sqlite>::decode(value)),
            (Raw::Postgres(value), "INT8") => cell.decoded(wanted, Decode::<Postgres>::decode(value)),
            (Raw::Postgres(value), "INT4") => {
                cell.decoded(wanted, Decode::<Postgres>::decode(value)).map(|it: i32| it.into())
            }
            (Raw::Postgres(value), "INT2") => {
                cell.decoded(wanted, Decode::<Postgres>::decode(value)).map(|it: i16| it.into())
            }
            _ => Err(cell.refuse(wanted, kind)),
        }
    }
}

impl Column for i32 {
    fn from_cell(cell: &Cell<'_>) -> Result<i32, Error> {
        let wide = i64::from_cell(cell)?;
        i32::try_from(wide).map_err(|_| cell.refuse("a 32-bit integer", wide.to_string()))
    }
}

impl Column for bool {
    fn from_cell(cell: &Cell<'_>) -> Result<bool, Error> {
        let wanted = "a boolean";
        let (raw, kind) = cell.typed(wanted)?;
        match (raw, kind.as_str()) {
            (Raw::Sqlite(value), "INTEGER") => match cell.decoded(wanted, Decode::<Sqlite>::decode(value))? {
                0_i64 => Ok(false),
                1 => Ok(true),
                other => Err(cell.refuse(wanted, other.to_string())),
            },
            (Raw::Postgres(value), "BOOL") => cell.decoded(wanted, Decode::<Postgres>::decode(value)),
            _ => Err(cell.refuse(wanted, kind)),
        }
    }
}

impl Column for String {
    fn from_cell(cell: &Cell<'_>) -> Result<String, Error> {
        let wanted = "text";
        let (raw, kind) = cell.typed(wanted)?;
        match (raw, kind.as_str()) {
            (Raw::Sqlite(value), "TEXT") => cell.sqlite_text(wanted, value),
            (Raw::Postgres(value), "TEXT" | "VARCHAR" | "CHAR" | "NAME") => {
                cell.decoded(wanted, Decode::<Postgres>::decode(value))
            }
            _ => Err(cell.refuse(wanted, kind)),
        }
    }
}

impl Column for Uuid {
    fn from_cell(cell: &Cell<'_>) -> Result<Uuid, Error> {
        let wanted = "a UUID";
        let (raw, kind) = cell.typed(wanted)?;
        match (raw, kind.as_str()) {
            (Raw::Sqlite(value), "TEXT") => {
                let text = cell.sqlite_text(wanted, value)?;
                Uuid::try_parse(&text).map_err(|_| cell.refuse(wanted, "another text"))
            }
            (Raw::Postgres(value), "UUID") => cell.decoded(wanted, Decode::<Postgres>::decode(value)),
            _ => Err(cell.refuse(wanted, kind)),
        }
    }
}

impl Column for Timestamp {
    fn from_cell(cell: &Cell<'_>) -> Result<Timestamp, Error> {
        let wanted = "a time";
        let (raw, kind) = cell.typed(wanted)?;
        match (raw, kind.as_str()) {
            (Raw::Sqlite(value), "INTEGER") => {
                let micros = cell.decoded(wanted, Decode::<Sqlite>::decode(value))?;
                Timestamp::from_microsecond(micros).map_err(|error| cell.refuse(wanted, error.to_string()))
            }
            (Raw::Postgres(value), "TIMESTAMPTZ") => {
                let time: jiff_sqlx::Timestamp = cell.decoded(wanted, Decode::<Postgres>::decode(value))?;
                Ok(time.to_jiff())
            }
            _ => Err(cell.refuse(wanted, kind)),
        }
    }
}

impl Column for serde_json::Value {
    fn from_cell(cell: &Cell<'_>) -> Result<serde_json::Value, Error> {
        let wanted = "a JSON document";
        let (raw, kind) = cell.typed(wanted)?;
        match (raw, kind.as_str()) {
            (Raw::Sqlite(value), "TEXT") => {
                let text = cell.sqlite_text(wanted, value)?;
                serde_json::from_str(&text).map_err(|error| cell.refuse(wanted, error.to_string()))
            }
            // A column declared JSONB has SQLite's NUMERIC affinity: a document that is a bare number is kept as one.
            (Raw::Sqlite(value), "INTEGER") => {
                let number: i64 = cell.decoded(wanted, Decode::<Sqlite>::decode(value))?;
                Ok(number.into())
            }
            (Raw::Sqlite(value), "REAL") => {
                let number: f64 = cell.decoded(wanted, Decode::<Sqlite>::decode(value))?;
                Ok(number.into())
            }
            (Raw::Postgres(value), "JSONB" | "JSON") => {
                cell.decoded(wanted, Decode::<Postgres>::decode(value))
            }
            _ => Err(cell.refuse(wanted, kind)),
        }
    }
}

impl Column for Vec<u8> {
    fn from_cell(cell: &Cell<'_>) -> Result<Vec<u8>, Error> {
        let wanted = "bytes";
        let (raw, kind) = cell.typed(wanted)?;
        match (raw, kind.as_str()) {
            (Raw::Sqlite(value), "BLOB") => cell.decoded(wanted, Decode::<Sqlite>::decode(value)),
            (Raw::Postgres(value), "BYTEA") => cell.decoded(wanted, Decode::<Postgres>::decode(value)),
            _ => Err(cell.refuse(wanted, kind)),
        }
    }
}

/// A type made from a row: structs by [`row!`](crate::row), tuples by position, or a single column.
pub trait FromRow: Sized {
    /// The columns that it reads by name, in order: what `{columns}` stands for in a statement. None where it reads by
    /// position.
    const COLUMNS: &'static [&'static str] = &[];

    /// Reads the row.
    fn from_row(row: &Row) -> Result<Self, Error>;
}

impl<T: Column> FromRow for T {
    fn from_row(row: &Row) -> Result<T, Error> {
        row.at(0)
    }
}

macro_rules! tuples {
    ($(($($type:ident $index:literal),*))*) => {$(
        impl<$($type: Column),*> FromRow for ($($type,)*) {
            fn from_row(row: &Row) -> Result<Self, Error> {
                Ok(($(row.at::<$type>($index)?,)*))
            }
        }
    )*};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
}

/// Declares a struct that is read from rows by its fields' names.
#[macro_export]
macro_rules! row {
    ($(
        $(#[$meta:meta])* $visible:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_visible:vis $field:ident: $type:ty),* $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        $visible struct $name { $($(#[$field_meta])* $field_visible $field: $type),* }

        impl $crate::FromRow for $name {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn from_row(row: &$crate::Row) -> ::std::result::Result<Self, $crate::Error> {
                ::std::result::Result::Ok($name {
                    $($field: row.get(stringify!($field).trim_start_matches("r#"))?),*
                })
            }
        }
    )*};
}
