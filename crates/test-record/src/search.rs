//! The search: every line of every file of a folder, for the needle as it is, in base64 and as numbers, and for
//! anything of the form of a signed token.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::NEEDLE;

/// Enough to see where it comes from, short enough for a terminal.
const SHOWN_CHARS: usize = 300;

/// What was searched, and what should not have been there.
#[derive(Debug, Default)]
pub struct Searched {
    /// Bytes that each program has left, by the program's name.
    pub bytes: BTreeMap<String, u64>,
    pub found: Vec<Found>,
}

/// A line that shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub file: String,
    pub line: usize,
    /// The part of the line around the secret.
    pub text: String,
}

impl Searched {
    pub fn total_bytes(&self) -> u64 {
        self.bytes.values().sum()
    }
}

/// Searches the files of `folder`.
pub fn search(folder: &Path) -> io::Result<Searched> {
    let forms = forms(NEEDLE);
    let mut searched = Searched::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let mut lines = BufReader::with_capacity(1 << 16, File::open(entry.path())?);
        let (mut bytes, mut number, mut line) = (0, 0, Vec::new());
        loop {
            line.clear();
            match lines.read_until(b'\n', &mut line)? {
                0 => break,
                read => bytes += read as u64,
            }
            number += 1;
            let text = String::from_utf8_lossy(&line);
            if let Some(at) = secret(&text, &forms) {
                searched.found.push(Found { file: file.clone(), line: number, text: around(&text, at) });
            }
        }
        let program = file.trim_end_matches(".log");
        let program = program.rsplit_once('-').map_or(program, |(program, _)| program);
        *searched.bytes.entry(program.to_owned()).or_default() += bytes;
    }
    Ok(searched)
}

/// Where the first secret begins.
fn secret(text: &str, forms: &[String]) -> Option<usize> {
    forms.iter().find_map(|form| text.find(form.as_str())).or_else(|| signed_token(text))
}

/// As it is, as base64 has it at each of three offsets, and as the debug output of bytes.
fn forms(needle: &str) -> Vec<String> {
    let numbers: Vec<String> = needle.bytes().map(|byte| byte.to_string()).collect();
    let mut forms = vec![needle.to_owned(), numbers.join(", ")];
    forms.extend((0..3).map(|offset| base64_within(needle.as_bytes(), offset)));
    forms
}

/// The characters that depend on `bytes` alone, whatever `offset` bytes stand before and whatever comes after.
fn base64_within(bytes: &[u8], offset: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole: Vec<u8> = std::iter::repeat_n(0, offset).chain(bytes.iter().copied()).collect();
    let sextets = whole.chunks_exact(3).flat_map(|three| {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]))
    });
    // The first characters still carry bits of what stands before.
    sextets.skip(if offset == 0 { 0 } else { offset + 1 }).collect()
}

/// Three parts of base64url between points, the first an object in JSON, the last a signature.
fn signed_token(text: &str) -> Option<usize> {
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let mut from = 0;
    while let Some(at) = text[from..].find("eyJ").map(|at| from + at) {
        let mut parts = text[at..].split('.').map(|part| part.find(|it| !is_part(it)).unwrap_or(part.len()));
        let lengths = [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default);
        let ends_in_points = text[at + lengths[0]..].starts_with('.')
            && text[at + lengths[0] + 1..].get(lengths[1]..).is_some_and(|rest| rest.starts_with('.'));
        if ends_in_points && lengths[0] > 10 && lengths[1] > 10 && lengths[2] >= 32 {
            return Some(at);
        }
        from = at + 3;
    }
    None
}

fn around(text: &str, at: usize) -> String {
    let before = text[..at].chars().rev().take(SHOWN_CHARS / 2).count();
    let skipped = text[..at].chars().count() - before;
    text.trim_end().chars().skip(skipped).take(SHOWN_CHARS).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// Unsigned, so that this file shows none.
    const HEAD_AND_CLAIMS: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyb290In0";

    fn found(text: &str) -> bool {
        secret(text, &forms(NEEDLE)).is_some()
    }

    #[test]
    fn the_needle_is_found_in_each_of_its_forms() {
        assert!(found(&format!("GET / bearer dop_v1_{NEEDLE}00")));
        assert!(found(&format!("{:?}", format!("x{NEEDLE}y").as_bytes())));
        // What `base64` prints for the needle after none, one and two bytes.
        for encoded in ["NWVjMmU3bjMzZDFl", "eDVlYzJlN24zM2QxZQ==", "eHg1ZWMyZTduMzNkMWU="] {
            assert!(found(encoded), "{encoded}");
        }
        assert!(!found("GET / bearer [token]"));
    }

    #[test]
    fn a_signed_token_is_found_by_its_form_and_an_unsigned_one_is_none() {
        let signature = "x".repeat(43);
        assert!(found(&format!("authorization: Bearer {HEAD_AND_CLAIMS}.{signature}\"")));
        assert!(found(&format!("eyJ.eyJ {HEAD_AND_CLAIMS}.{signature}")));
        for harmless in [HEAD_AND_CLAIMS.to_owned(), format!("{HEAD_AND_CLAIMS}."), "eyJ".to_owned()] {
            assert!(!found(&harmless), "{harmless}");
        }
        assert!(!found(&format!("{HEAD_AND_CLAIMS} {signature}.{signature}")));
    }

    #[test]
    fn a_folder_s_files_are_searched_line_by_line_and_counted_by_program() {
        let folder = tempfile::tempdir().unwrap();
        let leak = format!("one\ntwo \u{fc} {NEEDLE}\n");
        fs::write(folder.path().join("api-7.log"), &leak).unwrap();
        fs::write(folder.path().join("api-8.log"), [b"\xff\n", leak.as_bytes()].concat()).unwrap();
        fs::write(folder.path().join("command_line-9.log"), "nothing\n").unwrap();
        let mut searched = search(folder.path()).unwrap();
        searched.found.sort_by_key(|found| found.line);
        let places: Vec<_> = searched.found.iter().map(|it| (it.file.as_str(), it.line)).collect();
        assert_eq!(places, [("api-7.log", 2), ("api-8.log", 3)]);
        assert_eq!(searched.found[0].text, format!("two \u{fc} {NEEDLE}"));
        let bytes = leak.len() as u64;
        let expected = BTreeMap::from([("api".into(), 2 * bytes + 2), ("command_line".into(), 8)]);
        assert_eq!((searched.bytes.clone(), searched.total_bytes()), (expected, 2 * bytes + 10));
    }
}
