//! The documents under test: what they name exists. A path exists from the root or from the folder in the heading above;
//! `name()` is defined in a file named in the same paragraph, as is a test's name; a `Type` is defined somewhere.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 4] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "docs/performance.md"];

/// One paragraph, list item or row of a table, with the folder that its heading names.
#[derive(Debug, Default, Clone)]
struct Block {
    line: usize,
    folder: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn blocks(document: &str) -> Vec<Block> {
    let (mut blocks, mut folder, mut is_code) = (Vec::new(), String::new(), false);
    let mut block = Block::default();
    for (at, line) in document.lines().enumerate() {
        let is_fence = line.starts_with("```");
        let begins = line.is_empty() || is_fence || line.starts_with(['|', '#']) || is_item(line);
        if begins {
            blocks.push(std::mem::take(&mut block));
            block = Block { line: at + 1, folder: folder.clone(), text: String::new() };
        }
        if line.starts_with('#') {
            folder = quoted(line).into_iter().find(|name| name.ends_with('/')).unwrap_or_default();
            block.folder.clone_from(&folder);
        }
        is_code ^= is_fence;
        if !is_code && !is_fence {
            block.text.push_str(line);
            block.text.push('\n');
        }
    }
    blocks.push(block);
    blocks
}

fn is_item(line: &str) -> bool {
    let marker = line.split(' ').next().unwrap_or_default();
    marker == "-" || marker.strip_suffix('.').is_some_and(|number| number.parse::<u32>().is_ok())
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(|name| name.replace('\n', " ")).collect()
}

/// What `[…](…)` leads to in this repository.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
    targets.filter(|target| !target.contains("://") && !target.starts_with('#')).collect()
}

const ENDINGS: [&str; 6] = [".rs", ".sql", ".toml", ".md", ".py", "/"];

fn is_path(name: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "._-/".contains(it);
    name.chars().all(is_plain)
        && !name.starts_with('/')
        && ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn is_constant(name: &str) -> bool {
    name.len() > 4 && !name.starts_with('_') && name.chars().all(|it| it.is_ascii_uppercase() || it == '_')
}

fn is_type(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_uppercase())
        && name.contains(|it: char| it.is_ascii_lowercase())
        && name.chars().all(|it| it.is_ascii_alphanumeric())
}

/// A test is a sentence.
fn is_sentence(name: &str) -> bool {
    name.matches('_').count() >= 3
        && name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}

/// Names of the outside world, or of files that stand in many folders.
const KNOWN: [&str; 9] =
    ["http.rs", "mod.rs", "store.rs", "http/", "console/", "arcadia.toml", "Location", "Outcome", "Result"];

struct Tree {
    root: PathBuf,
    /// All Rust files of the workspace but this one, for types and constants.
    files: Vec<String>,
}

impl Tree {
    fn read() -> Tree {
        let root = root();
        let mut files = Vec::new();
        for folder in ["crates", "xtask", "benches"] {
            gather(&root.join(folder), &mut files);
        }
        Tree { root, files }
    }

    fn find(&self, block: &Block, name: &str) -> Option<PathBuf> {
        let beside = self.root.join(&block.folder).join(name);
        [self.root.join(name), beside].into_iter().find(|path| path.exists())
    }

    /// Everything in the block that does not exist.
    fn untrue(&self, block: &Block) -> Vec<String> {
        let names = quoted(&block.text);
        let paths: Vec<&String> = names.iter().filter(|name| is_path(name)).collect();
        let mut code = String::new();
        let mut untrue = Vec::new();
        for path in paths {
            match self.find(block, path) {
                Some(file) if file.is_file() => code.push_str(&fs::read_to_string(file).unwrap()),
                Some(_) => {}
                None if KNOWN.contains(&path.as_str()) => {}
                None => untrue.push(format!("there is no `{path}`")),
            }
        }
        for name in names.iter().filter(|name| !is_path(name) && !KNOWN.contains(&name.as_str())) {
            if let Some(problem) = self.unknown(name, &code) {
                untrue.push(problem);
            }
        }
        for target in links(&block.text) {
            if !self.root.join(&target).exists() {
                untrue.push(format!("there is nothing at {target}"));
            }
        }
        untrue.into_iter().map(|problem| format!("line {}: {problem}", block.line)).collect()
    }

    fn unknown(&self, name: &str, named_code: &str) -> Option<String> {
        if let Some(call) = name.strip_suffix("()") {
            let function = call.rsplit("::").next().unwrap_or(call);
            return (!defines(named_code, "fn", function))
                .then(|| format!("no file named beside it has `{name}`"));
        }
        if is_sentence(name) {
            let is_there = ["fn", "mod"].iter().any(|kind| defines(named_code, kind, name));
            return (!is_there && !self.is_step(name))
                .then(|| format!("no file named beside it has a `{name}`"));
        }
        if let Some((owner, variant)) = name.split_once("::").filter(|(owner, _)| is_type(owner)) {
            let is_there = self.homes(owner).any(|home| defines(home, "", variant));
            return (!is_there).then(|| format!("there is no `{name}`"));
        }
        let is_missing = (is_type(name) && self.homes(name).next().is_none())
            || (is_constant(name) && !self.has([format!("{name} ="), format!("\"{name}\"")]));
        is_missing.then(|| format!("there is no `{name}`"))
    }

    fn has(&self, texts: impl IntoIterator<Item = String>) -> bool {
        texts.into_iter().any(|text| self.files.iter().any(|file| file.contains(&text)))
    }

    /// The files that define a type.
    fn homes<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t str> {
        let is_home =
            |file: &&String| ["struct", "enum", "trait", "type"].iter().any(|kind| defines(file, kind, name));
        self.files.iter().filter(is_home).map(String::as_str)
    }

    /// Names of steps and plans read as sentences too.
    fn is_step(&self, name: &str) -> bool {
        self.has([format!("\"{name}\"")])
    }
}

fn defines(code: &str, kind: &str, name: &str) -> bool {
    let wanted = format!("{kind} {name}");
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    code.match_indices(&wanted).any(|(at, found)| ends(&code[at + found.len()..]))
}

fn gather(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !path.ends_with("tests/documents.rs")
        {
            files.push(fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn what_the_documents_name_exists() {
    let tree = Tree::read();
    let mut problems = Vec::new();
    for name in DOCUMENTS {
        let text = fs::read_to_string(tree.root.join(name)).unwrap();
        let untrue = blocks(&text).into_iter().flat_map(|block| tree.untrue(&block));
        problems.extend(untrue.map(|problem| format!("{name}, {problem}")));
    }
    assert!(problems.is_empty(), "{} things are not so:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn the_walk_through_names_enough_to_be_followed() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let names: Vec<String> = blocks(&text).iter().flat_map(|block| quoted(&block.text)).collect();
    let files = names.iter().filter(|name| is_path(name)).count();
    let functions = names.iter().filter(|name| name.ends_with("()")).count();
    assert!(
        files > 80 && functions > 50,
        "only {files} files and {functions} functions: nothing is being looked at"
    );
}

/// Everything untrue in a document of these lines.
fn untrue(document: &str) -> Vec<String> {
    let tree = Tree::read();
    blocks(document).into_iter().flat_map(|block| tree.untrue(&block)).collect()
}

#[test]
fn what_does_not_exist_is_found() {
    for text in [
        "`crates/saga/src/gone.rs`",
        "`crates/saga/gone/`",
        "`gone()` in `crates/saga/src/plan.rs`",
        "`check()`, elsewhere than in `crates/saga/src/id.rs`",
        "`check()` in no file",
        "`a_test_that_is_gone`, in `crates/saga/tests/engine/forward.rs`",
        "`Halt::Gone`",
        "`GoneType`",
        "`GONE_STATEMENT`",
        "[gone](crates/gone)",
    ] {
        assert_eq!(untrue(text).len(), 1, "{text}: {:?}", untrue(text));
    }
    assert_eq!(untrue("| `gone()` |\n| `crates/saga/src/plan.rs` |").len(), 1, "each row stands for itself");
}

#[test]
fn what_exists_is_found_where_the_document_says() {
    for text in [
        "`check()` in `crates/saga/src/plan.rs`",
        "## The engine (`crates/saga/src/`)\n\n- `plan.rs`: `Registry::plan()`",
        "`three_echoes_complete_with_three_outputs`, in `crates/saga/tests/engine/forward.rs`",
        "`Halt::Wait`, `SagaRow`, `CLAIM_DUE`",
        "```sh\n`gone.rs`\n```",
        "[sql](crates/sql) and [elsewhere](https://example.com/gone)",
    ] {
        assert_eq!(untrue(text), Vec::<String>::new(), "{text}");
    }
}
