//! A source file taken apart just enough for the rules: its code without comments and text, and its texts.
//! What stands in an inline `#[cfg(test)]` module, by custom the last thing in a file, is not looked at.

use std::fs;
use std::path::{Path, PathBuf};

/// One file.
#[derive(Clone, Debug)]
pub struct Source {
    /// From the root of the workspace, with `/`.
    pub path: String,
    pub lines: usize,
    pub opens_with_its_purpose: bool,
    /// The code, with comments left out and an empty string in place of each string.
    pub code: String,
    /// The strings of the code.
    pub strings: Vec<String>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let (code, strings) = take_apart(before_tests(text));
        Source {
            path: path.to_owned(),
            lines: text.lines().count(),
            opens_with_its_purpose: text.starts_with("//!") || text.starts_with("#![doc = include_str!("),
            code,
            strings,
        }
    }

    /// Every Rust file of crates/*/src.
    pub fn all() -> Vec<Source> {
        of_crates("src")
    }

    /// Every Rust file of crates/*/tests, and those of src that are test code, whole.
    pub fn tests() -> Vec<Source> {
        let mut tests = of_crates("tests");
        let inline = files("src").into_iter().filter_map(|(path, text)| {
            let start = text.find("#[cfg(test)]")?;
            let (code, strings) = take_apart(&text[start + "#[cfg(test)]".len()..]);
            Some(Source { code, strings, ..Source::new(&path, "") })
        });
        tests.extend(inline);
        tests.extend(Source::all().into_iter().filter(Source::is_test));
        tests
    }

    /// Whether the whole file is test code.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// Its name without the folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it lies in a folder of that name, however deep.
    pub fn is_in(&self, folder: &str) -> bool {
        self.path.contains(&format!("/{folder}/"))
    }

    /// Whether the code has this word, not merely as a part of another.
    pub fn has_word(&self, word: &str) -> bool {
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        self.code.match_indices(word).any(|(at, _)| {
            let (before, after) = (&self.code[..at], &self.code[at + word.len()..]);
            !is_part(before.chars().next_back()) && !is_part(after.chars().next())
        })
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn of_crates(folder: &str) -> Vec<Source> {
    files(folder).iter().map(|(path, text)| Source::new(path, text)).collect()
}

fn files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<_> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join(folder))
        .collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// A declaration `#[cfg(test)] mod tests;` has its tests elsewhere and code may follow; a module with a body ends the code.
fn before_tests(text: &str) -> &str {
    let starts = text.match_indices("#[cfg(test)]").map(|(at, _)| at);
    let has_body = |at: &usize| {
        let rest = &text[*at..];
        let opens = rest.find('{').unwrap_or(usize::MAX);
        rest.find("mod ").is_some_and(|module| module < opens) && opens < rest.find(';').unwrap_or(usize::MAX)
    };
    starts.into_iter().find(has_body).map_or(text, |at| &text[..at])
}

fn take_apart(text: &str) -> (String, Vec<String>) {
    let (mut code, mut strings, mut rest) = (String::new(), Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let width = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment_width(rest)
        } else if let Some((open, width, close)) = string_bounds(rest, &code) {
            strings.push(rest[open..width - close].to_owned());
            code.push_str("\"\"");
            width
        } else if let Some(width) = character_width(rest) {
            code.push_str("' '");
            width
        } else {
            code.push(first);
            first.len_utf8()
        };
        rest = &rest[width..];
    }
    (code, strings)
}

fn comment_width(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Where a string that begins here has its content, where it ends, and how long its closing mark is.
fn string_bounds(text: &str, before: &str) -> Option<(usize, usize, usize)> {
    let follows_a_name = before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
    let prefix =
        if follows_a_name { 0 } else { text.bytes().take_while(|byte| matches!(byte, b'b' | b'c')).count() };
    let raw = text[prefix..].strip_prefix('r').filter(|_| !follows_a_name);
    if let Some(raw) = raw {
        let hashes = raw.bytes().take_while(|byte| *byte == b'#').count();
        let open = prefix + 1 + hashes + 1;
        if raw[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let end = text[open..].find(&close).map_or(text.len() - close.len(), |at| open + at);
            return Some((open, end + close.len(), close.len()));
        }
    }
    let content = text[prefix..].strip_prefix('"')?;
    let mut escaped = false;
    let end = content.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some((prefix + 1, prefix + 1 + end + 1, 1))
}

/// A character, and not a lifetime: it has a closing mark after one character or escape.
fn character_width(text: &str) -> Option<usize> {
    let content = text.strip_prefix('\'')?;
    let width = if content.starts_with('\\') {
        2 + content[2..].find('\'')?
    } else {
        content.chars().next()?.len_utf8()
    };
    content[width..].starts_with('\'').then_some(width + 2)
}
