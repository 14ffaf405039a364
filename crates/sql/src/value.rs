//! Arguments: the values a statement is called with, and how each engine stores them.
//! SQLite keeps ids and documents as text, times as whole microseconds, lists as JSON text for `json_each`.

use jiff::Timestamp;
use uuid::Uuid;

/// The type of an argument, which a NULL has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Text,
    Uuid,
    Time,
    Json,
    Bytes,
    Ints,
    Texts,
    Uuids,
    Times,
}

/// One argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null(Kind),
    Bool(bool),
    Int(i64),
    Text(String),
    Uuid(Uuid),
    Time(Timestamp),
    Json(serde_json::Value),
    Bytes(Vec<u8>),
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Uuids(Vec<Option<Uuid>>),
    Times(Vec<Option<Timestamp>>),
}

impl Value {
    /// Its type; a NULL's is the one it was declared with.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Null(kind) => *kind,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) => Kind::Int,
            Value::Text(_) => Kind::Text,
            Value::Uuid(_) => Kind::Uuid,
            Value::Time(_) => Kind::Time,
            Value::Json(_) => Kind::Json,
            Value::Bytes(_) => Kind::Bytes,
            Value::Ints(_) => Kind::Ints,
            Value::Texts(_) => Kind::Texts,
            Value::Uuids(_) => Kind::Uuids,
            Value::Times(_) => Kind::Times,
        }
    }
}

/// A type that can be an argument. Ids and names of a domain implement it by handing on what they wrap.
pub trait Argument {
    /// What it is to the database, also where it is absent.
    const KIND: Kind;

    /// The argument.
    fn into_value(self) -> Value;
}

impl<T: Argument> From<T> for Value {
    fn from(argument: T) -> Value {
        argument.into_value()
    }
}

impl<T: Argument> Argument for Option<T> {
    const KIND: Kind = T::KIND;

    fn into_value(self) -> Value {
        self.map_or(Value::Null(T::KIND), T::into_value)
    }
}

impl<T: Argument + Clone> Argument for &T {
    const KIND: Kind = T::KIND;

    fn into_value(self) -> Value {
        self.clone().into_value()
    }
}

macro_rules! arguments {
    ($($kind:ident: $type:ty = $value:expr;)*) => {$(
        impl Argument for $type {
            const KIND: Kind = Kind::$kind;

            fn into_value(self) -> Value {
                let convert: fn($type) -> _ = $value;
                Value::$kind(convert(self))
            }
        }
    )*};
}

arguments! {
    Bool: bool = |it| it;
    Int: i32 = i64::from;
    Int: i64 = |it| it;
    Int: u32 = i64::from;
    Text: String = |it| it;
    Uuid: Uuid = |it| it;
    Time: Timestamp = |it| it;
    Json: serde_json::Value = |it| it;
    Bytes: Vec<u8> = |it| it;
    Ints: Vec<i64> = some;
    Ints: Vec<Option<i64>> = |it| it;
    Texts: Vec<String> = some;
    Texts: Vec<Option<String>> = |it| it;
    Uuids: Vec<Uuid> = some;
    Uuids: Vec<Option<Uuid>> = |it| it;
    Times: Vec<Timestamp> = some;
    Times: Vec<Option<Timestamp>> = |it| it;
}

impl Argument for &str {
    const KIND: Kind = Kind::Text;

    fn into_value(self) -> Value {
        Value::Text(self.to_owned())
    }
}

fn some<T>(list: Vec<T>) -> Vec<Option<T>> {
    list.into_iter().map(Some).collect()
}

/// A statement's arguments in order, made by [`args!`](crate::args).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Args(Vec<Value>);

impl Args {
    pub(crate) fn values(&self) -> &[Value] {
        &self.0
    }

    pub(crate) fn into_values(self) -> Vec<Value> {
        self.0
    }
}

impl From<Vec<Value>> for Args {
    fn from(values: Vec<Value>) -> Args {
        Args(values)
    }
}

/// The arguments of a call, `$1` first: `args![id, "name", None::<i64>]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        $crate::Args::from(::std::vec![$($crate::Value::from($value)),*])
    };
}
