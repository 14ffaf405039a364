//! Turns a statement's text into an engine's: numbers the arguments and fills the dialect slots.
//! Pure; quoted text and comments pass through untouched.

use crate::Engine;

/// A text ready for an engine.
#[derive(Debug, PartialEq)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    /// How many arguments the caller gives.
    pub(crate) arguments: usize,
    /// Whether one more follows them: the manual clock, or NULL.
    pub(crate) wants_now: bool,
    /// Whether it only reads, so that SQLite's readers may run it.
    pub(crate) reads: bool,
}

pub(crate) fn render(
    engine: Engine,
    text: &str,
    columns: &'static [&'static str],
) -> Result<Rendered, String> {
    refuse_stars(text)?;
    let mut seen = Vec::new();
    collect_arguments(text, &mut seen)?;
    let arguments = seen.iter().copied().max().unwrap_or(0);
    if let Some(missing) = (1..=arguments).find(|number| !seen.contains(number)) {
        return Err(format!("uses ${arguments} but never ${missing}"));
    }
    let mut renderer = Renderer { engine, columns, now: arguments + 1, wants_now: false };
    let rendered = renderer.text(text)?;
    Ok(Rendered { text: rendered, arguments, wants_now: renderer.wants_now, reads: only_reads(text)? })
}

fn collect_arguments(text: &str, seen: &mut Vec<usize>) -> Result<(), String> {
    for piece in pieces(text)? {
        match piece {
            Piece::Argument(number) => seen.push(number),
            Piece::Slot(slot) => collect_arguments(slot, seen)?,
            Piece::Plain(_) | Piece::Quoted(_) => {}
        }
    }
    Ok(())
}

/// A prepared statement that reads "all columns" fails on PostgreSQL once a migration has added one.
fn refuse_stars(text: &str) -> Result<(), String> {
    for piece in pieces(text)? {
        let Piece::Plain(plain) = piece else { continue };
        for (at, _) in plain.match_indices('*') {
            let before = plain[..at].trim_end();
            let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            let lists = ["SELECT", "RETURNING", "DISTINCT", "ALL"];
            let is_list = lists.iter().any(|list| word.eq_ignore_ascii_case(list));
            if is_list || before.ends_with(['.', ',']) {
                return Err("name the columns instead of `*`".to_owned());
            }
        }
    }
    Ok(())
}

fn only_reads(text: &str) -> Result<bool, String> {
    let mut words = Vec::new();
    for piece in pieces(text)? {
        if let Piece::Plain(plain) = piece {
            let is_end = |c: char| !c.is_alphanumeric() && c != '_';
            words.extend(plain.split(is_end).filter(|word| !word.is_empty()).map(str::to_uppercase));
        }
    }
    let writes = |word: &String| matches!(word.as_str(), "INSERT" | "UPDATE" | "DELETE" | "REPLACE");
    Ok(match words.first().map(String::as_str) {
        Some("SELECT" | "VALUES") => true,
        Some("WITH") => !words.iter().any(writes),
        _ => false,
    })
}

struct Renderer {
    engine: Engine,
    columns: &'static [&'static str],
    now: usize,
    wants_now: bool,
}

impl Renderer {
    fn text(&mut self, text: &str) -> Result<String, String> {
        let mut rendered = String::with_capacity(text.len() + 64);
        for piece in pieces(text)? {
            match piece {
                Piece::Plain(same) | Piece::Quoted(same) => rendered.push_str(same),
                Piece::Argument(number) => rendered.push_str(&self.argument(number)),
                Piece::Slot(slot) => rendered.push_str(&self.slot(slot)?),
            }
        }
        Ok(rendered)
    }

    fn argument(&self, number: usize) -> String {
        match self.engine {
            Engine::Sqlite => format!("?{number}"),
            Engine::Postgres => format!("${number}"),
        }
    }

    fn slot(&mut self, slot: &str) -> Result<String, String> {
        let slot = slot.trim();
        if let Some(milliseconds) = slot.strip_prefix("now+") {
            let now = self.current_time();
            return self.sum(now, milliseconds);
        }
        match slot {
            "now" => return Ok(self.current_time()),
            "skip_locked" => return Ok(self.on_postgres("FOR UPDATE SKIP LOCKED")),
            "columns" => return self.columns_of(""),
            "for_update" => return Ok(self.on_postgres("FOR UPDATE")),
            _ => {}
        }
        let unknown = || format!("there is no slot {{{slot}}}");
        let (name, inner) =
            slot.strip_suffix(')').and_then(|call| call.split_once('(')).ok_or_else(unknown)?;
        let postgres_type = match name {
            "plus" => {
                let (time, milliseconds) = split_last_comma(inner)?.ok_or_else(unknown)?;
                let time = self.text(time.trim())?;
                return self.sum(format!("({time})"), milliseconds);
            }
            "any" => return self.any(inner),
            "columns" => return self.columns_of(&format!("{}.", inner.trim())),
            "text" => "text",
            "uuid" => "uuid",
            "time" => "timestamptz",
            "int" => "bigint",
            "bool" => "boolean",
            "json" => "jsonb",
            "bytes" => "bytea",
            "texts" => "text[]",
            "uuids" => "uuid[]",
            "times" => "timestamptz[]",
            "ints" => "bigint[]",
            _ => return Err(unknown()),
        };
        let inner = self.text(inner)?;
        Ok(match self.engine {
            Engine::Sqlite => format!("({inner})"),
            Engine::Postgres => format!("({inner})::{postgres_type}"),
        })
    }

    fn on_postgres(&self, text: &str) -> String {
        match self.engine {
            Engine::Sqlite => String::new(),
            Engine::Postgres => text.to_owned(),
        }
    }

    fn columns_of(&self, table: &str) -> Result<String, String> {
        if self.columns.is_empty() {
            return Err("it names no row type whose columns {columns} could be".to_owned());
        }
        let named = self.columns.iter().map(|name| format!("{table}{}", name.trim_start_matches("r#")));
        Ok(named.collect::<Vec<_>>().join(", "))
    }

    fn any(&mut self, list: &str) -> Result<String, String> {
        let list = self.text(list)?;
        Ok(match self.engine {
            Engine::Sqlite => format!("IN (SELECT value FROM json_each({list}))"),
            Engine::Postgres => format!("= ANY({list})"),
        })
    }

    fn current_time(&mut self) -> String {
        self.wants_now = true;
        let manual = self.argument(self.now);
        match self.engine {
            // SQLite's clock has milliseconds; rounded, because a floating point second is not always whole.
            Engine::Sqlite => {
                format!("COALESCE({manual}, CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000)")
            }
            Engine::Postgres => format!("COALESCE({manual}::timestamptz, now())"),
        }
    }

    fn sum(&mut self, time: String, milliseconds: &str) -> Result<String, String> {
        let milliseconds = self.text(milliseconds.trim())?;
        Ok(match self.engine {
            Engine::Sqlite => format!("({time} + ({milliseconds}) * 1000)"),
            Engine::Postgres => format!("({time} + ({milliseconds})::bigint * interval '1 millisecond')"),
        })
    }
}

/// Splits `time, milliseconds` at the last comma that is in no parentheses, quotes or slot.
fn split_last_comma(inner: &str) -> Result<Option<(&str, &str)>, String> {
    let (mut depth, mut offset, mut found) = (0_i32, 0, None);
    for piece in pieces(inner)? {
        if let Piece::Plain(plain) = piece {
            for (at, byte) in plain.bytes().enumerate() {
                match byte {
                    b'(' => depth += 1,
                    b')' => depth -= 1,
                    b',' if depth == 0 => found = Some(offset + at),
                    _ => {}
                }
            }
        }
        offset += piece.width();
    }
    Ok(found.map(|at| (&inner[..at], &inner[at + 1..])))
}

#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Plain(&'a str),
    /// A string, a quoted name or a comment, with its marks.
    Quoted(&'a str),
    Argument(usize),
    /// What stands between the braces.
    Slot(&'a str),
}

impl Piece<'_> {
    fn width(&self) -> usize {
        match self {
            Piece::Plain(text) | Piece::Quoted(text) => text.len(),
            Piece::Slot(text) => text.len() + 2,
            Piece::Argument(number) => 1 + number.to_string().len(),
        }
    }
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let plain = plain_width(rest);
        if plain > 0 {
            found.push(Piece::Plain(&rest[..plain]));
            rest = &rest[plain..];
            continue;
        }
        let (piece, width) = match rest.as_bytes()[0] {
            b'{' => {
                let width = slot_width(rest)?;
                (Piece::Slot(&rest[1..width - 1]), width)
            }
            b'}' => return Err("there is a } without its {".to_owned()),
            b'$' => {
                let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                let number = rest[1..=digits].parse().map_err(|_| "an argument's number is too big")?;
                if number == 0 || rest.as_bytes()[1] == b'0' {
                    return Err("arguments are counted from $1".to_owned());
                }
                (Piece::Argument(number), digits + 1)
            }
            _ => {
                let width = quoted_width(rest)?;
                (Piece::Quoted(&rest[..width]), width)
            }
        };
        found.push(piece);
        rest = &rest[width..];
    }
    Ok(found)
}

/// How much of the text begins with nothing special. Only bytes below 128 are special, so it ends between characters.
fn plain_width(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_special = |at: &usize| match bytes[*at] {
        b'{' | b'}' | b'\'' | b'"' => true,
        b'$' => bytes.get(at + 1).is_some_and(u8::is_ascii_digit),
        b'-' => bytes.get(at + 1) == Some(&b'-'),
        b'/' => bytes.get(at + 1) == Some(&b'*'),
        _ => false,
    };
    (0..bytes.len()).find(is_special).unwrap_or(bytes.len())
}

fn quoted_width(text: &str) -> Result<usize, String> {
    let (open, close) = match text.as_bytes()[0] {
        b'\'' => (1, "'"),
        b'"' => (1, "\""),
        b'-' => return Ok(text.find('\n').unwrap_or(text.len())),
        _ => (2, "*/"),
    };
    match text[open..].find(close) {
        Some(at) => Ok(open + at + close.len()),
        None => Err(format!("a quote or comment has no end: {text}")),
    }
}

fn slot_width(text: &str) -> Result<usize, String> {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let plain = plain_width(&text[at..]);
        if plain > 0 {
            at += plain;
            continue;
        }
        match text.as_bytes()[at] {
            b'{' => (depth, at) = (depth + 1, at + 1),
            b'}' => (depth, at) = (depth - 1, at + 1),
            b'$' => at += 1,
            _ => at += quoted_width(&text[at..])?,
        }
        if depth == 0 {
            return Ok(at);
        }
    }
    Err(format!("a slot has no end: {text}"))
}

#[cfg(test)]
mod tests;
