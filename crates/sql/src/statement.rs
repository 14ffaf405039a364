//! A statement: a name and one text for both engines, or two texts where they must part.
//! Made only by [`statements!`](crate::statements), which also lists every statement of its module for the test that prepares them all.

use std::fmt;
use std::sync::OnceLock;

use crate::render::{Rendered, render};
use crate::value::Kind;
use crate::{Args, Engine, Error};

/// A named SQL statement, rendered once for each engine when it is first used.
pub struct Statement {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    columns: &'static [&'static str],
    rendered: [OnceLock<Rendered>; 2],
    kinds: OnceLock<Vec<Kind>>,
}

impl Statement {
    #[doc(hidden)]
    pub const fn declare(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Statement {
        let rendered = [const { OnceLock::new() }; 2];
        Statement { name, sqlite, postgres, columns: &[], rendered, kinds: OnceLock::new() }
    }

    #[doc(hidden)]
    pub const fn reading(mut self, columns: &'static [&'static str]) -> Statement {
        self.columns = columns;
        self
    }

    /// The name it was declared under.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The text as it is sent to `engine`. Panics when the text has a slot that does not exist, or a
    /// `*` for columns.
    pub fn text(&self, engine: Engine) -> &str {
        &self.rendered(engine).text
    }

    pub(crate) fn rendered(&self, engine: Engine) -> &Rendered {
        let (cache, text) = match engine {
            Engine::Sqlite => (&self.rendered[0], self.sqlite),
            Engine::Postgres => (&self.rendered[1], self.postgres),
        };
        cache.get_or_init(|| match render(engine, text, self.columns) {
            Ok(rendered) => rendered,
            Err(problem) => panic!("statement {}: {problem}", self.name),
        })
    }

    /// PostgreSQL keeps a prepared statement with the types of its first call, so all calls must agree.
    pub(crate) fn check(&self, engine: Engine, args: &Args) -> Result<(), Error> {
        let refuse = |problem: String| Err(Error::Arguments { statement: self.name, problem });
        let wanted = self.rendered(engine).arguments;
        if args.values().len() != wanted {
            return refuse(format!("takes {wanted} arguments, was given {}", args.values().len()));
        }
        let kinds = self.kinds.get_or_init(|| args.values().iter().map(|value| value.kind()).collect());
        for (at, (value, first)) in args.values().iter().zip(kinds).enumerate() {
            if value.kind() != *first {
                return refuse(format!("${} was {first:?} before and is {:?} now", at + 1, value.kind()));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Statement").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Declares statements: `/// doc` `pub(crate) NAME = "text";` or `NAME = sqlite "…" postgres "…";`;
/// texts that macros make stand in parentheses there. `NAME: RowType = "text";` makes that type's columns known to it.
///
/// `SELECT *` is refused: a server that keeps the statement prepared fails it when a migration adds a column.
///
/// Each becomes a `static NAME: Statement`; `STATEMENTS` lists all of the module, so a module has one such block.
/// Arguments are `$1`, `$2`, …; the slots are
///
/// | slot | meaning |
/// | --- | --- |
/// | `{now}`, `{now+$1}` | the database's clock, and that plus so many milliseconds; needs no argument of the caller |
/// | `{plus(time, $1)}` | a time plus so many milliseconds |
/// | `{skip_locked}`, `{for_update}` | row locks; nothing on SQLite, which has one writer |
/// | `{columns}`, `{columns(t)}` | the columns of the statement's row type, by their names, of `t` |
/// | `{any($1)}` | `= ANY` of a list argument |
/// | `{text($1)}`, `{uuid($1)}`, `{time($1)}`, `{int($1)}`, `{bool($1)}`, `{json($1)}`, `{bytes($1)}` | the argument's type, where PostgreSQL cannot tell |
/// | `{texts($1)}`, `{uuids($1)}`, `{times($1)}`, `{ints($1)}` | the same for lists |
#[macro_export]
macro_rules! statements {
    (@declare [$($done:ident)*]) => {
        /// Every statement of this module.
        #[allow(dead_code, unreachable_pub)]
        pub static STATEMENTS: &[&$crate::Statement] = &[$(&$done),*];
    };
    (@declare [$($done:ident)*] $(#[$meta:meta])* $visible:vis $name:ident = sqlite $sqlite:literal postgres $postgres:literal; $($rest:tt)*) => {
        $(#[$meta])*
        $visible static $name: $crate::Statement =
            $crate::Statement::declare(stringify!($name), $sqlite, $postgres);
        $crate::statements! { @declare [$($done)* $name] $($rest)* }
    };
    (@declare [$($done:ident)*] $(#[$meta:meta])* $visible:vis $name:ident = sqlite ($sqlite:expr) postgres ($postgres:expr); $($rest:tt)*) => {
        $(#[$meta])*
        $visible static $name: $crate::Statement =
            $crate::Statement::declare(stringify!($name), $sqlite, $postgres);
        $crate::statements! { @declare [$($done)* $name] $($rest)* }
    };
    (@declare [$($done:ident)*] $(#[$meta:meta])* $visible:vis $name:ident: $row:ident = $text:expr; $($rest:tt)*) => {
        $(#[$meta])*
        $visible static $name: $crate::Statement = $crate::Statement::declare(stringify!($name), $text, $text)
            .reading(<$row as $crate::FromRow>::COLUMNS);
        $crate::statements! { @declare [$($done)* $name] $($rest)* }
    };
    (@declare [$($done:ident)*] $(#[$meta:meta])* $visible:vis $name:ident = $text:expr; $($rest:tt)*) => {
        $(#[$meta])*
        $visible static $name: $crate::Statement =
            $crate::Statement::declare(stringify!($name), $text, $text);
        $crate::statements! { @declare [$($done)* $name] $($rest)* }
    };
    (@declare $($unreadable:tt)*) => {
        compile_error!("a statement is `pub(crate) NAME = \"text\";` or `pub(crate) NAME = sqlite \"text\" postgres \"text\";`");
    };
    ($($all:tt)*) => {
        $crate::statements! { @declare [] $($all)* }
    };
}
